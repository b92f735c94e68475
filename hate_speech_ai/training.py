"""From labelled tweets to an artifact. scikit-learn and scipy do the arithmetic; this module says what it is given."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.base_model import learned_corpora
from hate_speech_ai.everyday import Everyday
from hate_speech_ai.labels import HATE_SPEECH, in_order
from hate_speech_ai.map_regression import fit_map
from hate_speech_ai.operating_points import MOST_EVERYDAY, Curve
from hate_speech_ai.recipe import (
    BASE_INTERCEPT_PRECISION,
    BASE_PRECISION,
    BASE_SOURCE_PRECISION,
    CORE_SHARE,
    CORPUS_WEIGHT,
    FOLDS,
    FOLDS_ON_BASE,
    INTERCEPT_PRECISION,
    KNOWN_WEIGHT,
    LEARNED_CORPUS_WEIGHT,
    MOST_WEIGHT,
    NB_POWER,
    NGRAM_PRECISION,
    REVIEW_WEIGHT,
    SMOOTHING,
    SOURCE_PRECISION,
    recipe,
)
from hate_speech_ai.scorer import RememberingScorer, Scorer
from hate_speech_ai.vectorizer import TweetVectorizer
from hate_speech_ai.vocabulary import Vocabulary

#: From nothing, a label is learned once this many tweets answer it with yes, and as many with no.
MIN_EXAMPLES = 50

# Of a fold's fit: its scores only choose thresholds.
_FOLD_TOLERANCE = 5e-3

#: Called with the name of a step and the share of the work done, 0 to 1.
Progress = Callable[[str, float], None]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class NotEnoughData(ValueError):
    """The rows cannot teach `hate_speech`; the message says what is missing."""


@dataclass(frozen=True)
class Example:
    """A tweet and the labels that somebody answered for it.

    Attributes:
        source: where it comes from. What makes a source's tweets more often hateful than another's, besides their
            words, is learned apart and not served.
        core: whether it says what this service is to learn, as the starter corpus and its own reviews do, and not only
            what others called hateful. Core rows count more than others.
        known: whether the base model has learned these answers. Then they hold it where it is, and teach nothing new.
        weight: how much it counts, besides.
    """

    tweet: str
    labels: Mapping[str, bool]
    source: str = ""
    core: bool = False
    author: str = ""
    known: bool = False
    weight: float = 1.0


@dataclass(frozen=True)
class Trained:
    """What `train` returns: the artifact, and the same model as scikit-learn estimators.

    Attributes:
        unseen: for each label and each example, the probability by a model that had not seen it; NaN for those that do
            not answer the label, and for those that the base has learned.
    """

    artifact: Artifact
    vectorizer: TweetVectorizer
    heads: dict[str, LogisticRegression]
    unseen: dict[str, Floats]

    def pipeline(self, label: str = HATE_SPEECH) -> Pipeline:
        """Return tweets to probabilities in scikit-learn's own terms, for comparison with the scorer."""
        return Pipeline([("tfidf", self.vectorizer), ("classifier", self.heads[label])])


@dataclass(frozen=True)
class _Head:
    """One label's coefficients, and what they say about rows that they have not seen."""

    coefficients: Floats
    intercept: float
    curve: Curve
    unseen: Floats


def learnable(examples: Sequence[Example], base: Artifact | None = None) -> list[str]:
    """Return the labels of the base, and those that enough of the examples answer with yes and with no."""
    yes: dict[str, int] = {}
    no: dict[str, int] = {}
    for example in examples:
        for label, answer in example.labels.items():
            counts = yes if answer else no
            counts[label] = counts.get(label, 0) + 1
    enough = {label for label in yes if yes[label] >= MIN_EXAMPLES and no.get(label, 0) >= MIN_EXAMPLES}
    return in_order(enough.union(base.labels if base else ()))


def train(
    examples: Sequence[Example],
    *,
    base: Artifact | None = None,
    everyday: Sequence[Everyday] = (),
    most_features: int | None = None,
    seed: int = 0,
    metadata: Mapping[str, Any] | None = None,
    progress: Progress = lambda step, share: None,
) -> Trained:
    """Train one classifier for each label that the base answers or that the examples can teach.

    On top of a base, a label's classifier is the most probable one, given the examples, under a Gaussian prior whose
    mean is the base's (Chelba and Acero 2004): they move only what they speak about. What the base has learned already
    (`Example.known`) is not learned again: such rows are asked to keep the base's own probability (Li and Hoiem 2016,
    "Learning without Forgetting"). Without other rows, the result has the base's weights, bit for bit.

    From nothing, the prior's mean is zero, and its variance for each feature how unlike it is among the tweets with the
    label and those without (Wang and Manning 2012, "Baselines and Bigrams"). Probabilities are calibrated on
    out-of-fold scores, on tweets that the scoring model had not seen: a logistic curve over the scores (Platt 1999),
    folded into the coefficients.

    Operating points are chosen on out-of-fold scores, and so that few everyday tweets are flagged.

    Args:
        examples: in a fixed order, no two with the same cleaned text. Held-out tweets do not belong here.
        everyday: tweets with which thresholds are chosen; they teach nothing.
        most_features: how many are kept, those with the largest weights; all, if it is left out.
        seed: of the folds. The same examples, base and seed give the same bytes.
        progress: called with the name of each step and the share of the work done, 0 to 1.

    Raises:
        NotEnoughData: there is no base, and fewer than 50 tweets answer `hate_speech` with yes, or with no.
    """
    with threadpool_limits(limits=1):  # the arrays are small: more threads only wait for each other
        return _Training(examples, base, seed, progress).run(everyday, most_features, metadata or {})


