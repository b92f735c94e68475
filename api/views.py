"""HTTP: validate, call one function, answer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http import idempotency
from api.http.authentication import key_of, required_key
from api.http.pagination import PAGE, Page, page
from api.http.parsers import JSONLinesParser
from api.models import ApiKey, AuditEntry, ReviewedTweet, TrainingRun
from api.operations import health
from api.prediction import active_model, recorder
from api.review_queue import live_metrics
from api.reviews import intake
from api.serializers import (
    Audit,
    BatchPrediction,
    BulkAnswer,
    OperatingPointsAnswer,
    OperatingPointsRequest,
    Prediction,
    PredictRequest,
    Receipt,
    Review,
    ReviewAccepted,
    ReviewRequest,
    ReviewsRequest,
    Run,
    ScoreAnswer,
    TrainRequest,
    read_lines,
    text_problem,
)
from api.training import queue
from api.versions.views import pinned
from hate_speech_ai.explain import explain
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.operating_points import BALANCED

Scope = ApiKey.Scope


class Predict(APIView):
    scope = Scope.PREDICT
    public = True

    @extend_schema(
        summary="Judge a tweet, or a list of tweets",
        request=PredictRequest,
        responses=PolymorphicProxySerializer("PredictAnswer", [Prediction, BatchPrediction], None),
    )
    def post(self, request: Request) -> Response:
        body: Any = request.data
        if not _is_plain(body):
            body = PredictRequest.read(body)
        model = pinned(body["model_version"]) if "model_version" in body else active_model.get()
        labels, point = body.get("labels", []), body.get("operating_point", BALANCED)
        _require(model, "labels", *labels)
        # What a version says that was asked for by number is not what serves here.
        stores = settings.STORE_PREDICTIONS and not body.get("do_not_store") and "model_version" not in body
        if "tweet" in body:
            answer = _judge(model, body["tweet"], labels, point) | {"model_version": model.version}
            if stores:
                recorder.offer(model, body["tweet"], answer["probability"], answer["notes"], key_of(request))
            if body.get("explain"):
                _add_explanations(answer, model, body["tweet"])
            return Response(answer)
        results = [_judge_item(model, item, labels, point) for item in body["tweets"]]
        if stores:
            for tweet, result in zip(body["tweets"], results, strict=True):
                if "error" not in result:
                    recorder.offer(model, tweet, result["probability"], result["notes"], key_of(request))
        return Response({"model_version": model.version, "results": results})


class OperatingPoints(APIView):
    scope = Scope.PREDICT
    public = True

    @extend_schema(
        summary="From which probability on the answer is yes, and what that costs",
        parameters=[OperatingPointsRequest],
        responses=OperatingPointsAnswer,
    )
    def get(self, request: Request) -> Response:
        asked = OperatingPointsRequest.read(request.query_params.dict())
        model = active_model.get()
        label, rate = asked["label"], asked.get("base_rate")
        _require(model, "label", label)
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


class AddReviewedTweet(APIView):
    scope = Scope.REVIEW

    @extend_schema(
        summary="Say what a person decided about a tweet",
        parameters=[idempotency.PARAMETER],
        request=ReviewRequest,
        responses={201: ReviewAccepted, 200: ReviewAccepted},
    )
    def post(self, request: Request) -> Response:
        fields = ReviewRequest.read(request.data)
        key = required_key(request)
        return idempotency.once(request, key, lambda: self._add(key, fields))

    def _add(self, key: ApiKey, fields: dict[str, Any]) -> Response:
        review, new = intake.add(
            tweet=fields["tweet"],
            labels=fields["labels"],
            source=f"key:{key.pk}",
            key=key,
            external_id=fields.get("external_id", ""),
            reviewer=fields.get("reviewer", ""),
            author=fields.get("author", ""),
        )
        return Response(_accepted(review, new), status.HTTP_201_CREATED if new else status.HTTP_200_OK)


class AddReviewedTweets(APIView):
    scope = Scope.REVIEW
    parser_classes = [JSONLinesParser]

    @extend_schema(
        summary="The same for up to 10,000 tweets, as JSON lines",
        parameters=[idempotency.PARAMETER],
        request={JSONLinesParser.media_type: ReviewRequest},
        responses=BulkAnswer,
    )
    def post(self, request: Request) -> Response:
        lines: Any = request.data
        if not lines:
            raise serializers.ValidationError({"body": ["Send at least one line."]})
        key, read = required_key(request), read_lines(lines)
        return idempotency.once(request, key, lambda: self._add(key, read))

    def _add(self, key: ApiKey, lines: list[tuple[int, intake.Opinion | dict[str, Any]]]) -> Response:
        opinions = [content for _, content in lines if isinstance(content, intake.Opinion)]
        stored = iter(intake.add_all(opinions, source=f"key:{key.pk}", key=key))
        results: list[dict[str, Any]] = []
        for number, content in lines:
            answer = _accepted(*next(stored)) if isinstance(content, intake.Opinion) else {"error": content}
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


class ReviewedTweets(APIView):
    scope = Scope.REVIEW
    pagination_class = Page

    @extend_schema(
        summary="This key's reviews, newest first; with the scope admin, every key's",
        parameters=[ReviewsRequest, *PAGE],
        responses=Review(many=True),
    )
    def get(self, request: Request) -> Response:
        asked = {name: value for name, value in request.query_params.items() if name not in ("limit", "offset")}
        filters = ReviewsRequest.read(asked)
        if "key" in filters:
            filters["key__prefix"] = filters.pop("key")
        if "since" in filters:
            filters["created_at__gte"] = filters.pop("since")
        rows = _reviews_of(required_key(request)).filter(**filters).order_by("-pk")
        return page(self, request, rows.prefetch_related("events"), Review)


class ReviewReceipt(APIView):
    scope = Scope.REVIEW

    @extend_schema(summary="What became of a review", responses=Receipt)
    def get(self, request: Request, receipt: UUID) -> Response:
        rows = _reviews_of(required_key(request)).prefetch_related("events")
        return Response(Receipt(get_object_or_404(rows, receipt=receipt)).data)

    @extend_schema(summary="Withdraw a review: from the next training on it counts no more", responses={204: None})
    def delete(self, request: Request, receipt: UUID) -> Response:
        key = required_key(request)
        intake.withdraw(get_object_or_404(_reviews_of(key), receipt=receipt), by=str(key))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Score(APIView):
    scope = Scope.PREDICT
    public = True

    @extend_schema(summary="How good the model is, on tweets it never saw", responses=ScoreAnswer)
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
                "live": live_metrics.figures(model.version),
            }
        )


class Train(APIView):
    scope = Scope.TRAIN

    @extend_schema(
        summary="Ask for a training run", parameters=[idempotency.PARAMETER], request=TrainRequest, responses={202: Run}
    )
    def post(self, request: Request) -> Response:
        TrainRequest.read(request.data)
        key = required_key(request)
        return idempotency.once(request, key, lambda: self._enqueue(key))

    def _enqueue(self, key: ApiKey) -> Response:
        run, _ = queue.enqueue(TrainingRun.Kind.MANUAL, requested_by=str(key))
        location = {"Location": f"/training-runs/{run.pk}"}
        return Response(Run(run).data, status.HTTP_202_ACCEPTED, headers=location)


class TrainingRuns(APIView):
    scope = Scope.TRAIN
    pagination_class = Page

    @extend_schema(summary="Training runs, newest first", parameters=PAGE, responses=Run(many=True))
    def get(self, request: Request) -> Response:
        return page(self, request, TrainingRun.objects.order_by("-created_at"), Run)


class TrainingRunDetail(APIView):
    scope = Scope.TRAIN

    @extend_schema(summary="A training run: how far it is, or what it decided and why", responses=Run)
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(Run(get_object_or_404(TrainingRun, pk=run_id)).data)


class AuditLog(APIView):
    scope = Scope.ADMIN
    pagination_class = Page

    @extend_schema(
        summary="Who changed what, when and why; newest first",
        parameters=[
            *PAGE,
            OpenApiParameter("action", str, description="such as version.promoted"),
            OpenApiParameter("target", str, description="such as version 17"),
        ],
        responses=Audit(many=True),
    )
    def get(self, request: Request) -> Response:
        entries = AuditEntry.objects.order_by("-pk")
        for field in ("action", "target"):
            if value := request.query_params.get(field):
                entries = entries.filter(**{field: value})
        return page(self, request, entries, Audit)


class Live(APIView):
    authentication_classes = ()

    @extend_schema(summary="Whether this process answers", responses={200: dict[str, str]})
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class Ready(APIView):
    authentication_classes = ()

    @extend_schema(summary="Whether this process can predict", responses={200: dict[str, Any]})
    def get(self, request: Request) -> Response:
        return Response({"status": "ok", "model_version": active_model.get().version})


class Health(APIView):
    authentication_classes = ()

    @extend_schema(summary="How each part is; 503 where one is not well", responses={200: dict, 503: dict})
    def get(self, request: Request) -> Response:
        well, report = health.report()
        return Response(report, status.HTTP_200_OK if well else status.HTTP_503_SERVICE_UNAVAILABLE)


def _accepted(review: ReviewedTweet, new: bool) -> dict[str, str]:
    return {"id": str(review.receipt), "status": review.status if new else "duplicate"}


def _reviews_of(key: ApiKey) -> QuerySet[ReviewedTweet]:
    """The reviews that a key may see. Whether there are others is nobody else's business."""
    rows = ReviewedTweet.objects.filter(key__isnull=False)
    return rows if key.allows(Scope.ADMIN) else rows.filter(key=key)


