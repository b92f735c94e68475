"""Decision thresholds: named operating points, and the one that meets a requested precision or recall.

A threshold trades precision for recall, and precision depends on how frequent the label is where the model is used.
So an artifact keeps, for each label, the curve of recall and false-positive rate (fall-out) over thresholds, which do
not depend on it; and the share of everyday tweets that reach each threshold, since most tweets anywhere are those.
Questions such as "maximum recall at precision >= 0.9" are those of ORES (Halfaker and Geiger 2020, "ORES: Lowering
Barriers with Participatory Machine Learning in Wikipedia", CSCW).
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

BALANCED = "balanced"
HIGH_PRECISION = "high_precision"
HIGH_RECALL = "high_recall"

#: Each name, and what it means.
NAMES = {
    BALANCED: "the highest F1 among the thresholds that few everyday tweets reach",
    HIGH_PRECISION: "the highest recall at a precision of 0.9 or more; where none reaches it, the highest precision",
    HIGH_RECALL: "the highest precision at a recall of 0.9 or more",
}
TARGET = 0.9
#: For each label, the share of everyday tweets that `balanced` may flag: less than what is promised of others' everyday
#: tweets, which differ from ours.
MOST_EVERYDAY = {
    "hate_speech": 0.0025,
    "toxic": 0.02,
    "severe_toxic": 0.0025,
    "obscene": 0.02,
    "threat": 0.005,
    "insult": 0.02,
    "identity_hate": 0.0025,
}
#: With the encoder. It takes fewer of others' everyday tweets for hate speech than of ours; swear words without an aim,
#: which others' have, it takes for toxic sooner.
MOST_EVERYDAY_WITH_ENCODER = MOST_EVERYDAY | {"hate_speech": 0.0042, "toxic": 0.016}

_STEPS = 250
_TENTHS = 10
_EPSILON = 1e-6


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what to expect from it; all from 0 to 1.

    Attributes:
        base_rate: the share of tweets with the label for which `precision` was computed.
        everyday: the share of everyday tweets that reach the threshold; None where that was not measured.
    """

    threshold: float
    precision: float
    recall: float
    base_rate: float
    everyday: float | None = None


@dataclass(frozen=True)
class CalibrationBin:
    """The tweets with a probability from `low` on and below `high`: how many there are, and how many have the label."""

    low: float
    high: float
    tweets: int
    with_label: int


