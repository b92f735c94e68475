"""Redis: a cache and a counter that may be gone at any moment."""

import logging
import time
from functools import cache

from django.conf import settings
from redis import Redis, RedisError, ResponseError
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

_REST_SECONDS = 2.0
_resting_until = 0.0


class Unavailable(Exception):
    """Redis does not answer, or did not a moment ago."""


@cache
def _client() -> Redis:
    seconds = settings.REDIS_TIMEOUT_SECONDS
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        **settings.REDIS_TLS,
    )


def call(command: str, *arguments: str | bytes | int) -> object:
    """Send one command. After a failure, Redis is left alone for two seconds, so that one slow answer is not many.

    Raises:
        Unavailable: no answer within 0.2 s.
    """
    global _resting_until
    if time.monotonic() < _resting_until:
        raise Unavailable("resting after a failure")
    try:
        answer: object = _client().execute_command(command, *arguments)  # type: ignore[no-untyped-call]
        return answer
    except RedisError as error:
        _resting_until = time.monotonic() + _REST_SECONDS
        logger.warning("Redis: %s: %s", type(error).__name__, error)
        # What the server answered is about its own state; the other messages name its address.
        raise Unavailable(str(error) if isinstance(error, ResponseError) else type(error).__name__) from error
