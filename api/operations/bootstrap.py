"""The first start."""

import hashlib
import logging
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from api.keys import accounts
from api.lib import audit_log
from api.models import ApiKey, ModelVersion, Promotion, TrainingRun
from api.prediction import loading
from api.reviews.corpora import import_corpus
from api.training import base_model, queue
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.corpora.catalogue import STARTER
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.sources import corpus_source
from hate_speech_ai.text import CLEANING_VERSION

logger = logging.getLogger(__name__)

_READ = "corpus.read"


def load_starter_corpus() -> int:
    """Load the rows of `data/train.csv` that are not loaded yet; how many those are.

    A file that was read to its end is not read again at the next start.
    """
    content = Path(settings.STARTER_CORPUS).read_bytes()
    read: dict[str, Any] = {"sha256": hashlib.sha256(content).hexdigest(), "cleaning": CLEANING_VERSION}
    source = corpus_source(STARTER.name)
    if (last := audit_log.newest(_READ, source)) and last.details == read:
        return 0
    added = import_corpus(STARTER, settings.STARTER_CORPUS).added
    audit_log.record(_READ, source, by="first start", **read)
    return added


def key_file() -> Path:
    """Return where the first key is left for the operator, readable by nobody else."""
    return Path(settings.DATA_DIR) / "api-key"


def make_first_key() -> bool:
    """Make a key for all scopes and leave it in `key_file()`; False where there is one already."""
    try:
        descriptor = os.open(key_file(), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        key, plain = ApiKey.issue("first key", list(ApiKey.Scope.values), trust=ApiKey.Trust.TRUSTED)
        audit_log.record("key.created", str(key), by="first start", scopes=key.scopes)
        file.write(plain)
    return True


def make_first_operator() -> str:
    """Make an operator's account where nobody has one; return what to tell them, empty where somebody has."""
    password = accounts.create_first_operator()
    if password is None:
        return ""
    return (
        f"sign in at {settings.PUBLIC_URL or settings.LOCAL_URL}/sign-in as {accounts.FIRST_NAME} with the password "
        f"{password}, which is not shown again"
    )


def has_model() -> bool:
    """Return whether there is a version to serve that this program can read."""
    champion = Promotion.champion()
    if champion is None:
        return False
    try:
        loading.load(champion)
    except ArtifactError as error:
        logger.warning("version %s cannot be served any more: %s", champion.pk, error)
        return False
    return True


def serve_base_model() -> ModelVersion | None:
    """Let the base model serve. It is for who found that nothing else can.

    Returns:
        The version that serves it now; None where there is to be no base model.

    Raises:
        OSError: its file cannot be read.
        ArtifactError: it is no base model that this program can serve.
    """
    if (found := base_model.load()) is None:
        return None
    metadata = found.artifact.metadata
    metrics = metadata["metrics"]
    with transaction.atomic():
        version = ModelVersion.objects.create(
            sha256=found.sha256,
            artifact=found.content,
            data_fingerprint=base_model.made_with(found).hexdigest(),
            trained_on=metadata["trained_on"],
            evaluated_on=metrics[HATE_SPEECH]["rows"],
            metrics=metrics,
            recipe=metadata["recipe"],
            learned_from={corpus_source(name): count for name, count in metadata["corpora"].items()},
        )
        Promotion.objects.create(
            version=version, by="first start", reason="the base model, which comes with the service"
        )
        audit_log.record("version.promoted", str(version), by="first start", sha256=version.sha256)
    return version


def request_first_model() -> TrainingRun:
    """Queue the first training; if an earlier one ended without a model, the next."""
    ended = TrainingRun.objects.filter(kind=queue.Kind.BOOTSTRAP, finished_at__isnull=False).count()
    run, _ = queue.enqueue(queue.Kind.BOOTSTRAP, requested_by="first start", dedupe_key=f"bootstrap:{ended + 1}")
    return run
