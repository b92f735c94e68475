"""The state that a training run began with: its result must not overrule what people do meanwhile.

A run reads the rows at its beginning, and its version serves minutes later. Where rows were forgotten or quarantined in
between, or a person let another version serve, the result is dropped and the run begins again.
"""

from dataclasses import dataclass

from django.db.models import Max

from api.models import Promotion, ReviewedTweet, ReviewEvent
from api.reviews import erasure


class StaleResult(Exception):
    """The result must not be used; the message says what happened."""


@dataclass(frozen=True)
class Snapshot:
    """How things stood before a run read anything."""

    forgotten: int
    promotion: int
    review: int
    event: int


def take() -> Snapshot:
    return Snapshot(erasure.number_of_erasures(), _last(Promotion), _last(ReviewedTweet), _last(ReviewEvent))


def ensure_promotion(before: Snapshot) -> None:
    """Raise StaleResult if another version serves than the one with which a run began."""
    if _last(Promotion) != before.promotion:
        raise StaleResult("a person let another version serve")


def ensure_current(before: Snapshot) -> None:
    """In the transaction that stores a run's result, once that holds the run's row.

    Raises:
        StaleResult: somebody has decided what the run does not know.
    """
    if erasure.number_of_erasures() != before.forgotten:
        raise StaleResult("reviewed tweets were forgotten")
    ensure_promotion(before)
    steps = ReviewEvent.objects.filter(pk__gt=before.event, review_id__lte=before.review)
    if steps.filter(status=ReviewedTweet.Status.QUARANTINED).exists():
        raise StaleResult("reviews were quarantined")


def _last(model: type[Promotion | ReviewedTweet | ReviewEvent]) -> int:
    return int(model.objects.aggregate(last=Max("pk"))["last"] or 0)
