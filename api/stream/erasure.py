"""Forgetting reaches what came in by the stream: events, dead letters, and tweets that nobody has read yet."""

import logging
from collections.abc import Iterator
from itertools import islice

import orjson
from django.conf import settings
from django.utils import timezone

from api.lib import audit_log, database, pseudonyms, suppression
from api.models import DeadLetter, StreamEvent
from api.stream import processing
from api.stream.messages import BadMessage, decode
from api.stream.sources import SourceUnavailable, StreamUnavailable
from hate_speech_ai.text import MAX_CHARS, fingerprint

logger = logging.getLogger(__name__)
_BATCH = 500


class _Wanted:
    """What is to be forgotten: all that is given must agree."""

    def __init__(self, text: str, external_id: str, author: str) -> None:
        self.given = [name for name in (text, external_id, author) if name]
        self._fingerprint = fingerprint(text[:MAX_CHARS]) if text else ""
        self._external_id, self._author = external_id, author
        self._authors = pseudonyms.pseudonyms(author) if author else []

    def events(self) -> list[tuple[int, str]]:
        """Return the number and fingerprint of each event that agrees."""
        rows = StreamEvent.objects.all()
        if self._fingerprint:
            rows = rows.filter(fingerprint=self._fingerprint)
        if self._external_id:
            rows = rows.filter(external_id=self._external_id)
        if self._authors:
            rows = rows.filter(author__in=self._authors)
        return list(rows.values_list("pk", "fingerprint"))

    def is_named_in(self, payload: bytes) -> bool:
        """Return whether a message agrees, also one that cannot be worked on."""
        try:
            content = orjson.loads(payload)
        except orjson.JSONDecodeError:
            content = None
        if not isinstance(content, dict):
            said = payload.decode("utf-8", errors="replace")
            return all(name in said for name in self.given)
        tweet = str(content.get("tweet", ""))[:MAX_CHARS]
        return (
            (not self._fingerprint or fingerprint(tweet) == self._fingerprint)
            and self._external_id in ("", content.get("external_id"))
            and self._author in ("", content.get("author"))
        )


def forget(*, text: str, external_id: str, author: str, remember: bool, by: str, reason: str) -> set[str]:
    """Delete what came in by the stream and agrees with all that is given; in a transaction.

    What a process just writes is waited for. What comes later is kept out by the suppression list.

    Args:
        remember: whether that list will have it.

    Returns:
        The fingerprints of the texts of the deleted events.

    Raises:
        StreamUnavailable: Valkey does not answer, and the suppression list would not keep out what it holds.
    """
    database.lock_alone(processing.FORGETTING)
    wanted = _Wanted(text, external_id, author)
    events = wanted.events()
    letters = [pk for pk, payload in _letters() if wanted.is_named_in(payload.encode())]
    _delete([pk for pk, _ in events], letters, by=by, reason=reason)
    if settings.STREAM == "valkey":
        from api.stream import valkey_stream

        try:
            valkey_stream.delete_unread(lambda payload, at: wanted.is_named_in(payload))
        except SourceUnavailable as error:
            if not remember:
                raise StreamUnavailable() from error
            logger.warning("what waits in the stream is dropped when it is read: %s", error)
    return {text for _, text in events}


def forget_listed(*, by: str, reason: str) -> set[str]:
    """Delete the events and dead letters that the suppression list names: after an older backup was restored.

    Returns:
        The fingerprints of the texts of the deleted events.
    """
    events, texts, letters = [], set(), []
    rows = StreamEvent.objects.order_by("pk").values_list("pk", "fingerprint", "external_id", "author").iterator()
    while some := list(islice(rows, _BATCH)):
        subjects = [
            {"text": [f"cleaned:{text}"], "external_id": [post], "author": [author] if author else []}
            for _, text, post, author in some
        ]
        for place in suppression.find(subjects):
            events.append(some[place][0])
            texts.add(some[place][1])
    for pk, payload in _letters():
        try:
            message = decode(payload.encode(), received_at=timezone.now())
        except BadMessage:
            continue  # nobody can say whose it is
        if suppression.find([processing.names_of(message)]):
            letters.append(pk)
    _delete(events, letters, by=by, reason=reason)
    return texts


def _letters() -> Iterator[tuple[int, str]]:
    return DeadLetter.objects.order_by("pk").values_list("pk", "payload").iterator()


def _delete(events: list[int], letters: list[int], *, by: str, reason: str) -> None:
    for model, numbers in ((StreamEvent, events), (DeadLetter, letters)):
        for start in range(0, len(numbers), _BATCH):
            model._default_manager.filter(pk__in=numbers[start : start + _BATCH]).delete()
    if events or letters:
        target = f"{len(events)} events, {len(letters)} dead letters"
        audit_log.record("stream.forgotten", target, by=by, reason=reason)
