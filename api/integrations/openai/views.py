"""OpenAI's moderation format: its clients ask this service by changing their base URL.

The scorer, the keys and the limits are those of `POST /predict`; only the wire format is OpenAI's.
"""

import logging
import re
import uuid
from collections.abc import Iterable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.authentication import get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http import problems
from api.http.authentication import ApiKeyAuthentication, key_of
from api.http.parsers import LargeJSONParser
from api.models import ApiKey, ModelVersion
from api.prediction import active_model, recorder
from api.prediction.active_model import ActiveModel
from api.serializers import MAX_BATCH, MAX_ID, kind_of, text_problem
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Score

logger = logging.getLogger(__name__)

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

_ALIAS = re.compile(r"(omni|text)-moderation-[a-z0-9.-]{1,40}|hate-speech")
_PINNED = re.compile(r"hate-speech-([0-9]{1,10})")
# Its clients wait as long as Retry-After says only up to this; for more they would come back too early.
_LONGEST_WAIT = 60
_HINT = "Send a valid key of this service as `Authorization: Bearer hs_...`; `manage.py create_key` makes one."


class Refused(APIException):
    """A request that cannot be answered, with the field that it is about."""

    status_code: int = status.HTTP_400_BAD_REQUEST

    def __init__(self, message: str, *, param: str | None, code: str) -> None:
        super().__init__(message, code)
        self.param = param


class ModelNotFound(Refused):
    status_code = status.HTTP_404_NOT_FOUND


class BearerAuthentication(ApiKeyAuthentication):
    """`Authorization: Bearer hs_...`, as OpenAI's clients send it."""

    def credential(self, request: Request) -> str | None:
        scheme, _, plain = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return super().credential(request)
        return plain.decode("ascii", errors="replace").strip()

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


_ERROR: dict[str, Any] = {
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
_REQUEST: dict[str, Any] = {
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
            "type": "string",
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
_ANSWER: dict[str, Any] = {
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
                    "x_notes": {**_STRINGS, "description": "what weakens the answer, as in POST /predict"},
                },
            },
        },
        "x_unsupported_categories": {
            **_STRINGS,
            "description": "those that this model does not look for: always false, with the score 0",
        },
    },
}


class Moderations(APIView):
    scope = ApiKey.Scope.PREDICT
    public = True
    authentication_classes = [BearerAuthentication]
    parser_classes = [LargeJSONParser]

    @extend_schema(
        summary="Judge texts in OpenAI's format",
        request={"application/json": _REQUEST},
        responses={200: _ANSWER, **dict.fromkeys((400, 401, 403, 404, 413, 415, 429, 500, 503), _ERROR)},
    )
    def post(self, request: Request) -> Response:
        body: Any = request.data
        if not isinstance(body, dict):
            raise Refused("Send a JSON object with the field `input`.", param=None, code="invalid_type")
        if unknown := sorted(set(body) - set(_REQUEST["properties"])):
            name = unknown[0][:80]  # a misspelt `model` would otherwise be lost without a word
            problem = f"Unknown parameter: '{name}'. There are 'input' and 'model'."
            raise Refused(problem, param=name, code="unknown_parameter")
        texts = _texts(body.get("input"))
        model = _model(body.get("model"))
        return Response(_judge_all(model, texts, key_of(request)))

    def get_exception_handler(self) -> Any:
        return error_handler

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response["x-request-id"] = _request_id()
        return super().finalize_response(request, response, *args, **kwargs)


def error_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Any exception as an error in OpenAI's shape, with the headers that its clients obey."""
    response = problems.handler(error, context)
    if response is None:
        logger.error("%s failed", context["request"].path, exc_info=error)
        detail = "The service failed on this request. The cause is in its log."
        response = Response(problems.problem(500, "server_error", detail), 500)
    problem, code = response.data, response.status_code
    message = problem["detail"]
    if isinstance(error, AuthenticationFailed | NotAuthenticated):
        message = f"This is no valid API key. {_HINT}" if isinstance(error, AuthenticationFailed) else _HINT
    elif isinstance(error, problems.BodyTooLarge):
        message = "The request body is too large: at most 1 MB."
    wait = float(response.get("Retry-After") or 0)
    if code < 500:
        param = getattr(error, "param", None)
        response.data = _error(message, _type_of(code), param, _code_of(error, code, problem["code"]))
    else:
        response.data = _error(message, "server_error", None, problem["code"])
    # 429 and 503 pass; whatever else it was, the same request would get the same answer.
    response["x-should-retry"] = "true" if code in (429, 503) and wait <= _LONGEST_WAIT else "false"
    response.content_type = "application/json"
    return response


def no_such_path(request: HttpRequest) -> HttpResponse:
    """404 for whatever else OpenAI's clients ask for."""
    return refuse(404, f"Invalid URL ({request.method} {request.path[:200]}): there is only POST /v1/moderations here.")


