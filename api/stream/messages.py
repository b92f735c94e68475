"""A message of the stream: a tweet as a platform posts it, one JSON object."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.utils.dateparse import parse_datetime

from api.http.fields import kind_of, text_problem
from hate_speech_ai.text import MAX_CHARS

#: Bytes of a message.
MAX_BYTES = 64 * 1024
DEFAULT_CHANNEL = "default"

#: The fields of a message; the first two must be there.
FIELDS = ("external_id", "tweet", "at", "channel", "author", "do_not_store")
_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#@-]{0,63}")
_MOST_CHARS = {"external_id": 200, "author": 200}
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_MOST_AHEAD = timedelta(minutes=10)


class BadMessage(ValueError):
    """A message that cannot be worked on.

    Attributes:
        field: what is wrong; `body` where it is no JSON object.
        problem: a sentence.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field, self.problem = field, problem


@dataclass(frozen=True)
class Message:
    """A tweet of the stream.

    Attributes:
        tweet: at most what a model reads of it, and one character more.
        at: when it was posted, in UTC.
        author: the name, as it was sent; empty for none.
        do_not_store: keep the text out of the review queue.
    """

    external_id: str
    tweet: str
    at: datetime
    channel: str = DEFAULT_CHANNEL
    author: str = ""
    do_not_store: bool = False

    def encode(self) -> bytes:
        """Return the message as JSON, as `decode` reads it."""
        return orjson.dumps(
            {
                "external_id": self.external_id,
                "tweet": self.tweet,
                "at": self.at,
                "channel": self.channel,
                "author": self.author,
                "do_not_store": self.do_not_store,
            },
            option=orjson.OPT_UTC_Z,
        )


def decode(payload: bytes, *, received_at: datetime) -> Message:
    """Read a message as a broker has it. Fields that are not known are ignored: producers may be newer.

    Args:
        received_at: when the broker got it, which counts where it does not say when it was posted.

    Raises:
        BadMessage: it cannot be worked on.
    """
    if len(payload) > MAX_BYTES:
        raise BadMessage("body", f"at most {MAX_BYTES:,} bytes; this has {len(payload):,}")
    try:
        content = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise BadMessage("body", f"this is not valid JSON: {error}") from None
    return read(content, received_at=received_at)


def read(content: Any, *, received_at: datetime, known: Collection[str] = ()) -> Message:
    """Validate what a message says.

    Args:
        known: the fields that there may be; empty for any.

    Raises:
        BadMessage: a field is missing or wrong.
    """
    if not isinstance(content, dict):
        raise BadMessage("body", f"this must be an object, not {kind_of(content)}")
    if known and (unknown := sorted(set(content) - set(known))):
        raise BadMessage(unknown[0][:40], f"There is no such field. The fields are {', '.join(known)}.")
    tweet = _text(content, "tweet", required=True)
    channel = _text(content, "channel") or DEFAULT_CHANNEL
    if not _CHANNEL.fullmatch(channel):
        raise BadMessage("channel", "This must be 1 to 64 letters, digits and . _ : / # @ -, a letter or digit first.")
    do_not_store = content.get("do_not_store", False)
    if not isinstance(do_not_store, bool):
        raise BadMessage("do_not_store", f"This must be true or false, not {kind_of(do_not_store)}.")
    return Message(
        external_id=_text(content, "external_id", required=True),
        tweet=tweet[: MAX_CHARS + 1],  # so that it is known that there was more
        at=_time(content, received_at),
        channel=channel,
        author=_text(content, "author"),
        do_not_store=do_not_store,
    )


def _text(content: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    value = content.get(name)
    if value is None:
        if required:
            raise BadMessage(name, "This field is required.")
        return ""
    if problem := text_problem(value):
        raise BadMessage(name, problem)
    if required and not value.strip():
        raise BadMessage(name, "This must not be blank.")
    most = _MOST_CHARS.get(name)
    if most and len(value) > most:
        raise BadMessage(name, f"At most {most} characters; this has {len(value)}.")
    return str(value)


def _time(content: Mapping[str, Any], received_at: datetime) -> datetime:
    said = content.get("at")
    if said is None:
        return received_at
    try:
        at = parse_datetime(said) if isinstance(said, str) else None
    except ValueError:  # such as the 31st of June
        at = None
    if at is None or at.tzinfo is None:
        raise BadMessage("at", "This must be a time with its zone, such as 2026-11-21T07:00:00Z.")
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        at = _OLDEST - timedelta(days=1)
    if not _OLDEST <= at <= received_at + _MOST_AHEAD:
        raise BadMessage("at", "This must be a time from the year 2000 on, and at most ten minutes ahead.")
    return at
