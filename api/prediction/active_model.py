"""The model that this process serves, and the swap.

A background thread looks for a promotion every second, loads the new model beside the old one, and then replaces one
reference. Whatever fails on the way, the old model keeps serving and `/health` says why.
"""

import logging
import os
import random
import socket
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from api.http.problems import ModelNotReady
from api.lib import redis_client
from api.models import Heartbeat, ModelVersion, Promotion
from hate_speech_ai.artifact import Artifact, ArtifactError, sha256
from hate_speech_ai.scorer import Scorer

logger = logging.getLogger(__name__)

_HEARTBEAT_SECONDS = 5.0
_MAX_PINNED = 2
_CACHE_SECONDS = 30 * 86400


@dataclass(frozen=True)
class ActiveModel:
    """A loaded version, with its figures. A request uses one from its start to its end."""

    version: int
    sha256: str
    scorer: Scorer
    trained_at: datetime
    trained_on: int
    evaluated_on: int
    metrics: dict[str, Any]

    @property
    def name(self) -> str:
        """What other services' formats call it, such as `hate-speech-17`."""
        return f"hate-speech-{self.version}"


_active: ActiveModel | None = None
_pinned: dict[int, ActiveModel] = {}  # the one that was asked for last stands last
_pinned_lock = threading.Lock()
_refused = 0  # the promotion whose version could not be loaded, so that it is not tried every second
_problem = ""


def get() -> ActiveModel:
    """The model that serves.

    Raises:
        ModelNotReady: none has been loaded yet.
    """
    if _active is None:
        raise ModelNotReady(_problem or None)
    return _active


def pinned(version: int) -> ActiveModel:
    """Any version, whatever serves: its answers are the same for ever.

    The few that were asked for last stay in memory; one that is retired leaves it within about a second.

    Raises:
        ModelVersion.DoesNotExist: there is no such version.
        ArtifactError: this program cannot load it.
        DatabaseError: it is not in memory, and the database is away.
    """
    if _active is not None and _active.version == version:
        return _active
    with _pinned_lock:  # so that many requests at once do not load it many times
        model = _pinned.pop(version, None) or load(ModelVersion.objects.get(pk=version))
        _pinned[version] = model
        while len(_pinned) > _MAX_PINNED:
            del _pinned[next(iter(_pinned))]
        return model


def problem() -> str:
    """Why the newest promoted version is not the one that serves here; empty where it is."""
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


def load(version: ModelVersion) -> ActiveModel:
    """A version from Redis, where its bytes are cached by their hash, or from the database.

    Raises:
        ArtifactError: it is retired, or the stored bytes are not what was stored, or not a model that this program
            reads.
    """
    if version.retired:
        raise ArtifactError(f"it is retired ({version.retired})")
    name = f"model:{version.sha256}"
    try:
        cached = redis_client.call("GET", name)
    except redis_client.Unavailable:
        cached = None
    if isinstance(cached, bytes) and sha256(cached) == version.sha256:
        return _decode(version, cached)
    if cached is not None:
        logger.error("Redis holds other bytes under %s than were put there; they are ignored", name)
    content = bytes(ModelVersion.objects.values_list("artifact", flat=True).get(pk=version.pk))
    if sha256(content) != version.sha256:
        raise ArtifactError("its bytes in the database do not have its hash")
    model = _decode(version, content)
    put_in_cache(version.sha256, content)
    return model


def _decode(version: ModelVersion, content: bytes) -> ActiveModel:
    return ActiveModel(
        version=version.pk,
        sha256=version.sha256,
        scorer=Scorer(Artifact.from_bytes(content)),
        trained_at=version.created_at,
        trained_on=version.trained_on,
        evaluated_on=version.evaluated_on,
        metrics=version.metrics,
    )


def put_in_cache(digest: str, content: bytes) -> None:
    """Offer an artifact's bytes to the other processes."""
    try:
        redis_client.call("SET", f"model:{digest}", content, "EX", _CACHE_SECONDS)
    except redis_client.Unavailable:
        logger.warning("the model %s is not cached; it will be read from the database", digest[:12])


def take_from_cache(*digests: str) -> None:
    """Delete artifacts' bytes there: their versions are retired."""
    if not digests:
        return
    try:
        redis_client.call("DEL", *[f"model:{digest}" for digest in digests])
    except redis_client.Unavailable:
        logger.warning("retired models may still be cached; they are deleted there after the next training")


def _drop_retired() -> None:
    """Forget the versions in memory that were retired since they were asked for."""
    if not _pinned:
        return
    retired = ModelVersion.objects.filter(pk__in=list(_pinned)).exclude(retired="").values_list("pk", flat=True)
    for version in retired:
        with _pinned_lock:
            _pinned.pop(version, None)


def start_watching() -> None:
    """Load the champion and keep following it in the background."""
    refresh()
    threading.Thread(target=_watch, daemon=True, name="model-watch").start()


def _watch() -> None:
    process = f"web:{socket.gethostname()}:{os.getpid()}"
    last_beat = 0.0
    while True:
        try:
            before = _active
            refresh()
            # At once after a swap: a training run waits for it.
            if _active is not before or time.monotonic() - last_beat > _HEARTBEAT_SECONDS:
                last_beat = time.monotonic()
                Heartbeat.beat(process, "web", version=_active.version if _active else None, problem=_problem)
        except DatabaseError:
            pass  # said by refresh, and by /health
        except Exception:
            logger.exception("the model watch stumbled and goes on")
        finally:
            connection.close_if_unusable_or_obsolete()
        # Jitter, so that many processes do not load at the same moment.
        time.sleep(settings.MODEL_POLL_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311