class _Training:
    def __init__(self, examples: Sequence[Example], base: Artifact | None, seed: int, progress: Progress) -> None:
        self.examples = examples
        self.base = base
        self.seed = seed
        self.progress = progress
        self.labels = learnable(examples, base)

    def run(self, everyday: Sequence[Everyday], most_features: int | None, metadata: Mapping[str, Any]) -> Trained:
        if HATE_SPEECH not in self.labels:
            answers = [example.labels[HATE_SPEECH] for example in self.examples if HATE_SPEECH in example.labels]
            raise NotEnoughData(
                f"training needs {MIN_EXAMPLES} tweets with hate_speech and {MIN_EXAMPLES} without; "
                f"there are {sum(answers)} and {len(answers) - sum(answers)}"
            )
        self.progress("reading words", 0.02)
        self.vectorizer, features = self._read()
        self.width = features.shape[1]
        self.matrix = self._with_intercepts(features)
        del features
        self.hashes = _hashes(self.examples, self.seed)
        heads: dict[str, _Head] = {}
        for position, label in enumerate(self.labels):
            self.progress(f"learning {label}", 0.3 + 0.6 * position / len(self.labels))
            heads[label] = self._learn(label)
        self.progress("writing the model", 0.9)
        vocabulary, kept = _largest(self.vectorizer.vocabulary_, heads, most_features)
        weights = np.vstack([head.coefficients[kept] for head in heads.values()]).astype(np.float16)
        artifact = Artifact(
            labels=self.labels,
            vocabulary=vocabulary,
            weights=weights,
            intercepts=np.array([head.intercept for head in heads.values()], dtype=np.float64),
            curves={label: head.curve for label, head in heads.items()},
            metadata={"recipe": recipe(), "seed": self.seed, **metadata},
        )
        artifact = replace(artifact, curves=_with_everyday(artifact, everyday))
        return Trained(
            artifact,
            TweetVectorizer().use(vocabulary),
            {label: _estimator(artifact, place) for place, label in enumerate(self.labels)},
            {label: head.unseen for label, head in heads.items()},
        )

    def _read(self) -> tuple[TweetVectorizer, csr_array]:
        """Return the vectorizer and the features of all examples. What is known to the base adds no feature."""
        vectorizer = TweetVectorizer(self.base.vocabulary if self.base else None)
        new = [place for place, example in enumerate(self.examples) if not self._is_known(example)]
        if not new and self.base:
            vectorizer.use(self.base.vocabulary)
            return vectorizer, vectorizer.transform(example.tweet for example in self.examples)
        taught = [self.examples[place] for place in new]
        try:
            features = vectorizer.fit_transform(
                [example.tweet for example in taught], authors=[example.author for example in taught]
            )
        except ValueError as error:  # scikit-learn's word for an empty vocabulary
            raise NotEnoughData("the training tweets have no word in common") from error
        if len(new) == len(self.examples):
            return vectorizer, features
        known = [place for place, example in enumerate(self.examples) if self._is_known(example)]
        both = vstack([features, vectorizer.transform(self.examples[place].tweet for place in known)], format="csr")
        return vectorizer, both[np.argsort(np.array([*new, *known]), kind="stable")]

    def _is_known(self, example: Example) -> bool:
        return self.base is not None and example.known

    def _learn(self, label: str) -> _Head:
        rows = np.array([place for place, example in enumerate(self.examples) if label in example.labels], np.int64)
        answers = np.array([self.examples[place].labels[label] for place in rows], dtype=bool)
        if self.base is None or label not in self.base.labels:
            return self._from_nothing(rows, answers)
        return self._on_the_base(label, self.base, rows, answers)

    # From nothing

    def _from_nothing(self, rows: Ints, answers: Bools) -> _Head:
        matrix, width = self._of(rows), self.width
        weights = self._weights(rows)
        balanced = weights * np.where(answers, _half(answers), _half(~answers))

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
        slope, shift = _platt(scores, answers)
        found = fit(matrix, slice(None), start=start)
        chances = expit(scores * slope + shift)
        coefficients = (found[:width] * slope).astype(np.float16).astype(np.float64)
        return _Head(
            coefficients,
            float(f"{found[-1] * slope + shift:.6g}"),
            Curve.of(chances, answers),
            self._spread(rows, chances),
        )

    def _precision(self, matrix: csr_array, answers: Bools, weights: Floats) -> Floats:
        """Return the prior's precision for each column: features, sources, intercept."""
        strengths = _nb_weights(matrix, answers, weights, self.width)
        sources = matrix.shape[1] - self.width - 1
        return np.concatenate(
            [
                self._ngram_precision() / strengths**2,
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
        core = np.array([self.examples[place].core for place in rows], dtype=bool)
        own = np.array([self.examples[place].weight for place in rows])
        weight = CORE_SHARE * own[~core].sum() / max(int(core.sum()), 1)
        return own * np.where(core, np.clip(weight, 1.0, MOST_WEIGHT), 1.0)

    # On top of a base model

    def _on_the_base(self, label: str, base: Artifact, rows: Ints, answers: Bools) -> _Head:
        place = base.labels.index(label)
        columns = self.vectorizer.base_columns_
        mean = np.where(columns >= 0, base.weights[place].astype(np.float64)[columns], 0.0)
        intercept = float(base.intercepts[place])
        known = np.array([self.examples[row].known for row in rows], dtype=bool)
        if known.all():
            nothing = np.full(len(self.examples), np.nan)
            return _Head(mean, intercept, base.curves[label], nothing)
        matrix, width = self._of(rows), self.width
        sources = matrix.shape[1] - width - 1
        centre = np.concatenate([mean, np.zeros(sources), [intercept]])
        targets = np.where(known, expit(self._served(matrix, centre)), answers.astype(np.float64))
        weights = np.array([self._weight_on_base(self.examples[row], base) for row in rows])

        def fit(part: Bools, **options: Any) -> Floats:
            new, everything = np.flatnonzero(part & ~known), bool(part.all())
            precision: list[Floats] = [
                self._base_precision(columns, matrix[new], answers[new], weights[new]),
                np.full(sources, BASE_SOURCE_PRECISION),
                np.array([BASE_INTERCEPT_PRECISION]),
            ]
            return fit_map(
                matrix if everything else matrix[np.flatnonzero(part)],
                targets[part],
                weights[part],
                precision=np.concatenate(precision),
                mean=centre,
                **options,
            )

        chances, start = np.full(len(rows), np.nan), np.zeros(matrix.shape[1])
        folds = np.where(known, -1, self.hashes[rows] % FOLDS_ON_BASE)
        for fold in range(FOLDS_ON_BASE):
            outside = np.flatnonzero(folds == fold)
            found = fit(folds != fold, tolerance=_FOLD_TOLERANCE)
            start += found / FOLDS_ON_BASE
            chances[outside] = expit(self._served(matrix[outside], found))
        curve = base.curves[label]
        if len(np.unique(answers[~known])) == 2:
            curve = curve.mixed(Curve.of(chances[~known], answers[~known]))
        found = fit(np.ones(len(rows), dtype=bool), start=start)
        return _Head(
            found[:width].astype(np.float16).astype(np.float64),
            float(f"{found[-1]:.6g}"),
            curve,
            self._spread(rows, chances),
        )

    def _base_precision(self, columns: NDArray[np.int32], matrix: csr_array, answers: Bools, weights: Floats) -> Floats:
        """Return each feature's prior precision: one for all of the base's, and that of new ones as from nothing."""
        new = self._ngram_precision() / _nb_weights(matrix, answers, weights, self.width) ** 2
        return np.where(columns >= 0, BASE_PRECISION, new)

    def _weight_on_base(self, example: Example, base: Artifact) -> float:
        if example.known:
            return KNOWN_WEIGHT
        if example.core:
            return REVIEW_WEIGHT * example.weight
        learned = example.source.removeprefix("corpus:") in learned_corpora(base)
        return (LEARNED_CORPUS_WEIGHT if learned else CORPUS_WEIGHT) * example.weight

    # Both

    def _with_intercepts(self, features: csr_array) -> csr_array:
        """Return the features of all examples, a column for each source where there are several, and one of ones."""
        sources = ["" if self._is_known(example) else example.source for example in self.examples]
        names = sorted(
            {name for name, example in zip(sources, self.examples, strict=True) if not self._is_known(example)}
        )
        column = {name: place for place, name in enumerate(names)} if len(names) > 1 or self.base else {}
        places = np.array([column.get(name, -1) for name in sources], dtype=np.int32)
        ends = np.concatenate([[0], np.cumsum(places >= 0)]).astype(np.int32)
        shape = (len(sources), len(column))
        by_source = csr_array((np.ones(int(ends[-1])), places[places >= 0], ends), shape=shape)
        return _narrow(hstack([features, by_source, csr_array(np.ones((len(sources), 1)))], format="csr"))

    def _of(self, rows: Ints) -> csr_array:
        """Return the matrix of some examples, without a copy where these are all."""
        return self.matrix if len(rows) == self.matrix.shape[0] else self.matrix[rows]

    def _served(self, matrix: csr_array, found: Floats) -> Floats:
        """Return the scores that serving would give: without what the source says."""
        coefficients = found.copy()
        coefficients[self.width : -1] = 0.0
        scores: Floats = matrix @ coefficients
        return scores

    def _spread(self, rows: Ints, chances: Floats) -> Floats:
        spread = np.full(len(self.examples), np.nan)
        spread[rows] = chances
        return spread


def _half(answers: Bools) -> float:
    """Return the weight with which these answers count as half of all."""
    return len(answers) / (2 * int(answers.sum()))


def _hashes(examples: Sequence[Example], seed: int) -> Ints:
    """Return a number for each example, by its text, to choose its fold with: a row more or less leaves the others
    where they are, and so the thresholds that are chosen on them."""
    key = seed.to_bytes(8, "big", signed=True)
    digests = (hashlib.blake2b(one.tweet.encode(errors="replace"), digest_size=4, key=key) for one in examples)
    return np.array([int.from_bytes(digest.digest(), "big") for digest in digests], dtype=np.int64)


def _nb_weights(matrix: csr_array, answers: Bools, weights: Floats, width: int) -> Floats:
    """Return how unlike each of `width` features is among the tweets with the label and those without; 1 on average."""
    yes = SMOOTHING + (matrix.T @ (weights * answers))[:width]
    no = SMOOTHING + (matrix.T @ (weights * ~answers))[:width]
    strengths = np.abs(np.log((yes / yes.sum()) / (no / no.sum()))) ** NB_POWER
    strengths /= max(float(np.sqrt(np.mean(strengths**2))), 1e-9)
    rounded: Floats = np.maximum(strengths, 1e-2).astype(np.float32).astype(np.float64)
    return rounded


def _platt(scores: Floats, answers: Bools) -> tuple[float, float]:
    """Return slope and shift of the logistic curve over the scores."""
    platt = LogisticRegression(C=1e6).fit(scores.reshape(-1, 1), answers)
    slope, shift = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    if slope <= 0:  # nothing was learned, and turning every score round would hide it
        return 1.0, 0.0
    # Rounded, because another processor may sum in another order.
    return float(f"{slope:.6g}"), float(f"{shift:.6g}")


def _largest(vocabulary: Vocabulary, heads: Mapping[str, _Head], most: int | None) -> tuple[Vocabulary, Ints]:
    """Return the features with the largest weights, and their places."""
    if most is None or most >= len(vocabulary):
        return vocabulary, np.arange(len(vocabulary))
    sizes = np.max([np.abs(head.coefficients) for head in heads.values()], axis=0) * vocabulary.idf.astype(np.float64)
    kept = np.sort(np.argsort(-sizes, kind="stable")[:most])
    ends = np.cumsum([0, *map(len, vocabulary.blocks)])
    words, patterns, ngrams = (
        [block[place - first] for place in kept[(kept >= first) & (kept < last)].tolist()]
        for block, first, last in zip(vocabulary.blocks, ends[:-1], ends[1:], strict=True)
    )
    return replace(vocabulary, words=words, patterns=patterns, ngrams=ngrams, idf=vocabulary.idf[kept]), kept


def _with_everyday(artifact: Artifact, everyday: Sequence[Everyday]) -> dict[str, Curve]:
    """Return the curves with the shares of everyday tweets that reach each threshold."""
    curves = dict(artifact.curves)
    scorer = RememberingScorer(Scorer(artifact))
    for label in set(curves) & set(MOST_EVERYDAY):
        tweets = [one.tweet for one in everyday if label not in one.labels]
        if tweets:
            curves[label] = curves[label].with_everyday(
                np.array(scorer.probabilities(tweets, label)), MOST_EVERYDAY[label]
            )
    return curves


def _estimator(artifact: Artifact, place: int) -> LogisticRegression:
    """Return a label's classifier as scikit-learn has it."""
    head = LogisticRegression()
    head.classes_ = np.array([False, True])
    head.coef_ = artifact.weights[place : place + 1].astype(np.float64)
    head.intercept_ = artifact.intercepts[place : place + 1]
    head.n_features_in_ = head.coef_.shape[1]
    return head


def _narrow(matrix: csr_array) -> csr_array:
    """Return the matrix with indices of 32 bits: half the memory."""
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix
