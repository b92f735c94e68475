"""/add-reviewed-tweet, /reviewed-tweets and /forget."""

from collections import Counter
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http import idempotency
from api.http.authentication import required_key
from api.http.pagination import PAGE, Page, page, read_filters
from api.http.parsers import JSONLinesParser
from api.models import ApiKey, ReviewedTweet
from api.reviews import erasure, intake
from api.reviews.refusals import QuotaExceeded, WasForgotten
from api.reviews.serializers import (
    BulkAnswerSerializer,
    ErasureSerializer,
    ForgetAnswerSerializer,
    ForgetRequestSerializer,
    LiftRequestSerializer,
    ReceiptSerializer,
    ReviewAcceptedSerializer,
    ReviewRequestSerializer,
    ReviewSerializer,
    ReviewsRequestSerializer,
    read_lines,
)

Scope = ApiKey.Scope
Lines = list[tuple[int, intake.Annotation | dict[str, Any]]]


class AddReviewedTweetView(APIView):
    scope = Scope.REVIEW

    @idempotency.operation(
        "Say what a person decided about a tweet",
        request=ReviewRequestSerializer,
        responses={201: ReviewAcceptedSerializer, 200: ReviewAcceptedSerializer},
    )
    def post(self, request: Request) -> Response:
        fields = ReviewRequestSerializer.read(request.data)
        key = required_key(request)
        return idempotency.once(request, key, lambda: self._add(key, fields))

    def _add(self, key: ApiKey, fields: dict[str, Any]) -> Response:
        review, new = intake.add(
            tweet=fields["tweet"],
            labels=fields["labels"],
            source=key.source,
            key=key,
            external_id=fields.get("external_id", ""),
            reviewer=fields.get("reviewer", ""),
            author=fields.get("author", ""),
        )
        return Response(_accepted(review, new), status.HTTP_201_CREATED if new else status.HTTP_200_OK)


class AddReviewedTweetsView(APIView):
    scope = Scope.REVIEW
    parser_classes = [JSONLinesParser]

    @idempotency.operation(
        "The same for up to 10,000 tweets, as JSON lines",
        request={JSONLinesParser.media_type: ReviewRequestSerializer},
        responses=BulkAnswerSerializer,
    )
    def post(self, request: Request) -> Response:
        lines: Any = request.data
        if not lines:
            raise serializers.ValidationError({"body": ["Send at least one line."]})
        key, read = required_key(request), read_lines(lines)
        return idempotency.once(request, key, lambda: self._add(key, read))

    def _add(self, key: ApiKey, lines: Lines) -> Response:
        lines = _without_forgotten(lines)
        numbers = [number for number, content in lines if isinstance(content, intake.Annotation)]
        opinions = [content for _, content in lines if isinstance(content, intake.Annotation)]
        try:
            stored = iter(intake.add_all(opinions, source=key.source, key=key))
        except QuotaExceeded as error:
            raise (error if error.position is None else error.in_line(numbers[error.position])) from None
        results: list[dict[str, Any]] = []
        for number, content in lines:
            answer = _accepted(*next(stored)) if isinstance(content, intake.Annotation) else {"error": content}
            results.append({"line": number, **answer})
        counts = Counter(result.get("status", "refused") for result in results)
        return Response(
            {
                "added": len(results) - counts["duplicate"] - counts["refused"],
                "duplicates": counts["duplicate"],
                "refused": counts["refused"],
                "results": results,
            }
        )


class ReviewedTweetsView(APIView):
    scope = Scope.REVIEW
    pagination_class = Page

    @extend_schema(
        summary="This key's reviews, newest first; with the scope admin, every key's",
        parameters=[ReviewsRequestSerializer, *PAGE],
        responses=ReviewSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        filters = read_filters(request, ReviewsRequestSerializer)
        if "key" in filters:
            filters["key__prefix"] = filters.pop("key")
        if "since" in filters:
            filters["created_at__gte"] = filters.pop("since")
        rows = _reviews_of(required_key(request)).filter(**filters).order_by("-pk")
        return page(self, request, rows.prefetch_related("events"), ReviewSerializer)


class ReviewReceiptView(APIView):
    scope = Scope.REVIEW

    @extend_schema(summary="What became of a review", responses=ReceiptSerializer)
    def get(self, request: Request, receipt: UUID) -> Response:
        key = required_key(request)
        review = get_object_or_404(_reviews_of(key).prefetch_related("events"), receipt=receipt)
        return Response(ReceiptSerializer(review, context={"key": key}).data)

    @extend_schema(summary="Withdraw a review: from the next training on it counts no more", responses={204: None})
    def delete(self, request: Request, receipt: UUID) -> Response:
        key = required_key(request)
        intake.withdraw(get_object_or_404(_reviews_of(key), receipt=receipt), key=key, by=str(key))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ErasuresView(APIView):
    scope = Scope.ADMIN
    pagination_class = Page

    @extend_schema(
        summary="What is kept from coming back: the acts of forgetting, newest first",
        parameters=PAGE,
        responses=ErasureSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        read_filters(request)
        return page(self, request, erasure.remembered(), ErasureSerializer)


class LiftErasureView(APIView):
    scope = Scope.ADMIN

    @idempotency.operation(
        "Let what was forgotten come back, where it is sent or imported again",
        request=LiftRequestSerializer,
        responses={204: None},
    )
    def post(self, request: Request, number: UUID) -> Response:
        reason = LiftRequestSerializer.read(request.data)["reason"]
        key = required_key(request)

        def once() -> Response:
            if not erasure.lift(number, by=str(key), reason=reason):
                raise NotFound("There is no such act of forgetting, or it was lifted.")
            return Response(status=status.HTTP_204_NO_CONTENT)

        return idempotency.once(request, key, once)


class ForgetView(APIView):
    scope = Scope.ADMIN

    @idempotency.operation(
        "Delete a text's, a post's, a reviewer's or an author's reviewed tweets for good",
        request=ForgetRequestSerializer,
        responses=ForgetAnswerSerializer,
    )
    def post(self, request: Request) -> Response:
        asked = ForgetRequestSerializer.read(request.data)
        key = required_key(request)
        return idempotency.once(request, key, lambda: Response(asdict(erasure.forget(by=str(key), **asked))))


def _without_forgotten(lines: Lines) -> Lines:
    """Put an error in the place of lines that name what somebody had forgotten."""
    places = [place for place, (_, content) in enumerate(lines) if isinstance(content, intake.Annotation)]
    opinions = [content for _, content in lines if isinstance(content, intake.Annotation)]
    found = list(lines)
    for position, kind in intake.forgotten(opinions).items():
        error = WasForgotten(kind)
        number, _ = found[places[position]]
        found[places[position]] = number, {"code": error.default_code, "detail": str(error.detail)}
    return found


def _accepted(review: ReviewedTweet, new: bool) -> dict[str, str]:
    return {"id": str(review.receipt), "status": review.status if new else "duplicate"}


def _reviews_of(key: ApiKey) -> QuerySet[ReviewedTweet]:
    """Return the reviews that a key may see. Whether there are others is nobody else's business."""
    rows = ReviewedTweet.objects.filter(key__isnull=False)
    return rows if key.allows(Scope.ADMIN) else rows.filter(key=key)
