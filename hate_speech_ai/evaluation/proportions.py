"""How far a share in a sample can be from the share in all."""


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
