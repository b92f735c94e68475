"""Two versions side by side, on held-out rows of the corpora: the same rows for everybody, out of reviewers' reach."""

import logging
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet

from api.models import ModelVersion, ReviewedTweet
from api.prediction import loading
from api.prediction.loading import LoadedModel
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.evaluation.model_diff import ScoreMap, changed_words
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer

logger = logging.getLogger(__name__)

_ROWS = 1_000
_EXAMPLES = 20


def compare(old: LoadedModel, new: LoadedModel) -> dict[str, Any]:
    """Figures, scores, decisions and words of `hate_speech` in both versions.

    Each version's figures are those of its own training run; decisions and scores are compared on up to 1,000 rows, in
    the order of their fingerprints, which is as good as random and always the same.
    """
    found = _measure(old.scorer, new.scorer)
    return {
        "versions": {"old": old.version, "new": new.version},
        "metrics": {"old": old.metrics[HATE_SPEECH], "new": new.metrics[HATE_SPEECH]},
        **with_tweets(found, tweets_of([found])),
        "changed_words": [asdict(change) for change in changed_words(old.scorer, new.scorer)],
    }


def change(before: ModelVersion | None, scorer: Scorer) -> dict[str, Any]:
    """Measure what changes when a model replaces a version; with ids of tweets, and none of their texts.

    Args:
        before: the version that served; None where none did.

    Returns:
        `before`, with `rows`, `changed` and `score_map` as in `compare`; with `problem` instead, where the version
        before cannot be loaded, since that is no reason not to replace it; nothing, where there is none.
    """
    if before is None:
        return {}
    try:
        old = loading.load(before).scorer
    except ArtifactError as error:
        logger.warning("version %s cannot be compared with the next: %s", before.pk, error)
        return {"previous_version": before.pk, "problem": f"version {before.pk} cannot be loaded: {error}"}
    return {"previous_version": before.pk, **_measure(old, scorer)}


def tweets_of(changes: Collection[dict[str, Any]]) -> dict[str, str]:
    """Return the texts of the examples of changes, by id, as far as they are still there."""
    ids = {example["id"] for found in changes if "changed" in found for example in found["changed"]["examples"]}
    rows = ReviewedTweet.objects.filter(receipt__in=ids).values_list("receipt", "tweet")
    return {str(receipt): tweet for receipt, tweet in rows}


def with_tweets(found: dict[str, Any], tweets: dict[str, str]) -> dict[str, Any]:
    """Return a change whose examples have their `tweet`, None where it is gone."""
    if "changed" not in found:
        return found
    examples = [{**example, "tweet": tweets.get(example["id"])} for example in found["changed"]["examples"]]
    return {**found, "changed": {**found["changed"], "examples": examples}}


def _measure(old: Scorer, new: Scorer) -> dict[str, Any]:
    rows = _rows().values_list("receipt", "tweet", "labels")[:_ROWS]
    receipts, tweets, labels = zip(*rows, strict=True) if rows else ((), (), ())
    before, after = old.probabilities(tweets), new.probabilities(tweets)
    said = [probability >= old.thresholds[HATE_SPEECH] for probability in before]
    says = [probability >= new.thresholds[HATE_SPEECH] for probability in after]
    differing = [place for place in range(len(tweets)) if said[place] != says[place]]
    differing.sort(key=lambda place: -abs(after[place] - before[place]))
    return {
        "rows": len(tweets),
        "changed": {
            "became_positive": sum(says[place] for place in differing),
            "became_negative": sum(said[place] for place in differing),
            "corrected": sum(says[place] == labels[place][HATE_SPEECH] for place in differing),
            "examples": [
                {
                    "id": str(receipts[place]),
                    "label": labels[place][HATE_SPEECH],
                    "old": before[place],
                    "new": after[place],
                }
                for place in differing[:_EXAMPLES]
            ],
        },
        "score_map": _short(ScoreMap.of(before, after)) if tweets else None,
    }


def _short(found: ScoreMap) -> dict[str, list[float]]:
    """Six digits: between much the same models, the map has a point for nearly every tweet."""
    return {name: [round(score, 6) for score in scores] for name, scores in asdict(found).items()}


def _rows() -> QuerySet[ReviewedTweet]:
    rows = ReviewedTweet.objects.filter(held_out=True, key=None, labels__has_key=HATE_SPEECH)
    return rows.order_by("fingerprint", "pk")
