"""Errors as OpenAI's clients read them."""

import logging
import uuid
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from rest_framework import status
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated, ParseError
from rest_framework.response import Response

from api.http import problems
from api.integrations.openai.authentication import HINT

logger = logging.getLogger(__name__)


# Its clients wait as long as Retry-After says only up to this; for more they would come back too early.
_LONGEST_WAIT = 60


class ModerationError(APIException):
    """A request that cannot be answered, with the field that it is about."""

    status_code: int = status.HTTP_400_BAD_REQUEST

    def __init__(self, message: str, *, param: str | None, code: str) -> None:
        super().__init__(message, code)
        self.param = param


class ModelNotFound(ModerationError):
    status_code = status.HTTP_404_NOT_FOUND


def error_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Turn any exception into an error in OpenAI's shape, with the headers that its clients obey."""
    response = problems.handler(error, context)
    if response is None:
        logger.error("%s failed", context["request"].path, exc_info=error)
        detail = "The service failed on this request. The cause is in its log."
        response = Response(problems.problem(500, "server_error", detail), 500)
    problem, code = response.data, response.status_code
    message = problem["detail"]
    if isinstance(error, AuthenticationFailed | NotAuthenticated):
        message = f"This is no valid API key. {HINT}" if isinstance(error, AuthenticationFailed) else HINT
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
    here = "here are POST /v1/moderations and GET /v1/models"
    return refuse(404, f"Invalid URL ({request.method} {request.path[:200]}): {here}.")


def refuse(status_code: int, message: str, code: str | None = None) -> HttpResponse:
    """Return an error of a request that no view has seen."""
    content = orjson.dumps(_error(message, "invalid_request_error", None, code))
    headers = {"x-request-id": request_id(), "x-should-retry": "false"}
    return HttpResponse(content, "application/json", status_code, headers=headers)


def _error(message: str, kind: str, param: str | None, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _type_of(status_code: int) -> str:
    return "requests" if status_code == status.HTTP_429_TOO_MANY_REQUESTS else "invalid_request_error"


def _code_of(error: Exception, status_code: int, ours: str) -> str | None:
    if isinstance(error, ParseError):
        return None
    return {401: "invalid_api_key", 403: "insufficient_permissions", 429: "rate_limit_exceeded"}.get(status_code, ours)


def request_id() -> str:
    return f"req_{uuid.uuid4().hex}"
