"""/predict and /operating-points."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http.authentication import key_of
from api.http.fields import read_query, text_problem
from api.models import ApiKey
from api.prediction import active_model, budget, predicting
from api.prediction.serializers import (
    BatchPredictionSerializer,
    OperatingPointsAnswerSerializer,
    OperatingPointsRequestSerializer,
    PredictionSerializer,
    PredictRequestSerializer,
)
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.operating_points import BALANCED

Scope = ApiKey.Scope


class PredictView(APIView):
    scope = Scope.PREDICT
    public = True

    @extend_schema(
        summary="Judge a tweet, or a list of tweets",
        request=PredictRequestSerializer,
        responses=PolymorphicProxySerializer("PredictAnswer", [PredictionSerializer, BatchPredictionSerializer], None),
    )
    def post(self, request: Request) -> Response:
        body: Any = request.data
        if not _is_one_plain_tweet(body):
            body = PredictRequestSerializer.read(body)
        chosen = predicting.asked_for(body.get("model_version"))
        model, labels, point = chosen.model, body.get("labels", []), body.get("operating_point", BALANCED)
        predicting.require_labels(model, "labels", *labels)
        key, store = key_of(request), not body.get("do_not_store")

        def answer_to(tweet: Any) -> dict[str, Any]:
            if problem := text_problem(tweet):
                return {"error": {"code": "invalid", "detail": problem}}
            found = predicting.predict(chosen, tweet, (HATE_SPEECH, *labels), key=key, store=store)
            return predicting.as_answer(found, model, labels, point)

        if "tweet" not in body:
            budget.read_list(body["tweets"])
            return Response({"model_version": model.version, "results": [answer_to(item) for item in body["tweets"]]})
        answer = answer_to(body["tweet"]) | {"model_version": model.version}
        if body.get("explain"):
            predicting.add_explanations(answer, model, body["tweet"])
        return Response(answer)


class OperatingPointsView(APIView):
    scope = Scope.PREDICT
    public = True

    @extend_schema(
        summary="From which probability on the answer is yes, and what that costs",
        parameters=[OperatingPointsRequestSerializer],
        responses=OperatingPointsAnswerSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = read_query(request, OperatingPointsRequestSerializer)
        model = active_model.get()
        label, rate = asked["label"], asked.get("base_rate")
        predicting.require_labels(model, "label", label)
        curve = model.scorer.curves[label]
        answer = {
            "label": label,
            "model_version": model.version,
            "named": {name: asdict(point) for name, point in curve.named(rate).items()},
        }
        if "precision" in asked or "recall" in asked:
            found = (
                curve.highest_recall(asked["precision"], rate)
                if "precision" in asked
                else curve.highest_precision(asked["recall"], rate)
            )
            answer["found"] = asdict(found) if found else None
        return Response(answer)


def _is_one_plain_tweet(body: Any) -> bool:
    """Return whether a body is one tweet and nothing else: a serializer would take as long as scoring it."""
    return isinstance(body, dict) and body.keys() == {"tweet"} and not text_problem(body["tweet"])
