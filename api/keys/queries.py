"""Keys as lists and commands need them."""

from typing import Any

from django.db.models import Count, Q

from api.models import ApiKey, ReviewedTweet


def counted() -> Any:
    """Keys with the number of their reviews in each status."""
    counts = {status: Count("reviews", filter=Q(reviews__status=status)) for status in ReviewedTweet.Status.values}
    return ApiKey.objects.annotate(**counts)
