"""Counters for Prometheus, where `METRICS` is on. The web processes of a machine share them through files.

prometheus_client is imported where something is counted, and nowhere else.
"""

import tempfile
from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import Any

from django.conf import settings
from django.urls import URLPattern, get_resolver

#: In which prometheus_client looks for the folder, when it is imported.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

Finish = Callable[[int], None]


def environment() -> dict[str, str]:
    """Return what web processes need in their environment: a folder of this start's own, which no container shares."""
    return {FOLDER: tempfile.mkdtemp(prefix="hate-speech-metrics-")} if settings.METRICS else {}


def start_request(path: str, method: str) -> Finish:
    """Note that a request begins; call what is returned with its status at the end."""
    begin = perf_counter()

    def finish(status: int) -> None:
        label = label_of(path)
        _requests().labels(label, method if method in _METHODS else "other", status).inc()
        _seconds().labels(label).observe(perf_counter() - begin)

    return finish


def count_prediction(version: int, *, is_positive: bool) -> None:
    """Count an answer about one text."""
    _predictions().labels(version, "hate_speech" if is_positive else "other").inc()


def label_of(path: str) -> str:
    """Return a path as metrics name it. What clients make up, such as ids and wrong paths, makes no new names."""
    path = path.rstrip("/") or "/"
    static, firsts = _routes()
    if path in static:
        return path
    first = "/" + path.split("/")[1]
    return f"{first}/..." if first in firsts else "other"


_METHODS = {"GET", "POST", "DELETE", "OPTIONS", "HEAD"}


@cache
def _routes() -> tuple[set[str], set[str]]:
    """Return the paths without parameters, and what all paths begin with."""
    found = {f"/{route}".rstrip("/") for route in _flat(get_resolver().url_patterns, "")}
    return {route for route in found if "<" not in route and "^" not in route}, {
        "/" + route.split("/")[1] for route in found if len(route.split("/")) > 2
    }


def _flat(patterns: Any, before: str) -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        route = before + str(pattern.pattern)
        found += [route] if isinstance(pattern, URLPattern) else _flat(pattern.url_patterns, route)
    return found


@cache
def _requests() -> Any:
    from prometheus_client import Counter

    return Counter("hate_speech_requests", "Requests that were answered.", ["path", "method", "status"])


@cache
def _seconds() -> Any:
    from prometheus_client import Histogram

    help_text = "Seconds from the head of a request to its answer."
    return Histogram("hate_speech_request_seconds", help_text, ["path"], buckets=_BUCKETS)


@cache
def _predictions() -> Any:
    from prometheus_client import Counter

    return Counter("hate_speech_predictions", "Texts that were judged for clients.", ["version", "decision"])
