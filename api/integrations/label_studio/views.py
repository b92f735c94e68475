"""An ML backend for Label Studio: it pre-annotates with the served model, and sends annotations back as reviews.

The requests are those of `label_studio/ml/api_connector.py` and `label_studio/webhooks` in Label Studio's source. What
it sends along to be called back with, its address and an access token, is neither used nor kept."""

import hashlib
import logging
from collections.abc import Mapping
from typing import IO, Any

import orjson
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http import idempotency
from api.http.authentication import required_key
from api.http.fields import MAX_BATCH
from api.http.parsers import MAX_LINES_BODY, LargeJSONParser
from api.integrations.label_studio.authentication import BasicAuthentication
from api.integrations.label_studio.bodies import fields, read_action, read_questions
from api.integrations.label_studio.preannotation import annotate, text_of
from api.integrations.label_studio.webhook import act, train_now
from api.models import ApiKey
from api.prediction import active_model, predicting
from api.prediction.budget import MAX_CHARACTERS, characters_of
from api.reviews.serializers import FIRST_STATUSES

logger = logging.getLogger(__name__)


class Parser(LargeJSONParser):
    """Tasks come with all their data, a hundred at a time. Without a key, a body is no larger than other formats'."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        with_key = parser_context is not None and parser_context["request"].auth
        self.limit = MAX_LINES_BODY if with_key else 0
        return super().parse(stream, media_type, parser_context)


class BackendView(APIView):
    authentication_classes = [BasicAuthentication]
    parser_classes = [Parser]


_VERSION: dict[str, Any] = {"type": "object", "properties": {"model_version": {"type": "string"}}}
_STATUS = {
    "type": "object",
    "properties": {
        "status": {"enum": [*FIRST_STATUSES, "withdrawn", "queued", "ignored"]},
        "id": {"type": "string", "format": "uuid", "description": "the receipt of the review"},
        "withdrawn": {"type": "integer", "description": "reviews"},
        "run": {"type": "string", "format": "uuid"},
        "detail": {"type": "string"},
    },
}


class HealthView(APIView):
    authentication_classes = ()

    @extend_schema(summary="Whether Label Studio can connect", responses={200: {"type": "object"}})
    def get(self, request: Request) -> Response:
        return Response({"status": "UP", "model_version": active_model.get().name})


class SetupView(BackendView):
    scope = ApiKey.Scope.PREDICT
    public = True

    @extend_schema(
        summary="Whether a project of Label Studio asks what the model answers",
        request={
            "application/json": {"type": "object", "properties": {"schema": {"type": "string"}}, "required": ["schema"]}
        },
        responses={200: _VERSION},
    )
    def post(self, request: Request) -> Response:
        model = active_model.get()
        try:
            read_questions(fields(request.data), "schema", model.scorer.labels)
        except serializers.ValidationError as error:
            # Label Studio shows its users that it failed, and not why.
            logger.warning("Label Studio's project is refused: %s", error.detail)
            raise
        return Response({"model_version": model.name})


class PredictView(BackendView):
    scope = ApiKey.Scope.PREDICT
    public = True

    @extend_schema(
        summary="Pre-annotate tasks of Label Studio",
        request={
            "application/json": {
                "type": "object",
                "properties": {
                    "tasks": {"type": "array", "items": {"type": "object"}, "maxItems": MAX_BATCH},
                    "label_config": {"type": "string"},
                },
                "required": ["tasks", "label_config"],
            }
        },
        responses={
            200: {
                "type": "object",
                "properties": {"results": {"type": "array", "items": {"type": "object"}}, **_VERSION["properties"]},
            }
        },
    )
    def post(self, request: Request) -> Response:
        body, chosen = fields(request.data), predicting.serving()
        questions = read_questions(body, "label_config", chosen.model.scorer.labels)
        tasks = body.get("tasks")
        if not isinstance(tasks, list) or len(tasks) > MAX_BATCH:
            raise serializers.ValidationError({"tasks": [f"This must be a list of at most {MAX_BATCH:,} tasks."]})
        texts = [text_of(questions, task) for task in tasks]
        characters = sum(characters_of(text) for text in texts if isinstance(text, str))
        if characters > MAX_CHARACTERS:
            problem = f"The texts have {characters:,} characters; at most {MAX_CHARACTERS:,} are read for one request."
            raise serializers.ValidationError({"tasks": [f"{problem} Send fewer tasks at once."]})
        return Response(
            {"results": [annotate(chosen, questions, task) for task in tasks], "model_version": chosen.model.name}
        )


class WebhookView(BackendView):
    scope = ApiKey.Scope.REVIEW

    @extend_schema(
        summary="Take annotations of Label Studio as reviews, and back",
        request={
            "application/json": {
                "type": "object",
                "properties": {"action": {"type": "string", "minLength": 1}},
                "required": ["action"],
            }
        },
        responses={200: _STATUS},
    )
    def post(self, request: Request) -> Response:
        key, body = required_key(request), fields(request.data)
        action = read_action(request, body)
        if action == "START_TRAINING":
            return train_now(key)
        # A webhook that comes twice is the same to the last byte; what it says of an annotation may be past by then.
        try:
            name = f"label-studio:{hashlib.sha256(orjson.dumps(body)).hexdigest()}"
        except orjson.JSONEncodeError:  # it reads deeper nesting than it writes
            raise serializers.ValidationError({"body": ["This is nested too deeply."]}) from None
        return idempotency.once(request, key, lambda: Response(act(key, action, body)), name=name)
