"""The examination of a candidate: what the gate says against it, and what is found out about keys."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from api.models import ApprovalRequest, ModelVersion, TrainingRun
from api.prediction import loading
from api.training import base_model, key_reliability
from api.training.base_model import Base
from api.training.claims import attribution
from api.training.claims.approvals import Request
from api.training.dataset import Dataset
from api.training.key_reliability import Findings
from api.training.statistics import Statistics
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.encoder.embedder import Embedder
from hate_speech_ai.evaluation.caching_scorer import CachingScorer
from hate_speech_ai.evaluation.evaluation_set import EvaluationSet, ModelPredictions
from hate_speech_ai.evaluation.gate import Limits, Verdict, judge
from hate_speech_ai.evaluation.metrics import agreement, evaluate, read_checks
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.trainer import Trained

Outcome = TrainingRun.Outcome

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examined:
    """What an examination found out.

    Attributes:
        metrics: the candidate's figures on held-out tweets.
        reasons: against letting it serve.
        figures: what the reasons rest on, whether there are any or not.
        findings: about keys.
        requests: what a person is asked.
    """

    metrics: dict[str, Any]
    reasons: list[str]
    figures: dict[str, Any]
    findings: Findings
    requests: list[Request]

    @property
    def outcome(self) -> str:
        if not self.reasons:
            return Outcome.PROMOTED
        asked = any(request.kind == ApprovalRequest.Kind.REJECTED for request in self.requests)
        return Outcome.PENDING_APPROVAL if asked else Outcome.REJECTED


def examine(
    trained: Trained,
    dataset: Dataset,
    *,
    champion: ModelVersion | None,
    baseline: ModelVersion | None,
    base: Base | None,
    encoder: Embedder | None = None,
    retrain: Callable[[Sequence[Example]], Trained],
) -> Examined:
    """Compare a candidate with the version that serves and with the last that a person chose; judge the keys.

    Args:
        base: the model that the candidate was trained on top of.
        encoder: that it was trained with, if any.
        retrain: trains on some of the examples, as the candidate was trained on all.
    """
    candidate = CachingScorer(loading.scorer_of(trained.artifact, encoder))
    exam = exam_of(dataset)
    known = sum(example.known for example in dataset.training)
    by_champion = _predictions_of(champion, exam, known, encoder)
    by_baseline = by_champion if baseline == champion else _predictions_of(baseline, exam, known, encoder)

    def verdict_on(scorer: CachingScorer, rows: int) -> Verdict:
        sheet = ModelPredictions.of(scorer, exam, trained_on=rows)
        return judge(exam, candidate=sheet, champion=by_champion, baseline=by_baseline, limits=_limits())

    def scorer_after(rows: Sequence[Example]) -> CachingScorer:
        return CachingScorer(loading.scorer_of(retrain(rows).artifact, encoder))

    verdict = verdict_on(candidate, len(dataset.training))
    statistics = Statistics()
    findings = key_reliability.find(dataset, trained, _reference(dataset, base, champion, encoder), statistics)
    requests = attribution.from_doubts(trained.doubts, dataset)
    if verdict.reasons and by_champion and not findings.reasons:
        requests += attribution.blamed(
            dataset,
            trained,
            lambda rows: verdict_on(scorer_after(rows), len(rows)).reasons,
        )
    figures = {
        **verdict.figures,
        "agreement": statistics.measure("how far sources agree", lambda: _agreement(dataset, statistics)) or {},
        "keys": findings.figures,
        "notes": [*verdict.figures["notes"], *statistics.problems],
    }
    metrics = evaluate(candidate, dataset.held_out, exam.checks, exam.everyday)
    return Examined(metrics, verdict.reasons + findings.reasons, figures, findings, requests)


def _reference(
    dataset: Dataset, base: Base | None, champion: ModelVersion | None, encoder: Embedder | None
) -> Scorer | None:
    """Return the model that doubts held-out labels: the base, which has learned from no key, or else the champion."""
    if not dataset.held_out_labels:
        return None
    if base is not None:
        return loading.scorer_of(base.artifact, encoder)
    try:
        return loading.load(champion, encoder).scorer if champion else None
    except ArtifactError:  # of an older program; `_predictions_of` says so
        return None


def _agreement(dataset: Dataset, statistics: Statistics) -> dict[str, float | None]:
    found = {}
    for label, texts in dataset.opinions.items():
        statistics.check()
        found[label] = agreement(texts)
    return found


def exam_of(dataset: Dataset) -> EvaluationSet:
    """Return the evaluation set on which the gate compares models."""
    other_labels = {label: rows for label, rows in dataset.corpus_holdout.items() if label != HATE_SPEECH}
    checks = read_checks(settings.CHECKS)
    everyday = base_model.everyday()[1]
    return EvaluationSet.of(
        dataset.corpus_holdout.get(HATE_SPEECH, []),
        dataset.held_out_reviews,
        checks,
        other_labels,
        everyday,
        taught_by={label.source for label in dataset.new},
    )


def _predictions_of(
    version: ModelVersion | None, exam: EvaluationSet, known: int, encoder: Embedder | None
) -> ModelPredictions | None:
    """Return a version's answers; None where there is none, or none that this program can load, as after an update.

    Args:
        known: training tweets that the base model knows. A version that was learned on it counts them as a candidate
            does; the base model itself, which learned many more elsewhere, has no others.
    """
    if version is None:
        return None
    try:
        scorer = loading.load(version, encoder).scorer
    except ArtifactError as error:
        logger.error("version %s cannot be loaded and so not be compared with: %s", version.pk, error)
        return None
    trained_on = version.trained_on
    if known:
        trained_on = known + (sum(version.learned_from.values()) if version.base else 0)
    return ModelPredictions.of(CachingScorer(scorer), exam, trained_on=trained_on, version=version.pk)


def _limits() -> Limits:
    return Limits(
        max_drop=settings.GATE_MAX_DROP,
        max_sure_drop=settings.GATE_MAX_SURE_DROP,
        max_drop_on_reviews=settings.GATE_MAX_DROP_ON_REVIEWS,
        max_drop_from_baseline=settings.GATE_MAX_DROP_FROM_BASELINE,
        min_reviews=settings.GATE_MIN_REVIEWS,
        max_checks_lost=settings.GATE_MAX_CHECKS_LOST,
        max_false_positive_rise=settings.GATE_MAX_FALSE_POSITIVE_RISE,
        max_changed=settings.GATE_MAX_CHANGED,
        max_share_ratio=settings.GATE_MAX_SHARE_RATIO,
        max_everyday_rise=settings.GATE_MAX_EVERYDAY_RISE,
    )
