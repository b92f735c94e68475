"""From labelled tweets to an artifact. scikit-learn does the arithmetic; this module says what it is given."""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.evaluation import best_threshold
from hate_speech_ai.features import STEMMER, char_ngrams, word_ngrams
from hate_speech_ai.labels import HATE_SPEECH, in_order
from hate_speech_ai.text import CLEANING_VERSION, Token, read

#: A label is learned once this many tweets answer it with yes, and as many with no.
MIN_EXAMPLES = 50

_FOLDS = 5
_MAX_CHAR_FEATURES = 200_000
_MAX_WORD_FEATURES = 200_000

Progress = Callable[[str, float], None]


class NotEnoughData(ValueError):
    """The rows cannot teach `hate_speech`; the message says what is missing."""


@dataclass(frozen=True)
class Example:
    """A tweet and the labels that somebody answered for it."""

    tweet: str
    labels: Mapping[str, bool]


@dataclass(frozen=True)
class Trained:
    """What `train` returns: the artifact, and the scikit-learn estimators that it was taken from."""

    artifact: Artifact
    vectorizer: FeatureUnion
    heads: dict[str, LogisticRegression]

    def pipeline(self, label: str = HATE_SPEECH) -> Pipeline:
        """Tweets to probabilities in scikit-learn's own terms, for comparison with the scorer."""
        steps = [("read", FunctionTransformer(_read_all)), ("tfidf", self.vectorizer)]
        return Pipeline([*steps, ("classifier", self.heads[label])])


def recipe() -> dict[str, Any]:
    """What besides the rows decides the bytes of an artifact."""
    return {
        "cleaning": CLEANING_VERSION,
        "stemmer": STEMMER,
        "features": "tf-idf, sublinear; stemmed words 1-2, characters in words 3-5",
        "classifier": "logistic regression, liblinear, C=1, balanced; Platt scaling on out-of-fold scores",
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


@threadpool_limits.wrap(limits=1)  # the arrays are small: more threads only wait for each other
def train(
    examples: Sequence[Example],
    *,
    seed: int = 0,
    metadata: Mapping[str, Any] | None = None,
    progress: Progress = lambda step, share: None,
) -> Trained:
    """Train one classifier for each label that the examples can teach.

    Probabilities are calibrated and thresholds chosen on out-of-fold scores: on tweets that the scoring model had not
    seen. Calibration is Platt's (1999): a logistic curve over the scores, folded into the coefficients.

    Args:
        examples: in a fixed order, no two with the same cleaned text. Held-out tweets do not belong here.
        seed: of the folds. The same examples and seed give the same bytes.
        progress: called with the name of each step and the share of the work done, 0 to 1.

    Raises:
        NotEnoughData: fewer than 50 tweets answer `hate_speech` with yes, or with no.
    """
    labels = learnable(examples)
    if HATE_SPEECH not in labels:
        answers = [example.labels[HATE_SPEECH] for example in examples if HATE_SPEECH in example.labels]
        raise NotEnoughData(
            f"training needs {MIN_EXAMPLES} tweets with hate_speech and {MIN_EXAMPLES} without; "
            f"there are {sum(answers)} and {len(answers) - sum(answers)}"
        )
    progress("reading words", 0.05)
    vectorizer = FeatureUnion(
        [
            ("words", _tfidf(word_ngrams, _MAX_WORD_FEATURES)),
            ("chars", _tfidf(char_ngrams, _MAX_CHAR_FEATURES)),
        ]
    )
    try:
        matrix = vectorizer.fit_transform([read(example.tweet) for example in examples]).tocsr()
    except ValueError as error:  # scikit-learn's word for an empty vocabulary
        raise NotEnoughData("the training tweets have no word in common") from error
    for _, block in vectorizer.transformer_list:
        # What the artifact stores, here too, so that the scorer equals scikit-learn to the last digits.
        block.idf_ = block.idf_.astype(np.float32).astype(np.float64)

    heads: dict[str, LogisticRegression] = {}
    thresholds: dict[str, float] = {}
    for position, label in enumerate(labels):
        progress(f"learning {label}", 0.2 + 0.75 * position / len(labels))
        rows = [index for index, example in enumerate(examples) if label in example.labels]
        known = np.array([examples[index].labels[label] for index in rows])
        heads[label], thresholds[label] = _fit_head(matrix[rows], known, seed)
    progress("writing the model", 0.95)

    words, chars = (list(block.get_feature_names_out()) for _, block in vectorizer.transformer_list)
    artifact = Artifact(
        labels=labels,
        words=words,
        chars=chars,
        idf=np.concatenate([block.idf_ for _, block in vectorizer.transformer_list]).astype(np.float32),
        weights=np.vstack([head.coef_ for head in heads.values()]).astype(np.float32),
        intercepts=np.array([head.intercept_[0] for head in heads.values()], dtype=np.float64),
        thresholds=thresholds,
        metadata={"recipe": recipe(), "seed": seed, **(metadata or {})},
    )
    return Trained(artifact, vectorizer, heads)


def _read_all(tweets: Sequence[str]) -> list[list[Token]]:
    return [read(tweet) for tweet in tweets]


def _tfidf(analyzer: Callable[[list[Token]], list[str]], max_features: int) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer=analyzer, min_df=2, max_features=max_features, sublinear_tf=True)


def _fit_head(matrix: Any, answers: NDArray[np.bool_], seed: int) -> tuple[LogisticRegression, float]:
    def classifier() -> LogisticRegression:
        # liblinear works in one thread and gives the same digits everywhere.
        return LogisticRegression(solver="liblinear", C=1.0, class_weight="balanced", random_state=seed)

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    scores = cross_val_predict(classifier(), matrix, answers, cv=folds, method="decision_function")
    platt = LogisticRegression(C=1e6).fit(scores.reshape(-1, 1), answers)
    slope, shift = float(platt.coef_[0, 0]), float(platt.intercept_[0])

    head = classifier().fit(matrix, answers)
    if slope > 0:  # otherwise nothing was learned, and turning every score round would hide it
        head.coef_ = head.coef_ * slope
        head.intercept_ = head.intercept_ * slope + shift
        scores = scores * slope + shift
    head.coef_ = head.coef_.astype(np.float32).astype(np.float64)
    return head, best_threshold(1.0 / (1.0 + np.exp(-scores)), answers)
