"""Answers about texts, for every format. Here alone it is decided which of them are stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from rest_framework import serializers

from api.lib import metrics
from api.models import ApiKey, ModelVersion
from api.prediction import active_model, language, recorder
from api.prediction.loading import LoadedModel
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.explain import Explanation, explain_all
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.operating_points import BALANCED
from hate_speech_ai.scorer import Score


@dataclass(frozen=True)
class Chosen:
    """The model that a request asks.

    Attributes:
        by_number: whether the client named the version. What it says then is not what the service says.
    """

    model: LoadedModel
    by_number: bool = False


def serving() -> Chosen:
    """Choose the model that serves.

    Raises:
        ModelNotReady: none is loaded yet.
    """
    return Chosen(active_model.get())


def numbered(version: int) -> Chosen:
    """Choose a version, whichever serves.

    Raises:
        ModelVersion.DoesNotExist: there is no such version.
        ArtifactError: this program cannot load it.
    """
    return Chosen(active_model.pinned(version), by_number=True)


def asked_for(version: int | None) -> Chosen:
    """Choose the version of a request's field `model_version`; the model that serves, where there is none.

    Raises:
        ModelNotReady: none is loaded yet.
        ValidationError: there is no such version, or it cannot be loaded.
    """
    if version is None:
        return serving()
    try:
        return numbered(version)
    except ModelVersion.DoesNotExist:
        problem = f"There is no version {version}; GET /models lists them."
    except ArtifactError as error:
        problem = f"Version {version} cannot be loaded: {error}."
    raise serializers.ValidationError({"model_version": [problem]})


def predict(
    chosen: Chosen, text: str, labels: Sequence[str] = (HATE_SPEECH,), *, key: ApiKey | None, store: bool = True
) -> Score:
    """Score a text, note its language, and record the prediction for the review queue where that may be.

    Never recorded: what the client asks not to store, and the answers of a version that was asked for by number
    (docs/decisions/0013-review-queue.md). The share that the operator has chosen decides about the rest.

    Args:
        labels: those that the answer needs.
        key: of the client, if it sent one.
        store: False where the client asked for that, or where the text is being reviewed already.

    Raises:
        KeyError: a label that the model does not answer.
    """
    store = store and not chosen.by_number and recorder.is_on()
    found = score(chosen.model, text, list(dict.fromkeys([HATE_SPEECH, *labels])) if store else labels)
    if settings.METRICS:
        probability = found.probabilities.get(HATE_SPEECH)
        if probability is not None:  # else the answer is about other labels alone
            threshold = chosen.model.scorer.thresholds[HATE_SPEECH]
            metrics.count_prediction(chosen.model.version, is_positive=probability >= threshold)
    if store:
        recorder.record(chosen.model, text, found.probabilities[HATE_SPEECH], found.warnings, key)
    return found


def score(model: LoadedModel, text: str, labels: Sequence[str]) -> Score:
    """Score a text with the note on its language, for which the classifier does not look; nothing is recorded."""
    found = model.scorer.score(text, labels)
    if language.detect(text) == language.ENGLISH:
        return found
    return Score(found.probabilities, [*found.warnings, language.NOT_SUPPORTED])


def require_labels(model: LoadedModel, field: str, *labels: str) -> None:
    """Refuse, at a field, a label that the model does not answer.

    Raises:
        ValidationError: there is one.
    """
    for label in labels:
        if label not in model.scorer.labels:
            known = ", ".join(model.scorer.labels)
            raise serializers.ValidationError(
                {field: [f"Model version {model.version} does not answer {label[:40]!r}; it answers {known}."]}
            )


def as_answer(found: Score, model: LoadedModel, labels: Sequence[str] = (), point: str = BALANCED) -> dict[str, Any]:
    """Return the answer of `POST /predict` about one text."""
    points = model.scorer.operating_points
    probability = found.probabilities[HATE_SPEECH]
    threshold = points[HATE_SPEECH][point].threshold
    answer: dict[str, Any] = {
        "is_hate_speech": probability >= threshold,
        "probability": probability,
        "threshold": threshold,
        "warnings": found.warnings,
    }
    if labels:
        answer["labels"] = {
            label: {
                "answer": found.probabilities[label] >= points[label][point].threshold,
                "probability": found.probabilities[label],
                "threshold": points[label][point].threshold,
            }
            for label in labels
        }
    return answer


def add_explanations(answer: dict[str, Any], model: LoadedModel, text: str) -> None:
    """Add to an answer of `POST /predict` where each of its decisions comes from."""
    asked = {HATE_SPEECH: answer, **answer.get("labels", {})}
    thresholds = {label: one["threshold"] for label, one in asked.items()}
    explanations = explain_all(model.scorer, text, thresholds, features=False)
    answer["explanation"] = _shown(explanations[HATE_SPEECH])
    for label, one in answer.get("labels", {}).items():
        one["explanation"] = _shown(explanations[label])


def _shown(explanation: Explanation) -> dict[str, Any]:
    encoder = {} if explanation.encoder is None else {"encoder": explanation.encoder}
    return {
        "logit": explanation.logit,
        "intercept": explanation.intercept,
        **encoder,
        "tokens": [
            {"word": one.word, "begin": one.begin, "end": one.end, "contribution": one.value, "known": one.known}
            for one in explanation.contributions
        ],
        "part": list(explanation.part) if explanation.part else None,
        "counterfactual_tokens": explanation.counterfactual_tokens,
    }
