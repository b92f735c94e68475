"""From labelled tweets to an artifact. scikit-learn does the arithmetic; this module says what it is given."""

import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.features import FEATURES_VERSION, STEMMER
from hate_speech_ai.labels import HATE_SPEECH, in_order
from hate_speech_ai.operating_points import Curve
from hate_speech_ai.text import CLEANING_VERSION
from hate_speech_ai.vectorizer import TweetVectorizer

#: A label is learned once this many tweets answer it with yes, and as many with no.
MIN_EXAMPLES = 50

_FOLDS = 3
# All core rows together count as this share of the others, as far as one of them need not count more than the most.
_CORE_SHARE = 0.4
_MOST_WEIGHT = 8.0
# Of the Naive Bayes weights: what an unseen feature counts, and how much of the weight is used.
_SMOOTHING = 0.1
_NB_POWER = 0.5

Progress = Callable[[str, float], None]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class NotEnoughData(ValueError):
    """The rows cannot teach `hate_speech`; the message says what is missing."""


@dataclass(frozen=True)
class Example:
    """A tweet and the labels that somebody answered for it.

    Attributes:
        source: where it comes from. What makes a source's tweets more often hateful than another's, besides their
            words, is learned apart and not served.
        core: whether it says what this service is to learn, as the starter corpus and its own reviews do, and not only
            what others called hateful. Among many other rows, core rows count more than one each.
    """

    tweet: str
    labels: Mapping[str, bool]
    source: str = ""
    core: bool = False
    author: str = ""


@dataclass(frozen=True)
class Trained:
    """What `train` returns: the artifact, and the scikit-learn estimators that it was taken from.

    Attributes:
        unseen: for each label and each example, the probability by a model that had not seen it; NaN for those that do
            not answer the label.
    """

    artifact: Artifact
    vectorizer: TweetVectorizer
    heads: dict[str, LogisticRegression]
    unseen: dict[str, Floats]

    def pipeline(self, label: str = HATE_SPEECH) -> Pipeline:
        """Tweets to probabilities in scikit-learn's own terms, for comparison with the scorer."""
        return Pipeline([("tfidf", self.vectorizer), ("classifier", self.heads[label])])


def recipe() -> dict[str, Any]:
    """What besides the rows decides the bytes of an artifact."""
    return {
        "cleaning": CLEANING_VERSION,
        "features": FEATURES_VERSION,
        "stemmer": STEMMER,
        "vocabulary": "features in the tweets of two authors or more; without an author, a tweet is its own",
        "classifier": "logistic regression, liblinear (dual), C=1, balanced, naive Bayes weights, "
        f"an intercept for each source, core rows {_CORE_SHARE} of the others; "
        f"Platt scaling on out-of-fold scores ({_FOLDS} folds by the hash of the text, each with its own weights)",
        "libraries": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }


def learnable(examples: Sequence[Example]) -> list[str]:
    """The labels that enough of the examples answer with yes and with no."""
    yes: dict[str, int] = {}
    no: dict[str, int] = {}
    for example in examples:
        for label, answer in example.labels.items():
            counts = yes if answer else no
            counts[label] = counts.get(label, 0) + 1
    return in_order(label for label in yes if yes[label] >= MIN_EXAMPLES and no.get(label, 0) >= MIN_EXAMPLES)


def train(
    examples: Sequence[Example],
    *,
    seed: int = 0,
    metadata: Mapping[str, Any] | None = None,
    progress: Progress = lambda step, share: None,
) -> Trained:
    """Train one classifier for each label that the examples can teach.

    Probabilities are calibrated and operating points chosen on out-of-fold scores: on tweets that the scoring model had
    not seen. Calibration is Platt's (1999): a logistic curve over the scores, folded into the coefficients. Features
    are weighted by how unlike they are among the tweets with the label and those without (Wang and Manning 2012,
    "Baselines and Bigrams"), which is folded in too, so that the result is a plain logistic regression.

    Args:
        examples: in a fixed order, no two with the same cleaned text. Held-out tweets do not belong here.
        seed: of the folds. The same examples and seed give the same bytes.
        progress: called with the name of each step and the share of the work done, 0 to 1.

    Raises:
        NotEnoughData: fewer than 50 tweets answer `hate_speech` with yes, or with no.
    """
    with threadpool_limits(limits=1):  # the arrays are small: more threads only wait for each other
        return _train(examples, seed, metadata or {}, progress)


def _train(examples: Sequence[Example], seed: int, metadata: Mapping[str, Any], progress: Progress) -> Trained:
    labels = learnable(examples)
    if HATE_SPEECH not in labels:
        answers = [example.labels[HATE_SPEECH] for example in examples if HATE_SPEECH in example.labels]
        raise NotEnoughData(
            f"training needs {MIN_EXAMPLES} tweets with hate_speech and {MIN_EXAMPLES} without; "
            f"there are {sum(answers)} and {len(answers) - sum(answers)}"
        )
    progress("reading words", 0.02)
    vectorizer = TweetVectorizer()
    try:
        features = vectorizer.fit_transform(
            [example.tweet for example in examples], authors=[example.author for example in examples]
        )
    except ValueError as error:  # scikit-learn's word for an empty vocabulary
        raise NotEnoughData("the training tweets have no word in common") from error
    matrix = hstack([features, _sources(examples)], format="csr")
    width = features.shape[1]
    del features

    folds = _folds(examples, seed)
    heads: dict[str, LogisticRegression] = {}
    curves: dict[str, Curve] = {}
    unseen: dict[str, Floats] = {}
    for position, label in enumerate(labels):
        progress(f"learning {label}", 0.3 + 0.65 * position / len(labels))
        rows = np.array([index for index, example in enumerate(examples) if label in example.labels], np.int32)
        known = np.array([examples[index].labels[label] for index in rows])
        weights = _weights(np.array([examples[index].core for index in rows]))
        heads[label], scores = _fit_head(matrix[rows], width, known, weights, folds[rows], seed)
        curves[label] = Curve.of(scores, known)
        unseen[label] = np.full(len(examples), np.nan)
        unseen[label][rows] = scores
    progress("writing the model", 0.95)

    artifact = Artifact(
        labels=labels,
        terms=vectorizer.terms_,
        ngrams=vectorizer.ngrams_,
        idf=vectorizer.idf_.astype(np.float32),
        weights=np.vstack([head.coef_ for head in heads.values()]).astype(np.float32),
        intercepts=np.array([head.intercept_[0] for head in heads.values()], dtype=np.float64),
        curves=curves,
        metadata={"recipe": recipe(), "seed": seed, **metadata},
    )
    return Trained(artifact, vectorizer, heads, unseen)


