"""`Idempotency-Key`: a request that is sent again gets the first answer, and takes effect once."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, Sum, Window
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import ApiKey, IdempotentAnswer

logger = logging.getLogger(__name__)
#: Bytes of the answers that are kept for one API key. The oldest go first.
MAX_KEPT = 64 * 1024 * 1024
# A row without its name and body, in bytes; and new bytes of a key after which all of its answers are counted.
_ROW = 200
_COUNT_AFTER = 1024 * 1024
_MAX_LENGTH = 255
# By the key's number: bytes that this process has stored since it counted last.
_uncounted: Counter[int] = Counter()

_PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    # A server takes spaces away at both ends.
    {"type": "string", "minLength": 1, "maxLength": _MAX_LENGTH, "pattern": r"^[!-~]([ -~]*[!-~])?$"},
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
    if not 0 < len(name) <= _MAX_LENGTH or not (name.isascii() and name.isprintable()):
        problem = f"Send 1 to {_MAX_LENGTH} printable ASCII characters."
        raise serializers.ValidationError({"Idempotency-Key": [problem]})
    digest = hashlib.sha256(
        str(request.method).encode() + request.path.rstrip("/").encode() + orjson.dumps(request.data)
    ).hexdigest()
    try:
        with transaction.atomic():
            answer = IdempotentAnswer.objects.create(key=key, name=name, request_digest=digest)
            response = act()
            # An answer without a body is kept as {}, which no other is.
            content = _encoded(response.data or {})
            answer.status, answer.body = response.status_code, orjson.loads(content)
            answer.size = len(content) + len(name) + _ROW
            answer.save()
    except IntegrityError:
        first = IdempotentAnswer.objects.filter(key=key, name=name).first()
        if first is None:  # not ours: a real fault in the act
            raise
    else:
        _make_room(key, answer.size)
        return response
    if first.request_digest != digest:
        raise IdempotencyKeyReused()
    return Response(first.body or None, first.status, headers={"Idempotent-Replayed": "true"})


def _encoded(data: Any) -> bytes:
    return orjson.dumps(data, default=str, option=orjson.OPT_UTC_Z)


def _make_room(key: ApiKey, size: int) -> None:
    """Delete a key's oldest answers, where they have more than `MAX_KEPT` bytes together.

    Args:
        size: of the newest one, in bytes.
    """
    _uncounted[key.pk] += size
    if _uncounted[key.pk] < _COUNT_AFTER:
        return
    del _uncounted[key.pk]
    rows = IdempotentAnswer.objects.filter(key=key)
    together = Window(Sum("size"), order_by=F("pk").desc())
    beyond = rows.annotate(together=together).filter(together__gt=MAX_KEPT).order_by("-pk")
    try:
        if (newest := beyond.values_list("pk", flat=True).first()) is not None:
            rows.filter(pk__lte=newest).delete()
    except DatabaseError as error:  # what was asked is done, and the next one tries again
        logger.warning("old answers of %s were not deleted: %s", key, type(error).__name__)


class IdempotencyKeyReused(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was used with another request. Use a new key for a new request."
