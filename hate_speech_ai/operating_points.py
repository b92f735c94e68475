"""From which probability on a label is said: named points, and the one that a caller's own terms ask for.

A threshold trades precision for recall, and precision depends on how frequent the label is where the model is used.
So an artifact keeps, for each label, the curve of recall and fall-out over thresholds, which do not depend on it.
Questions such as "maximum recall at precision >= 0.9" are those of ORES (Halfaker and Geiger 2020, "ORES: Lowering
Barriers with Participatory Machine Learning in Wikipedia", CSCW).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BALANCED = "balanced"
HIGH_PRECISION = "high_precision"
HIGH_RECALL = "high_recall"

#: Each name, and what it means.
NAMES = {
    BALANCED: "the highest F1",
    HIGH_PRECISION: "the highest recall at a precision of 0.9 or more; where none reaches it, the highest precision",
    HIGH_RECALL: "the highest precision at a recall of 0.9 or more",
}
TARGET = 0.9

_STEPS = 250
_EPSILON = 1e-6


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what to expect from it; all from 0 to 1.

    Attributes:
        base_rate: the share of tweets with the label for which `precision` was computed.
    """

    threshold: float
    precision: float
    recall: float
    base_rate: float


@dataclass(frozen=True)
class Curve:
    """How one label's answers depend on the threshold, on tweets that the model was not trained on.

    Attributes:
        thresholds: probabilities, falling, in (0, 1).
        recalls: the share of the tweets with the label that reach each threshold; rising.
        fallouts: the same share of those without it; rising.
        base_rate: the share of tweets with the label among those that were measured.
    """

    thresholds: list[float]
    recalls: list[float]
    fallouts: list[float]
    base_rate: float

    @classmethod
    def of(cls, probabilities: NDArray[np.float64], answers: NDArray[np.bool_]) -> "Curve":
        """Up to 250 points, evenly spaced in recall.

        Raises:
            ValueError: all answers are the same.
        """
        yes, no = int(answers.sum()), int((~answers).sum())
        if not yes or not no:
            raise ValueError("a curve needs tweets with the label and tweets without")
        order = np.argsort(-probabilities, kind="stable")
        ranked = probabilities[order]
        # Tweets with the same probability are on the same side of every threshold.
        ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        hits = np.cumsum(answers[order])[ends]
        recalls, fallouts = hits / yes, (ends + 1 - hits) / no
        steps = np.searchsorted(recalls, np.arange(1, _STEPS + 1) / _STEPS - _EPSILON)
        kept = np.unique(np.minimum(steps, len(ends) - 1))
        # Between two probabilities, away from both, so that no rounding moves a tweet across.
        below = np.append(ranked[ends[:-1] + 1], 0.0)
        middles = (ranked[ends] + below) / 2
        middles = np.where(middles > below, middles, ranked[ends])  # where there is no number between
        short = np.round(middles, 9)  # processors differ in the last digits of an exponential
        middles = np.where((short > below) & (short <= ranked[ends]), short, middles)
        return cls(
            [float(np.clip(middle, _EPSILON, 1 - _EPSILON)) for middle in middles[kept]],
            [float(recall) for recall in recalls[kept]],
            [float(fallout) for fallout in fallouts[kept]],
            yes / (yes + no),
        )

    def points(self, base_rate: float | None = None) -> list[OperatingPoint]:
        """The curve, with the precision to expect where `base_rate` of the tweets have the label.

        Raises:
            ValueError: a base rate that is not between 0 and 1.
        """
        rate = self.base_rate if base_rate is None else base_rate
        if not 0.0 < rate < 1.0:
            raise ValueError(f"a base rate lies between 0 and 1; {rate} does not")
        return [
            OperatingPoint(threshold, rate * recall / (rate * recall + (1 - rate) * fallout), recall, rate)
            for threshold, recall, fallout in zip(self.thresholds, self.recalls, self.fallouts, strict=True)
        ]

    def highest_recall(self, precision: float, base_rate: float | None = None) -> OperatingPoint | None:
        """The point with the highest recall whose precision is at least `precision`; None where there is none."""
        reached = [point for point in self.points(base_rate) if point.precision >= precision]
        return max(reached, key=lambda point: (point.recall, point.precision), default=None)

    def highest_precision(self, recall: float, base_rate: float | None = None) -> OperatingPoint:
        """The point with the highest precision whose recall is at least `recall`."""
        reached = [point for point in self.points(base_rate) if point.recall >= recall - _EPSILON]
        return max(reached, key=lambda point: (point.precision, point.recall))

    def highest_f1(self, base_rate: float | None = None) -> OperatingPoint:
        """The point with the highest harmonic mean of precision and recall."""
        return max(self.points(base_rate), key=_f1)

    def named(self, base_rate: float | None = None) -> dict[str, OperatingPoint]:
        """The named points: their thresholds never depend on `base_rate`, the precision to expect from them does."""
        chosen = {
            BALANCED: self.highest_f1(),
            HIGH_PRECISION: self.highest_recall(TARGET) or self.highest_precision(0.0),
            HIGH_RECALL: self.highest_precision(TARGET),
        }
        at = {point.threshold: point for point in self.points(base_rate)}
        return {name: at[point.threshold] for name, point in chosen.items()}

    def is_sound(self) -> bool:
        """Whether these numbers can be a curve: they may come from a file."""
        columns = (self.thresholds, self.recalls, self.fallouts)
        if not all(isinstance(column, list) and len(column) == len(self.thresholds) > 0 for column in columns):
            return False
        numbers = [self.base_rate, *self.thresholds, *self.recalls, *self.fallouts]
        return (
            all(isinstance(number, float) and 0.0 <= number <= 1.0 for number in numbers)
            and all(0.0 < number < 1.0 for number in (self.base_rate, *self.thresholds))
            and min(self.recalls) > 0.0
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "thresholds": self.thresholds,
            "recalls": self.recalls,
            "fallouts": self.fallouts,
            "base_rate": self.base_rate,
        }


def _f1(point: OperatingPoint) -> float:
    return 2 * point.precision * point.recall / max(point.precision + point.recall, _EPSILON)
