"""How sure a figure is: the figures of many resamples of the rows at once.

A bootstrap draws as many rows as there are, with replacement, a thousand times. Here a resample is how often each row
was drawn. With the rows sorted by score once, every figure comes from running sums of those counts, so that nothing is
sorted again and numpy works on fifty resamples at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: The figures, in the order in which they are shown.
FIGURES = ("f1", "precision", "recall", "roc_auc", "pr_auc", "ece")

#: Of equal width, as is usual for the calibration error (Guo, Pleiss, Sun, Weinberger, ICML 2017).
BINS = 15

_CELLS = 1_000_000  # rows times resamples that are worked on at once: some tens of megabytes

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """A figure with the middle 95 % of its resamples; None where it is not defined.

    Source: the percentile interval of B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Answers:
    """What a model said about some rows.

    Attributes:
        scores: probabilities from 0 to 1.
        threshold: the probability from which the answer is yes.
    """

    scores: Sequence[float]
    threshold: float


def intervals(answers: Answers, truth: Sequence[bool], *, resamples: int = 1000, seed: int = 0) -> dict[str, Interval]:
    """Each of `FIGURES` with its 95 % interval.

    Args:
        truth: people's answers, in the order of the scores.
        resamples: with 0 there are no intervals.

    Raises:
        ValueError: no rows, or not as many scores as answers.

    >>> intervals(Answers([0.9, 0.8, 0.4, 0.2], 0.5), [True, False, True, False], resamples=0)["roc_auc"].value
    0.75
    """
    ranked = _Ranked(answers, truth)
    drawn = [ranked.figures(counts) for counts in draw(len(truth), resamples, seed)]
    return _summarise(ranked.figures(_once(len(truth))), drawn)


def differences(
    old: Answers, new: Answers, truth: Sequence[bool], *, resamples: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """Return what each of `FIGURES` gains from `old` to `new` on the same rows, with its 95 % interval.

    The bootstrap is paired: each resample measures both models on the rows that it drew, so that rows which are easy or
    hard for both do not blur the difference.

    Raises:
        ValueError: no rows, or not as many scores as answers.
    """
    before, after = _Ranked(old, truth), _Ranked(new, truth)

    def gain(counts: Counts) -> dict[str, Floats]:
        first, second = before.figures(counts), after.figures(counts)
        return {name: second[name] - first[name] for name in FIGURES}

    return _summarise(gain(_once(len(truth))), [gain(counts) for counts in draw(len(truth), resamples, seed)])


class _Ranked:
    """Rows sorted by score, highest first, and where the runs of equal scores and the calibration's bins end."""

    def __init__(self, answers: Answers, truth: Sequence[bool]) -> None:
        scores, known = np.asarray(answers.scores, dtype=float), np.asarray(truth, dtype=bool)
        if not len(known) or scores.shape != known.shape:
            raise ValueError(f"there are {len(scores)} scores for {len(known)} rows")
        self._order = np.argsort(-scores, kind="stable")
        self._scores, self._truth = scores[self._order], known[self._order]
        self._ends = np.append(np.flatnonzero(np.diff(self._scores)), len(scores) - 1)
        self._said_yes = int((self._scores >= answers.threshold).sum())
        bins = np.minimum((self._scores * BINS).astype(int), BINS - 1)
        self._bin_starts = np.append(0, np.flatnonzero(np.diff(bins)) + 1)

    def figures(self, counts: Counts) -> dict[str, Floats]:
        """Each figure of each resample; NaN where it is not defined.

        Where nothing is found, F1, precision and recall are 0, as `evaluation.metrics.measure` has it. Where there was
        nothing to find, they are not defined: a 0 there, as on a corpus without hate speech, would look like a failure.

        Args:
            counts: (resamples, rows), how often each row was drawn, in the rows' own order.
        """
        drawn = counts[:, self._order]
        hits = drawn * self._truth
        yes, found = np.cumsum(drawn, axis=1), np.cumsum(hits, axis=1)
        total, positives = yes[:, -1], found[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            said = yes[:, self._said_yes - 1] if self._said_yes else np.zeros_like(total)
            right = found[:, self._said_yes - 1] if self._said_yes else np.zeros_like(total)
            tp, all_at = found[:, self._ends], yes[:, self._ends]
            fp = all_at - tp
            gained = np.diff(tp, axis=1, prepend=0)
            # Of each pair of a yes and a no, the share that is the right way round; equal scores count half.
            above = np.diff(fp, axis=1, prepend=0) * (tp - gained / 2)
            precision_at = np.where(all_at > 0, tp / np.maximum(all_at, 1), 0.0)
            return {
                "f1": 2 * right / np.where(positives, said + positives, np.nan),
                "precision": right / np.where(positives, np.maximum(said, 1), np.nan),
                "recall": right / np.where(positives, positives, np.nan),
                "roc_auc": above.sum(axis=1) / (positives * (total - positives)),
                "pr_auc": np.where(positives < total, (gained * precision_at).sum(axis=1) / positives, np.nan),
                "ece": self._calibration_error(drawn, hits) / total,
            }

    def _calibration_error(self, drawn: Counts, hits: Counts) -> Floats:
        """Return the expected calibration error times the rows: the sum over bins of |predicted - observed|.

        Source: M. P. Naeini, G. F. Cooper, M. Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian
        Binning (AAAI 2015). The bins are those of the probability of a yes, since the question has two answers.
        """
        promised = np.add.reduceat(drawn * self._scores, self._bin_starts, axis=1)
        kept = np.add.reduceat(hits, self._bin_starts, axis=1)
        return np.asarray(np.abs(promised - kept).sum(axis=1))


def draw(rows: int, resamples: int, seed: int) -> Iterator[Counts]:
    """Yield how often each row was drawn, for some resamples at a time: one line each. The same seed gives the same."""
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS // rows)
    for begin in range(0, resamples, at_once):
        number = min(at_once, resamples - begin)
        drawn = rng.integers(rows, size=(number, rows)) + np.arange(number)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=number * rows).reshape(number, rows)


def _once(rows: int) -> Counts:
    return np.ones((1, rows), dtype=np.int64)


def _summarise(figures: dict[str, Floats], drawn: list[dict[str, Floats]]) -> dict[str, Interval]:
    found = {}
    for name in FIGURES:
        value = float(figures[name][0])
        values = np.concatenate([part[name] for part in drawn]) if drawn else np.empty(0)
        values = values[np.isfinite(values)]  # a resample of a single class has no curve
        low, high = np.percentile(values, [2.5, 97.5]) if len(values) and np.isfinite(value) else (np.nan, np.nan)
        found[name] = Interval(_rounded(value), _rounded(float(low)), _rounded(float(high)))
    return found


def _rounded(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None
