"""Precision and recall of live traffic, from a random sample of it that people judged.

Tweets that are reviewed because the model was unsure of them say nothing about the others: precision on them is near a
half, whatever it is on the rest. Here each prediction was drawn by chance, with a known probability, and stands for as
many as its inverse says (D. Horvitz, D. Thompson, A Generalization of Sampling Without Replacement From a Finite
Universe, JASA 1952). Precision and recall are ratios of two such sums (J. Hájek, 1971).

Uniform chance would waste most of the work: a few per cent of tweets are hate speech, and most of what is missed lies
not far below the threshold. So predictions of yes, and of no near the threshold, are drawn more often, as the optimal
design for F-measures asks for (C. Sawade, N. Landwehr, T. Scheffer, Active Estimation of F-Measures, NIPS 2010); the
weights undo it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hate_speech_ai.evaluation.bootstrap import Interval, draw
from hate_speech_ai.priority import margin

#: How many times as often as others a prediction is drawn that is yes, or no by less than `_WIDE` logits.
MORE = 5
_WIDE = 2.0

#: With fewer, an interval from resamples does not hold what it promises, and there is none.
MIN_SAID_YES = 20
MIN_FOUND = 20
MIN_SAID_NO = 50

Floats = NDArray[np.float64]


class SampledAnswer(NamedTuple):
    """A drawn prediction that people answered.

    Attributes:
        text: which text it is about; the same text may be drawn more than once.
        said: the model's answer.
        truth: people's.
        inclusion_probability: the probability with which it was drawn, above 0.
    """

    text: str
    said: bool
    truth: bool
    inclusion_probability: float


class LiveMetrics(NamedTuple):
    """What the sample says about all predictions that it was drawn from.

    Attributes:
        precision, recall, base_rate: from 0 to 1 with their 95 % intervals; None where there is a reason against them.
        reasons: for a figure that is None, what is missing.
        audited: how many drawn predictions were answered.
    """

    precision: Interval | None
    recall: Interval | None
    base_rate: Interval | None
    reasons: dict[str, str]
    audited: int


def inclusion_probability(probability: float, threshold: float, share: float) -> float:
    """With which probability a prediction is drawn.

    It depends on the answer and on whether it is near the threshold, and on nothing else.

    Args:
        share: of the predictions that are far below the threshold, from 0 to 1.

    >>> inclusion_probability(0.9, 0.4, 0.02), inclusion_probability(0.01, 0.4, 0.02)
    (0.1, 0.02)
    """
    return min(1.0, share * MORE) if margin(probability, threshold) >= -_WIDE else share


def estimate(answers: Sequence[SampledAnswer], *, resamples: int = 1000, seed: int = 0) -> LiveMetrics:
    """Precision, recall and the share of hate speech among the predictions that these were drawn from.

    The intervals are of resamples of texts, each with all its predictions, since a text that came often was still
    answered once. Where everything or nothing was right, resamples do not differ, and the interval ends by the rule of
    three (J. Hanley, A. Lippman-Hand, If Nothing Goes Wrong, Is Everything All Right?, JAMA 1983).
    """
    said = np.array([answer.said for answer in answers], dtype=bool)
    truth = np.array([answer.truth for answer in answers], dtype=bool)
    weights = np.array([1.0 / answer.inclusion_probability for answer in answers], dtype=float)
    places: dict[str, int] = {}
    of_text = np.array([places.setdefault(answer.text, len(places)) for answer in answers], dtype=int)
    reasons = _too_few(said, truth)
    # Sums of the weights: all, said, true, both. A row for each text.
    cells = np.stack([weights, weights * said, weights * truth, weights * (said & truth)], axis=1).reshape(-1, 4)
    per_text = np.zeros((len(places), 4))
    np.add.at(per_text, of_text, cells)
    total = per_text.sum(axis=0)
    # The sums of each resample of the texts.
    sums = [counts @ per_text for counts in draw(len(places), resamples, seed)] if places else []
    drawn = np.concatenate(sums) if sums else np.zeros((0, 4))

    def figure(name: str, part: int, whole: int, missed: Floats, rows: int) -> Interval | None:
        if name in reasons:
            return None
        value = float(total[part] / total[whole])
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = drawn[:, part] / drawn[:, whole]
        low, high = np.nanpercentile(ratios, [2.5, 97.5])
        if value == 1.0:
            low = total[part] / (total[part] + 3 / rows * missed.sum())
        elif value == 0.0:
            high = 3 / rows
        return Interval(round(value, 4), round(float(low), 4), round(float(min(high, 1.0)), 4))

    yes, no = int(said.sum()), int((~said).sum())
    return LiveMetrics(
        precision=figure("precision", 3, 1, weights[said], yes),
        recall=figure("recall", 3, 2, weights[~said], no),
        base_rate=figure("base_rate", 2, 0, weights, len(answers)),
        reasons=reasons,
        audited=len(answers),
    )


def _too_few(said: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, str]:
    yes, no, found = int(said.sum()), int((~said).sum()), int(truth.sum())
    reasons = {}
    if yes < MIN_SAID_YES:
        reasons["precision"] = f"{yes} audited predictions were yes; {MIN_SAID_YES} are needed"
    if no < MIN_SAID_NO or found < MIN_FOUND:
        reasons["recall"] = (
            f"{no} audited predictions were no, and {found} audited tweets are hate speech; "
            f"{MIN_SAID_NO} and {MIN_FOUND} are needed"
        )
    if yes + no < MIN_SAID_NO:
        reasons["base_rate"] = f"{yes + no} predictions are audited; {MIN_SAID_NO} are needed"
    return reasons
