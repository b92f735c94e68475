"""A version as a model in memory: from Redis, where its bytes are cached by their hash, or from the database."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from api.lib import redis_client
from api.models import ModelVersion
from hate_speech_ai.artifact import Artifact, ArtifactError, read_curves, sha256
from hate_speech_ai.encoder import loading as encoder_loading
from hate_speech_ai.encoder.embedder import Embedder, EncoderUnavailable
from hate_speech_ai.operating_points import Curve
from hate_speech_ai.scorer import Scorer

logger = logging.getLogger(__name__)


_CACHE_SECONDS = 30 * 86400


@dataclass(frozen=True, eq=False)  # a model is itself, and so can be a key
class LoadedModel:
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


def scorer_of(artifact: Artifact, encoder: Embedder | None = None) -> Scorer:
    """Return the scorer of a model.

    Args:
        encoder: that makes its vectors, if it looks at any; that of this installation, if it is left out.

    Raises:
        EncoderUnavailable: the model needs an encoder, and this process is to have none, or another.
    """
    if artifact.encoder is None:
        return Scorer(artifact)
    if settings.MODEL != "full":
        raise EncoderUnavailable("it looks through the encoder, and MODEL is words; set MODEL=full to use it")
    return encoder_loading.scorer_of(artifact, encoder or encoder_loading.load_encoder(settings.ENCODER))


def load(version: ModelVersion, encoder: Embedder | None = None) -> LoadedModel:
    """Return a version from Redis, where its bytes are cached by their hash, or from the database.

    Args:
        encoder: as for `scorer_of`.

    Raises:
        ArtifactError: it is retired, or the stored bytes are not what was stored, or not a model that this program
            reads, or its encoder is not here.
    """
    content, is_cached = _content(version)
    model = _decode(version, content, encoder)
    if not is_cached:
        put_in_cache(version.sha256, content)
    return model


def curves(version: ModelVersion) -> dict[str, Curve]:
    """Return the curve of each label of a version, without keeping the rest of the model in memory.

    Raises:
        ArtifactError: it is retired, or the stored bytes are not what was stored, or garbled.
    """
    return read_curves(_content(version)[0])


def _content(version: ModelVersion) -> tuple[bytes, bool]:
    """Return a version's bytes, and whether they come from the cache.

    Raises:
        ArtifactError: it is retired, or the stored bytes are not what was stored.
    """
    if version.retired_reason:
        raise ArtifactError(f"it is retired ({version.retired_reason})")
    name = f"model:{version.sha256}"
    try:
        cached = redis_client.call("GET", name)
    except redis_client.Unavailable:
        cached = None
    if isinstance(cached, bytes) and sha256(cached) == version.sha256:
        return cached, True
    if cached is not None:
        logger.error("Redis holds other bytes under %s than were put there; they are ignored", name)
    content = bytes(ModelVersion.objects.values_list("artifact", flat=True).get(pk=version.pk))
    if sha256(content) != version.sha256:
        raise ArtifactError("its bytes in the database do not have its hash")
    return content, False


def _decode(version: ModelVersion, content: bytes, encoder: Embedder | None) -> LoadedModel:
    return LoadedModel(
        version=version.pk,
        sha256=version.sha256,
        scorer=_read(content, encoder),
        trained_at=version.created_at,
        trained_on=version.trained_on,
        evaluated_on=version.evaluated_on,
        metrics=version.metrics,
    )


def _read(content: bytes, encoder: Embedder | None) -> Scorer:
    return scorer_of(Artifact.from_bytes(content), encoder)


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
