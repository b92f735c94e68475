"""Taking reviewed tweets in."""

from typing import Any

from django.db import IntegrityError, transaction

from api.models import ApiKey, ReviewedTweet
from hate_speech_ai.text import fingerprint, is_held_out

_TRIES = 20


def add(
    *,
    tweet: str,
    labels: dict[str, bool],
    source: str,
    key: ApiKey | None = None,
    external_id: str = "",
    reviewer: str = "",
) -> tuple[ReviewedTweet, bool]:
    """Store a review, unless it repeats the last thing that this source said about this tweet.

    Returns:
        The stored review, and whether it is new.
    """
    digest = fingerprint(tweet)
    for _ in range(_TRIES):
        last = ReviewedTweet.objects.filter(source=source, fingerprint=digest).order_by("-opinion").first()
        if last is not None and last.labels == labels and last.tweet == tweet:
            return last, False
        try:
            with transaction.atomic():
                return _store(tweet, labels, source, key, external_id, reviewer, digest, last), True
        except IntegrityError:
            continue  # another request of this source was faster; look at what it said
    raise RuntimeError(f"{_TRIES} requests in a row were faster with this tweet")


def _store(
    tweet: str,
    labels: dict[str, bool],
    source: str,
    key: ApiKey | None,
    external_id: str,
    reviewer: str,
    digest: str,
    last: ReviewedTweet | None,
) -> Any:
    return ReviewedTweet.objects.create(
        tweet=tweet,
        labels=labels,
        source=source,
        key=key,
        external_id=external_id,
        reviewer=reviewer,
        fingerprint=digest,
        held_out=is_held_out(digest),
        opinion=last.opinion + 1 if last else 1,
    )
