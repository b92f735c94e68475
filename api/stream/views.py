"""HTTP of the stream: validate, call one function, answer."""

from django.conf import settings
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http import idempotency
from api.http.authentication import required_key
from api.http.pagination import PAGE, Page, page, read_filters
from api.models import ApiKey, DeadLetter, StreamEvent
from api.stream import dead_letters, valkey_stream
from api.stream.serializers import (
    DeadLetterSerializer,
    DeadLettersRequestSerializer,
    StreamAcceptedSerializer,
    StreamEventSerializer,
    StreamEventsRequestSerializer,
    StreamRequestSerializer,
    read_messages,
)
from api.stream.sources import SourceUnavailable, StreamUnavailable

Scope = ApiKey.Scope


class StreamFull(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "stream_full"
    default_detail = "The stream is full; nothing was taken in. Send it again in some seconds."
    wait = 5


class StreamNotOnDisk(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "stream_not_on_disk"
    default_detail = "The stream did not say that the tweets are on disk. Send them again: each post counts once."
    wait = 5


class ProduceToKafka(APIException):
    status_code = status.HTTP_405_METHOD_NOT_ALLOWED
    default_code = "produce_to_kafka"
    default_detail = "This service reads its tweets from Kafka: produce them to its topic."


class StreamTweetsView(APIView):
    scope = Scope.PREDICT
    pagination_class = Page

    @property
    def allowed_methods(self) -> list[str]:
        """What the header Allow and the OpenAPI document say."""
        return [one for one in super().allowed_methods if one != "POST" or settings.STREAM != "kafka"]

    @extend_schema(
        summary="Put up to 500 tweets into the stream; they are on disk when this answers",
        request=StreamRequestSerializer,
        responses={202: StreamAcceptedSerializer},
    )
    def post(self, request: Request) -> Response:
        if settings.STREAM == "kafka":
            raise ProduceToKafka()
        tweets = read_messages(request.data)
        try:
            positions = valkey_stream.put(tweets, required_key(request).pk)
        except valkey_stream.StreamFull:
            raise StreamFull() from None
        except valkey_stream.NotOnDisk as error:
            raise StreamNotOnDisk(f"{StreamNotOnDisk.default_detail} It said: {error}") from None
        except SourceUnavailable:
            raise StreamUnavailable() from None
        return Response({"accepted": len(positions), "positions": positions}, status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="The answers about tweets of the stream, newest first, without their texts",
        parameters=[StreamEventsRequestSerializer, *PAGE],
        responses=StreamEventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        filters = read_filters(request, StreamEventsRequestSerializer)
        if "since" in filters:
            filters["at__gte"] = filters.pop("since")
        rows = StreamEvent.objects.filter(**filters).order_by("-at", "-pk")
        return page(self, request, rows, StreamEventSerializer)


class DeadLettersView(APIView):
    scope = Scope.ADMIN
    pagination_class = Page

    @extend_schema(
        summary="Messages of the stream that could not be worked on, newest first",
        parameters=[DeadLettersRequestSerializer, *PAGE],
        responses=DeadLetterSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        asked = read_filters(request, DeadLettersRequestSerializer)
        rows = DeadLetter.objects.order_by("-pk")
        if "resolved" in asked:
            rows = rows.filter(resolved_at__isnull=not asked["resolved"])
        return page(self, request, rows, DeadLetterSerializer)


class DeadLetterView(APIView):
    scope = Scope.ADMIN

    @extend_schema(summary="Throw a dead letter away", responses={204: None})
    def delete(self, request: Request, number: int) -> Response:
        dead_letters.discard(get_object_or_404(DeadLetter, pk=number), by=str(required_key(request)))
        return Response(status=status.HTTP_204_NO_CONTENT)


class RetryDeadLetterView(APIView):
    scope = Scope.ADMIN

    @idempotency.operation(
        "Work on a dead letter again; resolved_at says whether that did it, error why not",
        request=None,
        responses=DeadLetterSerializer,
    )
    def post(self, request: Request, number: int) -> Response:
        def once() -> Response:
            letter = dead_letters.retry(get_object_or_404(DeadLetter, pk=number))
            return Response(DeadLetterSerializer(letter).data)

        return idempotency.once(request, required_key(request), once)
