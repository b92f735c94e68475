"""From labelled tweets to an artifact. scikit-learn and scipy do the arithmetic; this module says what it is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.encoder.embedder import Embedder
from hate_speech_ai.encoder.encoder_scorer import view_through
from hate_speech_ai.evaluation.everyday import Everyday
from hate_speech_ai.labels import HATE_SPEECH, LABELS, in_order
from hate_speech_ai.training.encoder_block import EncoderBlock
from hate_speech_ai.training.examples import Example, NotEnoughData, Progress
from hate_speech_ai.training.heads import Head, HeadLearner
from hate_speech_ai.training.influence import Doubt
from hate_speech_ai.training.recipe import recipe
from hate_speech_ai.training.thresholds import with_everyday
from hate_speech_ai.training.vectorizer import TweetVectorizer
from hate_speech_ai.vocabulary import Vocabulary

#: From nothing, a label is learned once this many tweets answer it with yes, and as many with no.
MIN_EXAMPLES = 50
#: More than these a model does not learn: each costs time every night, and a place in the artifact.
MAX_LABELS = 50

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Trained:
    """What `train` returns: the artifact, and the same model as scikit-learn estimators.

    Attributes:
        out_of_fold: for each label and each example, the probability by a model that had not seen it; NaN for those
            that do not answer the label, and for those that the base has learned.
        unclaimed: for each label and each example, the probability by a model that has learned from no claim: the base
            where there is one, and else as `out_of_fold`; NaN for those that do not answer the label.
        doubts: what claims would teach beyond the bound (`training/influence.py`).
    """

    artifact: Artifact
    vectorizer: TweetVectorizer
    heads: dict[str, LogisticRegression]
    out_of_fold: dict[str, Floats]
    unclaimed: dict[str, Floats] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)

    def pipeline(self, label: str = HATE_SPEECH) -> Pipeline:
        """Return tweets to probabilities in scikit-learn's own terms, for comparison with the scorer."""
        return Pipeline([("tfidf", self.vectorizer), ("classifier", self.heads[label])])


def learnable(examples: Sequence[Example], base: Artifact | None = None) -> list[str]:
    """Return the labels of the base, and those that enough of the examples answer with yes and with no.

    Where these are more than `MAX_LABELS`, the usual ones and those of the base come first, then those with the most
    examples of their rarer answer.
    """
    yes: dict[str, int] = {}
    no: dict[str, int] = {}
    for example in examples:
        for label, answer in example.labels.items():
            counts = yes if answer else no
            counts[label] = counts.get(label, 0) + 1
    rarer = {label: min(yes[label], no.get(label, 0)) for label in yes}
    enough = [label for label in rarer if rarer[label] >= MIN_EXAMPLES]
    first = {label for label in enough if label in LABELS}.union(base.labels if base else ())
    others = sorted(set(enough) - first, key=lambda label: (-rarer[label], label))
    return in_order([*first, *others[: max(0, MAX_LABELS - len(first))]])


