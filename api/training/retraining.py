"""Road 2: reviewed tweets to a candidate, the gate, the promotion."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from api.lib import audit_log, database
from api.models import ModelVersion, Promotion, TrainingRun
from api.operations import health
from api.prediction import active_model
from api.reviews import erasure, history, intake
from api.training import base_model, key_reliability, queue, snapshot
from api.training.dataset import Dataset, is_corpus, read
from api.training.key_reliability import Findings
from api.versions import comparison, registry
from hate_speech_ai.artifact import Artifact, ArtifactError, sha256
from hate_speech_ai.base_model import learned_corpora
from hate_speech_ai.evaluation import agreement, evaluate, read_checks
from hate_speech_ai.gate import Exam, Limits, Sheet, judge
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import RememberingScorer, Scorer
from hate_speech_ai.training import NotEnoughData, Trained, train

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
    except snapshot.Outdated as error:
        logger.warning("training run %s begins again: %s meanwhile", run.pk, error)
        queue.again(run, f"{error} while the run worked")
    except NotEnoughData as error:
        queue.finish(run, status=queue.Status.DONE, outcome=Outcome.REJECTED, reasons=[str(error)])
    except Exception as error:
        logger.exception("training run %s failed", run.pk)
        queue.finish(run, status=queue.Status.FAILED, reasons=[f"{type(error).__name__}: {error}"])
    finally:
        queue.ring_next()


def _work(run: TrainingRun) -> None:
    if run.version:  # an attempt before this one stored and promoted it, and was stopped
        _wait_until_served(run, run.version)
        return
    _say(run, "reading the reviewed tweets", 0.01)
    if renewed := intake.renew_fingerprints():
        logger.info("%s reviewed tweets are cleaned as this version does", renewed)
    on = base_model.load()
    before, dataset = snapshot.mark(), read(on)
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
    to_choose_with, to_examine_with = base_model.everyday()
    trained = train(
        dataset.training,
        base=on.artifact if on else None,
        everyday=to_choose_with,
        metadata=_story(dataset, on),
        progress=lambda step, share: _say(run, step, 0.05 + 0.8 * share),
    )
    _say(run, "measuring on held-out tweets", 0.85)
    candidate = RememberingScorer(Scorer(trained.artifact))
    exam = exam_of(dataset)
    known = sum(example.known for example in dataset.training)
    by_champion = _sheet_of(champion, exam, known)
    verdict = judge(
        exam,
        candidate=Sheet.of(candidate, exam, trained_on=len(dataset.training)),
        champion=by_champion,
        anchor=by_champion if anchor == champion else _sheet_of(anchor, exam, known),
        limits=_limits(),
    )
    findings = key_reliability.find(dataset, trained)
    reasons = verdict.reasons + findings.reasons
    figures = {
        **verdict.figures,
        "agreement": {label: agreement(texts) for label, texts in dataset.opinions.items()},
        "keys": findings.figures,
    }
    metrics = evaluate(candidate, dataset.held_out, exam.checks, to_examine_with)
    _commit(run, before, trained, dataset, metrics, champion, reasons, figures, findings)


def _story(dataset: Dataset, on: base_model.Base | None) -> dict[str, Any]:
    """Return what an artifact says about where it comes from."""
    imported = {
        source.removeprefix("corpus:"): rows for source, rows in _learned_from(dataset).items() if is_corpus(source)
    }
    return {
        "data_fingerprint": dataset.fingerprint,
        "trained_on": len(dataset.training),
        "base": on.sha256 if on else "",
        "corpora": dict(sorted({**learned_corpora(on.artifact if on else None), **imported}.items())),
    }


def _learned_from(dataset: Dataset) -> dict[str, int]:
    """Return for each source how many training tweets it brought that the base does not know."""
    return dict(sorted(Counter(example.source for example in dataset.training if not example.known).items()))


def _made_of(*versions: ModelVersion | None) -> set[str]:
    return {version.data_fingerprint for version in versions if version}


def exam_of(dataset: Dataset) -> Exam:
    """What the models are asked before one of them may serve."""
    others = {label: rows for label, rows in dataset.frozen.items() if label != HATE_SPEECH}
    checks = read_checks(settings.CHECKS)
    everyday = base_model.everyday()[1]
    return Exam.of(dataset.frozen.get(HATE_SPEECH, []), dataset.held_out_reviews, checks, others, everyday)


def _sheet_of(version: ModelVersion | None, exam: Exam, known: int) -> Sheet | None:
    """Return a version's answers; None where there is none, or none that this program can load, as after an update.

    Args:
        known: training tweets that the base model knows. A version that was learned on it counts them as a candidate
            does; the base model itself, which learned many more elsewhere, has no others.
    """
    if version is None:
        return None
    try:
        scorer = active_model.load(version).scorer
    except ArtifactError as error:
        logger.error("version %s cannot be loaded and so not be compared with: %s", version.pk, error)
        return None
    trained_on = version.trained_on
    if known:
        trained_on = known + (sum(version.learned_from.values()) if version.base else 0)
    return Sheet.of(RememberingScorer(scorer), exam, trained_on=trained_on, version=version.pk)


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
        max_everyday_rise=settings.GATE_MAX_EVERYDAY_RISE,
    )


def _commit(
    run: TrainingRun,
    before: snapshot.Mark,
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
        snapshot.check(before)
        key_reliability.store(findings)
        version = ModelVersion.objects.create(
            sha256=sha256(content),
            artifact=content,
            parent=champion,
            data_fingerprint=dataset.fingerprint,
            trained_on=len(dataset.training),
            evaluated_on=metrics[HATE_SPEECH]["rows"],
            metrics=metrics,
            recipe=trained.artifact.metadata["recipe"],
            base=trained.artifact.metadata["base"],
            learned_from=_learned_from(dataset),
        )
        outcome = Outcome.REJECTED if reasons else Outcome.PROMOTED
        if not reasons:
            Promotion.objects.create(version=version, by=f"{run.kind} run", reason="passed the gate", change=change)
            history.settle(dataset.changes, probabilities, version)
        key_reliability.set_aside(findings, by=f"{run.kind} run")
        results: dict[str, Any] = {"outcome": outcome, "version": version, "reasons": reasons, "figures": figures}
        if reasons:
            queue.finish(run, status=queue.Status.DONE, **results)
        elif not queue.held(run).update(step="waiting for the web processes", progress=0.98, **results):
            raise queue.LostLease(str(run.pk))
        audit_log.record(
            f"version.{outcome}",
            f"version {version.pk}",
            by=f"{run.kind} run",
            reason="; ".join(reasons) or "passed the gate",
            run=str(run.pk),
            sha256=version.sha256,
        )
    active_model.put_in_cache(version.sha256, content)
    registry.settle(by=f"{run.kind} run")
    erasure.wipe()
    if not reasons:
        _wait_until_served(run, version)
    logger.info("%s run %s: version %s %s %s", run.kind, run.pk, version.pk, outcome, "; ".join(reasons))


def _wait_until_served(run: TrainingRun, version: ModelVersion) -> None:
    """End the run when every web process answers with its version, or when some still do not after a while."""
    end = time.monotonic() + _SWAP_SECONDS
    while True:
        champion, served_by = Promotion.champion(), health.serving(version)
        if served_by["processes"] == served_by["of"] or champion != version or time.monotonic() > end:
            queue.finish(run, status=queue.Status.DONE, served_by=served_by)
            return
        time.sleep(_LOOK_SECONDS)


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
