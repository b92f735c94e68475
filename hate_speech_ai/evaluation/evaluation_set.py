"""What every model is asked before one of them may serve, and what it answers."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hate_speech_ai.evaluation.bootstrap import Answers
from hate_speech_ai.evaluation.caching_scorer import CachingScorer
from hate_speech_ai.evaluation.everyday import Everyday, tweets_without
from hate_speech_ai.evaluation.metrics import CapabilityCheck
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer

#: More held-out rows of corpora than this make a night longer, and the verdict hardly surer.
MOST_ROWS = 20_000


@dataclass(frozen=True)
class Row:
    """A held-out tweet, and what people answered.

    Attributes:
        source: of a review, the one source that answered it; empty where several did.
    """

    tweet: str
    answer: bool
    source: str = ""


@dataclass(frozen=True)
class EvaluationSet:
    """What every model is asked.

    Attributes:
        corpus_holdout: held-out tweets of corpora with the corpora's own answers, where no reviewer can reach them.
        reviews: held-out tweets with the reviewers' answers.
        other_labels: for each label besides hate_speech, the same as `corpus_holdout`.
        everyday: everyday tweets, none of which a threshold was chosen with.
        taught_by: the sources whose new labels the candidate has learned.
    """

    corpus_holdout: list[Row]
    reviews: list[Row]
    checks: list[CapabilityCheck]
    other_labels: Mapping[str, list[Row]] = field(default_factory=dict)
    everyday: list[Everyday] = field(default_factory=list)
    taught_by: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        corpus_holdout: Iterable[Row],
        reviews: Iterable[Row],
        checks: Iterable[CapabilityCheck],
        other_labels: Mapping[str, Iterable[Row]] | None = None,
        everyday: Iterable[Everyday] = (),
        taught_by: Iterable[str] = (),
    ) -> "EvaluationSet":
        """Sort the rows by a hash, so that the first ones are the same sample in every run."""
        return cls(
            _shuffled(corpus_holdout)[:MOST_ROWS],
            _shuffled(reviews)[:MOST_ROWS],
            list(checks),
            {label: _shuffled(rows)[:MOST_ROWS] for label, rows in (other_labels or {}).items()},
            list(everyday),
            frozenset(taught_by),
        )


@dataclass(frozen=True)
class ModelPredictions:
    """What one model answered: probabilities in the order of the exam's rows.

    Attributes:
        threshold: the probability from which the answer is yes.
        trained_on: tweets.
        version: None of a candidate.
        other_labels: of the labels besides hate_speech that the model knows.
        everyday: for each label that few everyday tweets may have, how many of them it flags.
    """

    corpus_holdout: list[float]
    reviews: list[float]
    checks: list[float]
    threshold: float
    trained_on: int
    version: int | None = None
    other_labels: Mapping[str, Answers] = field(default_factory=dict)
    everyday: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, scorer: Scorer | CachingScorer, exam: EvaluationSet, *, trained_on: int, version: int | None = None
    ) -> "ModelPredictions":
        return cls(
            scorer.probabilities([row.tweet for row in exam.corpus_holdout]),
            scorer.probabilities([row.tweet for row in exam.reviews]),
            scorer.probabilities([check.tweet for check in exam.checks]),
            scorer.thresholds[HATE_SPEECH],
            trained_on,
            version,
            {
                label: Answers(scorer.probabilities([row.tweet for row in rows], label), scorer.thresholds[label])
                for label, rows in exam.other_labels.items()
                if label in scorer.labels
            },
            {
                label: sum(value >= scorer.thresholds[label] for value in scorer.probabilities(tweets, label))
                for label, tweets in tweets_without(exam.everyday, scorer.labels).items()
            },
        )


def _shuffled(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: hashlib.sha256(row.tweet.encode(errors="replace")).digest())
