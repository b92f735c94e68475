"""What the sources together say about a review's text."""

from typing import Any

from api.keys import trust
from api.models import LEARNED, NOT_COUNTED, ApiKey, ReviewedTweet
from hate_speech_ai.labels import Vote, decide, in_order, votes


def of(review: ReviewedTweet, *, asked_by: ApiKey) -> dict[str, dict[str, Any]]:
    """Return what counts about a review's text, for each label: the votes for yes and no, and what decides.

    Who has not finished judging a text must not look up what others said. So a key sees its own vote alone, until a
    model has learned its review. What it said about a control item stays its own affair, with other keys' votes but
    without the corpora's: that is how all else looks that came from the queue. The scope admin sees everything.

    Args:
        asked_by: the key that is told.
    """
    weights = trust.weights()
    newest: dict[str, dict[str, float]] = {}
    for source, labels, status in _rows(review, asked_by).values_list("source", "labels", "status"):
        newest.pop(source, None)
        if status not in NOT_COUNTED:
            newest[source] = labels
    found = votes(newest.values(), [weights.get(source, 1.0) for source in newest])
    return {label: _count(found[label]) for label in in_order(found)}


def _rows(review: ReviewedTweet, asked_by: ApiKey) -> Any:
    """Return the rows about the review's text that the key may know of, oldest first."""
    same = ReviewedTweet.objects.filter(fingerprint=review.fingerprint).order_by("pk")
    if asked_by.allows(ApiKey.Scope.ADMIN):
        return same.believed().filter(is_control=False)
    believed = same.believed()
    trusted = asked_by.trust == ApiKey.Trust.TRUSTED and not review.untrusted
    if not trusted or review.status not in LEARNED:
        return believed.filter(source=review.source)
    if review.is_control:
        return believed.filter(key__isnull=False)
    return believed.filter(is_control=False)


def _count(found: list[Vote]) -> dict[str, Any]:
    decision = decide(found)
    return {"yes": decision.yes, "no": decision.no, "effective_answer": decision.answer, "decided_by": decision.by}
