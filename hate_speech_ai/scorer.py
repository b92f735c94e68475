"""Scoring without scikit-learn.

For one tweet, nearly all of scikit-learn's time goes into input checks and sparse matrices. This is the same
arithmetic with little more than plain Python, and equal to it to 1e-9 (`tests/test_scorer.py`). What a word's spelling
adds does not depend on the words beside it, so it is computed when the word is first seen, for all labels, and
remembered.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.features import names, ngrams, stem, terms
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.operating_points import BALANCED, Curve, OperatingPoint
from hate_speech_ai.text import MAX_CHARS, URL, USER, Token, Word, is_readable, words

EMPTY = "empty_after_cleaning"
UNKNOWN = "no_known_words"
TRUNCATED = "truncated"

_MAX_CACHED_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class Score:
    """A model's answer about one tweet.

    Attributes:
        probabilities: for each label asked for, a calibrated probability from 0 to 1.
        notes: what weakens the answer: `empty_after_cleaning` (nothing to read), `no_known_words` (no word of it was in
            the training data), `truncated` (only the first 5,000 characters were read).
    """

    probabilities: dict[str, float]
    notes: list[str] = field(default_factory=list)


class Summand(NamedTuple):
    """A part of a logit: the n-gram or term, the places of its tokens, and what it adds."""

    feature: str
    places: list[int]
    value: float


class Scorer:
    """A model, ready to score. Immutable in effect and safe to share between threads.

    Args:
        artifact: as trained.

    Attributes:
        labels: the labels that the model answers.
        curves: for each label, how its answers depend on the threshold.
        operating_points: for each label, the named points.
        thresholds: for each label, the probability from which the answer is yes at the balanced point.
        metadata: the artifact's story.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.labels = artifact.labels
        self.curves: dict[str, Curve] = artifact.curves
        self.operating_points: dict[str, dict[str, OperatingPoint]] = {
            label: curve.named() for label, curve in artifact.curves.items()
        }
        self.thresholds = {label: points[BALANCED].threshold for label, points in self.operating_points.items()}
        self.metadata: dict[str, Any] = artifact.metadata
        count = len(artifact.terms)
        self._terms = dict(zip(artifact.terms, range(count), strict=True))
        self._ngrams = dict(zip(artifact.ngrams, range(count, len(artifact.idf)), strict=True))
        idf = artifact.idf.astype(np.float64)
        # A row for each feature: its product with each label's weight, and its square.
        self._rows = np.ascontiguousarray(np.vstack([artifact.weights * idf, idf * idf]).T)
        self._intercepts: list[float] = artifact.intercepts.tolist()
        self._columns = {label: place for place, label in enumerate(self.labels)}
        self._spellings: dict[str, list[float]] = {}

    def score(self, tweet: str, labels: Sequence[str] = (HATE_SPEECH,)) -> Score:
        """Judge one tweet.

        Raises:
            KeyError: a label that the model does not answer.

        Example: `scorer.score("have a nice day").probabilities["hate_speech"]` is a float such as 0.0031.
        """
        tokens = words(tweet)
        logits = self.logits(tokens, labels)
        notes = []
        if not any(map(self.knows, tokens)):
            notes.append(UNKNOWN if is_readable([token.text for token in tokens]) else EMPTY)
        if len(tweet) > MAX_CHARS:
            notes.append(TRUNCATED)
        return Score({label: _sigmoid(logit) for label, logit in zip(labels, logits, strict=True)}, notes)

    def probabilities(self, tweets: Iterable[str], label: str = HATE_SPEECH) -> list[float]:
        """The probability of one label for each tweet."""
        return [_sigmoid(self.logits(words(tweet), (label,))[0]) for tweet in tweets]

    def probability(self, tokens: Sequence[Token | Word], label: str = HATE_SPEECH) -> float:
        """The probability of one label for a text that is read already."""
        return _sigmoid(self.logits(tokens, (label,))[0])

    def logits(self, tokens: Sequence[Token | Word], labels: Sequence[str]) -> list[float]:
        """The score before the sigmoid, for each label.

        Raises:
            KeyError: a label that the model does not answer.
        """
        columns = [self._columns[label] for label in labels]
        find, known = self._terms.get, self._spellings.get
        by_term = self._sum([index for name in dict.fromkeys(names(tokens)) if (index := find(name)) is not None])
        spellings = [known(word) or self._spelling(word) for word in dict.fromkeys([token.text for token in tokens])]
        by_ngram = list(map(sum, zip(*spellings, strict=True))) or by_term  # all zeros, where there is no word
        term_scale, ngram_scale = _scale(by_term[-1]), _scale(by_ngram[-1])
        return [
            self._intercepts[column] + term_scale * by_term[column] + ngram_scale * by_ngram[column]
            for column in columns
        ]

    def summands(self, tokens: list[Token], label: str = HATE_SPEECH) -> list[Summand]:
        """What each known term and n-gram adds to the logit. With the intercept, they sum to it.

        An n-gram's value is for one word, at all of the word's places.
        """
        column = self._columns[label]
        found = [(term, places, self._terms[term]) for term, places in terms(tokens).items() if term in self._terms]
        scale = _scale(self._sum([index for _, _, index in found])[-1])
        summands = [Summand(term, places, scale * float(self._rows[index, column])) for term, places, index in found]
        spelt: dict[str, list[int]] = {}
        for place, token in enumerate(tokens):
            spelt.setdefault(token.text, []).append(place)
        scale = _scale(sum([self._spelling(word)[-1] for word in spelt]))
        for word, places in spelt.items():
            for ngram in ngrams(word):
                if (index := self._ngrams.get(ngram)) is not None:
                    summands.append(Summand(ngram, places, scale * float(self._rows[index, column])))
        return summands

    def intercept(self, label: str = HATE_SPEECH) -> float:
        """The logit of a text without a known feature."""
        return self._intercepts[self._columns[label]]

    def strengths(self, label: str = HATE_SPEECH) -> dict[str, float]:
        """For each term what it adds to the logit, before the text is scaled.

        Raises:
            KeyError: a label that the model does not answer.
        """
        column = self._rows[: len(self._terms), self._columns[label]].tolist()
        return dict(zip(self._terms, column, strict=True))

    def knows(self, token: Token | Word) -> bool:
        """Whether the model knows a word itself, and not only parts of its spelling. Placeholders are no words."""
        return token.text not in (USER, URL) and (stem(token.text) in self._terms or token.surface in self._terms)

    def _spelling(self, word: str) -> list[float]:
        """A word's n-grams: for each label the product of their vector with the weights, and its squared length."""
        find = self._ngrams.get
        spelling = self._sum([index for ngram in ngrams(word) if (index := find(ngram)) is not None])
        if len(self._spellings) >= _MAX_CACHED_WORDS:
            self._spellings.clear()
        self._spellings[word] = spelling
        return spelling

    def _sum(self, features: list[int]) -> list[float]:
        """The sum of their rows: numpy adds up all labels in the time that Python needs for one."""
        total: list[float] = np.add.reduce(self._rows.take(features, axis=0)).tolist()
        return total


def _scale(square: float) -> float:
    """What brings a vector to length one."""
    return 1.0 / math.sqrt(square) if square else 0.0


def _sigmoid(value: float) -> float:
    if value >= 0:
        return 1.0 / (1.0 + math.exp(-value))
    exponential = math.exp(value)
    return exponential / (1.0 + exponential)