def _is_plain(body: Any) -> bool:
    """Whether a body is one tweet and nothing else. Building a serializer for that takes as long as scoring it."""
    return isinstance(body, dict) and body.keys() == {"tweet"} and not text_problem(body["tweet"])


def _require(model: active_model.ActiveModel, field: str, *labels: str) -> None:
    """Refuses, at a field, a label that the model does not answer."""
    for label in labels:
        if label not in model.scorer.labels:
            known = ", ".join(model.scorer.labels)
            raise serializers.ValidationError(
                {field: [f"Model version {model.version} does not answer {label[:40]!r}; it answers {known}."]}
            )


def _judge(
    model: active_model.ActiveModel, tweet: str, labels: Sequence[str] = (), point: str = BALANCED
) -> dict[str, Any]:
    score = recorder.judge(model, tweet, (HATE_SPEECH, *labels))
    points = model.scorer.operating_points
    probability = score.probabilities[HATE_SPEECH]
    threshold = points[HATE_SPEECH][point].threshold
    answer: dict[str, Any] = {
        "is_hate_speech": probability >= threshold,
        "probability": probability,
        "threshold": threshold,
        "notes": score.notes,
    }
    if labels:
        answer["labels"] = {
            label: {
                "answer": score.probabilities[label] >= points[label][point].threshold,
                "probability": score.probabilities[label],
                "threshold": points[label][point].threshold,
            }
            for label in labels
        }
    return answer


def _add_explanations(answer: dict[str, Any], model: active_model.ActiveModel, tweet: str) -> None:
    answer["explanation"] = _explain(model, tweet, HATE_SPEECH, answer["threshold"])
    for label, one in answer.get("labels", {}).items():
        one["explanation"] = _explain(model, tweet, label, one["threshold"])


def _explain(model: active_model.ActiveModel, tweet: str, label: str, threshold: float) -> dict[str, Any]:
    explanation = explain(model.scorer, tweet, label, threshold=threshold, features=False)
    return {
        "logit": explanation.logit,
        "intercept": explanation.intercept,
        "tokens": [
            {"word": one.word, "begin": one.begin, "end": one.end, "contribution": one.value, "known": one.known}
            for one in explanation.contributions
        ],
        "part": list(explanation.part) if explanation.part else None,
        "flipped_by": explanation.flipped_by,
    }


def _judge_item(model: active_model.ActiveModel, item: Any, labels: Sequence[str], point: str) -> dict[str, Any]:
    if problem := text_problem(item):
        return {"error": {"code": "invalid", "detail": problem}}
    return _judge(model, item, labels, point)
