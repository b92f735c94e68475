"""Removing a person's or a tweet's rows for good."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Max, Q, QuerySet

from api.lib import audit_log, pseudonyms, suppression
from api.lib.suppression import Merged
from api.models import (
    ApprovalRequest,
    AuditEntry,
    Embedding,
    IdempotentAnswer,
    ModelVersion,
    Promotion,
    QueueClaim,
    ReviewedTweet,
    ReviewerAgreement,
    StoredPrediction,
    Suppression,
    TrainingRun,
)
from api.prediction import recorder
from api.versions import registry
from hate_speech_ai.corpora.catalogue import CORPORA
from hate_speech_ai.sources import corpus_name, is_corpus
from hate_speech_ai.text import CLEANING_VERSION, fingerprint

logger = logging.getLogger(__name__)

REMEMBERED = "erasure.remembered"
_ACTION = "rows.forgotten"
_PATIENCE_SECONDS = 2
_BATCH = 500


@dataclass(frozen=True)
class Forgotten:
    """What was removed.

    Attributes:
        rows: how many reviewed tweets.
        versions: of the versions that were not retired, those that may have learned from one of them, oldest first.
        retired: those of them that are retired now.
        serving: the one of them that serves, None where it is none of them.
    """

    rows: int
    versions: list[int] = field(default_factory=list)
    retired: list[int] = field(default_factory=list)
    serving: int | None = None


class _Row(NamedTuple):
    """What is known of a row that is removed."""

    pk: int
    created_at: datetime
    held_out: bool
    fingerprint: str
    tweet: str
    source: str


def forget(
    *,
    by: str,
    reason: str,
    text: str = "",
    external_id: str = "",
    reviewer: str = "",
    author: str = "",
    retire_versions: bool = False,
    remember: bool = True,
) -> Forgotten:
    """Delete the reviewed tweets that agree with all that is given, with their histories.

    Stored predictions of the same texts go with them. The next training does without them, also where nothing else has
    changed since an earlier one. The audit log keeps that rows were removed and why, and nothing that says which.

    Args:
        text: every row whose cleaned text is this one's, corpora included.
        external_id, reviewer, author: as clients sent them.
        retire_versions: also retire the versions that may have learned from them; the one that serves as soon as
            another does.
        remember: keep what is given from coming back, by keyed fingerprints of it.

    Raises:
        ValueError: nothing is given.
    """
    if not (text or external_id or reviewer or author):
        raise ValueError("say what to forget: a text, an external id, a reviewer or an author")
    found = _rows(text=text, external_id=external_id, reviewer=reviewer, author=author)
    with transaction.atomic():
        TrainingRun.objects.lock_running()
        rows = [_Row(*values) for values in found.select_for_update().order_by("pk").values_list(*_Row._fields)]
        texts = {row.fingerprint for row in rows}
        if text and not (external_id or reviewer or author):
            texts.add(fingerprint(text))
        if not reviewer:
            from api.stream import erasure as stream  # which nobody needs without a stream

            same = {"text": text, "external_id": external_id, "author": author}
            texts |= stream.forget(**same, remember=remember, by=by, reason=reason)
        named = [reviewer] if reviewer else []
        forgotten = _remove(rows, texts, named, by=by, reason=reason, retire_versions=retire_versions)
        if remember:
            _remember(rows, text=text, external_id=external_id, reviewer=reviewer, author=author, by=by, reason=reason)
    return forgotten


def forget_again(path: Path, *, by: str, reason: str, retire_versions: bool = False) -> tuple[Merged, Forgotten]:
    """Take over a list of what was forgotten, and delete all that is on it: after an older backup was restored.

    Raises:
        NotAList, OSError: as `suppression.merge`.
    """
    merged = suppression.merge(path)
    return merged, _forget_listed(by=by, reason=reason, retire_versions=retire_versions)


def catch_up() -> Forgotten:
    """At a start, do again what the file beside the database knows and the database does not: it is an older one."""
    path = Path(settings.FORGOTTEN_FILE)
    if not path.exists():
        return Forgotten(0)
    if suppression.number_without_key():
        logger.error("some of what was forgotten is not kept from coming back: its FORGET_KEY is not here")
    if not suppression.merge(path).added:
        return Forgotten(0)
    return _forget_listed(by="start", reason="the database is older than forgotten.jsonl", retire_versions=False)


def remembered() -> Any:
    """Return the acts of forgetting that keep something from coming back, newest first, each with `kind` and `at`."""
    return Suppression.objects.values("erasure", "kind").annotate(at=Max("at")).order_by("-at", "erasure")


def lift(number: UUID, *, by: str, reason: str) -> int:
    """Let what an act of forgetting named come back; how many fingerprints that were, 0 where there is no such act."""
    with transaction.atomic():
        count = suppression.lift(number)
        if count:
            audit_log.record("erasure.lifted", f"erasure {number}", by=by, reason=reason)
    return count


def _forget_listed(*, by: str, reason: str, retire_versions: bool) -> Forgotten:
    with transaction.atomic():
        TrainingRun.objects.lock_running()
        from api.stream import erasure as stream  # which nobody needs without a stream

        rows, reviewers = _listed()
        predictions = StoredPrediction.objects.order_by("pk").values_list("fingerprint", "tweet")
        texts = {row.fingerprint for row in rows} | stream.forget_listed(by=by, reason=reason)
        for some in _batches(predictions.iterator()):
            subjects = [{"text": suppression.forms_of_text(tweet)} for _, tweet in some]
            texts |= {some[place][0] for place in suppression.find(subjects)}
        return _remove(rows, texts, reviewers, by=by, reason=reason, retire_versions=retire_versions)


def _listed() -> tuple[list[_Row], list[str]]:
    """Return the rows that were forgotten, and the reviewers."""
    rows: list[_Row] = []
    fields = (*_Row._fields, "cleaning", "external_id", "reviewer", "author")
    for some in _batches(ReviewedTweet.objects.order_by("pk").values_list(*fields).iterator()):
        subjects = []
        for values in some:
            row, (cleaning, external_id, reviewer, author) = _Row(*values[: len(_Row._fields)]), values[-4:]
            cleaned = row.fingerprint if cleaning == CLEANING_VERSION else ""
            subjects.append(
                {
                    "text": suppression.forms_of_text(row.tweet, cleaned=cleaned),
                    "external_id": [external_id] if external_id else [],
                    "reviewer": [reviewer] if reviewer else [],
                    "author": [author] if author else [],
                }
            )
        rows += [_Row(*some[place][: len(_Row._fields)]) for place in sorted(suppression.find(subjects))]
    claims = QueueClaim.objects.exclude(reviewer="").values_list("reviewer", flat=True)
    compared = ReviewerAgreement.objects.exclude(reviewer="").values_list("reviewer", flat=True)
    names = sorted({*claims.distinct(), *compared.distinct()})
    return rows, [names[place] for place in suppression.find([{"reviewer": [name]} for name in names])]


def _batches(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    rows = iter(rows)
    while some := list(islice(rows, _BATCH)):
        yield some


def _remember(
    rows: list[_Row], *, text: str, external_id: str, reviewer: str, author: str, by: str, reason: str
) -> None:
    """Put what was named on the suppression list; a text also in the forms in which the rows have it."""
    named = {
        "external_id": [external_id] if external_id else [],
        "reviewer": [reviewer] if reviewer else [],
        "author": pseudonyms.forms(author),
    }
    if text:
        forms = {form for tweet in {text, *(row.tweet for row in rows)} for form in suppression.forms_of_text(tweet)}
        named = {"text": sorted(forms), **named}
    erasure = suppression.remember([{name: forms for name, forms in named.items() if forms}])
    audit_log.record(REMEMBERED, f"erasure {erasure}", by=by, reason=reason)


def _remove(
    rows: list[_Row], texts: set[str], reviewers: list[str], *, by: str, reason: str, retire_versions: bool
) -> Forgotten:
    """Delete rows, and what else there is of these texts and reviewers; in a transaction."""
    recorder.forget(texts, reviewers, by=by, reason=reason)
    # The answer to an upload keeps the names of fields that are none, as they stood in its lines.
    IdempotentAnswer.objects.filter(body__has_key="results").delete()
    transaction.on_commit(checkpoint_wal)
    if not rows:
        return Forgotten(0)
    learned = min((row.created_at for row in rows if not row.held_out), default=None)
    kept = ModelVersion.objects.filter(retired_reason="").order_by("pk")
    versions = list(kept.filter(created_at__gte=learned).values_list("pk", flat=True)) if learned else []
    numbers = [row.pk for row in rows]
    for start in range(0, len(numbers), _BATCH):  # what comes in meanwhile is not locked, and stays
        some = numbers[start : start + _BATCH]
        # Its words may be those of what is forgotten. The next training asks about the others again.
        ApprovalRequest.objects.filter(reviews__in=some).delete()
        ReviewedTweet.objects.filter(pk__in=some).delete()
    Embedding.objects.forget(row.tweet for row in rows)
    ReviewerAgreement.objects.filter(reviewer__in=reviewers).delete()
    retired = registry.retire_learned(versions, reason="it learned what was forgotten") if retire_versions else []
    details = {"versions": versions, "retired": retired}
    audit_log.record(_ACTION, f"{len(rows)} reviewed tweets", by=by, reason=reason, **details)
    downloaded = {corpus_name(row.source) for row in rows if is_corpus(row.source)}
    transaction.on_commit(lambda: _delete_downloads(downloaded))
    champion = Promotion.champion()
    return Forgotten(len(rows), versions, retired, champion.pk if champion and champion.pk in versions else None)


def _delete_downloads(corpora: set[str]) -> None:
    """Delete the copies of public corpora that have what was forgotten; an import fetches them again."""
    for name in corpora & CORPORA.keys():
        (settings.DATA_DIR / "corpora" / f"{name}.csv").unlink(missing_ok=True)


def _rows(*, text: str, external_id: str, reviewer: str, author: str) -> QuerySet[ReviewedTweet]:
    rows = ReviewedTweet.objects.all()
    if text:
        rows = rows.filter(Q(fingerprint=fingerprint(text)) | Q(pk__in=_of_older_cleanings(text)))
    if external_id:
        rows = rows.filter(external_id=external_id)
    if reviewer:
        rows = rows.filter(reviewer=reviewer)
    if author:
        rows = rows.filter(author__in=pseudonyms.pseudonyms(author))
    return rows


def _of_older_cleanings(text: str) -> list[int]:
    """Find a text among the rows whose fingerprint is another cleaning's: after an update, until the next training."""
    rows = ReviewedTweet.objects.exclude(cleaning=CLEANING_VERSION).values_list("pk", "tweet")
    wanted = fingerprint(text)
    return [pk for pk, tweet in rows.iterator() if fingerprint(tweet) == wanted]


def checkpoint_wal() -> None:
    """Let SQLite's write-ahead log not keep what was deleted; in its database file, `secure_delete` has zeroed it.

    While somebody reads for longer than two seconds, the log stays until the next time.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            [usual] = cursor.fetchone()
            cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE_SECONDS * 1000}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            [busy, *_] = cursor.fetchone()
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
    except DatabaseError:
        busy = True
    if busy:
        logger.warning("somebody reads the database: its write-ahead log is emptied after the next training")


def number_of_erasures() -> int:
    """Return how often rows were removed.

    It is part of the data fingerprint. After an erasure we retrain even if the remaining rows equal an earlier set,
    because the serving model may have learned the erased row.
    """
    return AuditEntry.objects.filter(action=_ACTION).count()
