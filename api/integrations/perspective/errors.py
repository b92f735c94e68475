"""Google's error shape. Clients parse the sentences, and read `details[0]` without looking whether it is there."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated, Throttled
from rest_framework.response import Response

from api.http import problems
from api.http.throttling import parse_limit

logger = logging.getLogger(__name__)

SERVICE = "commentanalyzer.googleapis.com"
CONTENT_TYPE = "application/json"
_TYPES = "type.googleapis.com/google."
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_METRICS = {
    "predict": ("Analysis requests (AnalyzeComment)", "AnalyzeRequests"),
    "review": ("Suggest score requests (SuggestCommentScore)", "SuggestScoreRequests"),
}
_UNITS = {1: "Second", 60: "Minute", 3600: "Hour", 86400: "Day"}

Details = list[dict[str, Any]]


class PerspectiveError(APIException):
    """What Perspective itself says about a comment or a request.

    Args:
        message: its sentence.
        error_type: its name for the error, such as COMMENT_EMPTY.
        more: further fields of the detail.
    """

    status_code = 400

    def __init__(self, message: str, error_type: str = "INVALID_REQUEST", **more: Any) -> None:
        super().__init__(message)
        self.details: Details = [
            {"@type": f"{_TYPES}commentanalyzer.v1alpha1.Error", "errorType": error_type, **more},
        ]


class Malformed(APIException):
    """A body or a field that is not of the form that the format has, as Google's servers say it."""

    status_code = 400

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        violation = {"description": message, **({"field": field} if field else {})}
        self.details: Details = [{"@type": f"{_TYPES}rpc.BadRequest", "fieldViolations": [violation]}]


def handler(error: Exception, context: dict[str, Any]) -> Response:
    """REST framework's hook: any exception in one of these views becomes Google's error."""
    if isinstance(error, PerspectiveError | Malformed):
        return Response(body(400, str(error.detail), error.details), 400)
    if isinstance(error, AuthenticationFailed):
        detail = _info("API_KEY_INVALID", service=SERVICE)
        return Response(body(400, "API key not valid. Please pass a valid API key.", detail), 400)
    if isinstance(error, NotAuthenticated):
        message = (
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API."
        )
        return Response(body(403, message, _info("CREDENTIALS_MISSING", service=SERVICE)), 403)
    response = problems.handler(error, context)
    if isinstance(error, SuspiciousOperation) and response is None:  # such as a thousand query parameters
        return Response(body(400, "The request cannot be read."), 400)
    if response is None:
        logger.error("%s failed", type(context.get("view")).__name__, exc_info=error)
        return Response(body(500, "Internal error encountered."), 500)
    problem: Any = response.data
    code = response.status_code
    headers = {name: response[name] for name in ("Retry-After", "Allow") if name in response}
    if isinstance(error, Throttled):
        return Response(_quota(context), code, headers=headers)
    details = _info(problem["code"].upper(), service=SERVICE)
    if code == 503:
        details.append({"@type": f"{_TYPES}rpc.RetryInfo", "retryDelay": f"{headers.get('Retry-After', 5)}s"})
    return Response(body(code, problem["detail"], details), code, headers=headers)


def body(code: int, message: str, details: Details | None = None) -> dict[str, Any]:
    """Return the JSON of an error."""
    status = _STATUS.get(code, "UNKNOWN")
    return {"error": {"code": code, "message": message, "status": status, "details": details or _info(status, SERVICE)}}


def _info(reason: str, service: str, **metadata: str) -> Details:
    return [
        {
            "@type": f"{_TYPES}rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
            "metadata": {"service": service, **metadata},
        }
    ]


def _quota(context: dict[str, Any]) -> dict[str, Any]:
    key = context["request"].auth
    scope = getattr(context["view"], "scope", None) or "predict"
    metric, name = _METRICS[scope]
    limit = (key.limit if key else "") or settings.LIMITS[scope] or settings.LIMITS["wrong_key"]
    requests, seconds = parse_limit(limit) or (1, 60)
    unit = _UNITS[seconds]
    consumer = f"project_number:{key.pk if key else 0}"
    message = (
        f"Quota exceeded for quota metric '{metric}' and limit '{metric} per {unit.lower()}' "
        f"of service '{SERVICE}' for consumer '{consumer}'."
    )
    limits = {"quota_limit": f"{name}Per{unit}PerProject", "quota_limit_value": str(requests), "consumer": consumer}
    links = [{"description": "What the limits are", "url": "https://github.com/conversationai/perspectiveapi"}]
    return body(
        429,
        message,
        [*_info("RATE_LIMIT_EXCEEDED", SERVICE, **limits), {"@type": f"{_TYPES}rpc.Help", "links": links}],
    )
