"""The model that this process serves, and the swap.

A background thread looks for a promotion every second, loads the new model beside the old one, and then replaces one
reference. Whatever fails on the way, the old model keeps serving and `/health` says why."""

import logging
import os
import random
import socket
import threading
import time

from django.conf import settings
from django.db import DatabaseError
from rest_framework import status
from rest_framework.exceptions import APIException

from api.lib import background
from api.models import Heartbeat, ModelVersion, Promotion
from api.prediction.loading import LoadedModel, load
from hate_speech_ai.artifact import ArtifactError

logger = logging.getLogger(__name__)


_HEARTBEAT_SECONDS = 5.0
_MAX_PINNED = 2
_LOADING_SECONDS = 1.0
_active: LoadedModel | None = None
_pinned: dict[int, LoadedModel] = {}  # the one that was asked for last stands last
_pinned_lock = threading.Lock()
_loading = threading.Lock()
_refused = 0  # the promotion whose version could not be loaded, so that it is not tried every second
_problem = ""
_last_beat = float("-inf")


class ModelNotReady(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "model_not_ready"
    default_detail = "No model is loaded yet. The first one is trained at the first start; try again shortly."
    wait = 5


class TooManyVersions(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "busy"
    default_detail = "Other model versions are being loaded. Try again shortly."
    wait = 1


def get() -> LoadedModel:
    """Return the model that serves.

    Raises:
        ModelNotReady: none has been loaded yet.
    """
    if _active is None:
        raise ModelNotReady(_problem or None)
    return _active


def pinned(version: int) -> LoadedModel:
    """Return a version, whichever serves: its answers are the same for ever.

    The few that were asked for last stay in memory; one that is retired leaves it within about a second.

    Raises:
        ModelVersion.DoesNotExist: there is no such version.
        ArtifactError: this program cannot load it.
        DatabaseError: it is not in memory, and the database is away.
        TooManyVersions: others are being loaded for too long.
    """
    if _active is not None and _active.version == version:
        return _active
    if model := _remembered(version):
        return model
    # One at a time: a load costs as much as hundreds of answers, and who asks for versions in turn waits for himself.
    if not _loading.acquire(timeout=_LOADING_SECONDS):
        raise TooManyVersions()
    try:
        return _remembered(version) or _remember(load(ModelVersion.objects.get(pk=version)))
    finally:
        _loading.release()


def _remembered(version: int) -> LoadedModel | None:
    with _pinned_lock:
        model = _pinned.pop(version, None)
        if model is not None:
            _pinned[version] = model
        return model


def _remember(model: LoadedModel) -> LoadedModel:
    with _pinned_lock:
        _pinned[model.version] = model
        while len(_pinned) > _MAX_PINNED:
            del _pinned[next(iter(_pinned))]
    return model


def problem() -> str:
    """Return why the newest promoted version is not the one that serves here; empty where it is."""
    return _problem


def refresh() -> None:
    """Serve the champion, if it is not already served. Errors leave the old model in place."""
    global _problem
    try:
        promotion = Promotion.newest()
        _drop_retired()
    except DatabaseError as error:
        logger.warning("cannot look for a new model: %s", type(error).__name__)
        return
    if promotion is None or (_active and _active.version == promotion.version_id):
        _problem = ""
    elif promotion.pk != _refused:
        _swap(promotion)


def _swap(promotion: Promotion) -> None:
    global _active, _refused, _problem
    champion = promotion.version
    try:
        _active = load(champion)
        _refused, _problem = 0, ""
        logger.info("serving model version %s (%s)", champion.pk, champion.sha256[:12])
    except ArtifactError as error:
        _refused = promotion.pk
        _problem = f"version {champion.pk} cannot be loaded: {error}"
        logger.error("%s; version %s keeps serving", _problem, _active.version if _active else "none")
    except DatabaseError as error:
        logger.warning("cannot read model version %s: %s", champion.pk, type(error).__name__)


def _drop_retired() -> None:
    """Forget the versions in memory that were retired since they were asked for."""
    if not _pinned:
        return
    retired = ModelVersion.objects.filter(pk__in=list(_pinned)).exclude(retired_reason="").values_list("pk", flat=True)
    for version in retired:
        with _pinned_lock:
            _pinned.pop(version, None)


def start_watching() -> None:
    """Load the champion, and keep following it in the background."""
    refresh()
    # Jitter, so that many processes do not load at the same moment.
    pause = lambda: settings.MODEL_POLL_SECONDS * random.uniform(0.8, 1.2)  # noqa: E731, S311
    background.every("the watch for new models", pause, _watch)


def _watch() -> None:
    global _last_beat
    before = _active
    refresh()
    # At once after a swap: a training run waits for it.
    if _active is not before or time.monotonic() - _last_beat > _HEARTBEAT_SECONDS:
        _last_beat = time.monotonic()
        process = f"web:{socket.gethostname()}:{os.getpid()}"
        Heartbeat.beat(process, "web", version=_active.version if _active else None, problem=_problem)
