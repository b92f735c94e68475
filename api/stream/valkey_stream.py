"""The stream in Valkey or Redis: putting tweets in, counting them, and deleting some before they are read.

An entry stays until it was worked on, so that the stream's length is what waits. It is never trimmed: that would lose
entries that nobody has read. When it is full, it takes no more.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

from django.conf import settings
from redis import Redis, RedisError, ResponseError
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.stream.messages import Message
from api.stream.sources import SourceUnavailable, Waiting

STREAM = "stream:tweets"
GROUP = "writers"

_SECONDS = 5.0
_ON_DISK_MS = 2000
_BATCH = 500
# All or nothing: a script that finds the memory full writes nothing. The length comes with it, for the log.
_PUT = """
if (redis.call('MEMORY', 'USAGE', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return false end
local ids = {}
for i = 3, #ARGV do ids[#ids + 1] = redis.call('XADD', KEYS[1], '*', 'message', ARGV[i], 'key', ARGV[2]) end
return ids
"""


class StreamFull(Exception):
    """The stream takes no more until some of it was worked on."""


class NotOnDisk(Exception):
    """Nobody can say that the tweets are on disk; the message says why."""


@cache
def client() -> Redis:
    """Return a client that waits longer than the rate limits' one: for the disk, and for new entries."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=_SECONDS,
        socket_connect_timeout=1.0,
        retry=Retry(NoBackoff(), 0),
        **settings.REDIS_TLS,
    )


@contextmanager
def asking() -> Iterator[Redis]:
    """Give the client; what Redis cannot do becomes `SourceUnavailable`."""
    try:
        yield client()
    except RedisError as error:
        # What the server answered is about its own state; the other messages name its address.
        said = str(error)[:300] if isinstance(error, ResponseError) else type(error).__name__
        raise SourceUnavailable(said) from error


def put(messages: Sequence[Message], key: int) -> list[str]:
    """Put tweets into the stream, all or none, and wait until they are on disk.

    Args:
        key: the number of the API key that sent them.

    Returns:
        The position of each.

    Raises:
        StreamFull: it holds `STREAM_MAX_MEGABYTES` already, or Valkey's memory is used up.
        NotOnDisk: Valkey keeps no append-only file, or did not write it in time. They may be in the stream.
        SourceUnavailable: Valkey does not answer.
    """
    most = settings.STREAM_MAX_MEGABYTES * 1024 * 1024
    with asking() as valkey:
        pipeline = valkey.pipeline(transaction=False)  # one connection: WAITAOF is about its own writes
        pipeline.eval(_PUT, 1, STREAM, most, key, *(message.encode() for message in messages))
        pipeline.execute_command("WAITAOF", 1, 0, _ON_DISK_MS)  # type: ignore[no-untyped-call]
        ids, synced = pipeline.execute(raise_on_error=False)
    if ids is None or (isinstance(ids, RedisError) and "OOM" in str(ids)):
        raise StreamFull()
    for answer in (ids, synced):
        if isinstance(answer, RedisError):
            kind = NotOnDisk if "WAITAOF" in str(answer) or "appendonly" in str(answer) else SourceUnavailable
            raise kind(str(answer)[:300])
    if not synced[0]:
        raise NotOnDisk(f"it did not write its file within {_ON_DISK_MS / 1000:g} s")
    return [position_of(one) for one in ids]


def waiting() -> Waiting:
    """Return what was not worked on yet.

    Raises:
        SourceUnavailable: Valkey does not answer.
    """
    with asking() as valkey:
        number: Any = valkey.xlen(STREAM)
        first: Any = valkey.xrange(STREAM, count=1)
    return Waiting(int(number), time_of(first[0][0]) if first else None)


def delete_unread(matches: Callable[[bytes, float], bool]) -> int:
    """Delete the entries that match, also those that a reader has in its hands; return how many those were.

    Args:
        matches: gets the message and when it came, in seconds since 1970.

    Raises:
        SourceUnavailable: Valkey does not answer.
    """
    deleted, after = 0, "-"
    with asking() as valkey:
        while entries := cast("list[Any]", valkey.xrange(STREAM, min=after, count=_BATCH)):
            found = [one for one, fields in entries if matches(fields.get(b"message", b""), time_of(one))]
            if found:
                deleted += len(found)
                remove(valkey, found)
            after = f"({entries[-1][0].decode()}"
    return deleted


def remove(valkey: Redis, ids: Sequence[bytes]) -> None:
    """Acknowledge entries and delete them, in one step."""
    transaction = valkey.pipeline(transaction=True)
    transaction.xack(STREAM, GROUP, *ids)
    transaction.xdel(STREAM, *ids)
    answers = transaction.execute(raise_on_error=False)
    if isinstance(answers[1], RedisError):  # the first is one where nobody has ever read
        raise answers[1]


def position_of(entry: bytes) -> str:
    return f"valkey:{entry.decode()}"


def time_of(entry: bytes) -> float:
    """Return when an entry came, in seconds since 1970."""
    return int(entry.partition(b"-")[0]) / 1000
