"""The broker's messages. They only say "look into the database", so that none of them is worth keeping."""

import base64
import json
import logging
from typing import cast

from api.lib import redis_client

logger = logging.getLogger(__name__)

_QUEUE, _UNACKED, _UNACKED_INDEX = "celery", "unacked", "unacked_index"
_TYPES = {_QUEUE: b"list", _UNACKED: b"hash", _UNACKED_INDEX: b"zset"}


def drop_unreadable() -> int:
    """Delete the messages that would end the worker each time it reads them; return how many those were.

    What they were about is in the database, and the sweep rings again.
    """
    try:
        dropped = sum(_drop_key(name) for name in _TYPES) + _drop_waiting() + _drop_unacked()
    except redis_client.Unavailable:
        return 0
    if dropped:
        logger.error("dropped messages of the broker that nobody can read: %s; nothing is lost with them", dropped)
    return dropped


def _drop_key(name: str) -> int:
    """Delete what stands in the place of a queue and is none."""
    if redis_client.call("TYPE", name) in (_TYPES[name], b"none"):
        return 0
    redis_client.call("DEL", name)
    return 1


def _drop_waiting() -> int:
    waiting = redis_client.call("LRANGE", _QUEUE, 0, -1)
    bad = [item for item in cast("list[bytes]", waiting) if not _is_readable(item)]
    for item in bad:
        redis_client.call("LREM", _QUEUE, 0, item)
    return len(bad)


def _drop_unacked() -> int:
    """Look at what a worker had taken when it ended: it goes back into the queue."""
    taken = redis_client.call("HGETALL", _UNACKED)
    bad = [tag for tag, item in cast("dict[bytes, bytes]", taken).items() if not _is_readable(item, taken=True)]
    for tag in bad:
        redis_client.call("HDEL", _UNACKED, tag)
        redis_client.call("ZREM", _UNACKED_INDEX, tag)
    return len(bad)


def _is_readable(item: bytes, *, taken: bool = False) -> bool:
    """Return whether a message is one as Celery writes it: the body is [arguments, keywords, more], as base64."""
    try:
        message = json.loads(item)
        if taken:
            message, _, _ = message
        properties = message["properties"]
        delivery = properties["delivery_info"]
        arguments, keywords, _ = json.loads(base64.b64decode(message["body"], validate=True))
        named = (properties["delivery_tag"], delivery["exchange"], delivery["routing_key"], message["headers"]["task"])
        return (
            all(isinstance(name, str) for name in named)
            and isinstance(arguments, list)
            and isinstance(keywords, dict)
            and properties["body_encoding"] == "base64"
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
