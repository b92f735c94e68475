"""Long answers in pieces."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

#: For the schema.
PAGE = [
    OpenApiParameter("limit", int, description="1 to 100; 20 unless told"),
    OpenApiParameter("offset", int, description="how many to skip"),
]


class Page(LimitOffsetPagination):
    default_limit = 20
    max_limit = 100


def page(
    view: APIView,
    request: Request,
    rows: QuerySet[Any],
    serializer: type[serializers.BaseSerializer[Any]],
    context: dict[str, Any] | None = None,
) -> Response:
    """The piece of the rows that a request asks for."""
    pages = Page()
    piece: Any = pages.paginate_queryset(rows, request, view)
    return pages.get_paginated_response(serializer(piece, many=True, context=context or {}).data)
