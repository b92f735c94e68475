"""Keys as lists and commands need them."""

from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from api.models import ApiKey, ReviewedTweet, ReviewerAgreement

SHOWN_REVIEWERS = 100


def counted() -> Any:
    """Keys with the number of their reviews in each status."""
    counts = {status: Count("reviews", filter=Q(reviews__status=status)) for status in ReviewedTweet.Status.values}
    return ApiKey.objects.annotate(**counts)


def with_reviews() -> QuerySet[ApiKey]:
    """Keys that have sent a review, each once."""
    return ApiKey.objects.filter(Exists(ReviewedTweet.objects.filter(key=OuterRef("pk"))))


def with_most_active_reviewers(keys: Any) -> Any:
    """Fetch, with each key, its `SHOWN_REVIEWERS` rows of agreement with the most tweets."""
    return keys.prefetch_related(
        Prefetch("reviewers", by_activity(ReviewerAgreement.objects.all())[:SHOWN_REVIEWERS], to_attr="shown_reviewers")
    )


def by_activity(rows: QuerySet[ReviewerAgreement]) -> QuerySet[ReviewerAgreement]:
    return rows.order_by("-tweets", "reviewer", "label", "pk")
