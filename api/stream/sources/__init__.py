"""Where messages come from: what every source of them can do."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from rest_framework import status
from rest_framework.exceptions import APIException

#: A message that was handed out so often without an end is handed out alone: it may be what ends its readers.
ALONE_FROM = 3


class SourceUnavailable(Exception):
    """The broker does not answer; the message says what is known of it, and no address."""


class StreamUnavailable(APIException):
    """The same, for who asked."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "stream_unavailable"
    default_detail = "The stream does not answer. Send it again in some seconds: each post counts once."
    wait = 5


class Received(NamedTuple):
    """A message as the broker has it.

    Attributes:
        position: its place, the same each time that it is delivered; unique among all sources.
        payload: the JSON, if it is any.
        received_at: when the broker got it, in UTC.
        key: the number of the API key that sent it; None where it came without one.
        deliveries: how often it was handed out, with this time.
    """

    position: str
    payload: bytes
    received_at: datetime
    key: int | None = None
    deliveries: int = 1


class Waiting(NamedTuple):
    """What was not worked on yet: how many messages, and when the oldest came, in seconds since 1970."""

    number: int
    oldest: float | None


class Source(Protocol):
    """A reader among several of one stream. Each message is read by one; again, if it is not acknowledged."""

    def read(self, limit: int) -> Sequence[Received]:
        """Return up to `limit` messages, waiting up to half a second for the first.

        Raises:
            SourceUnavailable: the broker does not answer.
        """

    def done(self, received: Sequence[Received]) -> None:
        """Acknowledge messages: what they say is in the database.

        Raises:
            SourceUnavailable: the broker does not answer; they will come again.
        """

    def keep(self) -> None:
        """Say that this reader lives and still holds what it has read, while the database is away."""

    def close(self) -> None:
        """Leave; what was read and not acknowledged comes to another reader."""
