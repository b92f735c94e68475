"""Where `balanced` stands: on few everyday tweets, and on top of a base not where chance puts it each night.

The highest F1 that few everyday tweets reach is decided by one of these tweets: the eighth-highest score of 3,000. A
few reviews move that by as much as the gate allows F1 to fall. So on top of a base, the threshold is the base's, and
moves by what can be measured well: towards the one at which as many everyday tweets are flagged as by the base; and
towards the best one on all rows, by the share of these that are new.
docs/decisions/0015-base-model.md has the figures.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.encoder.embedder import Embedder
from hate_speech_ai.encoder.loading import scorer_of
from hate_speech_ai.evaluation.caching_scorer import CachingScorer
from hate_speech_ai.evaluation.everyday import Everyday, tweets_without
from hate_speech_ai.operating_points import BALANCED, MOST_EVERYDAY, MOST_EVERYDAY_WITH_ENCODER, Curve

Floats = NDArray[np.float64]

# In logits: the smaller, the fewer tweets decide.
_WIDTH = 0.5
_BEYOND = 0.01
# Of the way: to follow wholly costs as many hateful tweets as not to follow costs everyday ones.
_FOLLOWS = 0.5
_CLIP = 1e-9


def with_everyday(
    artifact: Artifact, everyday: Sequence[Everyday], base: Artifact | None, encoder: Embedder | None = None
) -> Artifact:
    """Return the artifact, with the shares of everyday tweets that reach each threshold, and with `balanced` chosen."""
    scorer = CachingScorer(scorer_of(artifact, encoder))
    before = CachingScorer(scorer_of(base, encoder)) if base else None
    tweets = tweets_without(everyday, artifact.curves)
    promised = MOST_EVERYDAY_WITH_ENCODER if artifact.encoder else MOST_EVERYDAY
    curves = {}
    for label, curve in artifact.curves.items():
        texts, most = tweets.get(label, []), promised.get(label, 1.0)
        after = np.array(scorer.probabilities(texts, label))
        curves[label] = _measured(curve, after, most)
        if base and before and label in base.labels:
            said = np.array(before.probabilities(texts, label))
            threshold = _steady(_measured(base.curves[label], said, most), curves[label], said, after)
            if threshold != curves[label].named()[BALANCED].threshold:
                curves[label] = _measured(curve.with_balanced(threshold), after, most)
    return replace(artifact, curves=curves)


def _measured(curve: Curve, scores: Floats, most: float) -> Curve:
    return curve.with_everyday(scores, most) if len(scores) else curve


def _steady(base: Curve, curve: Curve, before: Floats, after: Floats) -> float:
    """Return the threshold of `balanced` on top of a base.

    Args:
        base, curve: of the base and of the candidate.
        before, after: the scores of the same everyday tweets by both; empty where there are none.
    """
    anchor = base.named()[BALANCED].threshold
    new = 1.0 - (base.yes + base.no) / (curve.yes + curve.no)
    shift = _FOLLOWS * _shift(before, after, anchor)
    if not shift and not new:
        return anchor
    moved, own = float(logit(anchor)) + shift, float(logit(curve.named()[BALANCED].threshold))
    return float(f"{expit(moved + new * (own - moved)):.6f}")


def _shift(before: Floats, after: Floats, threshold: float) -> float:
    """Return by how many logits a threshold has to move, so that as many everyday tweets are flagged as by the base.

    A tweet counts by how far its score lies above the threshold, from 0 to 1, and not all or nothing: so some fifty
    tweets of 3,000 have a say, and not the one whose score is next.
    """
    if not len(before):
        return 0.0
    cut = float(logit(threshold))
    old, new = (logit(np.clip(scores, _CLIP, 1 - _CLIP)) for scores in (before, after))
    wanted = float(np.sum(expit((old - cut) / _WIDTH)))

    def too_many(shift: float) -> float:
        return float(np.sum(expit((new - cut - shift) / _WIDTH))) - wanted

    # Beyond these, no score has moved as far.
    low, high = float(np.min(new - old)) - _BEYOND, float(np.max(new - old)) + _BEYOND
    return float(brentq(too_many, low, high)) if np.any(new != old) else 0.0
