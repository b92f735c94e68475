"""Taking reviewed tweets in."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from api.models import ApiKey, ReviewedTweet
from hate_speech_ai.text import CLEANING_VERSION, fingerprint, is_held_out

_TRIES = 20
_BATCH = 500


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


def renew_fingerprints() -> int:
    """Bring rows that another version of the cleaning saw up to date; how many those were.

    What was held out stays so, and what is held out by its new fingerprint is, too: a text on which a model was
    measured is never trained on. Texts that have become equal are one source's opinions in the order of their rows.
    """
    renewed = 0
    while stale := list(ReviewedTweet.objects.exclude(cleaning=CLEANING_VERSION).order_by("pk")[:_BATCH]):
        with transaction.atomic():
            for row in stale:
                row.fingerprint = fingerprint(row.tweet)
                row.held_out = row.held_out or is_held_out(row.fingerprint)
                same = ReviewedTweet.objects.filter(source=row.source, fingerprint=row.fingerprint)
                newest = same.exclude(pk=row.pk).aggregate(Max("opinion"))["opinion__max"]
                row.opinion = (newest or 0) + 1
                row.cleaning = CLEANING_VERSION
                row.save(update_fields=["fingerprint", "held_out", "opinion", "cleaning"])
        renewed += len(stale)
    return renewed


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
