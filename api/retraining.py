"""Road 2: reviewed tweets to a candidate, the gate, the promotion."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from api import (
    active_model,
    audit,
    comparison,
    database,
    forgetting,
    health,
    meanwhile,
    queue,
    receipts,
    registry,
    reviews,
    standings,
)
from api.dataset import Dataset, read
from api.models import ModelVersion, Promotion, TrainingRun
from api.standings import Findings
from hate_speech_ai.artifact import Artifact, ArtifactError, sha256
from hate_speech_ai.evaluation import agreement, measure, measure_checks, read_checks
from hate_speech_ai.gate import Exam, Limits, Sheet, judge
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training import Example, NotEnoughData, Trained, train

logger = logging.getLogger(__name__)

Outcome = TrainingRun.Outcome

#: For a list of ten thousand reviews that is just being stored.
_PATIENCE_SECONDS = 60


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
    except meanwhile.Outdated as error:
        logger.warning("training run %s begins again: %s meanwhile", run.pk, error)
        queue.again(run, f"{error} while the run worked")
    except NotEnoughData as error:
        queue.finish(run, status=queue.Status.DONE, outcome=Outcome.REJECTED, reasons=[str(error)])
    except Exception as error:
        logger.exception("training run %s failed", run.pk)
        queue.finish(run, status=queue.Status.FAILED, reasons=[f"{type(error).__name__}: {error}"])
    finally:
        queue.ring_next()


def evaluate(scorer: Scorer, dataset: Dataset) -> dict[str, Any]:
    """Each label's figures on the held-out tweets, those of hate_speech for each corpus, and the checks' pass share."""
    metrics: dict[str, Any] = {}
    for label in scorer.labels:
        rows = [example for example in dataset.held_out if label in example.labels]
        if rows:
            scores = scorer.probabilities([example.tweet for example in rows], label)
            answers = [example.labels[label] for example in rows]
            metrics[label] = measure(scores, answers, scorer.thresholds[label]).as_dict()
    by_source: dict[str, list[Example]] = {}
    for example in dataset.held_out:
        if HATE_SPEECH in example.labels:
            by_source.setdefault(example.source, []).append(example)
    metrics["by_source"] = {
        source: measure(
            scorer.probabilities([example.tweet for example in rows]),
            [example.labels[HATE_SPEECH] for example in rows],
            scorer.thresholds[HATE_SPEECH],
        ).as_dict()
        for source, rows in sorted(by_source.items())
    }
    checks = read_checks(settings.CHECKS)
    probabilities = scorer.probabilities([check.tweet for check in checks])
    metrics["checks"] = measure_checks(probabilities, checks, scorer.thresholds[HATE_SPEECH])
    return metrics


def _work(run: TrainingRun) -> None:
    _say(run, "reading the reviewed tweets", 0.01)
    if renewed := reviews.renew_fingerprints():
        logger.info("%s reviewed tweets are cleaned as this version does", renewed)
    before, dataset = meanwhile.mark(), read()
    champion, anchor = Promotion.champion(), Promotion.anchor()
    if dataset.fingerprint in _made_of(champion, ModelVersion.objects.order_by("-pk").first()):
        reason = "nothing was reviewed or imported since the last training on these rows"
        queue.finish(run, status=queue.Status.DONE, outcome=Outcome.UNCHANGED, reasons=[reason])
        return
    if len({example.labels[HATE_SPEECH] for example in dataset.held_out if HATE_SPEECH in example.labels}) < 2:
        raise NotEnoughData(
            "the held-out tweets, one in ten of all, need some with hate_speech and some without; "
            "a model that cannot be measured does not serve"
        )
    trained = train(
        dataset.training,
        metadata={"data_fingerprint": dataset.fingerprint, "trained_on": len(dataset.training)},
        progress=lambda step, share: _say(run, step, 0.05 + 0.8 * share),
    )
    _say(run, "measuring on held-out tweets", 0.85)
    candidate = Scorer(trained.artifact)
    exam = exam_of(dataset)
    by_champion = _sheet_of(champion, exam)
    verdict = judge(
        exam,
        candidate=Sheet.of(candidate, exam, trained_on=len(dataset.training)),
        champion=by_champion,
        anchor=by_champion if anchor == champion else _sheet_of(anchor, exam),
        limits=_limits(),
    )
    findings = standings.find(dataset, trained)
    reasons = verdict.reasons + findings.reasons
    figures = {
        **verdict.figures,
        "agreement": {label: agreement(texts) for label, texts in dataset.opinions.items()},
        "keys": findings.figures,
    }
    _commit(run, before, trained, dataset, evaluate(candidate, dataset), champion, reasons, figures, findings)


def _made_of(*versions: ModelVersion | None) -> set[str]:
    return {version.data_fingerprint for version in versions if version}


def exam_of(dataset: Dataset) -> Exam:
    """What the models are asked before one of them may serve."""
    others = {label: rows for label, rows in dataset.frozen.items() if label != HATE_SPEECH}
    checks = read_checks(settings.CHECKS)
    return Exam.of(dataset.frozen.get(HATE_SPEECH, []), dataset.held_out_reviews, checks, others)


def _sheet_of(version: ModelVersion | None, exam: Exam) -> Sheet | None:
    """A version's answers; None where there is none, or none that this program can load, as after an update."""
    if version is None:
        return None
    try:
        scorer = active_model.load(version).scorer
    except ArtifactError as error:
        logger.error("version %s cannot be loaded and so not be compared with: %s", version.pk, error)
        return None
    return Sheet.of(scorer, exam, trained_on=version.trained_on, version=version.pk)


