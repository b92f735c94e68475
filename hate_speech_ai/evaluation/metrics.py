"""How good a model is, on tweets that it never saw."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, confusion_matrix, precision_recall_curve, roc_auc_score

from hate_speech_ai import tables
from hate_speech_ai.evaluation.caching_scorer import CachingScorer
from hate_speech_ai.evaluation.everyday import Everyday, tweets_without
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer

_EPSILON = 1e-6
_CHECK_COLUMNS = ["id", "capability", "tweet", "hate_speech"]


@dataclass(frozen=True)
class Metrics:
    """Figures of one label at one threshold; all from 0 to 1, `rows` and the confusion are counts.

    `roc_auc` and `pr_auc` are None where the rows have only one class, since neither is defined then.
    """

    f1: float
    precision: float
    recall: float
    roc_auc: float | None
    pr_auc: float | None
    threshold: float
    rows: int
    positives: int
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(probabilities: Sequence[float], answers: Sequence[bool], threshold: float) -> Metrics:
    """Compare probabilities with people's answers.

    Raises:
        ValueError: no rows, or not as many probabilities as answers.

    >>> measure([0.9, 0.4, 0.2], [True, True, False], threshold=0.5).f1
    0.6667
    """
    if len(answers) == 0:
        raise ValueError("there are no rows to measure on")
    scores, truth = np.asarray(probabilities, dtype=float), np.asarray(answers, dtype=bool)
    tn, fp, fn, tp = (
        int(count) for count in confusion_matrix(truth, scores >= threshold, labels=[False, True]).ravel()
    )
    both = truth.any() and not truth.all()
    return Metrics(
        f1=_ratio(2 * tp, 2 * tp + fp + fn),
        precision=_ratio(tp, tp + fp),
        recall=_ratio(tp, tp + fn),
        roc_auc=round(float(roc_auc_score(truth, scores)), 4) if both else None,
        pr_auc=round(float(average_precision_score(truth, scores)), 4) if both else None,
        threshold=threshold,
        rows=len(truth),
        positives=int(truth.sum()),
        true_positives=tp,
        false_positives=fp,
        false_negatives=fn,
        true_negatives=tn,
    )


@dataclass(frozen=True)
class CapabilityCheck:
    """A tweet written to show one capability, with the right answer."""

    id: str
    capability: str
    tweet: str
    is_hate_speech: bool


def read_checks(path: Path) -> list[CapabilityCheck]:
    """Return the checks of a CSV file, in its order.

    Raises:
        ValueError: a row is malformed; the message names the file and the line.
    """
    return tables.read_all(path, _CHECK_COLUMNS, _check)


def _check(row: tables.Row) -> CapabilityCheck:
    if empty := [column for column, cell in row.items() if not cell.strip()]:
        raise ValueError(f"{empty[0]} is empty")
    name, capability, tweet, answer = row.values()
    if answer not in ("0", "1"):
        raise ValueError(f"hate_speech is {answer[:60]!r}, not 0 or 1")
    return CapabilityCheck(name, capability, tweet, answer == "1")


def measure_checks(
    probabilities: Sequence[float], checks: Sequence[CapabilityCheck], threshold: float
) -> dict[str, Any]:
    """Return the share of the checks that pass, of all and of each capability.

    Raises:
        ValueError: no checks, or not as many probabilities as checks.

    >>> harmless = CapabilityCheck("1", "everyday", "the bus is late", False)
    >>> checks = [harmless, CapabilityCheck("2", "threat", "we will get them", True)]
    >>> measure_checks([0.1, 0.3], checks, threshold=0.5)["by_capability"]["threat"]
    {'passed': 0.0, 'rows': 1}
    """
    if not checks:
        raise ValueError("there are no checks to measure on")
    passed: dict[str, list[bool]] = {}
    for probability, check in zip(probabilities, checks, strict=True):
        passed.setdefault(check.capability, []).append((probability >= threshold) == check.is_hate_speech)
    return {
        **_share([each for group in passed.values() for each in group]),
        "by_capability": {capability: _share(group) for capability, group in passed.items()},
    }


def _share(passed: list[bool]) -> dict[str, Any]:
    return {"passed": _ratio(sum(passed), len(passed)), "rows": len(passed)}


class Labelled(Protocol):
    """A tweet with people's answers and where they come from, such as a `training.examples.Example`."""

    @property
    def tweet(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, bool]: ...
    @property
    def source(self) -> str: ...


