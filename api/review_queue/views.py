"""HTTP of the review queue: validate, call one function, answer."""

from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http import idempotency
from api.http.authentication import required_key
from api.http.fields import read_query
from api.models import ApiKey
from api.review_queue import selection
from api.review_queue.selection import Person
from api.review_queue.serializers import ReviewQueueAnswerSerializer, ReviewQueueRequestSerializer


class ReviewQueueView(APIView):
    scope = ApiKey.Scope.REVIEW

    @extend_schema(
        summary="Claim tweets that are worth a person's time",
        parameters=[ReviewQueueRequestSerializer],
        responses=ReviewQueueAnswerSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = read_query(request, ReviewQueueRequestSerializer)
        person = Person(required_key(request), asked.get("reviewer", ""))
        items = selection.take(
            person,
            limit=asked["limit"],
            reason=asked.get("reason", ""),
            second_opinion=asked["second_opinion"],
        )
        note = "" if items else selection.why_none(person)
        answer = {"items": items, "sample_rate": settings.PREDICTION_SAMPLE_RATE, "note": note}
        return Response(ReviewQueueAnswerSerializer(answer).data, headers={"Cache-Control": "no-store"})


class ReleaseClaimView(APIView):
    scope = ApiKey.Scope.REVIEW

    @idempotency.operation(
        "Give a claimed tweet back, for somebody else",
        request=None,
        responses={204: None},
    )
    def post(self, request: Request, item: UUID) -> Response:
        key = required_key(request)

        def once() -> Response:
            if not selection.release(item, key):
                raise NotFound("This key has not claimed such a tweet, or no longer.")
            return Response(status=status.HTTP_204_NO_CONTENT)

        return idempotency.once(request, key, once)
