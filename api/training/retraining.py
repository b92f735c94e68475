"""A training run: from the reviewed tweets to a candidate, through the gate, to the version that serves."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from api.lib import audit_log, database, heartbeat
from api.models import ModelVersion, Promotion, TrainingRun
from api.prediction import loading
from api.reviews import erasure, intake
from api.training import base_model, key_reliability, outcomes, queue, snapshot
from api.training.candidate import Candidate, Unchanged, Workshop, learned_from
from api.training.claims import approvals, attribution
from api.training.dataset import read
from api.training.examination import Examined
from api.training.outcomes import Change
from api.versions import comparison, registry
from hate_speech_ai.artifact import Artifact, sha256
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.training.examples import NotEnoughData

logger = logging.getLogger(__name__)

Outcome = TrainingRun.Outcome

#: For a list of ten thousand reviews that is just being stored.
_PATIENCE_SECONDS = 60
# For web processes to load a version: they look every MODEL_POLL_SECONDS, and one may have just ended.
_SWAP_SECONDS = 25.0
_LOOK_SECONDS = 0.1


def execute(run_id: str) -> None:
    """Work on a queued run, if it is still free."""
    run = queue.claim(run_id)
    if run is None:
        return
    logger.info("%s run %s: attempt %s", run.kind, run.pk, run.attempts)
    try:
        with _lease(run):
            _work(run)
    except queue.LostLease:
        logger.warning("training run %s: attempt %s lost its lease; its result is discarded", run.pk, run.attempts)
    except snapshot.StaleResult as error:
        logger.warning("training run %s begins again: %s meanwhile", run.pk, error)
        queue.requeue(run, f"{error} while the run worked")
    except NotEnoughData as error:
        queue.finish(run, status=queue.Status.DONE, outcome=Outcome.REJECTED, reasons=[str(error)])
    except Exception as error:
        logger.exception("training run %s failed", run.pk)
        _end_with_error(run, error)
    finally:
        queue.notify_next()


def _end_with_error(run: TrainingRun, error: Exception) -> None:
    """Let the run fail; but what is promoted is promoted, whatever the clean-up met after it."""
    if TrainingRun.objects.filter(pk=run.pk, outcome=Outcome.PROMOTED).exists():
        queue.finish(run, status=queue.Status.DONE)
    else:
        reasons = [f"{type(error).__name__}: {error}"]
        if isinstance(error, SoftTimeLimitExceeded | MemoryError):
            reasons += key_reliability.keys_with_most_rows()
        queue.finish(run, status=queue.Status.FAILED, reasons=reasons)


def _work(run: TrainingRun) -> None:
    if run.version:  # an attempt before this one stored and promoted it, and was stopped
        _follow_up(run, run.version, promoted=True)
        return
    _report_progress(run, "reading the reviewed tweets", 0.01)
    if renewed := intake.renew_fingerprints():
        logger.info("%s reviewed tweets are cleaned as this version does", renewed)
    on = base_model.load()
    before, dataset = snapshot.take(), read(on)
    champion, baseline = Promotion.champion(), Promotion.baseline()
    workshop = Workshop(on, champion, baseline, partial(_report_progress, run))
    try:
        candidate = workshop.make(before, dataset)
    except Unchanged:
        reason = "nothing was reviewed or imported since the last training on these rows"
        queue.finish(run, status=queue.Status.DONE, outcome=Outcome.UNCHANGED, reasons=[reason])
        return
    _commit(run, candidate)


def _commit(run: TrainingRun, result: Candidate) -> None:
    """Store the candidate and, unless there are reasons against it, promote it: all of it, or nothing.

    What was found out about keys is stored as well, and the new labels of those that are not believed are set aside.
    """
    found, doubts = result.found, result.trained.doubts
    changes = attribution.without_set_aside(result.dataset.changes, doubts, result.dataset)
    content = result.trained.artifact.to_bytes()
    # What cannot be read again must not be stored.
    scorer = loading.scorer_of(Artifact.from_bytes(content), result.encoder)
    probabilities = [] if found.reasons else scorer.probabilities(change.tweet for change in changes)
    change = {} if found.reasons else comparison.change(result.champion, scorer)
    with transaction.atomic():
        database.wait_for_locks(_PATIENCE_SECONDS)
        # Locked in this order, so that nobody waits for each other: the run, keys, reviews.
        _report_progress(run, "storing", 0.95)
        snapshot.ensure_current(result.before)
        key_reliability.store(found.findings)
        version = _store_version(result, content)
        if not found.reasons:
            _promote(run, version, change, changes, probabilities)
        key_reliability.quarantine_flagged(found.findings, by=_by(run))
        approvals.store(run, found.requests, by=_by(run))
        _store_outcome(run, version, found)
    loading.put_in_cache(version.sha256, content)
    _follow_up(run, version, promoted=not found.reasons)
    logger.info("%s run %s: version %s; %s", run.kind, run.pk, version.pk, "; ".join(found.reasons) or "promoted")


def _store_version(result: Candidate, content: bytes) -> ModelVersion:
    metadata, metrics = result.trained.artifact.metadata, result.found.metrics
    return ModelVersion.objects.create(
        sha256=sha256(content),
        artifact=content,
        parent=result.champion,
        data_fingerprint=result.dataset.fingerprint,
        trained_on=len(result.dataset.training),
        evaluated_on=metrics[HATE_SPEECH]["rows"],
        metrics=metrics,
        recipe=metadata["recipe"],
        base=metadata["base"],
        learned_from=learned_from(result.dataset),
    )


def _promote(
    run: TrainingRun, version: ModelVersion, change: dict[str, Any], changes: list[Change], probabilities: list[float]
) -> None:
    """Promote the version, and note on each review what became of it."""
    Promotion.objects.create(version=version, by=_by(run), reason="passed the gate", change=change)
    outcomes.apply_outcomes(changes, probabilities, version)


def _store_outcome(run: TrainingRun, version: ModelVersion, found: Examined) -> None:
    """Write down what became of the candidate, in the run and in the audit log.

    Raises:
        LostLease: another attempt has taken over.
    """
    outcome = found.outcome
    results: dict[str, Any] = {
        "version": version,
        "outcome": outcome,
        "reasons": found.reasons,
        "figures": found.figures,
    }
    if found.reasons:
        queue.finish(run, status=queue.Status.DONE, **results)
    elif not queue.rows_held_by_attempt(run).update(step="waiting for the web processes", progress=0.98, **results):
        raise queue.LostLease(str(run.pk))
    audit_log.record(
        f"version.{outcome}",
        f"version {version.pk}",
        by=_by(run),
        reason="; ".join(found.reasons) or "passed the gate",
        run=str(run.pk),
        sha256=version.sha256,
    )


def _follow_up(run: TrainingRun, version: ModelVersion, *, promoted: bool) -> None:
    """Do what comes after the commit: old versions go, and the web processes follow."""
    registry.clean_up_after_promotion(by=_by(run))
    erasure.checkpoint_wal()
    if promoted:
        _wait_until_served(run, version)


def _by(run: TrainingRun) -> str:
    return f"{run.kind} run"


def _wait_until_served(run: TrainingRun, version: ModelVersion) -> None:
    """End the run when every web process answers with its version, or when some still do not after a while."""
    end = time.monotonic() + _SWAP_SECONDS
    while True:
        champion, served_by = Promotion.champion(), heartbeat.serving(version)
        if served_by["processes"] == served_by["of"] or champion != version or time.monotonic() > end:
            queue.finish(run, status=queue.Status.DONE, served_by=served_by)
            return
        time.sleep(_LOOK_SECONDS)


def _report_progress(run: TrainingRun, step: str, progress: float) -> None:
    if not queue.rows_held_by_attempt(run).update(step=step, progress=round(progress, 3)):
        raise queue.LostLease(str(run.pk))


@contextmanager
def _lease(run: TrainingRun) -> Iterator[None]:
    """Renew the run's lease, and the worker's sign of life, while the work goes on."""
    stop = threading.Event()

    def keep() -> None:
        while not stop.wait(settings.LEASE_SECONDS / 4):
            try:
                queue.renew(run)
                heartbeat.beat_worker(scheduled=False)
            except queue.LostLease:
                break  # the work itself will notice that it is fenced off
            except DatabaseError as error:
                logger.warning("training run %s: the lease was not renewed: %s", run.pk, database.message(error))
                connection.close()
        connection.close()

    thread = threading.Thread(target=keep, daemon=True, name="lease")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
