"""What differs between the answers of two models."""

from collections import Counter
from typing import Any

from hate_speech_ai.evaluation.bias import measure_bias, naming
from hate_speech_ai.evaluation.bootstrap import Answers, differences, intervals
from hate_speech_ai.evaluation.evaluation_set import EvaluationSet, ModelPredictions, Row
from hate_speech_ai.evaluation.everyday import tweets_without
from hate_speech_ai.evaluation.metrics import CapabilityCheck
from hate_speech_ai.operating_points import MOST_EVERYDAY

#: Of the held-out rows of corpora, on these it is counted how many decisions flip.
CHANGED_ROWS = 2_000
_RESAMPLES = 500
TITLES = {"f1": "F1", "pr_auc": "PR-AUC"}
Figures = dict[str, Any]


def compare_models(exam: EvaluationSet, old: ModelPredictions, new: ModelPredictions) -> Figures:
    """Everything that differs between two models. Figures that are not defined on the rows are left out."""
    return {
        "version": old.version,
        "corpora": _changes(
            exam.corpus_holdout, Answers(old.corpus_holdout, old.threshold), Answers(new.corpus_holdout, new.threshold)
        ),
        "reviews": _changes(exam.reviews, Answers(old.reviews, old.threshold), Answers(new.reviews, new.threshold)),
        "checks": _passed(exam.checks, old, new),
        "false_positive_rates": _false_positive_rates(exam.corpus_holdout, old, new),
        "changed": _share_changed(old, new),
        "everyday": {
            label: {"old": old.everyday[label], "new": new.everyday[label], "rows": len(tweets)}
            for label, tweets in tweets_without(exam.everyday, MOST_EVERYDAY).items()
            if label in old.everyday and label in new.everyday
        },
        "other_labels": {
            label: _changes(rows, old.other_labels[label], new.other_labels[label])
            for label, rows in exam.other_labels.items()
            if label in old.other_labels and label in new.other_labels
        },
    }


def changes_on_reviews(exam: EvaluationSet, old: ModelPredictions, new: ModelPredictions, without: str) -> Figures:
    """Return what `compare_models` has of the reviews, without those of one source."""
    places = [place for place, row in enumerate(exam.reviews) if row.source != without]
    rows = [exam.reviews[place] for place in places]
    before, after = (Answers([model.reviews[place] for place in places], model.threshold) for model in (old, new))
    return _changes(rows, before, after)


def _changes(rows: list[Row], old: Answers, new: Answers) -> Figures:
    """Return F1 and PR-AUC of both, and the 95 % interval of the difference from paired resamples."""
    if not rows:
        return {}
    truth = [row.answer for row in rows]
    before, after = (intervals(answers, truth, resamples=0) for answers in (old, new))
    gains = differences(old, new, truth, resamples=_RESAMPLES)
    return {
        name: {
            "old": before[name].value,
            "new": after[name].value,
            "difference": gains[name].value,
            "low": gains[name].low,
            "high": gains[name].high,
        }
        for name in TITLES
        if gains[name].value is not None
    }


def _passed(checks: list[CapabilityCheck], old: ModelPredictions, new: ModelPredictions) -> Figures:
    """Return how many checks of each capability both models pass."""
    passed: Figures = {}
    for check, before, after in zip(checks, old.checks, new.checks, strict=True):
        counts = passed.setdefault(check.capability, {"old": 0, "new": 0, "rows": 0})
        counts["rows"] += 1
        counts["old"] += (before >= old.threshold) == check.is_hate_speech
        counts["new"] += (after >= new.threshold) == check.is_hate_speech
    return passed


def _false_positive_rates(rows: list[Row], old: ModelPredictions, new: ModelPredictions) -> Figures:
    """Return both models' false-positive rates for each group that enough harmless tweets name, with their number."""
    tweets, truth = [row.tweet for row in rows], [row.answer for row in rows]
    before = measure_bias(tweets, old.corpus_holdout, truth, old.threshold)
    after = measure_bias(tweets, new.corpus_holdout, truth, new.threshold)
    newly: Counter[str] = Counter()
    no_longer: Counter[str] = Counter()
    for row, said, says in zip(rows, old.corpus_holdout, new.corpus_holdout, strict=True):
        was, now = said >= old.threshold, says >= new.threshold
        if not row.answer and was != now:
            (newly if now else no_longer).update(naming(row.tweet))
    return {
        group.group: {
            "old": group.false_positive_rate,
            "new": other.false_positive_rate,
            "old_rest": group.false_positive_rate_of_rest,
            "new_rest": other.false_positive_rate_of_rest,
            "rows": group.rows - group.positives,
            "newly_flagged": newly[group.group],
            "no_longer_flagged": no_longer[group.group],
        }
        for group, other in zip(before, after, strict=True)
        if group.false_positive_rate is not None
    }


def _share_changed(old: ModelPredictions, new: ModelPredictions) -> float | None:
    """Return the share of decisions on the first held-out rows of corpora that differ; None where there are no rows."""
    pairs = list(zip(old.corpus_holdout, new.corpus_holdout, strict=True))[:CHANGED_ROWS]
    flips = sum((before >= old.threshold) != (after >= new.threshold) for before, after in pairs)
    return round(flips / len(pairs), 4) if pairs else None
