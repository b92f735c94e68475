"""The queue of training runs. The database is its record; a Celery message is only a doorbell.

A run is claimed by a conditional update, held by a lease that its worker renews, and finished behind a fence: only the
attempt that holds the run may write its result. So a killed worker, a lost message, a second beat or a message that
comes twice never loses a run, works on it twice at once, or commits it twice.
"""

import logging
import threading
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from api.lib import audit_log
from api.models import Heartbeat, IdempotentAnswer, Promotion, TrainingRun

logger = logging.getLogger(__name__)

Kind = TrainingRun.Kind
Status = TrainingRun.Status

#: Celery's name of the task that works on a run.
TRAIN_TASK = "api.tasks.train"

_FORGET_AFTER = timedelta(hours=24)


class LostLease(Exception):
    """Another attempt holds this run now; what this one did is discarded."""


def enqueue(kind: str, *, requested_by: str, dedupe_key: str | None = None) -> tuple[TrainingRun, bool]:
    """Queue a run, or find the one that is queued already; then ring the bell.

    Returns:
        The run, and whether it is new.
    """
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(kind=kind, dedupe_key=dedupe_key, requested_by=requested_by)
            audit_log.record("run.queued", f"run {run.pk}", by=requested_by, kind=kind)
    except IntegrityError:
        same = Q(dedupe_key=dedupe_key) if dedupe_key else Q(kind=kind, status=Status.QUEUED)
        existing = TrainingRun.objects.filter(same).first()
        if existing is None:  # the queued one was claimed in between
            return enqueue(kind, requested_by=requested_by, dedupe_key=dedupe_key)
        return existing, False
    transaction.on_commit(partial(_notify_in_background, run.pk))
    return run, True


def notify_worker(run_id: UUID) -> None:
    """Tell a worker that a run waits. A bell that nobody hears is rung again by the next sweep."""
    from celery import current_app
    from kombu.exceptions import OperationalError
    from redis import RedisError

    try:
        current_app.send_task(TRAIN_TASK, (str(run_id),), retry=False)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning(
            "training run %s is queued, but the broker does not answer: %s: %s", run_id, type(error).__name__, error
        )


def _notify_in_background(run_id: UUID) -> None:
    """Ring without keeping the caller: a broker that is away can take seconds to say so."""
    threading.Thread(target=notify_worker, args=(run_id,), name="ring").start()


def claim(run_id: UUID | str) -> TrainingRun | None:
    """Take a queued run, unless another attempt has it or another run is going on."""
    now = timezone.now()
    try:
        with transaction.atomic():
            taken = TrainingRun.objects.filter(pk=run_id, status=Status.QUEUED).update(
                status=Status.RUNNING,
                attempts=F("attempts") + 1,
                started_at=now,
                lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
                step="starting",
                progress=0.0,
            )
    except IntegrityError:  # one run at a time
        return None
    return TrainingRun.objects.get(pk=run_id) if taken else None


def rows_held_by_attempt(run: TrainingRun) -> Any:
    """Return the run's row, if this attempt still holds it; write only by updating this row."""
    return TrainingRun.objects.filter(pk=run.pk, status=Status.RUNNING, attempts=run.attempts)


def renew(run: TrainingRun) -> None:
    """Hold the run for another `LEASE_SECONDS`.

    Raises:
        LostLease: another attempt holds it.
    """
    if not rows_held_by_attempt(run).update(lease_until=timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)):
        raise LostLease(str(run.pk))


def finish(run: TrainingRun, **fields: Any) -> None:
    """Write the run's result; inside a transaction, together with what the run made.

    Raises:
        LostLease: another attempt holds it. Let it roll the transaction back.
    """
    if not rows_held_by_attempt(run).update(
        finished_at=timezone.now(), lease_until=None, step="", progress=1.0, **fields
    ):
        raise LostLease(str(run.pk))


