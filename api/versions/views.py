"""/models and /score."""

from collections.abc import Callable
from typing import Any

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http import idempotency
from api.http.authentication import key_of, required_key
from api.http.fields import ReasonRequestSerializer
from api.http.pagination import PAGE, Page, page, read_filters
from api.models import ApiKey, ModelVersion, Promotion
from api.prediction import active_model, predicting
from api.prediction.loading import LoadedModel
from api.review_queue import live_metrics
from api.versions import registry
from api.versions.comparison import compare, tweets_of
from api.versions.serializers import (
    ComparisonSerializer,
    PromotionDetailSerializer,
    ScoreAnswerSerializer,
    VersionDetailSerializer,
    VersionSerializer,
)
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.labels import HATE_SPEECH

Scope = ApiKey.Scope


class NothingToRollBackTo(APIException):
    """No version can take the place of the one that serves."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "nothing_to_roll_back_to"
    default_detail = "There is no other version to roll back to that has served and is not retired."


class ModelsView(APIView):
    scope = Scope.PREDICT
    public = True
    pagination_class = Page

    @extend_schema(summary="Model versions, newest first", parameters=PAGE, responses=VersionSerializer(many=True))
    def get(self, request: Request) -> Response:
        read_filters(request)
        promotions = Prefetch("promotions", Promotion.objects.defer("change"))
        versions = ModelVersion.objects.order_by("-pk").prefetch_related(promotions)
        return page(self, request, versions, VersionSerializer, _context(key_of(request)))


class ModelDetailView(APIView):
    scope = Scope.PREDICT
    public = True

    @extend_schema(
        summary="A model version: what it was made of, how good it is, and what its promotions changed",
        responses=VersionDetailSerializer,
    )
    def get(self, request: Request, version_id: int) -> Response:
        version = get_object_or_404(ModelVersion, pk=version_id)
        key = key_of(request)
        context = _context(key)
        if key is not None and key.allows(Scope.ADMIN):
            context["tweets"] = tweets_of([promotion.change for promotion in version.promotions.all()])
        return Response(VersionDetailSerializer(version, context=context).data)


class CompareView(APIView):
    scope = Scope.ADMIN

    @extend_schema(
        summary="What changes from one version to another: decisions, scores and words", responses=ComparisonSerializer
    )
    def get(self, request: Request, version_id: int, other_id: int) -> Response:
        return Response(compare(_model(version_id), _model(other_id)))


class PromoteView(APIView):
    scope = Scope.ADMIN

    @idempotency.operation(
        "Promote a version, whatever the gate decided; or confirm the one that serves",
        request=ReasonRequestSerializer,
        responses=PromotionDetailSerializer,
    )
    def post(self, request: Request, version_id: int) -> Response:
        version = get_object_or_404(ModelVersion, pk=version_id)
        return _promotion(request, lambda by, reason: registry.promote(version, by=by, reason=reason))


class RollbackView(APIView):
    scope = Scope.ADMIN

    @idempotency.operation(
        "Promote the previous version again",
        request=ReasonRequestSerializer,
        responses=PromotionDetailSerializer,
    )
    def post(self, request: Request) -> Response:
        return _promotion(request, lambda by, reason: registry.rollback(by=by, reason=reason))


class KeepView(APIView):
    scope = Scope.ADMIN

    @idempotency.operation(
        "Mark a version as kept: it is never pruned",
        request=ReasonRequestSerializer,
        responses=VersionSerializer,
    )
    def post(self, request: Request, version_id: int) -> Response:
        version, reason = get_object_or_404(ModelVersion, pk=version_id), _reason(request)
        return _change(request, version, lambda by: registry.keep(version, by=by, reason=reason))

    @idempotency.operation("Take the mark away", responses={200: VersionSerializer})
    def delete(self, request: Request, version_id: int) -> Response:
        version = get_object_or_404(ModelVersion, pk=version_id)
        return _change(request, version, lambda by: registry.release(version, by=by))


class RetireView(APIView):
    scope = Scope.ADMIN

    @idempotency.operation(
        "Delete a version's model for good; its figures stay",
        request=ReasonRequestSerializer,
        responses=VersionSerializer,
    )
    def post(self, request: Request, version_id: int) -> Response:
        version, reason = get_object_or_404(ModelVersion, pk=version_id), _reason(request)
        return _change(request, version, lambda by: registry.retire(version, by=by, reason=reason))


def _reason(request: Request) -> str:
    return str(ReasonRequestSerializer.read(request.data)["reason"])


def _promotion(request: Request, act: Callable[[str, str], Promotion]) -> Response:
    """Promote in the name of the key.

    Raises:
        ValidationError: the version cannot be loaded.
        NothingToRollBackTo: no other version has served.
    """
    key, reason = required_key(request), _reason(request)

    def once() -> Response:
        try:
            return Response(PromotionDetailSerializer(act(str(key), reason)).data)
        except registry.NothingToRollBackTo:
            raise NothingToRollBackTo from None
        except ArtifactError as error:
            raise serializers.ValidationError({"id": [f"This version cannot be loaded: {error}."]}) from None

    return idempotency.once(request, key, once)


def _change(request: Request, version: ModelVersion, act: Callable[[str], None]) -> Response:
    """Act in the name of the key; the answer is the version as it is then.

    Raises:
        ValidationError: the registry refuses it.
    """
    key = required_key(request)

    def once() -> Response:
        try:
            act(str(key))
        except registry.RegistryError as error:
            raise serializers.ValidationError({"id": [f"{error}."]}) from None
        return Response(VersionSerializer(ModelVersion.objects.get(pk=version.pk), context=champion_context()).data)

    return idempotency.once(request, key, once)


def champion_context() -> dict[str, Any]:
    """For the serializers of versions: which of them serves."""
    champion = Promotion.champion()
    return {"champion": champion.pk if champion else None}


def _context(key: ApiKey | None) -> dict[str, Any]:
    """For the same serializers, where the caller may have no key."""
    return champion_context() | {"anonymous": key is None}


def _model(number: int) -> LoadedModel:
    """Load a version's model; raise NotFound if there is none, ValidationError if it cannot be loaded."""
    get_object_or_404(ModelVersion, pk=number)
    return predicting.asked_for(number).model


class ScoreView(APIView):
    scope = Scope.PREDICT
    public = True

    @extend_schema(summary="How good the model is, on tweets it never saw", responses=ScoreAnswerSerializer)
    def get(self, request: Request) -> Response:
        model = active_model.get()
        metrics = model.metrics[HATE_SPEECH]
        confusion = ("true_positives", "false_positives", "false_negatives", "true_negatives")
        return Response(
            {
                "score": metrics["f1"],
                **{name: metrics[name] for name in ("precision", "recall", "roc_auc", "pr_auc")},
                "confusion": {name: metrics[name] for name in confusion},
                "threshold": metrics["threshold"],
                "model_version": model.version,
                "views": list(model.scorer.views),
                "trained_at": model.trained_at,
                "evaluated_on": model.evaluated_on,
                "trained_on": model.trained_on,
                "labels": {label: model.metrics[label] for label in model.scorer.labels if label in model.metrics},
                "by_source": model.metrics["by_source"],
                # A version is never rewritten, and old ones have none of these.
                "checks": (checks := model.metrics.get("checks", {})),
                "everyday": (everyday := model.metrics.get("everyday", {})).get("flagged", {}),
                "measured_on": {
                    "held_out": {source: figures["rows"] for source, figures in model.metrics["by_source"].items()},
                    "checks": checks.get("rows", 0),
                    "everyday": everyday.get("rows", 0),
                },
                "production": live_metrics.figures(model.version),
            }
        )
