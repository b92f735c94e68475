"""The examination of a candidate: what the gate says against it, and what is found out about keys."""

import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from api.models import ModelVersion
from api.prediction import loading
from api.training import base_model, key_reliability
from api.training.dataset import Dataset
from api.training.key_reliability import Findings
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.evaluation.caching_scorer import CachingScorer
from hate_speech_ai.evaluation.evaluation_set import EvaluationSet, ModelPredictions
from hate_speech_ai.evaluation.gate import Limits, judge
from hate_speech_ai.evaluation.metrics import agreement, evaluate, read_checks
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training.trainer import Trained

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examined:
    """What an examination found out.

    Attributes:
        metrics: the candidate's figures on held-out tweets.
        reasons: against letting it serve.
        figures: what the reasons rest on, whether there are any or not.
        findings: about keys.
    """

    metrics: dict[str, Any]
    reasons: list[str]
    figures: dict[str, Any]
    findings: Findings


def examine(
    trained: Trained, dataset: Dataset, *, champion: ModelVersion | None, baseline: ModelVersion | None
) -> Examined:
    """Compare a candidate with the version that serves and with the last that a person chose; judge the keys."""
    candidate = CachingScorer(Scorer(trained.artifact))
    exam = exam_of(dataset)
    known = sum(example.known for example in dataset.training)
    by_champion = _predictions_of(champion, exam, known)
    verdict = judge(
        exam,
        candidate=ModelPredictions.of(candidate, exam, trained_on=len(dataset.training)),
        champion=by_champion,
        baseline=by_champion if baseline == champion else _predictions_of(baseline, exam, known),
        limits=_limits(),
    )
    findings = key_reliability.find(dataset, trained)
    figures = {
        **verdict.figures,
        "agreement": {label: agreement(texts) for label, texts in dataset.opinions.items()},
        "keys": findings.figures,
    }
    metrics = evaluate(candidate, dataset.held_out, exam.checks, exam.everyday)
    return Examined(metrics, verdict.reasons + findings.reasons, figures, findings)


def exam_of(dataset: Dataset) -> EvaluationSet:
    """Return the evaluation set on which the gate compares models."""
    other_labels = {label: rows for label, rows in dataset.corpus_holdout.items() if label != HATE_SPEECH}
    checks = read_checks(settings.CHECKS)
    everyday = base_model.everyday()[1]
    return EvaluationSet.of(
        dataset.corpus_holdout.get(HATE_SPEECH, []), dataset.held_out_reviews, checks, other_labels, everyday
    )


def _predictions_of(version: ModelVersion | None, exam: EvaluationSet, known: int) -> ModelPredictions | None:
    """Return a version's answers; None where there is none, or none that this program can load, as after an update.

    Args:
        known: training tweets that the base model knows. A version that was learned on it counts them as a candidate
            does; the base model itself, which learned many more elsewhere, has no others.
    """
    if version is None:
        return None
    try:
        scorer = loading.load(version).scorer
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
