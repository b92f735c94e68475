"""What changes from one model to another: which score stands for which, and which words count differently."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer


@dataclass(frozen=True)
class ScoreMap:
    """For each old probability the new one that tweets with it have on average; rising, straight between the points.

    Attributes:
        old, new: both from 0 to 1 and rising, of the same length.
    """

    old: list[float]
    new: list[float]

    @classmethod
    def of(cls, old: Sequence[float], new: Sequence[float]) -> "ScoreMap":
        """Fit isotonic least squares by pooling adjacent violators.

        scikit-learn's `IsotonicRegression` does the same, but a web process does not load it. Source: R. Barlow et al.,
        Statistical Inference under Order Restrictions (1972).

        Raises:
            ValueError: no scores, or not as many of one as of the other.

        >>> ScoreMap.of([0.1, 0.2, 0.3], [0.2, 0.1, 0.6])
        ScoreMap(old=[0.1, 0.2, 0.3], new=[0.15, 0.15, 0.6])
        """
        if not old or len(old) != len(new):
            raise ValueError("a score map needs as many new scores as old ones, and at least one")
        levels, inverse, counts = np.unique(np.asarray(old, float), return_inverse=True, return_counts=True)
        means = np.bincount(inverse, weights=np.asarray(new, float)) / counts
        pools: list[tuple[float, int, int]] = []  # mean, rows, levels
        for mean, rows in zip(means.tolist(), counts.tolist(), strict=True):
            pool = (mean, rows, 1)
            while pools and pools[-1][0] >= pool[0]:
                before = pools.pop()
                total = before[1] + pool[1]
                pool = ((before[0] * before[1] + pool[0] * pool[1]) / total, total, before[2] + pool[2])
            pools.append(pool)
        fitted = [mean for mean, _, width in pools for _ in range(width)]
        # Inside a pool nothing happens: its two ends say it all.
        ends = np.flatnonzero(np.concatenate([[True], np.diff(fitted) != 0]))
        kept = sorted({*ends.tolist(), *(ends[1:] - 1).tolist(), len(fitted) - 1})
        return cls([float(levels[place]) for place in kept], [round(fitted[place], 12) for place in kept])

    def __call__(self, score: float) -> float:
        """Return the new score for an old one; beyond the ends, that of the end."""
        return float(np.interp(score, self.old, self.new))


@dataclass(frozen=True)
class WordChange:
    """How much a word says for a label in both models: its summand before the text is scaled; 0 where unknown."""

    word: str
    old: float
    new: float


def changed_words(old: Scorer, new: Scorer, label: str = HATE_SPEECH, *, most: int = 20) -> list[WordChange]:
    """Return the stems whose strength has changed most, the greatest change first; none that has not changed.

    Raises:
        KeyError: a label that one of the models does not answer.
    """
    before, after = old.strengths(label), new.strengths(label)
    changes = [
        WordChange(word, before.get(word, 0.0), after.get(word, 0.0))
        for word in before.keys() | after.keys()
        if " " not in word
    ]
    changed = [change for change in changes if change.new != change.old]
    return sorted(changed, key=lambda change: (-abs(change.new - change.old), change.word))[:most]
