"""Whose labels train: trust levels, approval, and a key's share of a run.

docs/decisions/0011-trust.md has the rules and their reasons. Which key a training run quarantines is decided by
`hate_speech_ai.annotator_reliability.reasons_to_quarantine`.
"""

import math
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from api.lib import audit_log
from api.models import LEARNED, NOT_COUNTED, ApiKey, QueueClaim, ReviewedTweet, ReviewEvent, TrainingRun

Status = ReviewedTweet.Status
Trust = ApiKey.Trust
_BATCH = 500

# Which rows of a key a quarantine sets aside: those that no model has learned, or all that count.
_UNLEARNED = (Status.PENDING, Status.HELD_OUT)
_COUNTING = (*_UNLEARNED, Status.TRAINED, Status.CONFLICT)

APPROVED = "Approved by {by}; the next training learns from it."
APPROVED_HELD_OUT = "Approved by {by}; its text is one of those that models are measured on, so none is trained on it."
CONFIRMED = "Confirmed by {by}; from the next training on it counts in full."
DECLINED = "Declined by {by}; it counts no more."
QUARANTINED = "Quarantined by {by}; it counts no more until a person approves it."
SUPERSEDED = "The same key said something newer about this text, which {by} has approved."


def weights() -> dict[str, float]:
    """Return the vote weights below 1, by source, as of the last training run."""
    keys = ApiKey.objects.exclude(reliability={}).only("pk", "reliability")
    return {key.source: key.reliability["weight"] for key in keys if key.reliability.get("weight", 1.0) < 1.0}


def capped_per_source(new: Mapping[str, int]) -> dict[str, int]:
    """Return how many of a run's new labels of each source are taken; the oldest are.

    Args:
        new: how many there are of each source.
    """
    most = max(settings.RUN_MIN_KEY_LABELS, math.ceil(settings.RUN_MAX_KEY_SHARE * sum(new.values())))
    return {source: min(count, most) for source, count in new.items()}


def trust(key: ApiKey, *, by: str, reason: str, approve_pending: bool = False) -> int:
    """Let what a key says from now on train; how many waiting reviews were approved as well, if that is asked for."""
    with transaction.atomic():
        if _set_level(key, Trust.TRUSTED):
            audit_log.record("key.trusted", str(key), by=by, reason=reason)
        return approve(key.reviews.all(), by=by, reason=reason) if approve_pending else 0


def quarantine(key: ApiKey, *, by: str, reason: str, include_learned: bool = False) -> int:
    """Let what a key says wait, with what no model has learned yet; how many reviews that are.

    What a person has approved goes on counting.

    Args:
        include_learned: also what was approved, and what models have learned: the next training does without it.
    """
    rows = key.reviews.all() if include_learned else key.reviews.filter(approved=False)
    with transaction.atomic():
        TrainingRun.objects.lock_running()
        changed = _set_level(key, Trust.QUARANTINED)
        # What was superseded counts no more, but reviewers are still compared by it.
        _mark(rows.filter(status=Status.SUPERSEDED), untrusted=True)
        counting = rows.filter(status__in=_COUNTING if include_learned else _UNLEARNED)
        count = _move(counting, Status.QUARANTINED, QUARANTINED.format(by=by), approved=False)
        _drop_claims(key)
        if changed or count:
            audit_log.record("key.quarantined", str(key), by=by, reason=reason, reviews=count)
    return count


def unlearned(sources: Sequence[str]) -> Q:
    """Return which rows a quarantine of these keys sets aside."""
    return Q(source__in=sources, approved=False, status__in=(*_UNLEARNED, Status.SUPERSEDED))


