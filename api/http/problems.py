"""One error shape, RFC 9457 problem details, and one class per outcome that REST framework does not have."""

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connections
from django.http import HttpResponse
from rest_framework import status
from rest_framework.exceptions import APIException, Throttled, UnsupportedMediaType, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.response import Response

from api.http.renderers import JSONRenderer
from api.lib import database

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"


class DatabaseUnavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "database_unavailable"
    default_detail = "The database does not answer; nothing was stored. Try again shortly."
    wait = 5


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"
    default_detail = (
        "The request body is too large: 64 KB for one tweet, 1 MB for a list of tweets, "
        "16 MB and 10,000 lines for reviews as JSON lines."
    )


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's hook: any exception in a view becomes a problem, or None for an unexpected one."""
    from rest_framework.views import exception_handler  # whose import leads here, through the settings

    if isinstance(error, RequestDataTooBig):
        error = BodyTooLarge()
    elif isinstance(error, OperationalError | InterfaceError) or _is_its_own_trouble(error):
        logger.error("database: %s", database.message(error))
        database.note_lock(error)
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()
        error = DatabaseUnavailable()
    response = exception_handler(error, context)
    if response is None:
        return None
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(max(1, round(wait)))
    if "request" in context:  # also where the view answers in another format
        context["request"].accepted_renderer = JSONRenderer()
    response.data = _problem_of(error, response.status_code, getattr(context.get("view"), "parser_classes", ()))
    response.content_type = CONTENT_TYPE
    return response


def problem(status_code: int, code: str, detail: str, errors: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """Return the body of an error answer."""
    body: dict[str, Any] = {"title": _title(status_code), "status": status_code, "detail": detail, "code": code}
    if errors:
        body["errors"] = errors
    return body


def flatten(errors: Any, field: str = "") -> dict[str, list[str]]:
    """REST framework's nested validation errors as one level: `labels.toxic` names the inner field."""
    if isinstance(errors, dict):
        flat: dict[str, list[str]] = {}
        for name, inner in errors.items():
            name = "body" if name == "non_field_errors" else str(name)
            flat.update(flatten(inner, f"{field}.{name}" if field else name))
        return flat
    if isinstance(errors, list):
        return {field or "body": [str(message) for message in errors]}
    return {field or "body": [str(errors)]}


def _problem_of(error: Exception, status_code: int, parsers: Iterable[type[BaseParser]]) -> dict[str, Any]:
    if isinstance(error, ValidationError):
        return problem(status_code, "invalid", "The request has invalid fields; see errors.", flatten(error.detail))
    if isinstance(error, UnsupportedMediaType):
        types = " or ".join(str(parser.media_type) for parser in parsers) or "application/json"
        what = "JSON lines" if "ndjson" in types else "JSON"
        detail = f"Send {what}, with the header Content-Type: {types}."
        return problem(status_code, "unsupported_media_type", detail)
    if isinstance(error, Throttled):
        wait = round(getattr(error, "wait", None) or 1)
        return problem(status_code, "too_many_requests", f"Too many requests. Try again in {wait} s.")
    if isinstance(error, APIException):
        return problem(status_code, str(error.get_codes()), str(error.detail))
    # Django's own Http404 and PermissionDenied, translated by REST framework.
    code = "not_found" if status_code == status.HTTP_404_NOT_FOUND else "permission_denied"
    detail = "There is no such object." if code == "not_found" else "This request is not allowed."
    return problem(status_code, code, detail)


def _is_its_own_trouble(error: Exception) -> bool:
    """Return whether the database cannot do its work, although the error's class does not say so.

    psycopg2 reports a connection that ended inside a query as a plain DatabaseError, and sqlite3 a damaged file.
    Postgres reports that it may only be read as an InternalError.
    """
    said = str(error)
    if type(error) is DatabaseError:
        return "connection" in said or "malformed" in said or "not a database" in said
    return isinstance(error, InternalError) and "read-only transaction" in said


def _title(status_code: int) -> str:
    return HTTPStatus(status_code).phrase


def respond(status_code: int, code: str, detail: str) -> HttpResponse:
    return HttpResponse(orjson.dumps(problem(status_code, code, detail)), content_type=CONTENT_TYPE, status=status_code)
