"""/train and /training-runs."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
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
from api.models import ApiKey, ApprovalRequest, TrainingRun
from api.training import queue
from api.training.claims import approvals
from api.training.serializers import (
    ApprovalSerializer,
    ApprovalWithExamplesSerializer,
    DecisionAnswerSerializer,
    DecisionRequestSerializer,
    RunSerializer,
    TrainRequestSerializer,
)

Scope = ApiKey.Scope


class NothingToDecide(APIException):
    """What was asked is decided already, or was asked anew by a later run."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "nothing_to_decide"
    default_detail = "None of these requests is open. See `approvals` of the newest training run."


class TrainView(APIView):
    scope = Scope.TRAIN

    @idempotency.operation(
        "Ask for a training run",
        request=TrainRequestSerializer,
        responses={202: RunSerializer},
    )
    def post(self, request: Request) -> Response:
        TrainRequestSerializer.read(request.data)
        key = required_key(request)
        return idempotency.once(request, key, lambda: self._enqueue(key))

    def _enqueue(self, key: ApiKey) -> Response:
        run, _ = queue.enqueue(TrainingRun.Kind.MANUAL, requested_by=str(key))
        location = {"Location": f"/training-runs/{run.pk}"}
        return Response(RunSerializer(run).data, status.HTTP_202_ACCEPTED, headers=location)


class TrainingRunsView(APIView):
    scope = Scope.TRAIN
    pagination_class = Page

    @extend_schema(summary="Training runs, newest first", parameters=PAGE, responses=RunSerializer(many=True))
    def get(self, request: Request) -> Response:
        read_filters(request)
        return page(self, request, _runs().order_by("-created_at"), RunSerializer)


class TrainingRunDetailView(APIView):
    scope = Scope.TRAIN

    @extend_schema(summary="A training run: how far it is, or what it decided and why", responses=RunSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(RunSerializer(get_object_or_404(_runs(), pk=run_id)).data)


class ApprovalsView(APIView):
    scope = Scope.ADMIN

    @extend_schema(
        summary="What a training run asks a person, with examples", responses=ApprovalWithExamplesSerializer(many=True)
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        run = get_object_or_404(TrainingRun, pk=run_id)
        return Response(ApprovalWithExamplesSerializer(_asked_by(run), many=True).data)

    @idempotency.operation(
        "Decide what a training run asks",
        request=DecisionRequestSerializer,
        responses=DecisionAnswerSerializer,
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        run = get_object_or_404(TrainingRun, pk=run_id)
        asked = DecisionRequestSerializer.read(request.data)
        key = required_key(request)
        return idempotency.once(request, key, lambda: self._decide(run, key, asked))

    def _decide(self, run: TrainingRun, key: ApiKey, asked: dict[str, Any]) -> Response:
        try:
            queued = approvals.decide(run, by=str(key), **asked)
        except approvals.NothingToDecide:
            raise NothingToDecide from None
        return Response({"approvals": ApprovalSerializer(_asked_by(run), many=True).data, "next_run": queued.pk})


def _runs() -> QuerySet[TrainingRun]:
    return TrainingRun.objects.prefetch_related(Prefetch("approvals", _approvals()))


def _asked_by(run: TrainingRun) -> QuerySet[ApprovalRequest]:
    return _approvals().filter(run=run)


def _approvals() -> QuerySet[ApprovalRequest]:
    return ApprovalRequest.objects.select_related("key").order_by("pk")
