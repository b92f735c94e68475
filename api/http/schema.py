"""What the generated OpenAPI document would not say by itself."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)

_PROBLEM = {
    "type": "object",
    "description": "An error, as in RFC 9457.",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "stable: for programs"},
        "errors": {
            "type": "object",
            "description": "where fields are invalid: what is wrong with each",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "required": ["title", "status", "detail", "code"],
}
_ALWAYS = {"429": "Too many requests", "503": "Not ready, or a part is down; see Retry-After"}
_WITH_KEY = {"401": "No valid API key", "403": "The key lacks the scope"}
_WITH_INPUT = {"400": "Invalid request"}
_CONFLICTS = {
    "/add-reviewed-tweet": "What the review names was forgotten on request",
    "/models/rollback": "No other version has served that is not retired",
    "/training-runs/{run_id}/approvals": "None of these requests is open",
}
_WITHOUT_BODY = {"/train"}  # it may be left out there
# Their bodies name an object that there may not be.
_NAMED_IN_BODY = {"/reviewed-tweets/approve"}
_WITH_BODY = {"413": "Body too large", "415": "Not the Content-Type that is asked for"}


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A way to send the key; while predicting is public, it may also be left out there."""

    def get_security_requirement(self, auto_schema: Any) -> Any:
        named: Any = {self.name: []}
        public = settings.PUBLIC_PREDICT and getattr(auto_schema.view, "public", False)
        return [named, {}] if public else named


class ApiKeyScheme(KeyScheme):  # type: ignore[no-untyped-call]
    target_class = "api.http.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key hs_...`, from `python manage.py create_key`",
        }


class BearerScheme(KeyScheme):  # type: ignore[no-untyped-call]
    target_class = "api.integrations.openai.authentication.BearerAuthentication"
    name = "Bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "the same key, for OpenAI's clients"}


class BasicScheme(KeyScheme):  # type: ignore[no-untyped-call]
    target_class = "api.integrations.label_studio.authentication.BasicAuthentication"
    name = "Basic"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "basic", "description": "the same key as the password, for Label Studio"}


class TextFieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "api.http.fields.TextField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string"}
        if direction == "request" and not self.target.allow_blank:
            schema["pattern"] = r"\S"
        if self.target.max_length is not None:
            schema["maxLength"] = self.target.max_length
        return schema


class StrictSerializerSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """A body whose unknown fields are refused, with its rules about several fields."""

    target_class = "api.http.fields.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        described = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**described, "additionalProperties": False, **self.target.rules}


def without_trailing_slash(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """Each path once."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]


def add_problems(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Return the error answers of every operation."""
    result["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            problems = dict(_ALWAYS)
            if operation.get("security"):
                problems |= _WITH_KEY
            if method == "post" or operation.get("parameters"):
                problems |= _WITH_INPUT
            if method == "post":
                problems |= _WITH_BODY
                if "requestBody" in operation and path not in _WITHOUT_BODY:
                    operation["requestBody"]["required"] = True
                if path in _CONFLICTS:
                    problems["409"] = _CONFLICTS[path]
            if "{" in path or path in _NAMED_IN_BODY:
                problems["404"] = "There is no such object"
            if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", [])):
                problems["422"] = "The Idempotency-Key was used with another request"
            for code, description in problems.items():
                operation["responses"].setdefault(
                    code,
                    {
                        "description": description,
                        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                    },
                )
    return result
