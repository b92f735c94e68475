"""HTTP for what administrators do with versions and with what must be forgotten."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api import forgetting, idempotency, registry
from api.auth import required_key
from api.models import ApiKey, ModelVersion
from api.serializers import (
    PromoteRequest,
    PromotionDetail,
    StrictBooleanField,
    StrictSerializer,
    TextField,
    Version,
)
from api.views import IDEMPOTENCY, champion_context
from hate_speech_ai.artifact import ArtifactError

Scope = ApiKey.Scope


class ReasonRequest(StrictSerializer):
    reason = TextField(max_length=500)


class ForgetRequest(StrictSerializer):
    text = TextField(required=False, help_text="every row with this text, as it is after cleaning; corpora too")
    external_id = TextField(required=False, max_length=200, help_text="as it was sent")
    reviewer = TextField(required=False, max_length=200, help_text="as it was sent")
    author = TextField(required=False, max_length=200, help_text="as it was sent")
    reason = TextField(max_length=500, help_text="for the audit log; do not name the person here")
    retire_versions = StrictBooleanField(
        required=False,
        help_text="also delete the models that may have learned from it; the one that serves, as soon as another does",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not {"text", "external_id", "reviewer", "author"} & attrs.keys():
            raise serializers.ValidationError(
                {"text": ["Say what to forget: text, external_id, reviewer or author; what is given must all agree."]}
            )
        return attrs


class ForgetAnswer(serializers.Serializer[Any]):
    rows = serializers.IntegerField(help_text="reviewed tweets that are deleted")
    versions = serializers.ListField(
        child=serializers.IntegerField(), help_text="kept versions that may have learned from them, oldest first"
    )
    retired = serializers.ListField(child=serializers.IntegerField(), help_text="those that are retired now")
    serving = serializers.IntegerField(allow_null=True, help_text="the one of them that serves, until another does")


class Rollback(APIView):
    scope = Scope.ADMIN

    @extend_schema(
        summary="Let the version before serve again",
        parameters=[IDEMPOTENCY],
        request=PromoteRequest,
        responses=PromotionDetail,
    )
    def post(self, request: Request) -> Response:
        reason = _reason(request)
        key = required_key(request)
        return idempotency.once(request, key, lambda: self._roll_back(by=str(key), reason=reason))

    def _roll_back(self, *, by: str, reason: str) -> Response:
        try:
            promotion = registry.rollback(by=by, reason=reason)
        except registry.NothingToRollBackTo:
            problem = "There is no version to roll back to: none that is not retired has served before this one."
        except ArtifactError as error:
            problem = f"The version before cannot be loaded: {error}."
        else:
            return Response(PromotionDetail(promotion).data)
        raise serializers.ValidationError({"version": [problem]})


class Keep(APIView):
    scope = Scope.ADMIN

    @extend_schema(
        summary="Mark a version as kept: it is never pruned",
        parameters=[IDEMPOTENCY],
        request=ReasonRequest,
        responses=Version,
    )
    def post(self, request: Request, version_id: int) -> Response:
        version, reason = get_object_or_404(ModelVersion, pk=version_id), _reason(request)
        return _change(request, version, lambda by: registry.keep(version, by=by, reason=reason))

    @extend_schema(summary="Take the mark away", parameters=[IDEMPOTENCY], responses=Version)
    def delete(self, request: Request, version_id: int) -> Response:
        version = get_object_or_404(ModelVersion, pk=version_id)
        return _change(request, version, lambda by: registry.release(version, by=by))


class Retire(APIView):
    scope = Scope.ADMIN

    @extend_schema(
        summary="Delete a version's model for good; its figures stay",
        parameters=[IDEMPOTENCY],
        request=ReasonRequest,
        responses=Version,
    )
    def post(self, request: Request, version_id: int) -> Response:
        version, reason = get_object_or_404(ModelVersion, pk=version_id), _reason(request)
        return _change(request, version, lambda by: registry.retire(version, by=by, reason=reason))


class Forget(APIView):
    scope = Scope.ADMIN

    @extend_schema(
        summary="Delete a text's, a post's, a reviewer's or an author's reviewed tweets for good",
        parameters=[IDEMPOTENCY],
        request=ForgetRequest,
        responses=ForgetAnswer,
    )
    def post(self, request: Request) -> Response:
        fields = ForgetRequest(data=request.data)
        fields.is_valid(raise_exception=True)
        key = required_key(request)
        return idempotency.once(
            request, key, lambda: Response(asdict(forgetting.forget(by=str(key), **fields.validated_data)))
        )


def _reason(request: Request) -> str:
    fields = ReasonRequest(data=request.data)
    fields.is_valid(raise_exception=True)
    return str(fields.validated_data["reason"])


def _change(request: Request, version: ModelVersion, act: Callable[[str], None]) -> Response:
    """Act in the name of the key; the answer is the version as it is then.

    Raises:
        ValidationError: the registry refuses it.
    """
    key = required_key(request)

    def once() -> Response:
        try:
            act(str(key))
        except registry.Refused as error:
            raise serializers.ValidationError({"id": [f"{error}."]}) from None
        return Response(Version(ModelVersion.objects.get(pk=version.pk), context=champion_context()).data)

    return idempotency.once(request, key, once)
