"""Bodies of /review-queue."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.http.fields import StrictSerializer, TextField
from api.review_queue import selection
from api.review_queue.selection import Item

_MAX_ITEMS = 50


class ReviewQueueRequestSerializer(StrictSerializer):
    limit = serializers.IntegerField(required=False, default=10, min_value=1, max_value=_MAX_ITEMS)
    reason = serializers.ChoiceField(list(selection.REASONS), required=False, help_text="only with this reason")
    second_opinion = serializers.BooleanField(
        required=False, default=False, help_text="only what exactly one other key has reviewed or claimed"
    )
    reviewer = TextField(
        required=False, allow_blank=True, max_length=200, help_text="whom the key asks for: nobody gets a tweet twice"
    )


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=list(selection.REASONS))
    detail = serializers.CharField(help_text="a sentence")


class QueuedTweetSerializer(serializers.Serializer[Item]):
    id = serializers.UUIDField(source="prediction.pk")
    tweet = serializers.CharField(source="prediction.tweet")
    probability = serializers.FloatField(source="prediction.probability", help_text="of hate_speech, by model_version")
    model_version = serializers.IntegerField(source="prediction.version_id", help_text="that serves")
    reasons = serializers.SerializerMethodField(help_text="why it is worth a person's time")
    claimed_until = serializers.DateTimeField(source="until")

    @extend_schema_field(ReasonSerializer(many=True))
    def get_reasons(self, item: Item) -> list[dict[str, str]]:
        return [{"code": code, "detail": detail} for code, detail in item.reasons.items()]


class ReviewQueueAnswerSerializer(serializers.Serializer[Any]):
    items = QueuedTweetSerializer(many=True)
    sample_rate = serializers.FloatField(help_text="the share of predictions that is stored: PREDICTION_SAMPLE_RATE")
    note = serializers.CharField(
        allow_blank=True, help_text="why there are none, where that is because of who asks; else empty"
    )