def requeue(run: TrainingRun, why: str) -> None:
    """Put a run back that has to begin again; after `MAX_ATTEMPTS` it has failed.

    Raises:
        LostLease: another attempt holds it.
    """
    if run.attempts >= settings.MAX_ATTEMPTS:
        finish(run, status=Status.FAILED, reasons=[f"{why} in each of {run.attempts} attempts; ask for another run"])
    elif not rows_held_by_attempt(run).update(status=Status.QUEUED, lease_until=None, step="", progress=0.0):
        raise LostLease(str(run.pk))


def release_abandoned() -> None:
    """Put running runs back into the queue, where it is known that nobody works on them any more."""
    for run in TrainingRun.objects.filter(status=Status.RUNNING):
        _put_back_or_abandon(run, rows_held_by_attempt(run))


def _put_back_or_abandon(run: TrainingRun, row: Any) -> None:
    """Let a run begin again that ended without a word; after `MAX_ATTEMPTS`, it is over.

    Args:
        row: the run's, as long as it still is as it was found.
    """
    if run.attempts < settings.MAX_ATTEMPTS or run.version_id:  # its result is stored: it need only be ended
        if row.update(status=Status.QUEUED, lease_until=None, step=""):
            logger.warning("training run %s: attempt %s ended without a word; again", run.pk, run.attempts)
        return
    reason = f"{run.attempts} attempts ended without a result; the worker's log has the last one"
    now = timezone.now()
    row.update(status=Status.ABANDONED, finished_at=now, lease_until=None, step="", reasons=[reason])
    logger.error("training run %s is abandoned: %s", run.pk, reason)


def notify_next() -> None:
    """Ring for the oldest queued run, if there is one."""
    waiting = TrainingRun.objects.filter(status=Status.QUEUED).order_by("created_at").first()
    if waiting:
        notify_worker(waiting.pk)


def sweep() -> None:
    """Put right what was left behind: expired leases, unheard bells, a missed night, old answers."""
    now = timezone.now()
    expired = TrainingRun.objects.filter(status=Status.RUNNING, lease_until__lt=now)
    for run in expired:
        _put_back_or_abandon(run, rows_held_by_attempt(run).filter(lease_until__lt=now))
    catch_up(now)
    IdempotentAnswer.objects.filter(created_at__lt=now - _FORGET_AFTER).delete()
    Heartbeat.objects.filter(at__lt=now - timedelta(hours=1)).delete()
    if not TrainingRun.objects.filter(status=Status.RUNNING).exists():
        notify_next()


def enqueue_nightly(now: datetime | None = None) -> tuple[TrainingRun, bool]:
    """Queue the run of the local date whose hour has last come; there is one for each date, however often asked."""
    return enqueue(Kind.NIGHTLY, requested_by="schedule", dedupe_key=f"nightly:{nightly_date(now or timezone.now())}")


def nightly_date(now: datetime) -> date:
    """Return the local date of the last `NIGHTLY_AT` that has passed."""
    local = timezone.localtime(now, settings.LOCAL_ZONE)
    return local.date() if local.time() >= settings.NIGHTLY_AT else local.date() - timedelta(days=1)


def catch_up(now: datetime) -> None:
    """Queue the last night's run where no nightly run has succeeded for 26 hours."""
    last = last_successful_nightly()
    since = last.finished_at if last else _beginning()
    if since and now - since > timedelta(hours=settings.CATCH_UP_HOURS):
        enqueue_nightly(now)


def _beginning() -> datetime | None:
    """Return when the base model began to serve or the first run was asked for; None before both."""
    first_run = TrainingRun.objects.order_by("created_at").values_list("created_at", flat=True).first()
    first_promotion = Promotion.objects.order_by("pk").values_list("at", flat=True).first()
    return min([moment for moment in (first_run, first_promotion) if moment], default=None)


def last_successful_nightly() -> TrainingRun | None:
    """Return the last nightly run that succeeded."""
    return TrainingRun.objects.filter(kind=Kind.NIGHTLY, status=Status.DONE).order_by("-finished_at").first()
