"""The fields of a body of Label Studio, or what is wrong with them."""

from collections.abc import Collection
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from api.http.fields import kind_of, text_problem
from api.integrations.label_studio import labelling_config
from api.integrations.label_studio.labelling_config import ConfigError, Question
from api.prediction import active_model
from api.prediction.active_model import ModelNotReady
from hate_speech_ai.labels import LABELS


def fields(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise serializers.ValidationError({"body": [f"This must be an object, not {kind_of(body)}."]})
    return body


def read_action(request: Request, body: dict[str, Any]) -> str:
    """Return what a webhook says that happened. Who sends none has lost it, and must hear of it."""
    if not body and request.META.get("CONTENT_LENGTH", "") in ("", "0"):
        problem = "The webhook has no body; send the payload with it."
        raise serializers.ValidationError({"body": [problem]})
    action = body.get("action")
    if not isinstance(action, str) or not action:
        problem = f"This must be what happened, such as ANNOTATION_CREATED, not {kind_of(action)}."
        raise serializers.ValidationError({"action": [problem if action != "" else "This must not be empty."]})
    return action


def part(body: dict[str, Any], field: str, name: str = "") -> dict[str, Any]:
    part = body.get(field)
    if not isinstance(part, dict):
        hint = " Turn on 'Send payload' in the webhook's settings." if part is None else ""
        raise serializers.ValidationError({name or field: [f"This must be an object, not {kind_of(part)}.{hint}"]})
    return part


def number(body: dict[str, Any], field: str) -> int:
    return to_number(part(body, field), field)


def numbers(body: dict[str, Any], field: str) -> list[int]:
    items = body.get(field)
    if not isinstance(items, list):
        raise serializers.ValidationError({field: [f"This must be a list, not {kind_of(items)}."]})
    return [to_number(item, field) for item in items]


def to_number(item: Any, field: str) -> int:
    number = item.get("id") if isinstance(item, dict) else None
    if isinstance(number, bool) or not isinstance(number, int):
        raise serializers.ValidationError({f"{field}.id": [f"This must be a number, not {kind_of(number)}."]})
    return number


def known_labels() -> Collection[str]:
    """Those that a model answers; a review is taken without one, too."""
    try:
        return active_model.get().scorer.labels
    except ModelNotReady:
        return LABELS


def read_questions(body: dict[str, Any], field: str, known: Collection[str], name: str = "") -> list[Question]:
    config = body.get(field)
    if problem := text_problem(config):
        raise serializers.ValidationError({name or field: [problem]})
    try:
        return labelling_config.read(str(config), known)
    except ConfigError as error:
        raise serializers.ValidationError({name or field: [str(error)]}) from None
