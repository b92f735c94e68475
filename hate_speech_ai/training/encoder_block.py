"""The columns of the encoder: a text's vector, less that of an average harmless one, beside the TF-IDF blocks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from hate_speech_ai.artifact import Artifact, EncoderView
from hate_speech_ai.encoder.embedder import Embedder
from hate_speech_ai.encoder.reading import encoder_text
from hate_speech_ai.encoder.remembering import Remembering
from hate_speech_ai.encoder.unseen import is_unseen
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.text import fingerprint
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.recipe import ENCODER_SCALE

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]

_ROWS_AT_ONCE = 20_000
# Of either answer, to calibrate a head on what the encoder has not learned.
_FEWEST_UNSEEN = 100


class EncoderBlock:
    """The encoder's view of the examples of one training.

    Args:
        examples: those of the training.
        base: the model to learn on top of; its encoder is this one.

    Attributes:
        width: how many columns there are.
        vectors: float32 (examples, width), scaled.
    """

    def __init__(self, encoder: Embedder, examples: Sequence[Example], base: Artifact | None) -> None:
        self.encoder = encoder
        self.width = encoder.dimensions
        self._examples = examples
        self._unseen: Bools | None = None
        self._remembering = Remembering(encoder)
        raw = encoder.embed([encoder_text(example.tweet) for example in examples])
        if base is not None and base.encoder is not None:
            self.centre, self._of_base = base.encoder.centre, base.encoder.weights
        else:
            harmless = [place for place, one in enumerate(examples) if one.labels.get(HATE_SPEECH) is False]
            self.centre = np.add.reduce(raw[harmless], axis=0, dtype=np.float64) / max(len(harmless), 1)
            self.centre = self.centre.astype(np.float32)
        self.vectors = self._scaled(raw)

    def unseen(self, rows: Ints, answers: Bools) -> Bools:
        """Return which rows a head is calibrated on: where there are enough, those that the encoder was kept from."""
        if self._unseen is None:
            self._unseen = np.array([is_unseen(fingerprint(one.tweet)) for one in self._examples], np.bool_)
        found: Bools = self._unseen[rows]
        enough = min(answers[found].sum(), (~answers[found]).sum()) >= _FEWEST_UNSEEN
        return found if enough else np.ones_like(found)

    def read(self, texts: Sequence[str]) -> Vectors:
        """Return the scaled vectors of other texts, each worked out once."""
        return self._scaled(self._remembering.embed([encoder_text(text) for text in texts]))

    def inserted(self, matrix: csr_array, place: int, rows: Ints, moves: Bools) -> csr_array:
        """Return a matrix of some examples with the encoder's columns from a place on, in the rows that move."""
        block = _sparse(self.vectors[rows[moves]], moves)
        return _narrow(hstack([matrix[:, :place], block, matrix[:, place:]], format="csr"))

    def beside(self, features: csr_array, texts: Sequence[str]) -> csr_array:
        """Return the features of other texts with the encoder's columns behind them."""
        return _narrow(hstack([features, _sparse(self.read(texts), np.ones(len(texts), bool))], format="csr"))

    def weights_of(self, place: int) -> Floats:
        """Return the base's weights of its label at a place, of scaled vectors."""
        weights: Floats = self._of_base[place].astype(np.float64) / ENCODER_SCALE
        return weights

    def view(self, weights: Sequence[Floats]) -> EncoderView:
        """Return what an artifact keeps, of each label's weights of scaled vectors."""
        stored = np.vstack(weights) * ENCODER_SCALE
        return EncoderView(self.encoder.sha256, stored.astype(np.float32), self.centre)

    def _scaled(self, raw: Vectors) -> Vectors:
        scaled: Vectors = (raw - self.centre) * np.float32(ENCODER_SCALE)
        return scaled


def added(vectors: Vectors, weights: Floats) -> Floats:
    """Return what vectors add to the scores. Summed by numpy and not by a BLAS, as all sums of a training."""
    starts = range(0, len(vectors), _ROWS_AT_ONCE)
    parts = [np.add.reduce(vectors[start : start + _ROWS_AT_ONCE] * weights, axis=1) for start in starts]
    return np.concatenate([np.zeros(0), *parts])


def _sparse(vectors: Vectors, moves: Bools) -> csr_array:
    """Return a row for each of `moves`: the next of the vectors where it is true, and nothing else."""
    count, width = vectors.shape
    indices = np.tile(np.arange(width, dtype=np.int32), count)
    ends = np.concatenate([[0], np.cumsum(np.where(moves, width, 0))]).astype(np.int32)
    return csr_array((vectors.ravel().astype(np.float64), indices, ends), shape=(len(moves), width))


def _narrow(matrix: csr_array) -> csr_array:
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix
