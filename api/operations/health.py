"""The state of each part of the stack."""

import os
import socket
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import Error
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from api.lib import database, heartbeat, redis_client
from api.models import Heartbeat, Promotion, TrainingRun
from api.operations import write_probes
from api.prediction import active_model, recorder
from api.prediction.active_model import ModelNotReady
from api.training import queue
from hate_speech_ai.version import VERSION


def report() -> tuple[bool, dict[str, Any]]:
    """Return whether every part is well, and the state of each; `version` is the program's."""
    parts: dict[str, Any] = {"model": _model(), "redis": _redis(), "predictions": recorder.state()}
    try:
        parts |= {"queue": _queue(), "nightly": _nightly(), "training": _training()}
        parts |= {"worker": alive("worker"), "beat": alive("beat"), "web": _web()}
        if settings.STREAM:
            parts["stream"] = _stream()
        parts["database"] = _state(write_probes.of_database.problem())
    except Error as error:
        parts["database"] = _state(database.own_words(error) or "the database does not answer")
    well = all(part.get("ok", True) for part in parts.values())
    degraded = sorted(name for name, part in parts.items() if not part.get("ok", True))
    return well, {"status": "ok" if well else "degraded", "degraded": degraded, "version": VERSION, **parts}


def alive(kind: str) -> dict[str, Any]:
    """Return whether the worker or beat has shown a sign of life lately."""
    newest = Heartbeat.objects.filter(kind=kind).order_by("-at").first()
    if newest is None:
        return {"ok": False, "problem": f"no {kind} was ever seen"}
    now = timezone.now()
    silent = (now - newest.at).total_seconds()
    patience = 2 * settings.SWEEP_SECONDS + 15
    problem = f"no sign of the {kind}" if silent >= patience and not (kind == "beat" and _is_training(now)) else ""
    if silent < -patience:
        problem = f"the {kind} was last seen in the future: the clock was put back, so start it again"
    return {"ok": not problem, "last_seen_seconds": round(silent, 1), "problem": problem}


def _is_training(now: datetime) -> bool:
    """Return whether a training delays the sweep that beat asks for, or has done so until just now."""
    just_now = now - timedelta(seconds=settings.SWEEP_SECONDS + 15)
    return TrainingRun.objects.filter(Q(status=TrainingRun.Status.RUNNING) | Q(finished_at__gt=just_now)).exists()


def _state(problem: str) -> dict[str, Any]:
    return {"ok": not problem, "problem": problem}


def _model() -> dict[str, Any]:
    try:
        model = active_model.get()
    except ModelNotReady as error:
        return {"ok": False, "problem": str(error.detail)}
    problem = active_model.problem()
    return {"ok": not problem, "version": model.version, "sha256": model.sha256, "problem": problem}


def _redis() -> dict[str, Any]:
    try:
        redis_client.call("PING")
    except redis_client.Unavailable as error:
        return _state(f"Redis does not answer: {error}")
    return _state(write_probes.of_redis.problem())


def _queue() -> dict[str, Any]:
    waiting = TrainingRun.objects.filter(status=TrainingRun.Status.QUEUED).order_by("created_at")
    oldest = waiting.first()
    age = (timezone.now() - oldest.created_at).total_seconds() if oldest else 0.0
    running = TrainingRun.objects.filter(status=TrainingRun.Status.RUNNING).first()
    patience = settings.LEASE_SECONDS * 2 + settings.TRAINING_SECONDS
    return {
        "ok": age < patience,
        "queued": waiting.count(),
        "oldest_seconds": round(age, 1),
        "running": str(running.pk) if running else None,
    }


def _nightly() -> dict[str, Any]:
    last = queue.last_successful_nightly()
    return {
        "at": f"{settings.NIGHTLY_AT:%H:%M} {settings.LOCAL_ZONE.key}",
        "last_success": last.finished_at if last else None,
        "last_outcome": last.outcome if last else None,
    }


def _training() -> dict[str, Any]:
    """Say since when the runs that nobody asked for have failed: nothing is learned, and nobody is told."""
    done = TrainingRun.objects.filter(status=queue.Status.DONE).order_by("-finished_at").first()
    failed = TrainingRun.objects.filter(status__in=[queue.Status.FAILED, queue.Status.ABANDONED])
    failed = failed.exclude(kind=queue.Kind.MANUAL).order_by("finished_at")
    first = (failed.filter(finished_at__gt=done.finished_at) if done else failed).first()
    if first is None:
        return {"ok": True, "failed_since": None, "problem": ""}
    problem = f"failed, since {first.finished_at:%Y-%m-%d %H:%M} UTC; GET /training-runs has the reasons"
    return {"ok": False, "failed_since": first.finished_at, "problem": problem}


def _stream() -> dict[str, Any]:
    from api.stream import state  # which nobody needs without the stream

    living = alive("stream")
    found = {**living, **state.report()}
    return found | {"ok": living["ok"] and found["ok"], "problem": living["problem"] or found["problem"]}


def _web() -> dict[str, Any]:
    alive = heartbeat.web_processes()
    versions = sorted({beat.version for beat in alive if beat.version is not None})
    champion = Promotion.champion()
    problems = sorted({beat.problem for beat in alive if beat.problem})
    return {
        "ok": not problems,
        "processes": len(alive),
        "versions": versions,
        "mixed_versions": len(versions) > 1,
        "champion": champion.pk if champion else None,
        "problems": problems,
        "answered_by": salted_hmac(__name__, f"{socket.gethostname()}:{os.getpid()}").hexdigest()[:12],
    }
