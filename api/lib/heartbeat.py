"""Signs of life of the processes."""

import socket
from datetime import timedelta

from django.utils import timezone

from api.models import Heartbeat, ModelVersion

_WEB_SILENCE = timedelta(seconds=20)


def beat_worker(*, scheduled: bool) -> None:
    """Note that the worker lives and, where beat sent for it, that beat does."""
    Heartbeat.beat(f"worker:{socket.gethostname()}", "worker")
    if scheduled:
        Heartbeat.beat("beat", "beat")


def web_processes() -> list[Heartbeat]:
    """Return the last sign of each web process that lives."""
    return list(Heartbeat.objects.filter(kind="web", at__gt=timezone.now() - _WEB_SILENCE))


def serving(version: ModelVersion) -> dict[str, int]:
    """Return how many web processes answer with a version, and `of` how many."""
    alive = web_processes()
    return {"processes": sum(beat.version == version.pk for beat in alive), "of": len(alive)}
