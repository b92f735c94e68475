from typing import Any

from api.http.fields import MAX_BATCH
from hate_speech_ai.labels import HATE_SPEECH

#: Each of OpenAI's categories, and the labels that must all be true for it. A model that answers a label of the
#: category's own name (`self_harm`, `violence_graphic`) uses that one. `sexual` is not what `obscene` asks for, which
#: is true of every swear word.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "harassment": ("insult",),
    "harassment/threatening": ("threat",),
    "hate": (HATE_SPEECH,),
    "hate/threatening": (HATE_SPEECH, "threat"),
    "illicit": (),
    "illicit/violent": (),
    "self-harm": (),
    "self-harm/instructions": (),
    "self-harm/intent": (),
    "sexual": (),
    "sexual/minors": (),
    "violence": ("threat",),
    "violence/graphic": (),
}
ERROR: dict[str, Any] = {
    "type": "object",
    "description": "An error, as OpenAI's clients read it.",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"], "description": "the field that is wrong"},
                "code": {"type": ["string", "null"], "description": "stable: for programs"},
            },
        }
    },
}
_TEXT_PART = {
    "type": "object",
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
    "required": ["type", "text"],
}
REQUEST: dict[str, Any] = {
    "type": "object",
    "properties": {
        "input": {
            "oneOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_BATCH},
                {"type": "array", "items": _TEXT_PART, "minItems": 1, "description": "parts of one text"},
            ]
        },
        "model": {
            "type": ["string", "null"],
            "default": "omni-moderation-latest",
            "description": "any name of a moderation model of OpenAI's asks the model that serves; "
            "hate-speech-17 asks version 17, whichever serves",
        },
    },
    "required": ["input"],
    "additionalProperties": False,
}


def _of_each(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict.fromkeys(CATEGORIES, value), "required": list(CATEGORIES)}


_STRINGS = {"type": "array", "items": {"type": "string"}}
ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "model": {"type": "string", "description": "what answered, such as hate-speech-17"},
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "flagged": {"type": "boolean", "description": "whether any category is true"},
                    "categories": _of_each({"type": "boolean"}),
                    "category_scores": _of_each({"type": "number"}),
                    "category_applied_input_types": _of_each(_STRINGS),
                    "x_warnings": {**_STRINGS, "description": "what weakens the answer, as in POST /predict"},
                },
            },
        },
        "x_unsupported_categories": {
            **_STRINGS,
            "description": "those that this model does not look for: always false, with the score 0",
        },
    },
}
MODEL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "what a request names as its `model`"},
        "object": {"const": "model"},
        "created": {"type": "integer", "description": "when it was trained, in seconds since 1970"},
        "owned_by": {"type": "string"},
    },
}
MODELS: dict[str, Any] = {
    "type": "object",
    "properties": {"object": {"const": "list"}, "data": {"type": "array", "items": MODEL}},
}
