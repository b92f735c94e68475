"""OpenAI's formats of moderations and models: its clients ask this service by changing their base URL.

The scorer, the keys and the limits are those of `POST /predict`; only the wire format is OpenAI's."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http.authentication import key_of
from api.http.parsers import LargeJSONParser
from api.integrations.openai.authentication import BearerAuthentication
from api.integrations.openai.errors import ModerationError, error_handler, request_id
from api.integrations.openai.models import find_model, list_models
from api.integrations.openai.moderation import choose_model, moderate, read_texts
from api.integrations.openai.schema import ANSWER, ERROR, MODEL, MODELS, REQUEST
from api.models import ApiKey
from api.prediction import budget


class OpenAIView(APIView):
    scope = ApiKey.Scope.PREDICT
    public = True
    authentication_classes = [BearerAuthentication]

    def get_exception_handler(self) -> Any:
        return error_handler

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response["x-request-id"] = request_id()
        return super().finalize_response(request, response, *args, **kwargs)


class ModerationsView(OpenAIView):
    parser_classes = [LargeJSONParser]

    @extend_schema(
        summary="Judge texts in OpenAI's format",
        request={"application/json": REQUEST},
        responses={200: ANSWER, **dict.fromkeys((400, 401, 403, 404, 413, 415, 429, 500, 503), ERROR)},
    )
    def post(self, request: Request) -> Response:
        body: Any = request.data
        if not isinstance(body, dict):
            raise ModerationError("Send a JSON object with the field `input`.", param=None, code="invalid_type")
        if unknown := sorted(set(body) - set(REQUEST["properties"])):
            name = unknown[0][:80]  # a misspelt `model` would otherwise be lost without a word
            problem = f"Unknown parameter: '{name}'. There are 'input' and 'model'."
            raise ModerationError(problem, param=name, code="unknown_parameter")
        texts = read_texts(body.get("input"))
        budget.read_list(texts)
        chosen = choose_model(body.get("model"))
        return Response(moderate(chosen, texts, key_of(request)))


class ModelsView(OpenAIView):
    @extend_schema(
        operation_id="v1_models_list",
        summary="The models that can be asked, in OpenAI's format",
        responses={200: MODELS, **dict.fromkeys((401, 403, 429, 500, 503), ERROR)},
    )
    def get(self, request: Request) -> Response:
        return Response(list_models())


class ModelView(OpenAIView):
    @extend_schema(
        summary="A model that can be asked, in OpenAI's format",
        responses={200: MODEL, **dict.fromkeys((401, 403, 404, 429, 500, 503), ERROR)},
    )
    def get(self, request: Request, name: str) -> Response:
        return Response(find_model(name))
