"""What a training run asks a person, and what becomes of the answer.

docs/decisions/0017-influence.md has the rules; `attribution` finds what there is to ask.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from api.keys import trust
from api.lib import audit_log
from api.models import ApiKey, ApprovalRequest, ModelVersion, Promotion, ReviewedTweet, ReviewEvent, TrainingRun
from api.training import queue
from api.versions import registry

Status = ReviewedTweet.Status
Kind = ApprovalRequest.Kind
Decision = ApprovalRequest.Decision

_BATCH = 500
SET_ASIDE = "Set aside: the base model is sure of the opposite; only this key says so. A person is asked about many."
REJECTED = "Set aside by {by}: without it the candidate would have passed the gate. A person is asked."


class NothingToDecide(Exception):
    """The run asks nothing, or all of it is decided."""


@dataclass(frozen=True)
class Request:
    """What is to be asked; `models.ApprovalRequest` says what the fields mean."""

    kind: str
    source: str
    reviews: list[int]
    label: str = ""
    answer: bool | None = None
    words: Sequence[str] = ()
    learned: int = 0
    changed: tuple[float, float] | None = None


def store(run: TrainingRun, requests: Sequence[Request], *, by: str) -> None:
    """Ask them, in the transaction of the run's result. What an earlier run asked and nobody decided is asked anew."""
    open_ones = ApprovalRequest.objects.filter(decision="")
    asked = set(open_ones.filter(kind=Kind.CONTRADICTS).values_list("reviews", flat=True))
    open_ones.exclude(kind=Kind.REJECTED).delete()
    keys = {
        key.source: key for key in ApiKey.objects.filter(pk__in=[int(one.source.partition(":")[2]) for one in requests])
    }
    for request in requests:
        row = ApprovalRequest.objects.create(
            run=run,
            key=keys[request.source],
            kind=request.kind,
            label=request.label,
            answer=request.answer,
            words=list(request.words),
            learned=request.learned,
            changed=list(request.changed) if request.changed else None,
        )
        _link(row, request.reviews)
        rows = _reviews([row])
        if request.kind == Kind.REJECTED:
            trust.set_aside(rows, reason=REJECTED.format(by=by))
        elif request.kind == Kind.CONTRADICTS:
            waiting = set(rows.filter(status=Status.PENDING).values_list("pk", flat=True)) - asked
            ReviewEvent.objects.bulk_create(
                [ReviewEvent(review_id=pk, status=Status.PENDING, reason=SET_ASIDE) for pk in sorted(waiting)],
                batch_size=_BATCH,
            )


def _link(row: ApprovalRequest, reviews: Sequence[int]) -> None:
    """Say which reviews a request is about; some may have been forgotten since the run read them."""
    through = ApprovalRequest.reviews.through
    for start in range(0, len(reviews), _BATCH):  # SQLite takes only so many numbers in a query
        some = ReviewedTweet.objects.filter(pk__in=reviews[start : start + _BATCH]).order_by("pk")
        through.objects.bulk_create(
            through(approvalrequest_id=row.pk, reviewedtweet_id=pk) for pk in some.values_list("pk", flat=True)
        )


def decide(run: TrainingRun, *, approve: bool, by: str, reason: str, ids: Sequence[int] = ()) -> TrainingRun:
    """Answer what a run asks: its reviews count in full from the next training on, or no more.

    Where the run's candidate waits for the answer and its parent still serves, a yes promotes it.

    Args:
        ids: of the requests to decide; all that are open, without.

    Returns:
        The training run that is queued for it.

    Raises:
        NothingToDecide: none of them is open.
    """
    with transaction.atomic():
        TrainingRun.objects.lock_running()
        found = run.approvals.select_for_update().filter(decision="").order_by("pk")
        requests = list(found.filter(pk__in=ids) if ids else found)
        if not requests:
            raise NothingToDecide
        rows = _reviews(requests)
        count = trust.confirm(rows, by=by) if approve else trust.decline(rows, by=by)
        run.approvals.filter(pk__in=[one.pk for one in requests]).update(
            decision=Decision.APPROVED if approve else Decision.DECLINED,
            decided_by=by,
            decided_at=timezone.now(),
            reason=reason,
        )
        action = "reviews.approved" if approve else "reviews.declined"
        audit_log.record(action, f"{count} reviews", by=by, reason=reason, run=str(run.pk))
    if (
        approve
        and run.outcome == TrainingRun.Outcome.PENDING_APPROVAL
        and not run.approvals.filter(decision="").exists()
    ):
        _promote_waiting(run, by=by, reason=reason)
    return queue.enqueue(TrainingRun.Kind.MANUAL, requested_by=by)[0]


def _reviews(requests: Sequence[ApprovalRequest]) -> QuerySet[ReviewedTweet]:
    through = ApprovalRequest.reviews.through
    links = through.objects.filter(approvalrequest_id__in=[one.pk for one in requests])
    return ReviewedTweet.objects.filter(pk__in=links.values("reviewedtweet_id"))


def _promote_waiting(run: TrainingRun, *, by: str, reason: str) -> None:
    version: ModelVersion | None = run.version
    if version and not version.retired_reason and version.parent == Promotion.champion():
        registry.promote(version, by=by, reason=reason)
