"""HTTP of what the stream comes to: validate, call one function, answer."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.analytics import hours
from api.analytics.serializers import HoursAnswerSerializer, HourSerializer, HoursRequestSerializer
from api.http.fields import read_query
from api.models import ApiKey

Scope = ApiKey.Scope


class HoursView(APIView):
    scope = Scope.PREDICT

    @extend_schema(
        summary="What the tweets of each hour come to, by channel, label and version; JSON or CSV",
        parameters=[HoursRequestSerializer],
        responses={
            (200, "application/json"): HoursAnswerSerializer,
            (200, "text/csv"): OpenApiResponse(str, description="with format=csv: a header, and the same fields"),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = read_query(request, HoursRequestSerializer)
        as_csv = asked.pop("format") == "csv"
        try:
            found = hours.find(**asked)
        except hours.TooMany:
            problem = (
                f"There are more than {hours.MOST_ROWS:,} rows; ask for a shorter time, or for one channel or label."
            )
            raise serializers.ValidationError({"since": [problem]}) from None
        if as_csv:
            return HttpResponse(hours.as_csv(found), content_type="text/csv; charset=utf-8")
        return Response({"hours": HourSerializer(found, many=True).data})
