"""Curves of one label: precision and recall, ROC, calibration, thresholds; and the scores of two services."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from hate_speech_ai.evaluation.bootstrap import BINS
from hate_speech_ai.evaluation.threshold_mapping import Translation

_DOTS_PER_INCH = 120
_COLUMNS = 3


class Scatter(NamedTuple):
    """Their scores and ours of the same texts, and how one is translated into the other."""

    theirs: Sequence[float]
    ours: Sequence[float]
    translation: Translation


def draw_translations(path: Path, scatters: Mapping[str, Scatter]) -> None:
    """Write one figure, by its ending `.png` or `.svg`: for each name the texts, the map, and the thresholds' bands.

    Raises:
        OSError: it cannot be written.
    """
    columns = min(len(scatters), _COLUMNS)
    rows = math.ceil(len(scatters) / columns)
    figure = Figure(figsize=(4.5 * columns, 4.5 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, (theirs, ours, translation)) in zip(grid, scatters.items(), strict=False):
        axes.hexbin(theirs, ours, gridsize=40, extent=(0, 1, 0, 1), bins="log", mincnt=1, cmap="Greys")
        axes.plot(translation.score_map.old, translation.score_map.new, label="usual here")
        for threshold in translation.thresholds:
            value, low, high = threshold.ours.value, threshold.ours.low, threshold.ours.high
            if value is not None:
                axes.plot(threshold.theirs, value, "o", color="C3")
            if low is not None and high is not None:
                axes.vlines(threshold.theirs, low, high, color="C3", label=f"{threshold.theirs:g} is {value:.3f}")
        axes.set(title=name, xlabel="theirs", ylabel="ours", xlim=(0, 1), ylim=(0, 1))
        axes.grid(alpha=0.3)
        axes.legend(loc="upper left")
    for axes in grid[len(scatters) :]:
        axes.remove()
    svg = path.suffix == ".svg"
    with mpl.rc_context({"svg.hashsalt": "scores"}):
        figure.savefig(path, dpi=_DOTS_PER_INCH, metadata={"Date": None} if svg else None)


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
