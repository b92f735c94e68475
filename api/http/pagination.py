"""Pages of long lists."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http.fields import StrictSerializer, read_query

_MOST = 10**9 - 1
_MOST_DIGITS = 9
#: For the schema.
PAGE = [
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": _MOST},
        description="1 to 100, or more for 100; default 20",
    ),
    OpenApiParameter("offset", {"type": "integer", "minimum": 0, "maximum": _MOST}, description="how many to skip"),
]


class Page(LimitOffsetPagination):
    """Refuses what is no number, where REST framework would take the default without a word."""

    default_limit = 20
    max_limit = 100

    def get_limit(self, request: Request) -> int | None:
        _require_number(request, "limit", 1)
        return super().get_limit(request)

    def get_offset(self, request: Request) -> int:
        _require_number(request, "offset", 0)
        return super().get_offset(request)

    def get_next_link(self) -> str | None:
        return _public(super().get_next_link())

    def get_previous_link(self) -> str | None:
        return _public(super().get_previous_link())


def _public(link: str | None) -> str | None:
    """Return a link as it is reached from outside, whatever host and port the request named."""
    if not (link and settings.PUBLIC_URL):
        return link
    public = urlsplit(settings.PUBLIC_URL)
    return urlsplit(link)._replace(scheme=public.scheme, netloc=public.netloc).geturl()


def _require_number(request: Request, name: str, least: int) -> None:
    """Raise ValidationError if the parameter is there and not a whole number from `least` on."""
    value = request.query_params.get(name)
    if value is None:
        return
    is_number = value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS
    if not is_number or int(value) < least:
        raise serializers.ValidationError({name: [f"This must be a whole number from {least} to {_MOST:,}."]})


def read_filters(request: Request, filters: type[StrictSerializer] = StrictSerializer) -> dict[str, Any]:
    """Return what a request for a list asks for besides its piece of it. Refuse parameters that there are not."""
    return read_query(request, filters, *[parameter.name for parameter in PAGE])


def page(
    view: APIView,
    request: Request,
    rows: QuerySet[Any],
    serializer: type[serializers.BaseSerializer[Any]],
    context: dict[str, Any] | None = None,
) -> Response:
    """Return the piece of the rows that a request asks for."""
    pages = Page()
    piece: Any = pages.paginate_queryset(rows, request, view)
    return pages.get_paginated_response(serializer(piece, many=True, context=context or {}).data)
