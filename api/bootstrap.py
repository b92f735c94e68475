"""The first start."""

import os
from pathlib import Path

from django.conf import settings

from api import queue
from api.corpus_import import import_corpus
from api.models import ApiKey, TrainingRun
from hate_speech_ai.corpora import STARTER


def load_starter_corpus() -> int:
    """Load the rows of `data/train.csv` that are not loaded yet; how many those are."""
    return import_corpus(STARTER, settings.STARTER_CORPUS).added


def key_file() -> Path:
    """Where the first key is left for the operator, readable by nobody else."""
    return Path(settings.DATA_DIR) / "api-key"


def make_first_key() -> bool:
    """Make a key for all scopes and leave it in `key_file()`; False where there is one already."""
    try:
        descriptor = os.open(key_file(), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        _, plain = ApiKey.issue("first key", list(ApiKey.Scope.values))
        file.write(plain)
    return True


def request_first_model() -> TrainingRun:
    """Queue the first training; if an earlier one ended without a model, the next."""
    ended = TrainingRun.objects.filter(kind=queue.Kind.BOOTSTRAP, finished_at__isnull=False).count()
    run, _ = queue.enqueue(queue.Kind.BOOTSTRAP, requested_by="first start", dedupe_key=f"bootstrap:{ended + 1}")
    return run
