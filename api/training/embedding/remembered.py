"""The encoder of a training, which remembers the vectors of the rows from night to night."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray

from api.models import Embedding
from api.training import base_model
from api.training.base_model import Base
from api.training.dataset import Dataset
from hate_speech_ai.encoder.embedder import Embedder
from hate_speech_ai.encoder.loading import load_encoder
from hate_speech_ai.encoder.reading import encoder_text
from hate_speech_ai.evaluation.metrics import read_checks

logger = logging.getLogger(__name__)

Vector = NDArray[np.float32]

_AT_ONCE = 500
# Parts of long texts, and sentences that are asked about besides: 30 MB.
_MOST_OTHERS = 20_000


class RememberingEncoder:
    """An encoder that works out each text once."""

    def __init__(self, encoder: Embedder) -> None:
        self._encoder = encoder
        self._rows: dict[str, Vector] = {}
        self._others: dict[str, Vector] = {}

    @property
    def sha256(self) -> str:
        return self._encoder.sha256

    @property
    def dimensions(self) -> int:
        return self._encoder.dimensions

    def embed(self, texts: Sequence[str]) -> Vector:
        """Return a vector for each text, as `reading.encoder_text` has them."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows and text not in self._others]
        if len(self._others) + len(new) > _MOST_OTHERS:
            self._others.clear()
            new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        found = dict(zip(new, self._encoder.embed(new), strict=True)) if new else {}
        self._others.update(found)
        known = (self._rows.get(text, self._others.get(text)) for text in texts)
        return np.array(list(known), np.float32).reshape(len(texts), self.dimensions)

    def learn(self, tweets: Iterable[str], ensure: Callable[[], None]) -> int:
        """Keep the vectors of tweets in the database, and no others.

        Args:
            ensure: called in the transaction that stores them; raises if a tweet may have been forgotten meanwhile.

        Returns:
            How many were not there.
        """
        names = {Embedding.text_name(tweet): tweet for tweet in tweets}
        stored, needless = set(), []
        for pk, name, vector in _stored(self.sha256):
            if name in names:
                self._rows[encoder_text(names[name])] = np.frombuffer(vector, "<f4")
                stored.add(name)
            else:
                needless.append(pk)
        new = [name for name in names if name not in stored]
        read = [encoder_text(names[name]) for name in new]
        vectors = self._encoder.embed(read)
        self._rows.update(zip(read, vectors, strict=True))
        rows = (
            Embedding(text=name, encoder=self.sha256, vector=vector.astype("<f4").tobytes())
            for name, vector in zip(new, vectors, strict=True)
        )
        with transaction.atomic():
            ensure()
            Embedding.objects.bulk_create(rows, batch_size=_AT_ONCE, ignore_conflicts=True)
            Embedding.objects.exclude(encoder=self.sha256).delete()
            for start in range(0, len(needless), _AT_ONCE):
                Embedding.objects.filter(pk__in=needless[start : start + _AT_ONCE]).delete()
        return len(new)


def for_training(on: Base | None) -> RememberingEncoder | None:
    """Return the encoder that models are learned with here; None where they only have the words.

    Raises:
        EncoderUnavailable: it is not installed.
    """
    if settings.MODEL != "full" or (on is not None and on.artifact.encoder is None):
        return None
    return RememberingEncoder(load_encoder(settings.ENCODER, threads=os.cpu_count() or 1))


def prepared(on: Base | None, dataset: Dataset, ensure: Callable[[], None]) -> RememberingEncoder | None:
    """Return the encoder of a run, once it knows all rows; None where models only have the words.

    Args:
        ensure: as for `RememberingEncoder.learn`.
    """
    encoder = for_training(on)
    if encoder is not None:
        added = encoder.learn(tweets_of(dataset), ensure)
        logger.info("%s texts were new to the encoder", added)
    return encoder


def tweets_of(dataset: Dataset) -> list[str]:
    """Return the texts that each night asks about."""
    everyday = [one.tweet for half in base_model.everyday() for one in half]
    checks = [check.tweet for check in read_checks(settings.CHECKS)]
    return [*(one.tweet for part in (dataset.training, dataset.held_out) for one in part), *everyday, *checks]


def _stored(encoder: str) -> Iterator[tuple[int, str, bytes]]:
    rows = Embedding.objects.filter(encoder=encoder).values_list("pk", "text", "vector")
    for pk, name, vector in rows.iterator(_AT_ONCE):
        yield pk, name, bytes(vector)