def approve(rows: QuerySet[ReviewedTweet], *, by: str, reason: str = "") -> int:
    """Let reviews count that are quarantined, and doubt neither these nor those that no model has learned yet.

    Returns:
        How many that were. Others among the rows stay as they are.
    """
    waiting = rows.filter(Q(status=Status.QUARANTINED) | Q(status=Status.PENDING, approved=False))
    with transaction.atomic():
        approved = _lock(waiting)
        _mark(rows.filter(status=Status.SUPERSEDED, untrusted=True), untrusted=False)
        count = _move(waiting.filter(held_out=True), Status.HELD_OUT, APPROVED_HELD_OUT.format(by=by), approved=True)
        count += _move(waiting.filter(held_out=False), Status.PENDING, APPROVED.format(by=by), approved=True)
        for start in range(0, len(approved), _BATCH):
            older = _older_than(approved[start : start + _BATCH])
            _move(older, Status.SUPERSEDED, SUPERSEDED.format(by=by), approved=None)
        if count:
            audit_log.record("reviews.approved", f"{count} reviews", by=by, reason=reason)
    return count


def set_aside(rows: QuerySet[ReviewedTweet], *, reason: str) -> int:
    """Let reviews wait for a person that no model has learned and nobody approved; their key stays as it is."""
    with transaction.atomic():
        TrainingRun.objects.lock_running()
        return _move(rows.filter(status=Status.PENDING, approved=False), Status.QUARANTINED, reason, approved=False)


def confirm(rows: QuerySet[ReviewedTweet], *, by: str) -> int:
    """Let reviews count in full, whatever the base model says; those that wait are approved as well."""
    with transaction.atomic():
        count = approve(rows, by=by)
        learned = rows.filter(status__in=[*LEARNED, Status.HELD_OUT], approved=False)
        for status in (*LEARNED, Status.HELD_OUT):
            count += _move(learned.filter(status=status), status, CONFIRMED.format(by=by), approved=True)
        return count


def decline(rows: QuerySet[ReviewedTweet], *, by: str) -> int:
    """Let reviews count no more, whether a model has learned them or not."""
    counting = rows.exclude(status__in=[*NOT_COUNTED, Status.SUPERSEDED])
    with transaction.atomic():
        TrainingRun.objects.lock_running()
        return _move(counting, Status.QUARANTINED, DECLINED.format(by=by), approved=False)


def _drop_claims(key: ApiKey) -> None:
    """Let others have what the key has claimed. Where the sample was exhausted by its claims, it is not any more."""
    claims, now = QueueClaim.objects.filter(key=key), timezone.now()
    claims.filter(until__gt=now).update(until=now)
    if first := claims.order_by("at").first():
        QueueClaim.objects.filter(key=None, at__gte=first.at).delete()


def _older_than(approved: list[int]) -> QuerySet[ReviewedTweet]:
    """Return what counts of the same keys about the same texts: while a newer review waited, the older one counted."""
    newer = ReviewedTweet.objects.filter(
        pk__in=approved,
        source=OuterRef("source"),
        fingerprint=OuterRef("fingerprint"),
        opinion__gt=OuterRef("opinion"),
    )
    return ReviewedTweet.objects.believed().filter(Exists(newer), status__in=_COUNTING)


def _mark(rows: QuerySet[ReviewedTweet], *, untrusted: bool) -> None:
    """Mark reviews without another step: their status stays what it is."""
    ids = _lock(rows)
    for start in range(0, len(ids), _BATCH):
        ReviewedTweet.objects.filter(pk__in=ids[start : start + _BATCH]).update(untrusted=untrusted)


def _set_level(key: ApiKey, level: str) -> bool:
    """Return whether it had another."""
    changed = ApiKey.objects.filter(pk=key.pk).exclude(trust=level).update(trust=level)
    key.trust = level
    return bool(changed)


def _lock(rows: QuerySet[ReviewedTweet]) -> list[int]:
    """In the order of their rows, as everybody locks them: none waits for another in a circle."""
    return list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))


def _move(rows: QuerySet[ReviewedTweet], status: str, reason: str, *, approved: bool | None) -> int:
    """Give reviews another status, with a step in their history; they stay approved or not where that is None."""
    fields = {} if approved is None else {"approved": approved}
    ids = _lock(rows)
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        moved = ReviewedTweet.objects.filter(pk__in=some)
        moved.update(status=status, untrusted=status == Status.QUARANTINED, **fields)
        ReviewEvent.objects.bulk_create(ReviewEvent(review_id=pk, status=status, reason=reason) for pk in some)
    return len(ids)
