"""The state of each part of the stack."""

import os
import socket
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from api.lib import heartbeat, redis_client
from api.models import Heartbeat, Promotion, TrainingRun
from api.prediction import active_model, recorder
from api.prediction.active_model import ModelNotReady
from api.training import queue
from hate_speech_ai.version import VERSION


def report() -> tuple[bool, dict[str, Any]]:
    """Return whether every part is well, and the state of each; `version` is the program's."""
    parts: dict[str, Any] = {"model": _model(), "redis": _redis(), "predictions": recorder.state()}
    try:
        parts["database"] = {"ok": True}
        parts |= {"queue": _queue(), "nightly": _nightly(), "worker": alive("worker"), "beat": alive("beat")}
        parts["web"] = _web()
    except DatabaseError:
        parts["database"] = {"ok": False, "problem": "the database does not answer"}
    well = all(part.get("ok", True) for part in parts.values())
    degraded = sorted(name for name, part in parts.items() if not part.get("ok", True))
    return well, {"status": "ok" if well else "degraded", "degraded": degraded, "version": VERSION, **parts}


def alive(kind: str) -> dict[str, Any]:
    """Return whether the worker or beat has shown a sign of life lately."""
    newest = Heartbeat.objects.filter(kind=kind).order_by("-at").first()
    if newest is None:
        return {"ok": False, "problem": f"no {kind} was ever seen"}
    silent = (timezone.now() - newest.at).total_seconds()
    busy = kind == "beat" and TrainingRun.objects.filter(status=TrainingRun.Status.RUNNING).exists()
    ok = busy or silent < 2 * settings.SWEEP_SECONDS + 15  # a training in progress delays the sweep that beat asks for
    return {"ok": ok, "last_seen_seconds": round(silent, 1), "problem": "" if ok else f"no sign of the {kind}"}


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
        return {"ok": False, "problem": f"Redis does not answer: {error}"}
    return {"ok": True}


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
        "answered_by": f"{socket.gethostname()}:{os.getpid()}",
    }
