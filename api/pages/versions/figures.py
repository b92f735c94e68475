"""The figures that a version keeps, as tables."""

from typing import Any

from api.models import ModelVersion, TrainingRun
from api.pages.tables import Table
from hate_speech_ai.evaluation.proportions import f1_interval
from hate_speech_ai.labels import HATE_SPEECH, LABELS
from hate_speech_ai.operating_points import Curve
from hate_speech_ai.sources import corpus_name

_COLUMNS = ["F1", "low", "high", "precision", "recall", "ROC AUC", "PR AUC", "threshold", "tweets", "with it"]
_COUNTS = ("true_positives", "false_positives", "false_negatives")


def f1_of(version: ModelVersion, label: str = HATE_SPEECH) -> dict[str, Any]:
    """Return `f1` with the ends `low` and `high` of its 95 % interval, and `rows`; None where a figure is not kept."""
    return _f1(version.metrics.get(label) or {})


def by_label(version: ModelVersion) -> Table:
    names = [label for label in LABELS if label in version.metrics]
    rows = [_row(label.replace("_", " "), version.metrics[label]) for label in names]
    return Table("labels", "By label, at the balanced threshold", ["label", *_COLUMNS], rows)


def by_corpus(version: ModelVersion) -> Table:
    found = version.metrics.get("by_source") or {}
    rows = [_row(corpus_name(source), found[source]) for source in sorted(found)]
    return Table("corpora", "Hate speech, by where the held-out tweets come from", ["from", *_COLUMNS], rows)


def by_capability(version: ModelVersion, run: TrainingRun | None) -> Table:
    """Return the share of the checks of each capability that pass, beside that of the version before."""
    found = (version.metrics.get("checks") or {}).get("by_capability") or {}
    before = _compared(run).get("checks") or {}
    rows = [
        [
            capability.replace("_", " "),
            found[capability]["passed"],
            before[capability]["old"] / before[capability]["rows"] if capability in before else None,
            found[capability]["rows"],
        ]
        for capability in sorted(found, key=lambda one: (found[one]["passed"], one))
    ]
    rows = [[name, passed, None if was is None else round(was, 4), number] for name, passed, was, number in rows]
    title = "Checks of each capability, the worst first"
    return Table("capabilities", title, ["capability", "passed", "passed before", "checks"], rows)


def everyday(version: ModelVersion) -> Table:
    found = version.metrics.get("everyday") or {}
    flagged = found.get("flagged") or {}
    rows = [[label.replace("_", " "), flagged[label]] for label in LABELS if label in flagged]
    title = f"Of {found.get('rows', 0):,} everyday tweets, the share that is flagged"
    return Table("everyday", title, ["label", "share flagged"], rows)


def identity_gaps(run: TrainingRun | None, later: TrainingRun | None) -> Table:
    """Return how much more often harmless tweets are flagged that name a group; the widest gap first.

    Args:
        run: that made the version.
        later: whose candidate was compared with the version. It measured the version too, for the one without a run.
    """
    own, name = (run, "new") if _compared(run) else (later, "old")
    rates = _compared(own).get("false_positive_rates") or {}
    rows = []
    for group, rate in rates.items():
        here, rest = rate[name], rate[f"{name}_rest"]
        gap = None if here is None or rest is None else round(here - rest, 4)
        rows.append([group, here, rest, gap, rate["old"] if own is run else None, rate["rows"]])
    rows.sort(key=lambda row: -(row[3] or 0.0))
    columns = ["named group", "flagged", "flagged of the rest", "gap", "flagged before", "tweets"]
    return Table("groups", "Harmless held-out tweets that are flagged, by the group that they name", columns, rows)


def precision_recall(curve: Curve, threshold: float) -> Table:
    rows = [
        [round(point.recall, 4), round(point.precision, 4), _here(point.threshold, threshold, point.precision)]
        for point in curve.points()
    ]
    drawn = {"precision": "line", "in force": "points"}
    return Table("precision", "Precision and recall", ["recall", "precision", "in force"], rows, drawn)


def thresholds(curve: Curve, threshold: float) -> Table:
    rows = []
    for point in reversed(curve.points()):
        f1 = 2 * point.precision * point.recall / (point.precision + point.recall)
        shown = [point.threshold, point.precision, point.recall, f1]
        rows.append([*(round(one, 4) for one in shown), _here(point.threshold, threshold, f1), point.everyday])
    columns = ["threshold", "precision", "recall", "F1", "in force", "everyday tweets flagged"]
    drawn = {"precision": "line", "recall": "line", "F1": "line", "in force": "points"}
    return Table("thresholds", "What each threshold brings", columns, rows, drawn)


def calibration(curve: Curve) -> Table:
    """Return, for each tenth of the probabilities, the share of the tweets that have the label."""
    rows = [
        [round((one.low + one.high) / 2, 2), round(one.with_label / one.tweets, 4), one.tweets]
        for one in curve.calibration()
    ]
    drawn = {"have the label": "line", "as promised": "line"}
    columns = ["probability", "have the label", "as promised", "tweets"]
    return Table("calibration", "Calibration", columns, [[one, share, one, n] for one, share, n in rows], drawn)


def short(value: Any) -> Any:
    """Return a figure with four digits; what is no float, as it is."""
    return round(value, 4) if isinstance(value, float) else value


def _here(threshold: float, balanced: float, value: float) -> float | None:
    return round(value, 4) if threshold == balanced else None


def _row(name: str, figures: dict[str, Any]) -> list[Any]:
    f1 = _f1(figures)
    rest = ("precision", "recall", "roc_auc", "pr_auc", "threshold", "rows", "positives")
    return [name, f1["f1"], f1["low"], f1["high"], *(short(figures.get(one)) for one in rest)]


def _f1(figures: dict[str, Any]) -> dict[str, Any]:
    ends = f1_interval(*(figures[name] for name in _COUNTS)) if all(name in figures for name in _COUNTS) else None
    low, high = (round(end, 4) for end in ends) if ends else (None, None)
    return {"f1": figures.get("f1"), "low": low, "high": high, "rows": figures.get("rows")}


def _compared(run: TrainingRun | None) -> dict[str, Any]:
    found: dict[str, Any] = (run.figures.get("vs_champion") if run else None) or {}
    return found