def train(
    examples: Sequence[Example],
    *,
    base: Artifact | None = None,
    encoder: Embedder | None = None,
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

    Operating points are chosen on out-of-fold scores, and so that few everyday tweets are flagged (`thresholds`).

    Args:
        examples: in a fixed order, no two with the same cleaned text. Held-out tweets do not belong here.
        encoder: makes the second view of a text. It is to be that of the base; a base without one leaves it out.
        everyday: tweets with which thresholds are chosen. From nothing, they teach nothing; on top of a base, they hold
            the model where the base is, as rows that it has learned do.
        most_features: how many are kept, those with the largest weights; all, if it is left out.
        seed: of the folds. The same examples, base and seed give the same bytes.
        progress: called with the name of each step and the share of the work done, 0 to 1.

    Raises:
        EncoderUnavailable: the base has an encoder, and this is another or none.
        NotEnoughData: there is no base, and fewer than 50 tweets answer `hate_speech` with yes, or with no.
    """
    with threadpool_limits(limits=1):  # the arrays are small: more threads only wait for each other
        return _Training(examples, base, encoder, everyday, seed, progress).run(most_features, metadata or {})


class _Training:
    def __init__(
        self,
        examples: Sequence[Example],
        base: Artifact | None,
        encoder: Embedder | None,
        everyday: Sequence[Everyday],
        seed: int,
        progress: Progress,
    ) -> None:
        # Behind the others, so that these keep their places.
        self.examples = [*examples, *_held(everyday, base)]
        self.given = len(examples)
        self.base = base
        self.everyday = everyday
        self.encoder = encoder if base is None or base.encoder else None
        if base is not None and base.encoder:
            view_through(base, encoder)
        self.seed = seed
        self.progress = progress
        self.labels = learnable(examples, base)

    def run(self, most_features: int | None, metadata: Mapping[str, Any]) -> Trained:
        if HATE_SPEECH not in self.labels:
            answers = [example.labels[HATE_SPEECH] for example in self.examples if HATE_SPEECH in example.labels]
            raise NotEnoughData(
                f"training needs {MIN_EXAMPLES} tweets with hate_speech and {MIN_EXAMPLES} without; "
                f"there are {sum(answers)} and {len(answers) - sum(answers)}"
            )
        self.progress("reading words", 0.02)
        self.vectorizer, features = self._read()
        width, matrix = features.shape[1], self._with_intercepts(features)
        del features
        block = self._see()
        learner = HeadLearner(self.examples, self.base, self.vectorizer, matrix, width, self.seed, block)
        heads: dict[str, Head] = {}
        for position, label in enumerate(self.labels):
            self.progress(f"learning {label}", 0.3 + 0.6 * position / len(self.labels))
            heads[label] = learner.learn(label)
        self.progress("writing the model", 0.9)
        vocabulary, kept = _largest(self.vectorizer.vocabulary_, heads, most_features)
        weights = np.vstack([head.coefficients[kept] for head in heads.values()]).astype(np.float16)
        artifact = Artifact(
            labels=self.labels,
            vocabulary=vocabulary,
            weights=weights,
            intercepts=np.array([head.intercept for head in heads.values()], dtype=np.float64),
            curves={label: head.curve for label, head in heads.items()},
            metadata={"recipe": recipe(block.encoder.sha256 if block else ""), "seed": self.seed, **metadata},
            encoder=block.view([head.encoder for head in heads.values() if head.encoder is not None])
            if block
            else None,
        )
        artifact = with_everyday(artifact, self.everyday, self.base, self.encoder)
        return Trained(
            artifact,
            TweetVectorizer().use_vocabulary(vocabulary),
            {label: _estimator(artifact, place) for place, label in enumerate(self.labels)},
            {label: head.out_of_fold[: self.given] for label, head in heads.items()},
            {label: head.reference[: self.given] for label, head in heads.items()},
            [doubt for head in heads.values() for doubt in head.doubts],
        )

    def _read(self) -> tuple[TweetVectorizer, csr_array]:
        """Return the vectorizer and the features of all examples. What is known to the base adds no feature."""
        vectorizer = TweetVectorizer(self.base.vocabulary if self.base else None)
        new = [place for place, example in enumerate(self.examples) if not self._is_known(example)]
        if not new and self.base:
            vectorizer.use_vocabulary(self.base.vocabulary)
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

    def _see(self) -> EncoderBlock | None:
        """Return the encoder's view of all examples."""
        if self.encoder is None:
            return None
        self.progress("embedding", 0.2)
        return EncoderBlock(self.encoder, self.examples, self.base)

    def _is_known(self, example: Example) -> bool:
        return self.base is not None and example.known

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


def _held(everyday: Sequence[Everyday], base: Artifact | None) -> list[Example]:
    """Return everyday tweets as rows that keep the base's own probability, whatever their labels say."""
    labels = dict.fromkeys(base.labels, False) if base else {}
    return [Example(one.tweet, labels, known=True) for one in everyday] if base else []


def _largest(vocabulary: Vocabulary, heads: Mapping[str, Head], most: int | None) -> tuple[Vocabulary, Ints]:
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
