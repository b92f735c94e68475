"""The discovery document: what Google's client libraries build their methods from."""

from functools import cache
from typing import Any

from django.conf import settings
from rest_framework.request import Request

VERSION = "v1alpha1"

_STRING = {"type": "string"}
_BOOLEAN = {"type": "boolean"}
_INTEGER = {"type": "integer", "format": "int32"}
_FLOAT = {"type": "number", "format": "float"}
# Every Google API takes these; here they change nothing.
_PARAMETERS = {
    name: {"type": kind, "location": "query"}
    for name, kind in {
        "$.xgafv": "string",
        "access_token": "string",
        "alt": "string",
        "callback": "string",
        "fields": "string",
        "key": "string",
        "oauth_token": "string",
        "prettyPrint": "boolean",
        "quotaUser": "string",
        "uploadType": "string",
        "upload_protocol": "string",
    }.items()
}


def root_url(request: Request) -> str:
    """Return where the service is reached, with a slash at its end: as the setting says, or as this request came."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/" if settings.PUBLIC_URL else request.build_absolute_uri("/")


def document(root: str) -> dict[str, Any]:
    """Return the document of a service at this URL."""
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": f"commentanalyzer:{VERSION}",
        "name": "commentanalyzer",
        "canonicalName": "Comment Analyzer",
        "version": VERSION,
        "title": "Perspective Comment Analyzer API, self-hosted",
        "description": "Judges comments, and learns from suggested scores.",
        "protocol": "rest",
        "rootUrl": root,
        "servicePath": "",
        "baseUrl": root,
        "batchPath": "batch",
        "parameters": _PARAMETERS,
        "schemas": _schemas(),
        "resources": {
            "comments": {
                "methods": {
                    "analyze": _method("analyze", "AnalyzeComment", "Scores of a comment."),
                    "suggestscore": _method("suggestscore", "SuggestCommentScore", "The scores it should have had."),
                }
            }
        },
    }


def _method(name: str, message: str, description: str) -> dict[str, Any]:
    path = f"{VERSION}/comments:{name}"
    return {
        "id": f"commentanalyzer.comments.{name}",
        "path": path,
        "flatPath": path,
        "httpMethod": "POST",
        "description": description,
        "parameters": {},
        "parameterOrder": [],
        "request": {"$ref": f"{message}Request"},
        "response": {"$ref": f"{message}Response"},
        "scopes": [],
    }


@cache
def _schemas() -> dict[str, Any]:
    common = {
        "comment": _ref("TextEntry"),
        "context": _ref("Context"),
        "languages": _list(_STRING),
        "clientToken": _STRING,
        "communityId": _STRING,
        "sessionId": _STRING,
    }
    schemas = {
        "TextEntry": {"text": _STRING, "type": _STRING},
        "ArticleAndParentComment": {"article": _ref("TextEntry"), "parentComment": _ref("TextEntry")},
        "Context": {
            "entries": _list(_ref("TextEntry")),
            "articleAndParentComment": _ref("ArticleAndParentComment"),
        },
        "AttributeParameters": {"scoreType": _STRING, "scoreThreshold": _FLOAT},
        "Score": {"value": _FLOAT, "type": _STRING},
        "SpanScore": {"begin": _INTEGER, "end": _INTEGER, "score": _ref("Score")},
        "AttributeScores": {"summaryScore": _ref("Score"), "spanScores": _list(_ref("SpanScore"))},
        "AnalyzeCommentRequest": {
            **common,
            "requestedAttributes": _map(_ref("AttributeParameters")),
            "spanAnnotations": _BOOLEAN,
            "doNotStore": _BOOLEAN,
            "dropUnsupportedAttributes": _BOOLEAN,
        },
        "AnalyzeCommentResponse": {
            "attributeScores": _map(_ref("AttributeScores")),
            "languages": _list(_STRING),
            "detectedLanguages": _list(_STRING),
            "clientToken": _STRING,
            "modelVersions": _map(_INTEGER),
            "warnings": _list(_STRING),
            "droppedAttributes": _list(_STRING),
        },
        "SuggestCommentScoreRequest": {**common, "attributeScores": _map(_ref("AttributeScores"))},
        "SuggestCommentScoreResponse": {
            "clientToken": _STRING,
            "requestedLanguages": _list(_STRING),
            "detectedLanguages": _list(_STRING),
            "reviewId": _STRING,
        },
    }
    return {name: {"id": name, "type": "object", "properties": fields} for name, fields in schemas.items()}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": name}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _map(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}
