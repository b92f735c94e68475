"""Curves of one label: precision and recall, ROC, calibration, and what each threshold would do."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from hate_speech_ai.intervals import BINS

_DOTS_PER_INCH = 120


def draw(
    folder: Path, kind: str, label: str, scores: Sequence[float], truth: Sequence[bool], threshold: float
) -> list[Path]:
    """Write four figures, `<label>-pr`, `-roc`, `-calibration` and `-thresholds`, and return their files.

    A label whose rows are all a yes, or all a no, has no curves; nothing is written for it.

    Args:
        kind: `png` or `svg`. The same rows give the same bytes.

    Raises:
        OSError: the folder cannot be written to.
    """
    values, yes = np.asarray(scores, dtype=float), np.asarray(truth, dtype=bool)
    if yes.all() or not yes.any():
        return []
    files = []
    for name, plot in (("pr", _pr), ("roc", _roc), ("calibration", _calibration), ("thresholds", _thresholds)):
        figure = Figure(figsize=(5, 4.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        plot(axes, values, yes, threshold)
        axes.set(title=f"{label}, {len(yes):,} rows", xlim=(0, 1), ylim=(0, 1.02))
        axes.grid(alpha=0.3)
        axes.legend(loc="best")
        file = folder / f"{label}-{name}.{kind}"
        with mpl.rc_context({"svg.hashsalt": label}):
            figure.savefig(file, dpi=_DOTS_PER_INCH, metadata={"Date": None} if kind == "svg" else None)
        files.append(file)
    return files


def _pr(axes: Axes, scores: NDArray[np.float64], yes: NDArray[np.bool_], threshold: float) -> None:
    precision, recall, _ = precision_recall_curve(yes, scores)
    axes.plot(recall, precision, drawstyle="steps-post", label="the model")
    axes.axhline(yes.mean(), color="grey", linestyle=":", label="always yes")
    said = scores >= threshold
    if said.any():
        axes.plot(said[yes].mean(), yes[said].mean(), "o", label=f"at {threshold:.3f}")
    axes.set(xlabel="recall", ylabel="precision")


def _roc(axes: Axes, scores: NDArray[np.float64], yes: NDArray[np.bool_], threshold: float) -> None:
    false, true, _ = roc_curve(yes, scores)
    axes.plot(false, true, label="the model")
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="chance")
    said = scores >= threshold
    axes.plot(said[~yes].mean(), said[yes].mean(), "o", label=f"at {threshold:.3f}")
    axes.set(xlabel="false-positive rate", ylabel="true-positive rate")


def _calibration(axes: Axes, scores: NDArray[np.float64], yes: NDArray[np.bool_], threshold: float) -> None:
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    used = np.unique(bins)
    axes.bar(
        [(number + 0.5) / BINS for number in used],
        [(bins == number).mean() for number in used],
        width=0.9 / BINS,
        color="lightgrey",
        label="share of the rows",
    )
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="as promised")
    promised = [scores[bins == number].mean() for number in used]
    axes.plot(promised, [yes[bins == number].mean() for number in used], "o-", label="the model")
    axes.axvline(threshold, color="black", linestyle="--", linewidth=1, label=f"threshold {threshold:.3f}")
    axes.set(xlabel="probability", ylabel="share that is a yes")


def _thresholds(axes: Axes, scores: NDArray[np.float64], yes: NDArray[np.bool_], threshold: float) -> None:
    precision, recall, thresholds = precision_recall_curve(yes, scores)
    precision, recall = precision[:-1], recall[:-1]  # the last point has no threshold
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    for name, values in (("precision", precision), ("recall", recall), ("F1", f1)):
        axes.plot(thresholds, values, label=name)
    axes.axvline(threshold, color="black", linestyle="--", linewidth=1, label=f"threshold {threshold:.3f}")
    axes.set(xlabel="threshold")
