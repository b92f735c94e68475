"""`Idempotency-Key`: a request that is sent again gets the first answer, and takes effect once."""

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import ApiKey, IdempotentAnswer

_MAX_LENGTH = 255

_PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="1 to 255 characters of your choice. Sending the request again with it gives the first answer again.",
)


def operation(summary: str, *, request: Any = empty, responses: Any) -> Callable[[Any], Any]:
    """Describe an operation that obeys `Idempotency-Key`, for the schema."""
    return extend_schema(summary=summary, parameters=[_PARAMETER], request=request, responses=responses)


def once(request: Request, key: ApiKey, act: Callable[[], Response], *, name: str | None = None) -> Response:
    """Answer with `act()`, all or nothing; or with its first answer, where the request was sent before.

    The key is stored in the transaction of the act itself. A second request that comes meanwhile waits for the first.

    Args:
        name: by which a request is known that brings no `Idempotency-Key`; without it, each of those is new.

    Raises:
        IdempotencyKeyReused: the same key with another path or body.
    """
    name = request.headers.get("Idempotency-Key", name)
    if name is None:
        with transaction.atomic():
            return act()
    if not 0 < len(name) <= _MAX_LENGTH or not name.isprintable():
        raise serializers.ValidationError({"Idempotency-Key": [f"Send 1 to {_MAX_LENGTH} printable characters."]})
    digest = hashlib.sha256(
        str(request.method).encode() + request.path.rstrip("/").encode() + orjson.dumps(request.data)
    ).hexdigest()
    try:
        with transaction.atomic():
            answer = IdempotentAnswer.objects.create(key=key, name=name, request_digest=digest)
            response = act()
            # An answer without a body is kept as {}, which no other is.
            answer.status, answer.body = response.status_code, _plain(response.data or {})
            answer.save()
            return response
    except IntegrityError:
        first = IdempotentAnswer.objects.filter(key=key, name=name).first()
        if first is None:  # not ours: a real fault in the act
            raise
    if first.request_digest != digest:
        raise IdempotencyKeyReused()
    return Response(first.body or None, first.status, headers={"Idempotent-Replayed": "true"})


def _plain(data: Any) -> Any:
    return orjson.loads(orjson.dumps(data, default=str, option=orjson.OPT_UTC_Z))


class IdempotencyKeyReused(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was used with another request. Use a new key for a new request."
