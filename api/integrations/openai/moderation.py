"""Moderations: what is asked, and the answer."""

import re
import uuid
from collections.abc import Iterable
from typing import Any

from api.http.fields import MAX_BATCH, MAX_ID, kind_of, text_problem
from api.integrations.openai.errors import ModelNotFound, ModerationError
from api.integrations.openai.schema import CATEGORIES
from api.models import ApiKey, ModelVersion
from api.prediction import predicting
from api.prediction.loading import LoadedModel
from api.prediction.predicting import Chosen
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.scorer import Score

_ALIAS = re.compile(r"(omni|text)-moderation-[a-z0-9.-]{1,40}|hate-speech")
_PINNED = re.compile(r"hate-speech-([0-9]{1,10})")


def read_texts(given: Any) -> list[str]:
    """Return the texts to judge: an array of strings is as many texts, an array of parts is one.

    Raises:
        ModerationError: it is none of the three forms, or has an image.
    """
    if isinstance(given, str):
        return [_text(given, "input")]
    if given is None:
        raise ModerationError("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    if not isinstance(given, list):
        problem = f"Invalid type for 'input': expected a string or an array, but got {kind_of(given)}."
        raise ModerationError(problem, param="input", code="invalid_type")
    if not given:
        raise ModerationError("Invalid 'input': the array is empty.", param="input", code="empty_array")
    if len(given) > MAX_BATCH:
        problem = f"Invalid 'input': the array has {len(given):,} items; at most {MAX_BATCH:,} are judged at once."
        raise ModerationError(problem, param="input", code="array_above_max_length")
    if isinstance(given[0], dict):
        return ["\n".join(_part(part, f"input[{place}]") for place, part in enumerate(given))]
    return [_text(text, f"input[{place}]") for place, text in enumerate(given)]


def _text(given: Any, param: str) -> str:
    if problem := text_problem(given):
        raise ModerationError(f"Invalid '{param}': {problem}", param=param, code="invalid_type")
    return str(given)


def _part(part: Any, param: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return _text(part.get("text"), f"{param}.text")
    if kind == "image_url":
        # To leave it out would be to say of a picture that nobody looked at that it is harmless.
        problem = f"Invalid '{param}': this service reads text only; send the text without the image."
        raise ModerationError(problem, param=param, code="image_not_supported")
    problem = f'Invalid \'{param}\': expected a part such as {{"type": "text", "text": "..."}}.'
    raise ModerationError(problem, param=param, code="invalid_type")


def choose_model(name: Any) -> Chosen:
    """Return the model that a name asks for.

    Raises:
        ModerationError: the name is not a string.
        ModelNotFound: there is no such model, or it cannot be loaded.
        ModelNotReady: none is loaded yet.
    """
    if name is None:
        return predicting.serving()
    if not isinstance(name, str):
        problem = f"Invalid type for 'model': expected a string, but got {kind_of(name)}."
        raise ModerationError(problem, param="model", code="invalid_type")
    if asks_what_serves(name):
        return predicting.serving()
    try:
        return predicting.numbered(version_in(name))
    except ModelVersion.DoesNotExist:
        raise no_such_model(name) from None
    except ArtifactError as error:
        raise no_such_model(name, f"it cannot be loaded: {error}") from None


def asks_what_serves(name: str) -> bool:
    """Return whether a name is one of those that OpenAI's clients send, whatever serves here."""
    return _ALIAS.fullmatch(name) is not None


def version_in(name: str) -> int:
    """Return the number of the version that a name asks for.

    Raises:
        ModelNotFound: it asks for none.
    """
    pinned = _PINNED.fullmatch(name)
    if pinned is None or int(pinned[1]) > MAX_ID:
        raise no_such_model(name)
    return int(pinned[1])


def no_such_model(name: str, why: str = "") -> ModelNotFound:
    why = why or "GET /v1/models lists the versions; omni-moderation-latest is the one that serves"
    return ModelNotFound(f"The model '{name[:80]}' does not exist: {why}.", param="model", code="model_not_found")


def moderate(chosen: Chosen, texts: Iterable[str], key: ApiKey | None) -> dict[str, Any]:
    """Return the answer about texts."""
    model = chosen.model
    heads = _heads(model)
    labels = list(dict.fromkeys(label for needed in heads.values() for label in needed))
    return {
        "id": f"modr-{uuid.uuid4().hex}",
        "model": model.name,
        "results": [_judge(predicting.predict(chosen, text, labels, key=key), model, heads) for text in texts],
        "x_unsupported_categories": [category for category, needed in heads.items() if not needed],
    }


def _heads(model: LoadedModel) -> dict[str, tuple[str, ...]]:
    """For each category the labels that stand for it; none where the model does not look for it."""
    known = set(model.scorer.labels)
    heads = {}
    for category, needed in CATEGORIES.items():
        own = re.sub(r"\W", "_", category)
        heads[category] = (own,) if own in known else needed if known.issuperset(needed) else ()
    return heads


def _judge(score: Score, model: LoadedModel, heads: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    thresholds = model.scorer.thresholds
    said = {label for label, probability in score.probabilities.items() if probability >= thresholds[label]}
    categories = {category: bool(needed) and said.issuperset(needed) for category, needed in heads.items()}
    return {
        "flagged": any(categories.values()),
        "categories": categories,
        # Of two labels the smaller one: it reaches a threshold exactly where both do.
        "category_scores": {
            category: min((score.probabilities[label] for label in needed), default=0.0)
            for category, needed in heads.items()
        },
        "category_applied_input_types": {category: ["text"] if needed else [] for category, needed in heads.items()},
        "x_warnings": score.warnings,
    }
