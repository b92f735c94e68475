"""Taking reviewed tweets in, and back."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Max

from api.lib import pseudonyms, suppression
from api.models import NOT_COUNTED, ApiKey, QueueClaim, ReviewedTweet, ReviewEvent
from api.prediction import active_model
from api.prediction.active_model import ModelNotReady
from api.prediction.loading import LoadedModel
from api.reviews.refusals import KeyNotTrusted, Quota, WasForgotten
from hate_speech_ai.text import CLEANING_VERSION, fingerprint, is_held_out

Status = ReviewedTweet.Status
_TRIES = 20
_BATCH = 500

RECEIVED = "Received; the next training learns from it."
HELD_OUT = "Received; its text is one of those that models are measured on, so none is trained on it."
QUARANTINED = "Received; it waits until a person approves it, as its key is not trusted yet."
SUPERSEDED = "The same key said something newer about this text: review {receipt}."
WITHDRAWN = "Withdrawn by {by}; it counts no more from the next training on."
_FIRST_REASON: dict[str, str] = {
    Status.PENDING: RECEIVED,
    Status.HELD_OUT: HELD_OUT,
    Status.QUARANTINED: QUARANTINED,
}


@dataclass(frozen=True)
class Annotation:
    """What somebody says about a tweet.

    Attributes:
        labels: true or false; or a grade from 0 to 1, as when so many of those who were asked said yes.
    """

    tweet: str
    labels: dict[str, float]
    external_id: str = ""
    reviewer: str = ""
    author: str = ""  # in plain: only a keyed hash of it is stored


@dataclass(frozen=True)
class _Read:
    """An opinion, with its text's fingerprint and what the served model says about it."""

    opinion: Annotation
    fingerprint: str
    probability: float | None


def add(
    *,
    tweet: str,
    labels: dict[str, float],
    source: str,
    key: ApiKey | None = None,
    external_id: str = "",
    reviewer: str = "",
    author: str = "",
) -> tuple[ReviewedTweet, bool]:
    """Store a review, unless it repeats the last thing that this source said about this tweet.

    Returns:
        The stored review, and whether it is new.
    """
    [answer] = add_all([Annotation(tweet, labels, external_id, reviewer, author)], source=source, key=key)
    return answer


def add_all(
    opinions: Sequence[Annotation], *, source: str, key: ApiKey | None = None, by_operator: bool = False
) -> list[tuple[ReviewedTweet, bool]]:
    """Store a source's opinions, all or none, each as if it had come alone after the one before it.

    Args:
        by_operator: whoever runs the service loads them, and no quota holds.

    Returns:
        For each, the stored review, and whether it is new.

    Raises:
        QuotaExceeded: the key is not trusted, and these are too many.
        WasForgotten: one of them names what somebody had forgotten; `forgotten` says which.
    """
    if found := forgotten(opinions):
        raise WasForgotten(next(iter(found.values())))
    model = _served() if key else None
    read = [
        _Read(one, fingerprint(one.tweet), model.scorer.probabilities([one.tweet])[0] if model else None)
        for one in opinions
    ]
    version = model.version if model else None
    stored: list[tuple[ReviewedTweet, bool]] = []
    with transaction.atomic(savepoint=False):
        if key:  # as it is now: a list takes a while to read, and its key may have been quarantined meanwhile
            # Two lists of one key that have texts in common would wait for each other.
            keys = ApiKey.objects.select_for_update(no_key=True) if len(read) > 1 else ApiKey.objects.all()
            key = keys.get(pk=key.pk)
        limited = key is not None and key.trust != ApiKey.Trust.TRUSTED and not by_operator
        for start in range(0, len(read), _BATCH):
            batch = read[start : start + _BATCH]
            stored += _store(batch, source, key, version, limited, start)
    return stored


def forgotten(opinions: Sequence[Annotation]) -> dict[int, str]:
    """Return which of these somebody had forgotten: their places, and what was named then, such as `author`."""
    subjects = [
        {
            "text": suppression.forms_of_text(one.tweet),
            "external_id": [one.external_id] if one.external_id else [],
            "reviewer": [one.reviewer] if one.reviewer else [],
            "author": pseudonyms.forms(one.author),
        }
        for one in opinions
    ]
    return suppression.find(subjects)


def withdraw(review: ReviewedTweet, *, key: ApiKey, by: str) -> None:
    """Let a review count no more. Doing so again changes nothing.

    A key that is not trusted takes nothing away: whoever stole it would undo all that was learned from it.

    Args:
        key: whose wish it is.

    Raises:
        KeyNotTrusted: the key is not trusted, and the review counts all the same.
    """
    if not may_withdraw(review, key):
        raise KeyNotTrusted
    with transaction.atomic():
        rows = ReviewedTweet.objects.filter(pk=review.pk).exclude(status=Status.WITHDRAWN)
        if rows.update(status=Status.WITHDRAWN):
            ReviewEvent.objects.create(review=review, status=Status.WITHDRAWN, reason=WITHDRAWN.format(by=by))


def may_withdraw(review: ReviewedTweet, key: ApiKey) -> bool:
    """Return whether a key may take a review back: a trusted one and an administrator may, others only what waits."""
    if key.allows(ApiKey.Scope.ADMIN) or review.untrusted or review.status in NOT_COUNTED:
        return True
    return ApiKey.objects.filter(pk=key.pk, trust=ApiKey.Trust.TRUSTED).exists()


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