def refuse(status_code: int, message: str, code: str | None = None) -> HttpResponse:
    """An error of a request that no view has seen."""
    content = orjson.dumps(_error(message, "invalid_request_error", None, code))
    headers = {"x-request-id": _request_id(), "x-should-retry": "false"}
    return HttpResponse(content, "application/json", status_code, headers=headers)


def _error(message: str, kind: str, param: str | None, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _type_of(status_code: int) -> str:
    return "requests" if status_code == status.HTTP_429_TOO_MANY_REQUESTS else "invalid_request_error"


def _code_of(error: Exception, status_code: int, ours: str) -> str | None:
    if isinstance(error, ParseError):
        return None
    return {401: "invalid_api_key", 403: "insufficient_permissions", 429: "rate_limit_exceeded"}.get(status_code, ours)


def _request_id() -> str:
    return f"req_{uuid.uuid4().hex}"


def _texts(given: Any) -> list[str]:
    """The texts to judge: an array of strings is as many texts, an array of parts is one.

    Raises:
        Refused: it is none of the three forms, or has an image.
    """
    if isinstance(given, str):
        return [_text(given, "input")]
    if given is None:
        raise Refused("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    if not isinstance(given, list):
        problem = f"Invalid type for 'input': expected a string or an array, but got {kind_of(given)}."
        raise Refused(problem, param="input", code="invalid_type")
    if not given:
        raise Refused("Invalid 'input': the array is empty.", param="input", code="empty_array")
    if len(given) > MAX_BATCH:
        problem = f"Invalid 'input': the array has {len(given):,} items; at most {MAX_BATCH:,} are judged at once."
        raise Refused(problem, param="input", code="array_above_max_length")
    if isinstance(given[0], dict):
        return ["\n".join(_part(part, f"input[{place}]") for place, part in enumerate(given))]
    return [_text(text, f"input[{place}]") for place, text in enumerate(given)]


def _text(given: Any, param: str) -> str:
    if problem := text_problem(given):
        raise Refused(f"Invalid '{param}': {problem}", param=param, code="invalid_type")
    return str(given)


def _part(part: Any, param: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return _text(part.get("text"), f"{param}.text")
    if kind == "image_url":
        # To leave it out would be to say of a picture that nobody looked at that it is harmless.
        problem = f"Invalid '{param}': this service reads text only; send the text without the image."
        raise Refused(problem, param=param, code="image_not_supported")
    problem = f'Invalid \'{param}\': expected a part such as {{"type": "text", "text": "..."}}.'
    raise Refused(problem, param=param, code="invalid_type")


def _model(name: Any) -> ActiveModel:
    """The model that a name asks for.

    Raises:
        Refused: the name is not a string.
        ModelNotFound: there is no such model, or it cannot be loaded.
        ModelNotReady: none is loaded yet.
    """
    if name is None:
        return active_model.get()
    if not isinstance(name, str):
        problem = f"Invalid type for 'model': expected a string, but got {kind_of(name)}."
        raise Refused(problem, param="model", code="invalid_type")
    if _ALIAS.fullmatch(name):
        return active_model.get()
    pinned = _PINNED.fullmatch(name)
    why = "GET /models lists the versions; hate-speech-<id> asks one, omni-moderation-latest the one that serves"
    try:
        if pinned and int(pinned[1]) <= MAX_ID:
            return active_model.pinned(int(pinned[1]))
    except ModelVersion.DoesNotExist:
        pass
    except ArtifactError as error:
        why = f"it cannot be loaded: {error}"
    raise ModelNotFound(f"The model '{name[:80]}' does not exist: {why}.", param="model", code="model_not_found")


def _judge_all(model: ActiveModel, texts: Iterable[str], key: ApiKey | None) -> dict[str, Any]:
    heads = _heads(model)
    labels = list(dict.fromkeys(label for needed in heads.values() for label in needed))
    return {
        "id": f"modr-{uuid.uuid4().hex}",
        "model": model.name,
        "results": [_judge(_score(model, text, labels, key), model, heads) for text in texts],
        "x_unsupported_categories": [category for category, needed in heads.items() if not needed],
    }


def _heads(model: ActiveModel) -> dict[str, tuple[str, ...]]:
    """For each category the labels that stand for it; none where the model does not look for it."""
    known = set(model.scorer.labels)
    heads = {}
    for category, needed in CATEGORIES.items():
        own = re.sub(r"\W", "_", category)
        heads[category] = (own,) if own in known else needed if known.issuperset(needed) else ()
    return heads


def _score(model: ActiveModel, text: str, labels: list[str], key: ApiKey | None) -> Score:
    if model is active_model.get():
        return recorder.score(model, text, labels, key)
    return recorder.judge(model, text, labels)


def _judge(score: Score, model: ActiveModel, heads: dict[str, tuple[str, ...]]) -> dict[str, Any]:
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
        "x_notes": score.notes,
    }