def evaluate(
    scorer: Scorer | CachingScorer,
    held_out: Sequence[Labelled],
    checks: Sequence[CapabilityCheck],
    everyday: Sequence[Everyday],
) -> dict[str, Any]:
    """Measure a model: what is stored with a version.

    Args:
        held_out: tweets that it was not trained on.
        everyday: everyday tweets that no threshold was chosen with.

    Returns:
        For each label its figures; `by_source`, those of hate_speech for each source; `checks`, the share that passes;
        `everyday`, for each label the share of everyday tweets that it flags. All at the balanced threshold.
    """
    metrics: dict[str, Any] = {}
    for label in scorer.labels:
        rows = [row for row in held_out if label in row.labels]
        if rows:
            metrics[label] = _measured(scorer, rows, label)
    by_source: dict[str, list[Labelled]] = {}
    for row in held_out:
        if HATE_SPEECH in row.labels:
            by_source.setdefault(row.source, []).append(row)
    metrics["by_source"] = {source: _measured(scorer, rows) for source, rows in sorted(by_source.items())}
    if checks:
        said = scorer.probabilities([check.tweet for check in checks])
        metrics["checks"] = measure_checks(said, checks, scorer.thresholds[HATE_SPEECH])
    if everyday:
        metrics["everyday"] = measure_everyday(scorer, everyday)
    return metrics


def measure_everyday(scorer: Scorer | CachingScorer, everyday: Sequence[Everyday]) -> dict[str, Any]:
    """Return how many everyday tweets there are, and the share of them that each label's balanced threshold flags.

    Everyday tweets that have a label do not count for it, and labels that they may have without our knowing, neither.
    """
    flagged: dict[str, float] = {}
    for label, tweets in tweets_without(everyday, scorer.labels).items():
        reached = [value >= scorer.thresholds[label] for value in scorer.probabilities(tweets, label)]
        flagged[label] = _ratio(sum(reached), len(reached))
    return {"rows": len(everyday), "flagged": flagged}


def _measured(scorer: Scorer | CachingScorer, rows: Sequence[Labelled], label: str = HATE_SPEECH) -> dict[str, Any]:
    said = scorer.probabilities([row.tweet for row in rows], label)
    return measure(said, [row.labels[label] for row in rows], scorer.thresholds[label]).as_dict()


def best_threshold(probabilities: NDArray[np.float64], answers: NDArray[np.bool_]) -> float:
    """Return the probability from which saying yes gives the highest F1; between 0 and 1, both excluded.

    It lies between two of the probabilities, away from both, so that no rounding moves a tweet across it.
    """
    precision, recall, thresholds = precision_recall_curve(answers, probabilities)
    f1 = 2 * precision[:-1] * recall[:-1] / np.maximum(precision[:-1] + recall[:-1], _EPSILON)
    best = int(np.argmax(f1))
    below = float(thresholds[best - 1]) if best else 0.0
    middle = (below + float(thresholds[best])) / 2
    short = round(middle, 4)
    return float(np.clip(short if below < short <= thresholds[best] else middle, _EPSILON, 1 - _EPSILON))


def agreement(opinions: Mapping[str, Mapping[Any, bool]]) -> float | None:
    """Krippendorff's alpha of several people's answers to one label: 1 is agreement, 0 is what chance would give.

    Args:
        opinions: for each tweet, what each person answered. Tweets with one opinion do not count.

    Returns:
        None where nobody judged the same tweet, or nobody ever differed in what they could have said.

    Source: K. Krippendorff, Content Analysis (1980), as implemented by `nltk.metrics.agreement`.
    """
    from nltk.metrics.agreement import AnnotationTask

    triples = [
        (person, tweet, answer)
        for tweet, answers in opinions.items()
        if len(answers) > 1
        for person, answer in answers.items()
    ]
    if len({answer for _, _, answer in triples}) < 2:
        return None
    return round(float(AnnotationTask(triples).alpha()), 4)


def _ratio(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
