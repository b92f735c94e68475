"""Keys over HTTP: who reviews, how far their labels are believed, and what waits for approval."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http import idempotency
from api.http.authentication import required_key
from api.http.pagination import PAGE, Page, page, read_filters
from api.keys import trust
from api.keys.queries import by_activity, counted, with_most_active_reviewers
from api.keys.serializers import (
    ApproveAnswerSerializer,
    ApproveRequestSerializer,
    KeySerializer,
    ReviewerSerializer,
    TrustAnswerSerializer,
    TrustRequestSerializer,
)
from api.models import ApiKey, ReviewedTweet


class KeysView(APIView):
    scope = ApiKey.Scope.ADMIN
    pagination_class = Page

    @extend_schema(
        summary="API keys: their trust, reviews and reliability; newest first",
        parameters=PAGE,
        responses=KeySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        read_filters(request)
        return page(self, request, with_most_active_reviewers(counted()).order_by("-pk"), KeySerializer)


class KeyReviewersView(APIView):
    scope = ApiKey.Scope.ADMIN
    pagination_class = Page

    @extend_schema(
        summary="How far a key's reviewers agree with everybody else; those with the most tweets first",
        parameters=PAGE,
        responses=ReviewerSerializer(many=True),
    )
    def get(self, request: Request, prefix: str) -> Response:
        read_filters(request)
        return page(self, request, by_activity(_key(prefix).reviewers.all()), ReviewerSerializer)


class KeyTrustView(APIView):
    scope = ApiKey.Scope.ADMIN

    @idempotency.operation(
        "Trust a key, or quarantine it",
        request=TrustRequestSerializer,
        responses=TrustAnswerSerializer,
    )
    def post(self, request: Request, prefix: str) -> Response:
        key = _key(prefix)
        options = TrustRequestSerializer.read(request.data)
        act = trust.trust if options.pop("trust") == ApiKey.Trust.TRUSTED else trust.quarantine
        caller = required_key(request)

        def once() -> Response:
            count = act(key, by=str(caller), **options)
            return Response({"trust": key.trust, "reviews": count})

        return idempotency.once(request, caller, once)


def _key(prefix: str) -> ApiKey:
    if "\0" in prefix:  # which Postgres takes for no text at all
        raise Http404
    return get_object_or_404(ApiKey, prefix=prefix)


class ApproveView(APIView):
    scope = ApiKey.Scope.ADMIN

    @idempotency.operation(
        "Let quarantined reviews count",
        request=ApproveRequestSerializer,
        responses=ApproveAnswerSerializer,
    )
    def post(self, request: Request) -> Response:
        asked = ApproveRequestSerializer.read(request.data)
        rows = ReviewedTweet.objects.filter(key__isnull=False)
        if "ids" in asked:
            rows = rows.filter(receipt__in=asked["ids"])
        else:
            rows = rows.filter(key=get_object_or_404(ApiKey, prefix=asked["key"]))
        caller = required_key(request)

        def once() -> Response:
            return Response({"approved": trust.approve(rows, by=str(caller), reason=asked.get("reason", ""))})

        return idempotency.once(request, caller, once)
