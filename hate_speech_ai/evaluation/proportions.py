"""Exact tests and intervals of proportions."""

import math
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)


def sign_test(ups: int, downs: int) -> float:
    """Return the probability of so many ups or more, if each change goes up or down by chance.

    Source: Q. McNemar, "Note on the Sampling Error of the Difference between Correlated Proportions" (1947), exact.

    >>> sign_test(6, 0), round(sign_test(8, 2), 4)
    (0.015625, 0.0547)
    """
    from scipy.stats import binomtest  # slow to import, and a web process never needs it

    return float(binomtest(ups, ups + downs, alternative="greater").pvalue) if ups + downs else 1.0


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Args:
        whole: 1 or more.

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927).

    >>> [round(end, 3) for end in wilson(0, 20)]
    [0.0, 0.161]
    """
    # By hand, and not by scipy: a web process shows such intervals, too.
    share, spread = part / whole, _Z * _Z / whole
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def f1_interval(true_positives: int, false_positives: int, false_negatives: int) -> tuple[float, float] | None:
    """Return the 95 % interval of F1, from the counts alone; None where nothing was a yes.

    F1 is 2J / (1 + J) of the share J of right answers among the tweets that people or the model call a yes, so its
    interval is that of J.

    >>> [round(end, 3) for end in f1_interval(24, 10, 6)]
    [0.617, 0.848]
    """
    whole = true_positives + false_positives + false_negatives
    if not whole:
        return None
    low, high = (2 * end / (1 + end) for end in wilson(true_positives, whole))
    return low, high
