"""/train and /training-runs."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http import idempotency
from api.http.authentication import required_key
from api.http.pagination import PAGE, Page, page, read_filters
from api.models import ApiKey, TrainingRun
from api.training import queue
from api.training.serializers import RunSerializer, TrainRequestSerializer

Scope = ApiKey.Scope


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
        return page(self, request, TrainingRun.objects.order_by("-created_at"), RunSerializer)


class TrainingRunDetailView(APIView):
    scope = Scope.TRAIN

    @extend_schema(summary="A training run: how far it is, or what it decided and why", responses=RunSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(RunSerializer(get_object_or_404(TrainingRun, pk=run_id)).data)
