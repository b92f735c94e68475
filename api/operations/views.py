"""/health, /livez, /readyz, /metrics, /audit-log and /schema."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SCHEMA_KWARGS, SpectacularJSONAPIView
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http.pagination import PAGE, Page, page, read_filters
from api.models import ApiKey, AuditEntry
from api.operations import health
from api.operations.serializers import AuditRequestSerializer, AuditSerializer
from api.prediction import active_model

Scope = ApiKey.Scope


class AuditLogView(APIView):
    scope = Scope.ADMIN
    pagination_class = Page

    @extend_schema(
        summary="Who changed what, when and why; newest first",
        parameters=[AuditRequestSerializer, *PAGE],
        responses=AuditSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        filters = {field: value for field, value in read_filters(request, AuditRequestSerializer).items() if value}
        return page(self, request, AuditEntry.objects.filter(**filters).order_by("-pk"), AuditSerializer)


class LiveView(APIView):
    authentication_classes = ()

    @extend_schema(summary="Whether this process answers", responses={200: dict[str, str]})
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class ReadyView(APIView):
    authentication_classes = ()

    @extend_schema(summary="Whether this process can predict", responses={200: dict[str, Any]})
    def get(self, request: Request) -> Response:
        return Response({"status": "ok", "model_version": active_model.get().version})


class HealthView(APIView):
    authentication_classes = ()

    @extend_schema(summary="How each part is; 503 where one is not well", responses={200: dict, 503: dict})
    def get(self, request: Request) -> Response:
        well, report = health.report()
        return Response(report, status.HTTP_200_OK if well else status.HTTP_503_SERVICE_UNAVAILABLE)


class MetricsView(APIView):
    scope = Scope.PREDICT

    @extend_schema(
        summary="What Prometheus reads, in its text format", responses={(200, "text/plain"): OpenApiTypes.STR}
    )
    def get(self, request: Request) -> HttpResponseBase:
        from api.operations import metrics  # which nobody needs without the setting

        return HttpResponse(metrics.text(), content_type=metrics.CONTENT_TYPE)


class SchemaView(SpectacularJSONAPIView):
    """The same document for everybody, whatever the query says: it is made once in each process."""

    @extend_schema(**SCHEMA_KWARGS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(_document(settings.PUBLIC_PREDICT, settings.STREAM, settings.METRICS))


@cache
def _document(public_predict: bool, stream: str, metrics: bool) -> Any:
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    return generator.get_schema(request=None, public=True)
