"""Whether naming a group counts against a tweet: figures on the tweets that name it, beside the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from hate_speech_ai.text import tokenize
from hate_speech_ai.text.identity_terms import GROUPS

#: Fewer tweets of a class than this say nothing about it.
MIN_ROWS = 20


@dataclass(frozen=True)
class Bias:
    """Figures on the tweets that name a group; all from 0 to 1, None where too few tweets carry them.

    The AUCs look at the ranking alone, whatever the threshold; the false-positive rates at the decisions.

    Attributes:
        group: of `GROUPS`.
        rows, positives: tweets that name it, and those of them that are a yes.
        subgroup_auc: among the tweets that name the group. Low: yes and no are mixed up there.
        bpsn_auc: background positive, subgroup negative: harmless tweets that name it against other tweets that are a
            yes. Low: naming the group counts against a tweet.
        bnsp_auc: background negative, subgroup positive: the opposite. Low: what attacks the group is overlooked.
        false_positive_rate: the share of its harmless tweets that the model says yes to.
        false_positive_rate_of_rest: the same of the tweets that do not name it.

    Source: D. Borkan, L. Dixon, J. Sorensen, N. Thain, L. Vasserman, Nuanced Metrics for Measuring Unintended Bias with
    Real Data for Text Classification (WWW 2019 companion).
    """

    group: str
    rows: int
    positives: int
    subgroup_auc: float | None
    bpsn_auc: float | None
    bnsp_auc: float | None
    false_positive_rate: float | None
    false_positive_rate_of_rest: float | None


def measure_bias(tweets: Sequence[str], scores: Sequence[float], truth: Sequence[bool], threshold: float) -> list[Bias]:
    """Return the figures of every group of `GROUPS`, in its order.

    A figure needs `MIN_ROWS` tweets of each class that it compares.

    Raises:
        ValueError: not as many tweets, scores and answers.
    """
    if not len(tweets) == len(scores) == len(truth):
        raise ValueError(f"there are {len(tweets)} tweets, {len(scores)} scores and {len(truth)} answers")
    named = [naming(tweet) for tweet in tweets]
    values, yes = np.asarray(scores, dtype=float), np.asarray(truth, dtype=bool)
    return [
        _bias(group, np.array([group in found for found in named], dtype=bool), values, yes, threshold)
        for group in GROUPS
    ]


def naming(tweet: str) -> set[str]:
    """Return the groups that a tweet names.

    >>> sorted(naming("Gay men and #BlackWomen"))
    ['Black', 'gay', 'men', 'women']
    """
    words = set(tokenize(tweet))
    return {group for group, terms in GROUPS.items() if not terms.isdisjoint(words)}


def _bias(
    group: str, inside: NDArray[np.bool_], scores: NDArray[np.float64], yes: NDArray[np.bool_], threshold: float
) -> Bias:
    return Bias(
        group=group,
        rows=int(inside.sum()),
        positives=int((inside & yes).sum()),
        subgroup_auc=_auc(scores[inside & yes], scores[inside & ~yes]),
        bpsn_auc=_auc(scores[~inside & yes], scores[inside & ~yes]),
        bnsp_auc=_auc(scores[inside & yes], scores[~inside & ~yes]),
        false_positive_rate=_rate(scores[inside & ~yes], threshold),
        false_positive_rate_of_rest=_rate(scores[~inside & ~yes], threshold),
    )


def _auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float | None:
    if min(len(positive), len(negative)) < MIN_ROWS:
        return None
    truth = np.repeat([True, False], [len(positive), len(negative)])
    return round(float(roc_auc_score(truth, np.concatenate([positive, negative]))), 4)


def _rate(negative: NDArray[np.float64], threshold: float) -> float | None:
    return round(float((negative >= threshold).mean()), 4) if len(negative) >= MIN_ROWS else None
