"""Bodies of the paths about what the stream comes to."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from api.http.fields import StrictSerializer, TextField

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
