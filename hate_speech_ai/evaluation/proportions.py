"""Exact tests and intervals of proportions."""


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
    from scipy.stats import binomtest  # slow to import, and a web process never needs it

    interval = binomtest(part, whole).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
