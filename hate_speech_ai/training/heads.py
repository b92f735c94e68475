"""One label's classifier: from nothing, or on top of a base model's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.operating_points import BALANCED, Curve
from hate_speech_ai.sources import corpus_name
from hate_speech_ai.training.base_model import learned_corpora
from hate_speech_ai.training.encoder_block import EncoderBlock, added
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.influence import SURE, Claims, Doubt, masked, set_aside
from hate_speech_ai.training.map_regression import fit_map
from hate_speech_ai.training.recipe import (
    BASE_INTERCEPT_PRECISION,
    BASE_PRECISION,
    BASE_SOURCE_PRECISION,
    CORE_SHARE,
    CORPUS_WEIGHT,
    ENCODER_BASE_PRECISION,
    ENCODER_PRECISION,
    FOLDS,
    FOLDS_ON_BASE,
    INTERCEPT_PRECISION,
    KNOWN_WEIGHT,
    LEARNED_CORPUS_WEIGHT,
    MOST_WEIGHT,
    NGRAM_PRECISION,
    REVIEW_WEIGHT,
    SOURCE_PRECISION,
    WORDS_BESIDE_ENCODER,
)
from hate_speech_ai.training.vectorizer import TweetVectorizer
from hate_speech_ai.training.weighting import half, hashes, nb_weights, platt
from hate_speech_ai.training.word_bound import bound

# Of a fold's fit: its scores only choose thresholds.
_FOLD_TOLERANCE = 5e-3

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Head:
    """One label's coefficients, and what they say about rows that they have not seen.

    Attributes:
        coefficients: of the words.
        encoder: of the encoder's vectors; None where there are none.
        doubts: what claims would teach, and do not until a person approves it.
        reference: for each example, the probability by a model that has learned from none of the claims: the base, or
            the fold's where there is none.
    """

    coefficients: Floats
    intercept: float
    curve: Curve
    out_of_fold: Floats
    doubts: list[Doubt]
    reference: Floats
    encoder: Floats | None = None


class HeadLearner:
    """What the labels of one training have in common.

    Args:
        examples: those of the training.
        matrix: their features, a column for each source where there are several, and one of ones.
        width: how many of the columns are features.
        seed: of the folds.
        block: the encoder's view of them. Its columns stand behind the features.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        base: Artifact | None,
        vectorizer: TweetVectorizer,
        matrix: csr_array,
        width: int,
        seed: int,
        block: EncoderBlock | None = None,
    ) -> None:
        self.examples = examples
        self.base = base
        self.vectorizer = vectorizer
        self.matrix = matrix
        self.block = block
        self.width = width
        self.dimensions = block.width if block else 0
        self.served = width + self.dimensions
        self.hashes = hashes(examples, seed)
        self.is_claim = np.array([bool(example.claimed_by) for example in examples], dtype=bool)

    def learn(self, label: str) -> Head:
        """Return the classifier of a label."""
        rows = np.array([place for place, example in enumerate(self.examples) if label in example.labels], np.int64)
        answers = np.array([self.examples[place].labels[label] for place in rows], dtype=bool)
        if self.base is None or label not in self.base.labels:
            return self._from_nothing(rows, answers)
        return self._on_the_base(label, self.base, rows, answers)

    def _from_nothing(self, rows: Ints, answers: Bools) -> Head:
        matrix, served = self._of(rows, np.ones(len(rows), bool)), self.served
        weights = self._weights(rows)
        balanced = weights * np.where(answers, half(answers), half(~answers))

        def fit(matrix: csr_array, part: Ints | slice, **options: Any) -> Floats:
            return fit_map(
                matrix,
                answers[part].astype(np.float64),
                balanced[part],
                precision=self._precision(matrix, answers[part], weights[part]),
                **options,
            )

        scores, start = np.empty(len(rows)), np.zeros(matrix.shape[1])
        folds = self.hashes[rows] % FOLDS
        for fold in range(FOLDS):
            inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            # Precisions of its own: those of all rows know the answers of the unseen ones.
            found = fit(matrix[inside], inside, tolerance=_FOLD_TOLERANCE)
            start += found / FOLDS
            scores[outside] = self._served(matrix[outside], found)
        judged = self.block.unseen(rows, answers) if self.block else slice(None)
        slope, shift = platt(scores[judged], answers[judged])
        found = fit(matrix, slice(None), start=start)
        chances = expit(scores * slope + shift)
        coefficients, encoder = self._stored(found[:served] * slope)
        unseen = self._spread(rows, chances)
        intercept = float(f"{found[-1] * slope + shift:.6g}")
        return Head(coefficients, intercept, Curve.of(chances[judged], answers[judged]), unseen, [], unseen, encoder)

    def _precision(self, matrix: csr_array, answers: Bools, weights: Floats) -> Floats:
        """Return the prior's precision for each column: features, sources, intercept."""
        strengths = nb_weights(matrix, answers, weights, self.width)
        sources = matrix.shape[1] - self.served - 1
        words = WORDS_BESIDE_ENCODER if self.block else 1.0
        return np.concatenate(
            [
                words * self._ngram_precision() / strengths**2,
                np.full(self.dimensions, ENCODER_PRECISION),
                np.full(sources, SOURCE_PRECISION),
                [INTERCEPT_PRECISION],
            ]
        )

    def _ngram_precision(self) -> Floats:
        vocabulary = self.vectorizer.vocabulary_
        precision = np.ones(len(vocabulary))
        precision[len(vocabulary) - len(vocabulary.ngrams) :] = NGRAM_PRECISION
        return precision

    def _weights(self, rows: Ints) -> Floats:
        """Return how much an error on each row counts: its weight, and between 1 and 8 times as much for core rows."""
        core = np.array([self.examples[place].in_domain for place in rows], dtype=bool)
        own = np.array([self.examples[place].weight for place in rows])
        weight = CORE_SHARE * own[~core].sum() / max(int(core.sum()), 1)
        return own * np.where(core, np.clip(weight, 1.0, MOST_WEIGHT), 1.0)

    def _on_the_base(self, label: str, base: Artifact, rows: Ints, answers: Bools) -> Head:
        place = base.labels.index(label)
        columns = self.vectorizer.base_columns_
        mean = np.where(columns >= 0, base.weights[place].astype(np.float64)[columns], 0.0)
        intercept = float(base.intercepts[place])
        if self.block:
            mean = np.concatenate([mean, self.block.weights_of(place)])
        # What one source alone says moves words, whose bound is exact, and never the encoder's weights. Nor does what
        # the base knows; so only few rows have the columns at all, and a night takes little longer.
        moves = np.array([not (self.examples[row].known or self.is_claim[row]) for row in rows], dtype=bool)
        matrix, offset = self._of(rows, moves), self._offset(rows, moves, mean)
        sources = matrix.shape[1] - self.served - 1
        centre = np.concatenate([mean, np.zeros(sources), [intercept]])
        by_base = expit(self._served(matrix, centre) + offset)
        reference = self._spread(rows, by_base)
        claims, doubts = None, list[Doubt]()
        if self.is_claim[rows].any():
            read, vocabulary = self._read, self.vectorizer.vocabulary_
            masks = masked(self.examples, rows, answers, by_base, lambda texts: expit(read(texts) @ mean + intercept))
            claims = Claims.of(label, self.examples, rows, answers, matrix, by_base, masks, vocabulary)
        if claims is not None and (doubts := set_aside(claims)):
            left = np.flatnonzero(~np.isin(rows, [place for doubt in doubts for place in doubt.examples]))
            claims, offset = claims.only(left), offset[left]
            rows, answers, by_base, matrix = claims.places, claims.answers, claims.reference, claims.matrix
        known = np.array([self.examples[row].known for row in rows], dtype=bool)
        if known.all():
            nothing = np.full(len(self.examples), np.nan)
            coefficients, encoder = self._stored(mean)
            return Head(coefficients, intercept, base.curves[label], nothing, doubts, reference, encoder)
        targets = np.where(known, by_base, answers.astype(np.float64))
        weights = np.array([self._weight_on_base(self.examples[row], base) for row in rows])

        def fit(part: Bools, **options: Any) -> Floats:
            new, everything = np.flatnonzero(part & ~known), bool(part.all())
            precision: list[Floats] = [
                self._base_precision(columns, matrix[new], answers[new], weights[new]),
                np.full(self.dimensions, ENCODER_BASE_PRECISION),
                np.full(sources, BASE_SOURCE_PRECISION),
                np.array([BASE_INTERCEPT_PRECISION]),
            ]
            return fit_map(
                matrix if everything else matrix[np.flatnonzero(part)],
                targets[part],
                weights[part],
                precision=np.concatenate(precision),
                mean=centre,
                offset=offset[part],
                **options,
            )

        chances, start = np.full(len(rows), np.nan), np.zeros(matrix.shape[1])
        folds = np.where(known, -1, self.hashes[rows] % FOLDS_ON_BASE)
        for fold in range(FOLDS_ON_BASE):
            outside = np.flatnonzero(folds == fold)
            found = fit(folds != fold, tolerance=_FOLD_TOLERANCE)
            start += found / FOLDS_ON_BASE
            chances[outside] = expit(self._served(matrix[outside], found) + offset[outside])
        curve = base.curves[label]
        if len(np.unique(answers[~known])) == 2:
            curve = curve.mixed(Curve.of(chances[~known], answers[~known]))
        found = fit(np.ones(len(rows), dtype=bool), start=start)
        coefficients = found[: self.served]
        if claims is not None:
            threshold = base.curves[label].named()[BALANCED].threshold
            coefficients, moved = bound(
                claims,
                base=mean,
                learned=coefficients,
                intercepts=(intercept, float(found[-1])),
                threshold=threshold,
                # What the encoder makes of a sentence says nothing of its words: unless it is sure, claims teach them.
                agrees=(1 - SURE, SURE) if self.block else (threshold, threshold),
                read=self._read,
            )
            doubts += moved
        words, encoder = self._stored(coefficients)
        return Head(words, float(f"{found[-1]:.6g}"), curve, self._spread(rows, chances), doubts, reference, encoder)

    def _base_precision(self, columns: NDArray[np.int32], matrix: csr_array, answers: Bools, weights: Floats) -> Floats:
        """Return each feature's prior precision: one for all of the base's, and that of new ones as from nothing."""
        new = self._ngram_precision() / nb_weights(matrix, answers, weights, self.width) ** 2
        return np.where(columns >= 0, BASE_PRECISION, new)

    def _weight_on_base(self, example: Example, base: Artifact) -> float:
        if example.known:
            return KNOWN_WEIGHT
        if example.in_domain:
            return REVIEW_WEIGHT * example.weight
        learned = corpus_name(example.source) in learned_corpora(base)
        return (LEARNED_CORPUS_WEIGHT if learned else CORPUS_WEIGHT) * example.weight

    def _of(self, rows: Ints, moves: Bools) -> csr_array:
        """Return the matrix of some examples, without a copy where these are all and there is no encoder.

        Args:
            moves: which of them have the encoder's columns.
        """
        matrix = self.matrix if len(rows) == self.matrix.shape[0] else self.matrix[rows]
        return matrix if self.block is None else self.block.inserted(matrix, self.width, rows, moves)

    def _offset(self, rows: Ints, moves: Bools, mean: Floats) -> Floats:
        """Return what the base's encoder adds to the scores of the examples that do not have its columns."""
        offset = np.zeros(len(rows))
        if self.block:
            offset[~moves] = added(self.block.vectors[rows[~moves]], mean[self.width :])
        return offset

    def _read(self, texts: Sequence[str]) -> csr_array:
        """Return what is served of texts that are no examples: (texts, features and the encoder's columns)."""
        features = self.vectorizer.transform(texts)
        return features if self.block is None else self.block.beside(features, texts)

    def _stored(self, found: Floats) -> tuple[Floats, Floats | None]:
        """Return the coefficients of the words and of the encoder, as exactly as an artifact keeps them."""
        words = found[: self.width].astype(np.float16).astype(np.float64)
        return words, found[self.width :].astype(np.float32).astype(np.float64) if self.block else None

    def _served(self, matrix: csr_array, found: Floats) -> Floats:
        """Return the scores that serving would give: without what the source says."""
        coefficients = found.copy()
        coefficients[self.served : -1] = 0.0
        scores: Floats = matrix @ coefficients
        return scores

    def _spread(self, rows: Ints, chances: Floats) -> Floats:
        spread = np.full(len(self.examples), np.nan)
        spread[rows] = chances
        return spread
