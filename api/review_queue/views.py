"""HTTP of the review queue: validate, call one function, answer."""

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http.authentication import required_key
from api.models import ApiKey
from api.review_queue import selection
from api.review_queue.selection import Item, Person
from api.serializers import StrictSerializer, TextField

_MAX_ITEMS = 50


class ReviewQueueRequest(StrictSerializer):
    limit = serializers.IntegerField(required=False, default=10, min_value=1, max_value=_MAX_ITEMS)
    reason = serializers.ChoiceField(list(selection.REASONS), required=False, help_text="only with this reason")
    double = serializers.BooleanField(
        required=False, default=False, help_text="only what exactly one other key has reviewed or claimed"
    )
    reviewer = TextField(
        required=False, allow_blank=True, max_length=200, help_text="whom the key asks for: nobody gets a tweet twice"
    )


class Reason(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=list(selection.REASONS))
    detail = serializers.CharField(help_text="a sentence")


class QueuedTweet(serializers.Serializer[Item]):
    id = serializers.UUIDField(source="prediction.pk")
    tweet = serializers.CharField(source="prediction.tweet")
    probability = serializers.FloatField(
        source="prediction.probability", help_text="of hate_speech, as it was answered"
    )
    model_version = serializers.IntegerField(source="prediction.version_id", help_text="that answered")
    reasons = serializers.SerializerMethodField(help_text="why it is worth a person's time")
    claimed_until = serializers.DateTimeField(source="until")

    @extend_schema_field(Reason(many=True))
    def get_reasons(self, item: Item) -> list[dict[str, str]]:
        return [{"code": code, "detail": detail} for code, detail in item.reasons.items()]


class ReviewQueueAnswer(serializers.Serializer[Any]):
    items = QueuedTweet(many=True)
    storing = serializers.FloatField(help_text="the share of predictions that is stored: STORE_PREDICTIONS")


class ReviewQueue(APIView):
    scope = ApiKey.Scope.REVIEW

    @extend_schema(
        summary="Claim tweets that are worth a person's time",
        parameters=[ReviewQueueRequest],
        responses=ReviewQueueAnswer,
    )
    def get(self, request: Request) -> Response:
        asked = ReviewQueueRequest.read(request.query_params.dict())
        items = selection.take(
            Person(required_key(request), asked.get("reviewer", "")),
            limit=asked["limit"],
            reason=asked.get("reason", ""),
            double=asked["double"],
        )
        answer = {"items": items, "storing": settings.STORE_PREDICTIONS}
        return Response(ReviewQueueAnswer(answer).data, headers={"Cache-Control": "no-store"})


class ReleaseClaim(APIView):
    scope = ApiKey.Scope.REVIEW

    @extend_schema(summary="Give a claimed tweet back, for somebody else", request=None, responses={204: None})
    def post(self, request: Request, item: UUID) -> Response:
        if not selection.release(item, required_key(request)):
            raise NotFound("This key has not claimed such a tweet, or no longer.")
        return Response(status=status.HTTP_204_NO_CONTENT)
