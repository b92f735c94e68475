"""Bodies of the paths about what the stream comes to."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from api.http.fields import StrictSerializer, TextField
from hate_speech_ai.labels import HATE_SPEECH

_USUAL = timedelta(days=7)


class HoursRequestSerializer(StrictSerializer):
    since = serializers.DateTimeField(
        required=False, help_text="hours that begin then or later; default seven days ago"
    )
    until = serializers.DateTimeField(required=False, help_text="hours that begin before; default now")
    channel = TextField(required=False, max_length=64)
    label = TextField(required=False, max_length=40)  # type: ignore[assignment]
    by_version = serializers.BooleanField(
        required=False, default=True, help_text="false: one row for all versions that answered in the hour"
    )
    format = serializers.ChoiceField(["json", "csv"], required=False, default="json")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return _with_times(attrs)


def _with_times(attrs: dict[str, Any]) -> dict[str, Any]:
    until = attrs.setdefault("until", timezone.now())
    if attrs.setdefault("since", until - _USUAL) >= until:
        raise serializers.ValidationError({"since": ["This must be before until."]})
    return attrs


class HourSerializer(serializers.Serializer[Any]):
    hour = serializers.DateTimeField(help_text="its beginning, in UTC")
    channel = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    model_version = serializers.IntegerField(source="version", allow_null=True, help_text="null with by_version=false")
    count = serializers.IntegerField(help_text="how many tweets")
    mean = serializers.FloatField(help_text="of their probabilities")
    deviation = serializers.FloatField(help_text="the standard deviation of these")
    flagged = serializers.IntegerField(help_text="how many were answered with yes, at the balanced point")
    flagged_share = serializers.FloatField(help_text="of all, from 0 to 1")


class HoursAnswerSerializer(serializers.Serializer[Any]):
    hours = HourSerializer(many=True)


class AnomaliesRequestSerializer(StrictSerializer):
    since = serializers.DateTimeField(
        required=False, help_text="hours that begin then or later; default seven days ago"
    )
    until = serializers.DateTimeField(required=False, help_text="hours that begin before; default now")
    channel = TextField(required=False, max_length=64, help_text="default: all series")
    format = serializers.ChoiceField(["json", "csv"], required=False, default="json")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return _with_times(attrs)


class AnomalySerializer(serializers.Serializer[Any]):
    hour = serializers.DateTimeField(help_text="its beginning, in UTC")
    channel = serializers.CharField(help_text="empty for all channels together")
    label = serializers.CharField()  # type: ignore[assignment]
    measure = serializers.ChoiceField(["mean", "flagged_share"])
    value = serializers.FloatField()
    expected = serializers.FloatField(help_text="from the hours before it")
    low = serializers.FloatField(help_text="an hour outside low and high is an anomaly")
    high = serializers.FloatField()
    z = serializers.FloatField(help_text="the distance, in robust standard deviations of the model's errors")
    tweets = serializers.ListField(
        child=serializers.CharField(), help_text="external_id of up to 20 tweets of the hour, the most probable first"
    )


class AnomaliesAnswerSerializer(serializers.Serializer[Any]):
    anomalies = AnomalySerializer(many=True)


class ForecastRequestSerializer(StrictSerializer):
    channel = TextField(required=False, allow_blank=True, max_length=64, default="", help_text="default: all together")
    label = TextField(required=False, max_length=40, default=HATE_SPEECH)  # type: ignore[assignment]
    measure = serializers.ChoiceField(["mean", "flagged_share"], required=False, default="mean")
    format = serializers.ChoiceField(["json", "csv"], required=False, default="json")


class ForecastHourSerializer(serializers.Serializer[Any]):
    hour = serializers.DateTimeField()
    mean = serializers.FloatField()
    low80 = serializers.FloatField(help_text="of the interval that holds 80 % of such hours")
    high80 = serializers.FloatField()
    low95 = serializers.FloatField()
    high95 = serializers.FloatField()


class ForecastAnswerSerializer(serializers.Serializer[Any]):
    channel = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    measure = serializers.CharField()
    fitted_at = serializers.DateTimeField()
    model = serializers.ChoiceField(["structural", "last_week"], help_text="which was better in the last week")
    backtest = serializers.DictField(
        child=serializers.FloatField(), help_text="the mean absolute error of each model in the week held out"
    )
    hours = ForecastHourSerializer(many=True)
