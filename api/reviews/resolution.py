"""What the sources together say about a review's text."""

from typing import Any

from api.keys import trust
from api.models import NOT_COUNTED, ReviewedTweet
from hate_speech_ai.labels import Vote, decide, in_order, votes


def of(review: ReviewedTweet) -> dict[str, dict[str, Any]]:
    """Return what counts about a review's text, for each label: the votes for yes and no, and what decides."""
    weights = trust.weights()
    newest: dict[str, dict[str, float]] = {}
    same = ReviewedTweet.objects.filter(fingerprint=review.fingerprint).order_by("pk")
    for source, labels, status in same.values_list("source", "labels", "status"):
        newest.pop(source, None)
        if status not in NOT_COUNTED:
            newest[source] = labels
    found = votes(newest.values(), [weights.get(source, 1.0) for source in newest])
    return {label: _count(found[label]) for label in in_order(found)}


def _count(found: list[Vote]) -> dict[str, Any]:
    decision = decide(found)
    return {"yes": decision.yes, "no": decision.no, "effective_answer": decision.answer, "decided_by": decision.by}