def _limits() -> Limits:
    return Limits(
        max_drop=settings.GATE_MAX_DROP,
        max_sure_drop=settings.GATE_MAX_SURE_DROP,
        max_drop_on_reviews=settings.GATE_MAX_DROP_ON_REVIEWS,
        max_drop_from_anchor=settings.GATE_MAX_DROP_FROM_ANCHOR,
        min_reviews=settings.GATE_MIN_REVIEWS,
        max_checks_lost=settings.GATE_MAX_CHECKS_LOST,
        max_false_positive_rise=settings.GATE_MAX_FALSE_POSITIVE_RISE,
        max_flipped=settings.GATE_MAX_FLIPPED,
        max_share_ratio=settings.GATE_MAX_SHARE_RATIO,
    )


def _commit(
    run: TrainingRun,
    before: meanwhile.Mark,
    trained: Trained,
    dataset: Dataset,
    metrics: dict[str, Any],
    champion: ModelVersion | None,
    reasons: list[str],
    figures: dict[str, Any],
    findings: Findings,
) -> None:
    """Store the candidate and, unless there are reasons against it, promote it: all of it, or nothing.

    What was found out about keys is stored as well, and the new labels of those that are not believed are set aside.
    """
    content = trained.artifact.to_bytes()
    scorer = Scorer(Artifact.from_bytes(content))  # what cannot be read again must not be stored
    probabilities = [] if reasons else scorer.probabilities(change.tweet for change in dataset.changes)
    change = {} if reasons else comparison.change(champion, scorer)
    with transaction.atomic():
        database.wait_for_locks(_PATIENCE_SECONDS)
        # Locked in this order, so that nobody waits for each other: the run, keys, reviews.
        _say(run, "storing", 0.95)
        meanwhile.check(before)
        standings.store(findings)
        version = ModelVersion.objects.create(
            sha256=sha256(content),
            artifact=content,
            parent=champion,
            data_fingerprint=dataset.fingerprint,
            trained_on=len(dataset.training),
            evaluated_on=metrics[HATE_SPEECH]["rows"],
            metrics=metrics,
            recipe=trained.artifact.metadata["recipe"],
        )
        outcome = Outcome.REJECTED if reasons else Outcome.PROMOTED
        if not reasons:
            Promotion.objects.create(version=version, by=f"{run.kind} run", reason="passed the gate", change=change)
            receipts.settle(dataset.changes, probabilities, version)
        standings.set_aside(findings, by=f"{run.kind} run")
        queue.finish(run, status=queue.Status.DONE, outcome=outcome, version=version, reasons=reasons, figures=figures)
        audit.record(
            f"version.{outcome}",
            f"version {version.pk}",
            by=f"{run.kind} run",
            reason="; ".join(reasons) or "passed the gate",
            run=str(run.pk),
            sha256=version.sha256,
        )
    active_model.put_in_cache(version.sha256, content)
    registry.settle(by=f"{run.kind} run")
    forgetting.wipe()
    logger.info("%s run %s: version %s %s %s", run.kind, run.pk, version.pk, outcome, "; ".join(reasons))


def _say(run: TrainingRun, step: str, progress: float) -> None:
    if not queue.held(run).update(step=step, progress=round(progress, 3)):
        raise queue.LostLease(str(run.pk))


@contextmanager
def _lease(run: TrainingRun) -> Iterator[None]:
    """Renew the run's lease, and the worker's sign of life, while the work goes on."""
    stop = threading.Event()

    def keep() -> None:
        while not stop.wait(settings.LEASE_SECONDS / 4):
            try:
                queue.renew(run)
                health.beat_worker(scheduled=False)
            except queue.LostLease:
                break  # the work itself will notice that it is fenced off
            except DatabaseError as error:
                logger.warning("training run %s: the lease was not renewed: %s", run.pk, type(error).__name__)
                connection.close()
        connection.close()

    thread = threading.Thread(target=keep, daemon=True, name="lease")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
