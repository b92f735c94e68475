"""What people do while a training run works, and what its result must not overrule.

A run reads the rows at its beginning, and its version serves minutes later. Where rows were forgotten or quarantined in
between, or a person let another version serve, the result is dropped and the run begins again.
"""

from dataclasses import dataclass

from django.db.models import Max

from api.models import Promotion, ReviewedTweet, ReviewEvent
from api.reviews import erasure


class Outdated(Exception):
    """The result must not be used; the message says what happened."""


@dataclass(frozen=True)
class Mark:
    """How things stood before a run read anything."""

    forgotten: int
    promotion: int
    review: int
    event: int


def mark() -> Mark:
    return Mark(erasure.count(), _last(Promotion), _last(ReviewedTweet), _last(ReviewEvent))


def check(before: Mark) -> None:
    """In the transaction that stores a run's result, once that holds the run's row.

    Raises:
        Outdated: somebody has decided what the run does not know.
    """
    if erasure.count() != before.forgotten:
        raise Outdated("reviewed tweets were forgotten")
    if _last(Promotion) != before.promotion:
        raise Outdated("a person let another version serve")
    steps = ReviewEvent.objects.filter(pk__gt=before.event, review_id__lte=before.review)
    if steps.filter(status=ReviewedTweet.Status.QUARANTINED).exists():
        raise Outdated("reviews were quarantined")


def _last(model: type[Promotion | ReviewedTweet | ReviewEvent]) -> int:
    return int(model.objects.aggregate(last=Max("pk"))["last"] or 0)
