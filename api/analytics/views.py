"""HTTP of what the stream comes to: validate, call one function, answer."""

from datetime import timedelta
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.analytics import hours, tables
from api.analytics.serializers import (
    AnomaliesAnswerSerializer,
    AnomaliesRequestSerializer,
    AnomalySerializer,
    ForecastAnswerSerializer,
    ForecastHourSerializer,
    ForecastRequestSerializer,
    HoursAnswerSerializer,
    HourSerializer,
    HoursRequestSerializer,
)
from api.http.fields import read_query
from api.models import Anomaly, ApiKey, HourlySeries, StreamEvent

Scope = ApiKey.Scope

_MOST_ANOMALIES = 500
_MOST_TWEETS = 20
_CSV = OpenApiResponse(str, description="with format=csv: a header, and the same fields")


class HoursView(APIView):
    scope = Scope.PREDICT

    @extend_schema(
        summary="What the tweets of each hour come to, by channel, label and version; JSON or CSV",
        parameters=[HoursRequestSerializer],
        responses={(200, "application/json"): HoursAnswerSerializer, (200, "text/csv"): _CSV},
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
        rows: Any = HourSerializer(found, many=True).data
        return tables.answer(rows, list(HourSerializer().fields)) if as_csv else Response({"hours": rows})


class AnomaliesView(APIView):
    scope = Scope.PREDICT

    @extend_schema(
        summary="Hours that were unlike what the hours before them led to expect, newest first; JSON or CSV",
        parameters=[AnomaliesRequestSerializer],
        responses={(200, "application/json"): AnomaliesAnswerSerializer, (200, "text/csv"): _CSV},
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = read_query(request, AnomaliesRequestSerializer)
        found = Anomaly.objects.filter(hour__gte=asked["since"], hour__lt=asked["until"])
        if "channel" in asked:
            found = found.filter(channel=asked["channel"])
        rows: Any = [_shown(one) for one in found.order_by("-hour", "pk")[:_MOST_ANOMALIES]]
        if asked["format"] == "csv":
            return tables.answer(rows, list(AnomalySerializer().fields))
        return Response({"anomalies": rows})


class ForecastView(APIView):
    scope = Scope.PREDICT

    @extend_schema(
        summary="What the next week will be, by the model that was better in the last one; JSON or CSV",
        parameters=[ForecastRequestSerializer],
        responses={(200, "application/json"): ForecastAnswerSerializer, (200, "text/csv"): _CSV},
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = read_query(request, ForecastRequestSerializer)
        as_csv = asked.pop("format") == "csv"
        one = HourlySeries.objects.filter(**asked).first()
        if one is None:
            raise NotFound("There is no forecast of it: it needs four weeks with 20 tweets in most hours, and a night.")
        names = list(ForecastHourSerializer().fields)
        rows: Any = [
            dict(zip(names, [one.until + timedelta(hours=place), *hour], strict=True))
            for place, hour in enumerate(one.forecast)
        ]
        rows = ForecastHourSerializer(rows, many=True).data
        if as_csv:
            return tables.answer(rows, names)
        answer = {**asked, "fitted_at": one.fitted_at, "model": one.forecast_model, "backtest": one.errors}
        return Response({**answer, "hours": rows})


def _shown(one: Anomaly) -> dict[str, Any]:
    tweets = StreamEvent.objects.filter(at__gte=one.hour, at__lt=one.hour + timedelta(hours=1))
    if one.channel:
        tweets = tweets.filter(channel=one.channel)
    ids = list(tweets.order_by("-probability", "pk").values_list("external_id", flat=True)[:_MOST_TWEETS])
    names = ("hour", "channel", "label", "measure", "value", "expected", "low", "high", "z")
    return dict(AnomalySerializer({**{name: getattr(one, name) for name in names}, "tweets": ids}).data)