def _sources(examples: Sequence[Example]) -> csr_array:
    """A column for each source, 1 in its rows; none where there is only one."""
    sources = sorted({example.source for example in examples})
    if len(sources) < 2:
        return csr_array((len(examples), 0))
    column = {source: place for place, source in enumerate(sources)}
    places = [column[example.source] for example in examples]
    ends = np.arange(len(places) + 1, dtype=np.int32)
    return csr_array((np.ones(len(places)), np.array(places, np.int32), ends), shape=(len(places), len(sources)))


def _folds(examples: Sequence[Example], seed: int) -> NDArray[np.int64]:
    """The fold of each example, by its text: a row more or less leaves the others where they are, and so the thresholds
    that are chosen on them."""
    key = seed.to_bytes(8, "big", signed=True)
    digests = (hashlib.blake2b(one.tweet.encode(errors="replace"), digest_size=8, key=key) for one in examples)
    return np.array([int.from_bytes(digest.digest(), "big") % _FOLDS for digest in digests], dtype=np.int64)


def _weights(core: Bools) -> Floats:
    """How much an error on each row counts: 1, and between 1 and 8 for core rows."""
    weight = _CORE_SHARE * int((~core).sum()) / max(int(core.sum()), 1)
    return np.where(core, np.clip(weight, 1.0, _MOST_WEIGHT), 1.0)


def _fit_head(
    matrix: csr_array, width: int, answers: Bools, weights: Floats, folds: NDArray[np.int64], seed: int
) -> tuple[LogisticRegression, Floats]:
    """One label's classifier over the first `width` columns, and out-of-fold probabilities of the rows."""

    def fit(features: csr_array, known: Bools, weight: Floats) -> LogisticRegression:
        # liblinear works in one thread. Its dual solver at this tolerance decides as the primal one does, in a tenth
        # of the time.
        head = LogisticRegression(
            solver="liblinear", dual=True, tol=0.1, C=1.0, class_weight="balanced", random_state=seed
        ).fit(features, known, sample_weight=weight)
        head.coef_[:, width:] = 0.0  # what the source alone says
        return head

    scores = np.empty(len(answers))
    for fold in range(_FOLDS):
        seen, unseen = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        # Strengths of its own: those of all rows know the answers of the unseen ones, and precision looked too good.
        fold_strengths = _nb_weights(matrix[seen], width, answers[seen], weights[seen])
        head = fit(_scaled(matrix[seen], fold_strengths), answers[seen], weights[seen])
        scores[unseen] = head.decision_function(_scaled(matrix[unseen], fold_strengths))
    slope, shift = _platt(scores, answers)
    scores = scores * slope + shift

    strengths = _nb_weights(matrix, width, answers, weights)
    head = fit(_scaled(matrix, strengths), answers, weights)
    head.coef_ = (head.coef_ * strengths * slope)[:, :width].astype(np.float32).astype(np.float64)
    head.intercept_ = head.intercept_ * slope + shift
    head.n_features_in_ = width
    return head, 1.0 / (1.0 + np.exp(-scores))


def _scaled(matrix: csr_array, strengths: Floats) -> csr_array:
    """The matrix with each column times its strength, in the same memory."""
    matrix.data *= strengths[matrix.indices]
    return matrix


def _nb_weights(matrix: csr_array, width: int, answers: Bools, weights: Floats) -> Floats:
    """How unlike each feature is among the tweets with the label and those without; 1 on average, and for sources."""
    yes = _SMOOTHING + matrix.T @ (weights * answers)
    no = _SMOOTHING + matrix.T @ (weights * ~answers)
    strengths = np.abs(np.log((yes / yes[:width].sum()) / (no / no[:width].sum()))) ** _NB_POWER
    strengths /= max(float(np.sqrt(np.mean(strengths[:width] ** 2))), 1e-9)
    strengths[width:] = 1.0
    rounded: Floats = strengths.astype(np.float32).astype(np.float64)
    return rounded


def _platt(scores: Floats, answers: Bools) -> tuple[float, float]:
    """Slope and shift of the logistic curve over the scores."""
    platt = LogisticRegression(C=1e6).fit(scores.reshape(-1, 1), answers)
    slope, shift = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    if slope <= 0:  # nothing was learned, and turning every score round would hide it
        return 1.0, 0.0
    # Rounded, because another processor may sum in another order.
    return float(f"{slope:.6g}"), float(f"{shift:.6g}")
