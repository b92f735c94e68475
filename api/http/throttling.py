"""Rate limits: exact, per key or per address, counted in Redis by one atomic command per request."""

import ipaddress
import logging
import math
import re
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from api.lib import redis_client

if TYPE_CHECKING:  # REST framework imports this module while its views are still being imported
    from rest_framework.views import APIView

    from api.models import ApiKey

logger = logging.getLogger(__name__)

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_COUNT = "local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end return n"

# [2001:db8::1], [2001:db8::1]:443 and 192.0.2.1:443
_WITH_PORT = re.compile(r"\[([^\[\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5}")

# The share of this process while Redis is away: {window key: count}, emptied where it grows too large.
_local: dict[str, int] = {}
_local_lock = threading.Lock()


@cache
def parse_limit(limit: str) -> tuple[int, int] | None:
    """Return a limit as (requests, seconds); None for no limit.

    Raises:
        ValueError: anything but "N/second", "N/minute", "N/hour", "N/day" or nothing.

    >>> parse_limit("600/minute")
    (600, 60)
    """
    if not limit:
        return None
    match = re.fullmatch(r"([1-9]\d{0,8})/(second|minute|hour|day)", limit)
    if match is None:
        raise ValueError(f"{limit!r} is not a limit such as 600/minute")
    return int(match[1]), _SECONDS[match[2]]


def count(limit: str, who: str) -> float | None:
    """Count one request of `who`.

    Returns:
        None where the request is within the limit, else the seconds until the next window.
    """
    parsed = parse_limit(limit)
    if parsed is None:
        return None
    requests, seconds = parsed
    now = time.time()
    window = int(now // seconds)
    name = f"limit:{who}:{limit}:{window}"
    try:
        number = int(str(redis_client.call("EVAL", _COUNT, 1, name, seconds + 1)))
    except redis_client.Unavailable:
        number, requests = _count_locally(name), max(1, requests // settings.WEB_PROCESSES)
    return None if number <= requests else (window + 1) * seconds - now


def address(request: Request | HttpRequest) -> str:
    """Return the client's address; an IPv6 client counts as its /64 network, which is what one subscriber gets.

    `X-Forwarded-For` is believed only as far as there are trusted proxies, which append to it. All its lines count as
    one list, in their order.
    """
    remote = request.META.get("REMOTE_ADDR", "")
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.TRUSTED_PROXIES else ""
    if hops := [hop.strip() for hop in forwarded.split(",") if hop.strip()]:
        remote = hops[-min(settings.TRUSTED_PROXIES, len(hops))]
    try:
        parsed = ipaddress.ip_address(_without_port(remote))
    except ValueError:
        return "unknown"
    if parsed.version == 6 and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)


class ScopeThrottle(BaseThrottle):
    """The limit of the scope that the view needs, or the key's own."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        scope = getattr(view, "scope", None)
        if scope is None:
            return True
        key = cast("ApiKey | None", request.auth)
        limit = _own_limit(key) or settings.LIMITS[scope]
        if not limit:
            return True
        who = f"key{key.pk}" if key else address(request)
        self._wait = count(limit, f"{scope}:{who}")
        return self._wait is None

    def wait(self) -> float | None:
        return math.ceil(self._wait) if self._wait else None


def _own_limit(key: "ApiKey | None") -> str:
    """Return the limit of the key itself; empty where it has none, or one that nobody can read."""
    if key is None:
        return ""
    try:
        parse_limit(key.limit)
    except ValueError:
        logger.warning("the limit of %s is not one such as 600/minute; the default limits count", key)
        return ""
    return key.limit


def _without_port(hop: str) -> str:
    """Return the address alone: some proxies add the client's port, which changes with each connection."""
    found = _WITH_PORT.fullmatch(hop)
    return ((found[1] or found[2]) if found else hop).partition("%")[0]


def _count_locally(name: str) -> int:
    with _local_lock:
        if len(_local) > 10_000:
            _local.clear()
        _local[name] = _local.get(name, 0) + 1
        return _local[name]