def _served() -> LoadedModel | None:
    try:
        return active_model.get()
    except ModelNotReady:
        return None


def _store(
    batch: list[_Read], source: str, key: ApiKey | None, version: int | None, limited: bool, start: int
) -> list[tuple[ReviewedTweet, bool]]:
    for _ in range(_TRIES):
        try:
            with transaction.atomic():
                quota = Quota(key) if key and limited else None
                return _try_to_store(batch, source, key, version, quota, start)
        except IntegrityError:
            continue  # another request of this source was faster; look at what it said
    raise RuntimeError(f"{_TRIES} requests in a row were faster with these tweets")


def _try_to_store(
    batch: list[_Read], source: str, key: ApiKey | None, version: int | None, quota: Quota | None, start: int
) -> list[tuple[ReviewedTweet, bool]]:
    texts = {one.fingerprint for one in batch}
    last = _last_opinions(source, texts)
    # By its hash, or because the authors of a corpus test with it.
    tested = ReviewedTweet.objects.believed().filter(held_out=True, fingerprint__in=texts)
    measured_on = {text for text in texts if is_held_out(text)} | set(tested.values_list("fingerprint", flat=True))
    controls = _control_items(texts) if key else set()
    answers: list[tuple[ReviewedTweet, bool]] = []
    events: list[ReviewEvent] = []
    superseded: list[tuple[ReviewedTweet, ReviewedTweet]] = []
    for position, one in enumerate(batch, start):
        before = last.get(one.fingerprint)
        if before is not None and _repeats(before, one.opinion):
            answers.append((before, False))
            continue
        if quota is not None:
            quota.take(opinion=before.opinion + 1 if before else 1, position=position)
        row = _row(
            one, source, key, held_out=one.fingerprint in measured_on, opinion=before.opinion + 1 if before else 1
        )
        row.is_control = one.fingerprint in controls
        last[one.fingerprint] = row
        answers.append((row, True))
        if key is not None:
            reason = _FIRST_REASON[row.status]
            events.append(
                ReviewEvent(
                    review=row, status=row.status, reason=reason, version_id=version, probability=one.probability
                )
            )
            if before is not None and row.untrusted <= before.untrusted:  # else what counts goes on counting
                superseded.append((before, row))
    # Lock old rows first, as withdrawal and training do, so that transactions cannot deadlock.
    events += _supersede(superseded)
    ReviewedTweet.objects.bulk_create(row for row, new in answers if new)
    ReviewEvent.objects.bulk_create(events)
    return answers


def _control_items(texts: set[str]) -> set[str]:
    """Return those of the texts that the queue has handed out as control items, to whichever key.

    Two keys that work together must not find out by what becomes of their reviews, either.
    """
    claims = QueueClaim.objects.filter(is_control=True, prediction__fingerprint__in=texts)
    return set(claims.values_list("prediction__fingerprint", flat=True))


def _last_opinions(source: str, texts: set[str]) -> dict[str, ReviewedTweet]:
    """Return a source's newest row of each text; it is never one that was superseded."""
    rows = ReviewedTweet.objects.filter(source=source, fingerprint__in=texts).exclude(status=Status.SUPERSEDED)
    return {row.fingerprint: row for row in rows.order_by("opinion")}


def _repeats(before: ReviewedTweet, opinion: Annotation) -> bool:
    """Return whether an opinion repeats the last one.

    A withdrawn one can be given again. The same from a second reviewer is new: reviewers are compared by it.
    """
    same = (before.labels, before.tweet, before.reviewer) == (opinion.labels, opinion.tweet, opinion.reviewer)
    return same and before.status != Status.WITHDRAWN


def _row(one: _Read, source: str, key: ApiKey | None, *, held_out: bool, opinion: int) -> ReviewedTweet:
    return ReviewedTweet(
        tweet=one.opinion.tweet,
        labels=one.opinion.labels,
        source=source,
        key=key,
        external_id=one.opinion.external_id,
        reviewer=one.opinion.reviewer,
        author=pseudonyms.pseudonym(one.opinion.author),
        fingerprint=one.fingerprint,
        held_out=held_out,
        opinion=opinion,
        status=_first_status(key, held_out) if key else "",
        untrusted=key is not None and key.trust != ApiKey.Trust.TRUSTED,
    )


def _first_status(key: ApiKey, held_out: bool) -> str:
    if key.trust != ApiKey.Trust.TRUSTED:
        return Status.QUARANTINED
    return Status.HELD_OUT if held_out else Status.PENDING


def _supersede(pairs: list[tuple[ReviewedTweet, ReviewedTweet]]) -> list[ReviewEvent]:
    """Mark older reviews for the sake of newer ones; the steps to store once the newer ones are."""
    older = [before.pk for before, _ in pairs if before.pk is not None]
    if older:
        rows = ReviewedTweet.objects.filter(pk__in=older).exclude(status=Status.WITHDRAWN)
        free = set(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
        ReviewedTweet.objects.filter(pk__in=free).update(status=Status.SUPERSEDED)
    events = []
    for before, row in pairs:
        if before.pk is not None and before.pk not in free:
            continue  # withdrawn, and so it stays
        before.status = Status.SUPERSEDED
        reason = SUPERSEDED.format(receipt=row.receipt)
        events.append(ReviewEvent(review=before, status=Status.SUPERSEDED, reason=reason))
    return events
