"""Scoring without scikit-learn.

For one tweet, nearly all of scikit-learn's time goes into input checks and sparse matrices. This is the same
arithmetic with little more than plain Python, and equal to it to 1e-9 (`tests/test_scorer.py`). What a word's spelling
adds does not depend on the words beside it, so it is computed when the word is first seen, for all labels, and
remembered.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.features import (
    LONGEST_WORD,
    PIVOTS,
    ngrams,
    pattern_features,
    patterns_with_places,
    stem,
    word_features,
    words_with_places,
)
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.operating_points import BALANCED, Curve, OperatingPoint
from hate_speech_ai.text import (
    LONG,
    MAX_CHARS,
    URL,
    USER,
    Part,
    Token,
    Word,
    is_readable,
    parts,
    tokenize_with_offsets,
    words,
)

EMPTY = "empty_after_cleaning"
UNKNOWN = "no_known_words"
TRUNCATED = "truncated"

_MAX_CACHED_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class Score:
    """A model's answer about one tweet.

    Attributes:
        probabilities: for each label asked for, a calibrated probability from 0 to 1.
        warnings: what weakens the answer: `empty_after_cleaning` (nothing to read), `no_known_words` (no word of it was
            in the training data), `truncated` (only the first 5,000 characters were read).
    """

    probabilities: dict[str, float]
    warnings: list[str] = field(default_factory=list)


class TermContribution(NamedTuple):
    """A part of a logit: the feature, the places of its tokens, and what it adds."""

    feature: str
    places: list[int]
    value: float


class Reading(NamedTuple):
    """How a text was read: as a whole, or by one of its parts.

    Attributes:
        logit: of the text.
        part: the part that decides, as a range of tokens; None where the whole does.
        cost: in logits, what was taken off the part's own.
    """

    logit: float
    part: Part | None = None
    cost: float = 0.0


class Scorer:
    """A model, ready to score. Immutable in effect and safe to share between threads.

    One with an encoder is an `encoder.encoder_scorer.EncoderScorer`; `encoder.loading.scorer_of` makes the right one.

    Args:
        artifact: as trained.

    Attributes:
        views: what the model looks at in a text.
        labels: the labels that the model answers.
        curves: for each label, how its answers depend on the threshold.
        operating_points: for each label, the named points.
        thresholds: for each label, the probability from which the answer is yes at the balanced point.
        metadata: the artifact's story.
    """

    views: tuple[str, ...] = ("words",)
    # How a text is read: without the places of its words, which only long texts need.
    _read: Callable[[str], Sequence[Token | Word]] = staticmethod(words)

    def __init__(self, artifact: Artifact) -> None:
        self.labels = artifact.labels
        self.curves: dict[str, Curve] = artifact.curves
        self.operating_points: dict[str, dict[str, OperatingPoint]] = {
            label: curve.named() for label, curve in artifact.curves.items()
        }
        self.thresholds = {label: points[BALANCED].threshold for label, points in self.operating_points.items()}
        self.metadata: dict[str, Any] = artifact.metadata
        vocabulary = artifact.vocabulary
        firsts = accumulate(map(len, vocabulary.blocks), initial=0)
        self._words, self._patterns, self._ngrams = (
            dict(zip(block, range(first, first + len(block)), strict=True))
            for block, first in zip(vocabulary.blocks, firsts, strict=False)
        )
        idf = vocabulary.idf.astype(np.float64)
        # A row for each feature: its product with each label's weight, and its square.
        self._rows = np.empty((len(idf), len(self.labels) + 1))
        np.multiply(artifact.weights.T, idf[:, None], out=self._rows[:, :-1])
        np.multiply(idf, idf, out=self._rows[:, -1])
        self._unknown = vocabulary.unknown_idf**2
        self._intercepts: list[float] = artifact.intercepts.tolist()
        self._columns = {label: place for place, label in enumerate(self.labels)}
        self._spellings: dict[str, list[float]] = {}

    def score(self, tweet: str, labels: Sequence[str] = (HATE_SPEECH,)) -> Score:
        """Judge one tweet.

        Raises:
            KeyError: a label that the model does not answer.

        Example: `scorer.score("have a nice day").probabilities["hate_speech"]` is a float such as 0.0031.
        """
        tokens = self._read(tweet)
        logits = self._logits(tweet, tokens, labels)
        warnings = []
        if not any(map(self.knows, tokens)):
            warnings.append(UNKNOWN if is_readable([token.text for token in tokens]) else EMPTY)
        if len(tweet) > MAX_CHARS:
            warnings.append(TRUNCATED)
        return Score({label: sigmoid(logit) for label, logit in zip(labels, logits, strict=True)}, warnings)

    def probabilities(self, tweets: Iterable[str], label: str = HATE_SPEECH) -> list[float]:
        """Return the probability of one label for each tweet."""
        return [sigmoid(self._logits(tweet, self._read(tweet), (label,))[0]) for tweet in tweets]

    def decisive(self, tweet: str, tokens: Sequence[Token], label: str = HATE_SPEECH) -> Reading:
        """Return the logit of a text, and which part of it decides.

        A long text is read as a whole and in parts, and has the largest of their logits. Of n parts, one is suspicious
        by chance n times as often as one text: so the logarithm of n is taken off each part's logit, which divides its
        odds by n (Bonferroni's correction).

        Args:
            tokens: of the text; or some of them, to ask what the others are worth.
        """
        return self.readings(tweet, tokens, (label,))[0]

    def readings(self, tweet: str, tokens: Sequence[Token], labels: Sequence[str]) -> list[Reading]:
        """Return what `decisive` does, for several labels in little more time than one takes."""
        best = [Reading(logit) for logit in self.logits(tweet, tokens, labels)]
        ranges = parts(tweet, tokens)
        cost = math.log(max(len(ranges), 1))
        for begin, end in ranges:
            for place, logit in enumerate(self.logits(tweet, tokens[begin:end], labels)):
                if logit - cost > best[place].logit:
                    best[place] = Reading(logit - cost, (begin, end), cost)
        return best

    def _logits(self, tweet: str, tokens: Sequence[Token | Word], labels: Sequence[str]) -> list[float]:
        if len(tokens) <= LONG:
            return self.logits(tweet, tokens, labels)
        return [reading.logit for reading in self.readings(tweet, tokenize_with_offsets(tweet), labels)]

    def logits(self, tweet: str, tokens: Sequence[Token | Word], labels: Sequence[str]) -> list[float]:
        """Return the score before the sigmoid, for each label, of a text that is read as a whole.

        Args:
            tokens: of the text, or of a part of it; the words need no more.

        Raises:
            KeyError: a label that the model does not answer.
        """
        columns = [self._columns[label] for label in labels]
        by_word = self._found(self._words, word_features(tokens))
        by_pattern = self._found(self._patterns, pattern_features(tokens))
        known = self._spellings.get
        spellings = [known(word) or self._spelling(word) for word in dict.fromkeys([token.text for token in tokens])]
        by_ngram: list[float] = list(map(sum, zip(*spellings, strict=True))) or [0.0] * len(by_word)
        word_scale = _scale(by_word[-1], PIVOTS.words)
        pattern_scale = _scale(by_pattern[-1], PIVOTS.patterns)
        ngram_scale = _scale(by_ngram[-1], PIVOTS.ngrams)
        return [
            self._intercepts[column]
            + word_scale * by_word[column]
            + pattern_scale * by_pattern[column]
            + ngram_scale * by_ngram[column]
            for column in columns
        ]

    def summands(
        self, tokens: list[Token], label: str = HATE_SPEECH, *, by_ngram: bool = True
    ) -> list[TermContribution]:
        """Return what each known feature adds to the logit of a text that is read as a whole.

        With the intercept, they sum to it. An n-gram's value is for one word, at all of the word's places.

        Args:
            by_ngram: whether to tell a word's n-grams apart. A word may have a hundred; their sum is remembered.
        """
        column = self._columns[label]
        summands: list[TermContribution] = []
        for known, found, pivot in (
            (self._words, words_with_places(tokens), PIVOTS.words),
            (self._patterns, patterns_with_places(tokens), PIVOTS.patterns),
        ):
            met = [(name, places, known[name]) for name, places in found.items() if name in known]
            scale = _scale(self._sum([index for _, _, index in met])[-1], pivot)
            summands += [
                TermContribution(name, places, scale * float(self._rows[index, column])) for name, places, index in met
            ]
        spelt: dict[str, list[int]] = {}
        for place, token in enumerate(tokens):
            spelt.setdefault(token.text, []).append(place)
        scale = _scale(sum([self._spelling(word)[-1] for word in spelt]), PIVOTS.ngrams)
        for word, places in spelt.items():
            if not by_ngram:
                summands.append(TermContribution(word, places, scale * self._spelling(word)[column]))
                continue
            for ngram in ngrams(word):
                if (index := self._ngrams.get(ngram)) is not None:
                    summands.append(TermContribution(ngram, places, scale * float(self._rows[index, column])))
        return summands

    def intercept(self, label: str = HATE_SPEECH) -> float:
        """Return the logit of a text without a known feature."""
        return self._intercepts[self._columns[label]]

    def strengths(self, label: str = HATE_SPEECH) -> dict[str, float]:
        """Return for each word and pattern what it adds to the logit, before the text is scaled.

        Raises:
            KeyError: a label that the model does not answer.
        """
        names = [*self._words, *self._patterns]
        column = self._rows[: len(names), self._columns[label]].tolist()
        return dict(zip(names, column, strict=True))

    def knows(self, token: Token | Word) -> bool:
        """Return whether the model knows a word itself, not only parts of its spelling. Placeholders are no words."""
        return token.text not in (USER, URL) and (stem[token.text] in self._words or token.surface in self._words)

    def _spelling(self, word: str) -> list[float]:
        """Return for each label the product of a word's n-grams with the weights, and their squared length."""
        word = word[:LONGEST_WORD]  # no n-gram is behind that: so no entry is large
        if known := self._spellings.get(word):
            return known
        grams = ngrams(word)
        find = self._ngrams.get
        found = [index for gram in grams if (index := find(gram)) is not None]
        spelling = self._sum(found)
        spelling[-1] += self._unknown * (len(grams) - len(found))
        if len(self._spellings) >= _MAX_CACHED_WORDS:
            self._spellings.clear()
        self._spellings[word] = spelling
        return spelling

    def _found(self, known: dict[str, int], names: list[str]) -> list[float]:
        find = known.get
        return self._sum([index for name in dict.fromkeys(names) if (index := find(name)) is not None])

    def _sum(self, features: list[int]) -> list[float]:
        """Return the sum of their rows: numpy adds up all labels in the time that Python needs for one."""
        total: list[float] = np.add.reduce(self._rows.take(features, axis=0)).tolist()
        return total


def _scale(square: float, pivot: float) -> float:
    """Return what a block is multiplied by, of its squared length."""
    return 1.0 / math.sqrt(square + pivot)


def sigmoid(value: float) -> float:
    """Return the probability of a logit."""
    if value >= 0:
        return 1.0 / (1.0 + math.exp(-value))
    exponential = math.exp(value)
    return exponential / (1.0 + exponential)
