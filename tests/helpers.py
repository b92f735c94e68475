"""What the tests of several parts of the service do alike."""

import csv
import gzip
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connections
from django.test import Client
from pytest_django import Settings

from api.models import ModelVersion, TrainingRun
from api.reviews.corpora import import_corpus
from api.training import queue, retraining
from hate_speech_ai.corpora.catalogue import STARTER
from hate_speech_ai.text import repair

#: Public corpora, and the columns with people's text.
PUBLIC_TEXTS = {
    "cad/cad_v1_1_dev.tsv": ["text"],
    "cad/cad_v1_1_train.tsv": ["text"],
    "davidson2017/labeled_data.csv": ["tweet"],
    "dynahate/dynahate_train_dev.csv.gz": ["text"],
    "gab_hate_corpus/ghc_dev_test.csv": ["text"],
    "hateval2019_en/train.csv": ["text"],
    "hateval2019_en/val.csv": ["text"],
    "hatexplain/hatexplain.csv": ["text"],
    "jigsaw_toxic_sample/train_enriched.csv.gz": ["comment_text"],
    "jigsaw_toxic_sample/train_head20k_toxic_only.csv.gz": ["comment_text"],
    "jigsaw_toxic_sample/train_natural.csv.gz": ["comment_text"],
    "measuring_hate_speech/measuring_hate_speech_binary.csv": ["text"],
    "olid/olid-training-v1.0.tsv": ["tweet"],
    "stormfront/stormfront.csv": ["text"],
    "thinknook_sentiment_100k/train.csv.gz": ["SentimentText"],
    "twitter_hate_av/test_unlabelled.csv": ["tweet"],
    "twitter_hate_av/train.csv": ["tweet"],
    "wiki_context_toxicity/gc.csv": ["text", "parent"],
    "wiki_context_toxicity/gn.csv": ["text", "parent"],
}


_SHOW = "import config.settings as s; print(s.ALLOWED_HOSTS, s.LOGGING['root']['level'])"


def read_settings(folder: Path, program: str = _SHOW, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a process says that starts with these settings on a data folder."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"DATA_DIR": str(folder), "ENV_FILE": os.devnull} | environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """The results of calls that all start in the same moment, each with a database connection of its own."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait(30)
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def load(folder: Path, rows: list[dict[str, str]]) -> None:
    """Import rows as the starter corpus."""
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert import_corpus(STARTER, path).rejected == []


def work(run: TrainingRun) -> TrainingRun:
    """The run, once the worker has worked on it."""
    retraining.execute(str(run.pk))
    run.refresh_from_db()
    return run


def train() -> TrainingRun:
    """A run that somebody asked for, at its end."""
    return work(queue.enqueue(queue.Kind.MANUAL, requested_by="test")[0])


def open_the_gate(settings: Settings) -> None:
    """On the hundred held-out rows of these tests, a figure moves by chance."""
    settings.GATE_MAX_DROP = settings.GATE_MAX_SURE_DROP = settings.GATE_MAX_DROP_FROM_BASELINE = 1.0
    settings.GATE_MAX_FALSE_POSITIVE_RISE = settings.GATE_MAX_CHANGED = 1.0
    settings.GATE_MAX_CHECKS_LOST, settings.GATE_MAX_SHARE_RATIO = 999, 999.0
    settings.GATE_MAX_EVERYDAY_RISE = 1.0


def content_of(version: ModelVersion) -> bytes:
    return bytes(ModelVersion.objects.values_list("artifact", flat=True).get(pk=version.pk))


def letters(text: str) -> str:
    """What is left of a text that may have been masked, re-spaced or lower-cased: its letters and digits."""
    text = re.sub(r"@\w+|<user>|https?\S+", "", repair(text))
    return re.sub(r"[\W_]+", "", text).lower()


def texts_of(path: Path, columns: list[str]) -> set[str]:
    """The letters of each text in a public corpus."""
    encoding = "latin-1" if "thinknook" in path.parent.name else "utf-8"
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "rt", encoding=encoding, newline="") as file:
        reader = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        return {letters(row[column] or "") for row in reader for column in columns}


def synthetic(*, seed: int, hours: int, spikes: int) -> tuple[list[float], list[range]]:
    """Hourly shares with a day, a week, an error that fades, three per cent of the hours missing, and some spikes.

    Returns:
        The shares, and the hours of each spike: one to three, 0.05 to 0.18 above what they were.
    """
    chance, places = np.random.default_rng(seed), np.arange(hours)
    error, shocks = np.zeros(hours), chance.normal(0, 0.12, hours)
    for place in range(1, hours):
        error[place] = 0.6 * error[place - 1] + shocks[place]
    day, week = 2 * np.pi * places / 24, 2 * np.pi * places / 168
    logits = -2.2 + 0.35 * np.sin(day + 0.3) + 0.15 * np.cos(2 * day) + 0.25 * np.sin(week) + 0.1 * np.cos(2 * week)
    shares = 1 / (1 + np.exp(-(logits + error)))
    found = []
    for _ in range(spikes):
        start = int(chance.integers(200, 8 * 168 - 4))
        spike = range(start, start + int(chance.integers(1, 4)))
        shares[spike.start : spike.stop] = np.minimum(
            0.95, shares[spike.start : spike.stop] + chance.uniform(0.05, 0.18)
        )
        found.append(spike)
    shares[chance.random(hours) < 0.03] = np.nan
    return shares.tolist(), found


def page(client: Client, path: str, **fields: Any) -> str:
    """What a page shows; after a form was sent with these fields, where there are any."""
    answer = client.post(path, fields, follow=True) if fields else client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())