@dataclass(frozen=True)
class Curve:
    """How one label's answers depend on the threshold, on tweets that the model was not trained on.

    Attributes:
        thresholds: probabilities, falling, in (0, 1).
        recalls: the share of the tweets with the label that reach each threshold; rising.
        fallouts: the same share of those without it; rising.
        yes, no: how many tweets with the label, and without, were measured.
        everyday: the share of everyday tweets that reach each threshold; rising; empty where that was not measured.
        most_everyday: the share of them that `balanced` may flag.
        balanced: the threshold of `balanced`, one of these, where it is not to be chosen on this curve alone.
    """

    thresholds: list[float]
    recalls: list[float]
    fallouts: list[float]
    yes: int
    no: int
    everyday: list[float] = field(default_factory=list)
    most_everyday: float = 1.0
    balanced: float | None = None

    @classmethod
    def of(cls, probabilities: NDArray[np.float64], answers: NDArray[np.bool_]) -> "Curve":
        """Measure up to 250 points, evenly spaced in recall.

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
        # Between two probabilities, away from both, so that no rounding moves a tweet across.
        below = np.append(ranked[ends[:-1] + 1], 0.0)
        middles = (ranked[ends] + below) / 2
        middles = np.where(middles > below, middles, ranked[ends])  # where there is no number between
        short = np.round(middles, 9)  # processors differ in the last digits of an exponential
        middles = np.where((short > below) & (short <= ranked[ends]), short, middles)
        return cls._thinned(np.clip(middles, _EPSILON, 1 - _EPSILON), hits / yes, (ends + 1 - hits) / no, yes, no)

    def mixed(self, other: "Curve") -> "Curve":
        """Return the curve of both curves' tweets together. Between its points, a curve is taken for straight."""
        thresholds = np.unique(np.round(self.thresholds + other.thresholds, 9))[::-1]
        yes, no = self.yes + other.yes, self.no + other.no

        def together(name: str, mine: int, theirs: int) -> NDArray[np.float64]:
            one, two = (
                np.interp(thresholds, curve.thresholds[::-1], getattr(curve, name)[::-1], right=0.0)
                for curve in (self, other)
            )
            both: NDArray[np.float64] = np.round((mine * one + theirs * two) / (mine + theirs), 9)
            return both

        recalls = together("recalls", self.yes, other.yes)
        met = recalls > 0
        fallouts = together("fallouts", self.no, other.no)
        return self._thinned(thresholds[met], recalls[met], fallouts[met], yes, no)

    def with_everyday(self, probabilities: NDArray[np.float64], most: float) -> "Curve":
        """Return the curve with the share of everyday tweets that reach each threshold.

        Args:
            probabilities: of everyday tweets, none of which has the label.
            most: the share of them that `balanced` may flag.
        """
        ranked = np.sort(probabilities)
        reached = len(ranked) - np.searchsorted(ranked, self.thresholds)
        return replace(self, everyday=[round(count / len(ranked), 6) for count in reached.tolist()], most_everyday=most)

    def with_balanced(self, threshold: float) -> "Curve":
        """Return the curve with a point at a threshold, and `balanced` there; what is known of everyday tweets goes."""
        if threshold in self.thresholds:
            return replace(self, everyday=[], balanced=threshold)
        place = sum(one > threshold for one in self.thresholds)

        def with_point(column: list[float]) -> list[float]:
            here = float(np.interp(threshold, self.thresholds[::-1], column[::-1]))
            # Sums are rounded, and columns rise.
            here = min(max(here, column[max(place - 1, 0)]), column[min(place, len(column) - 1)])
            return [*column[:place], here, *column[place:]]

        return replace(
            self,
            thresholds=[*self.thresholds[:place], threshold, *self.thresholds[place:]],
            recalls=with_point(self.recalls),
            fallouts=with_point(self.fallouts),
            everyday=[],
            balanced=threshold,
        )

    @property
    def base_rate(self) -> float:
        """The share of tweets with the label among those that were measured."""
        return self.yes / (self.yes + self.no)

    def points(self, base_rate: float | None = None) -> list[OperatingPoint]:
        """Return the curve, with the precision to expect where `base_rate` of the tweets have the label.

        Raises:
            ValueError: a base rate that is not between 0 and 1.
        """
        rate = self.base_rate if base_rate is None else base_rate
        if not 0.0 < rate < 1.0:
            raise ValueError(f"a base rate lies between 0 and 1; {rate} does not")
        everyday: list[float] | list[None] = self.everyday or [None] * len(self.thresholds)
        return [
            OperatingPoint(threshold, rate * recall / (rate * recall + (1 - rate) * fallout), recall, rate, share)
            for threshold, recall, fallout, share in zip(
                self.thresholds, self.recalls, self.fallouts, everyday, strict=True
            )
        ]

    def highest_recall(self, precision: float, base_rate: float | None = None) -> OperatingPoint | None:
        """Return the point with the highest recall whose precision is at least `precision`; None if there is none."""
        reached = [point for point in self.points(base_rate) if point.precision >= precision]
        return max(reached, key=lambda point: (point.recall, point.precision), default=None)

    def highest_precision(self, recall: float, base_rate: float | None = None) -> OperatingPoint:
        """Return the point with the highest precision whose recall is at least `recall`."""
        reached = [point for point in self.points(base_rate) if point.recall >= recall - _EPSILON]
        return max(reached, key=lambda point: (point.precision, point.recall))

    def highest_f1(self, base_rate: float | None = None) -> OperatingPoint:
        """Return the point with the highest F1 among those that `most_everyday` of the everyday tweets reach at most.

        Where more reach all of them, that is the highest threshold.
        """
        points = self.points(base_rate)
        allowed = [point for point in points if point.everyday is None or point.everyday <= self.most_everyday]
        return max(allowed or points[:1], key=_f1)

    def named(self, base_rate: float | None = None) -> dict[str, OperatingPoint]:
        """Return the named points: their thresholds never depend on `base_rate`, the precision to expect does."""
        chosen = {
            BALANCED: self.highest_f1() if self.balanced is None else self._at(self.balanced),
            HIGH_PRECISION: self.highest_recall(TARGET) or self.highest_precision(0.0),
            HIGH_RECALL: self.highest_precision(TARGET),
        }
        at = {point.threshold: point for point in self.points(base_rate)}
        return {name: at[point.threshold] for name, point in chosen.items()}

    def _at(self, threshold: float) -> OperatingPoint:
        return next(point for point in self.points() if point.threshold == threshold)

    def calibration(self) -> list["CalibrationBin"]:
        """Return how many of the tweets in each tenth of the probabilities have the label; without the empty tenths.

        Between its points, a curve is taken for straight, so the counts are those of about as many tweets.
        """
        edges = [place / _TENTHS for place in range(_TENTHS + 1)]
        reached = {
            name: np.interp(edges, self.thresholds[::-1], getattr(self, name)[::-1], left=1.0, right=0.0)
            for name in ("recalls", "fallouts")
        }
        bins = []
        for low, high, yes, no in zip(
            edges, edges[1:], -np.diff(reached["recalls"]), -np.diff(reached["fallouts"]), strict=False
        ):
            with_label, tweets = round(yes * self.yes), round(yes * self.yes) + round(no * self.no)
            if tweets:
                bins.append(CalibrationBin(low, high, tweets, with_label))
        return bins

    def is_sound(self) -> bool:
        """Return whether these numbers can be a curve: they may come from a file."""
        everyday = self.fallouts if self.everyday == [] else self.everyday
        columns = (self.thresholds, self.recalls, self.fallouts, everyday)
        if not all(isinstance(column, list) and len(column) == len(self.thresholds) > 0 for column in columns):
            return False
        numbers = [self.most_everyday, *self.thresholds, *self.recalls, *self.fallouts, *self.everyday]
        return (
            all(isinstance(number, float) and 0.0 <= number <= 1.0 for number in numbers)
            and all(isinstance(count, int) and count > 0 for count in (self.yes, self.no))
            and all(0.0 < number < 1.0 for number in self.thresholds)
            and min(self.recalls) > 0.0
            and (self.balanced is None or self.balanced in self.thresholds)
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as an artifact keeps them; `balanced` only where it was chosen elsewhere."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def _thinned(
        cls,
        thresholds: NDArray[np.float64],
        recalls: NDArray[np.float64],
        fallouts: NDArray[np.float64],
        yes: int,
        no: int,
    ) -> "Curve":
        steps = np.searchsorted(recalls, np.arange(1, _STEPS + 1) / _STEPS - _EPSILON)
        kept = np.unique(np.minimum(steps, len(recalls) - 1))
        return cls(thresholds[kept].tolist(), recalls[kept].tolist(), fallouts[kept].tolist(), yes, no)


def _f1(point: OperatingPoint) -> float:
    return 2 * point.precision * point.recall / max(point.precision + point.recall, _EPSILON)
