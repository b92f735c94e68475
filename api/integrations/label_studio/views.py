"""An ML backend for Label Studio: it pre-annotates with the served model, and sends annotations back as reviews.

The requests are those of `label_studio/ml/api_connector.py` and `label_studio/webhooks` in Label Studio's source. What
it sends along to be called back with, its address and an access token, is neither used nor kept.
"""

import base64
import binascii
import hashlib
import logging
from collections.abc import Collection, Iterable
from typing import Any

import orjson
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http import idempotency
from api.http.authentication import ApiKeyAuthentication, required_key
from api.http.parsers import MAX_LINES_BODY, LargeJSONParser
from api.http.problems import ModelNotReady
from api.integrations.label_studio import labelling_config
from api.integrations.label_studio.labelling_config import ConfigError, Question
from api.models import ApiKey, ReviewedTweet, TrainingRun
from api.prediction import active_model
from api.reviews import intake
from api.serializers import FIRST_STATUSES, MAX_BATCH, ReviewRequest, kind_of, text_problem
from api.training import queue
from hate_speech_ai.labels import HATE_SPEECH, LABELS
from hate_speech_ai.scorer import EMPTY

logger = logging.getLogger(__name__)

_CREATED_IN_BULK = (
    "Annotations that are made in bulk, as out of predictions, are no person's decisions: none became a review."
)
_NOT_USED = "This action changes no review."


class BasicAuthentication(ApiKeyAuthentication):
    """The key as the password of basic authentication, with any user name, as Label Studio sends it to ML backends.

    A webhook's own header, `Authorization: Api-Key hs_...`, will do as well.
    """

    def credential(self, request: Request) -> str | None:
        scheme, _, encoded = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"basic":
            return super().credential(request)
        try:
            _, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
        except binascii.Error:
            colon = b""
        if not colon:
            raise AuthenticationFailed("Send the key as the password of basic authentication, with any user name.")
        return password.decode("ascii", errors="replace")

    def authenticate_header(self, request: Request) -> str:
        return "Basic"


class Parser(LargeJSONParser):
    """Tasks come with all their data, a hundred at a time."""

    limit = MAX_LINES_BODY


class Backend(APIView):
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


class Health(APIView):
    authentication_classes = ()

    @extend_schema(summary="Whether Label Studio can connect", responses={200: {"type": "object"}})
    def get(self, request: Request) -> Response:
        return Response({"status": "UP", "model_version": active_model.get().name})


class Setup(Backend):
    scope = ApiKey.Scope.PREDICT
    public = True

    @extend_schema(
        summary="Whether a project of Label Studio asks what the model answers",
        request={"application/json": {"type": "object", "properties": {"schema": {"type": "string"}}}},
        responses={200: _VERSION},
    )
    def post(self, request: Request) -> Response:
        model = active_model.get()
        try:
            _questions(_fields(request.data), "schema", model.scorer.labels)
        except serializers.ValidationError as error:
            # Label Studio shows its users that it failed, and not why.
            logger.warning("Label Studio's project is refused: %s", error.detail)
            raise
        return Response({"model_version": model.name})


class Predict(Backend):
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
        body, model = _fields(request.data), active_model.get()
        questions = _questions(body, "label_config", model.scorer.labels)
        tasks = body.get("tasks")
        if not isinstance(tasks, list) or len(tasks) > MAX_BATCH:
            raise serializers.ValidationError({"tasks": [f"This must be a list of at most {MAX_BATCH:,} tasks."]})
        return Response({"results": [_annotate(model, questions, task) for task in tasks], "model_version": model.name})


class Webhook(Backend):
    scope = ApiKey.Scope.REVIEW

    @extend_schema(
        summary="Take annotations of Label Studio as reviews, and back",
        request={"application/json": {"type": "object", "properties": {"action": {"type": "string"}}}},
        responses={200: _STATUS},
    )
    def post(self, request: Request) -> Response:
        key, body = required_key(request), _fields(request.data)
        action = body.get("action")
        if action == "START_TRAINING":
            return _train(key)
        # A webhook that comes twice is the same to the last byte; what it says of an annotation may be past by then.
        try:
            name = f"label-studio:{hashlib.sha256(orjson.dumps(body)).hexdigest()}"
        except orjson.JSONEncodeError:  # it reads deeper nesting than it writes
            raise serializers.ValidationError({"body": ["This is nested too deeply."]}) from None
        return idempotency.once(request, key, lambda: Response(_act(key, action, body)), name=name)


def _act(key: ApiKey, action: Any, body: dict[str, Any]) -> dict[str, Any]:
    if action in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED"):
        return _review(key, body)
    if action == "ANNOTATIONS_DELETED":
        return _withdrawn(_withdraw(key, _id(body, "project"), annotations=_ids(body, "annotations")))
    if action == "TASKS_DELETED":  # with its annotations, of which nothing more is said
        return _withdrawn(_withdraw(key, _id(body, "project"), tasks=_ids(body, "tasks")))
    return {"status": "ignored", "detail": _CREATED_IN_BULK if action == "ANNOTATIONS_CREATED" else _NOT_USED}


def _train(key: ApiKey) -> Response:
    if not key.allows(ApiKey.Scope.TRAIN):
        raise PermissionDenied("This API key does not have the scope train; the next nightly training learns as well.")
    run, _ = queue.enqueue(TrainingRun.Kind.MANUAL, requested_by=str(key))
    return Response({"status": "queued", "run": str(run.pk)})


def _annotate(model: active_model.ActiveModel, questions: list[Question], task: Any) -> dict[str, Any]:
    """A prediction as Label Studio stores it: without a result, where there is no text to read."""
    nothing = {"result": [], "score": 0.0, "model_version": model.name}
    data = task.get("data") if isinstance(task, dict) else None
    field = questions[0].field
    text = data.get(field) if isinstance(data, dict) else None
    if problem := text_problem(text):
        return nothing | {"error": f"data.{field}: {problem}"}
    labels = list(dict.fromkeys([HATE_SPEECH, *(label for question in questions for label in question.labels)]))
    score = model.scorer.score(str(text), labels)
    if EMPTY in score.notes:
        return nothing | {"error": f"data.{field}: there is no word in it."}
    result = []
    for question in questions:
        if chosen := question.choose(score.probabilities, model.scorer.thresholds):
            value = {"choices": chosen}
            result.append({"from_name": question.name, "to_name": question.to_name, "type": "choices", "value": value})
    probability = score.probabilities[HATE_SPEECH]
    said = probability >= model.scorer.thresholds[HATE_SPEECH]
    # How sure the answer about hate speech is: tasks sorted by it begin with those that a person should see first.
    return nothing | {"result": result, "score": probability if said else 1 - probability}


def _review(key: ApiKey, body: dict[str, Any]) -> dict[str, Any]:
    """Store an annotation as a review, in the place of what it said before."""
    project, task, annotation = (_part(body, name) for name in ("project", "task", "annotation"))
    number = _id(body, "project")
    answers = {}
    questions = _questions(project, "label_config", _labels(), "project.label_config")
    if not annotation.get("was_cancelled"):
        answers = _answers(questions, annotation.get("result"))
    if HATE_SPEECH not in answers:  # skipped, undecided, or emptied
        gone = _withdraw(key, number, annotations=[_id(body, "annotation")])
        return _withdrawn(gone) if gone else {"status": "ignored", "detail": "It says nothing about hate speech."}
    data, field = _part(task, "data", "task.data"), questions[0].field
    fields = ReviewRequest(
        data={
            "tweet": data.get(field),
            "is_hate_speech": answers[HATE_SPEECH],
            "labels": answers,
            "external_id": f"label-studio:{number}/{_id(body, 'task')}/{_id(body, 'annotation')}",
            "reviewer": _annotator(annotation.get("completed_by")),
        }
    )
    if not fields.is_valid():
        raise serializers.ValidationError({f"task.data.{field}": fields.errors.get("tweet", fields.errors)})
    said = {name: fields.validated_data[name] for name in ("tweet", "labels", "external_id", "reviewer")}
    review, new = intake.add(**said, source=f"key:{key.pk}", key=key)
    before = ReviewedTweet.objects.filter(key=key, external_id=said["external_id"])
    for other in before.exclude(fingerprint=review.fingerprint):  # the task had another text then
        intake.withdraw(other, by=_by(key))
    return {"status": review.status if new else "duplicate", "id": str(review.receipt)}


def _withdraw(key: ApiKey, project: int, *, annotations: Iterable[int] = (), tasks: Iterable[int] = ()) -> int:
    """Withdraw this key's reviews of these annotations, and of all annotations of these tasks; how many those were.

    Of a deleted annotation, Label Studio says its number and the project's, but not the task's.
    """
    rows = ReviewedTweet.objects.filter(key=key, external_id__startswith=f"label-studio:{project}/")
    gone, gone_tasks = {str(number) for number in annotations}, {str(number) for number in tasks}
    found = []
    for pk, external_id in rows.exclude(status=intake.Status.WITHDRAWN).values_list("pk", "external_id"):
        task, _, annotation = external_id.partition("/")[2].partition("/")
        if annotation in gone or task in gone_tasks:
            found.append(pk)
    for pk in found:
        intake.withdraw(ReviewedTweet.objects.get(pk=pk), by=_by(key))
    return len(found)


def _withdrawn(number: int) -> dict[str, Any]:
    return {"status": "withdrawn", "withdrawn": number}


def _by(key: ApiKey) -> str:
    return f"{key} in Label Studio"


def _answers(questions: list[Question], result: Any) -> dict[str, bool]:
    """What the result of an annotation says about labels."""
    chosen: dict[str, list[str]] = {}
    for one in result if isinstance(result, list) else []:
        value = one.get("value") if isinstance(one, dict) else None
        choices = value.get("choices") if isinstance(value, dict) else None
        if isinstance(choices, list):
            chosen.setdefault(str(one.get("from_name")), []).extend(map(str, choices))
    answers: dict[str, bool] = {}
    try:
        for question in questions:
            answers |= question.answers(chosen.get(question.name, []))
    except ConfigError as error:
        raise serializers.ValidationError({"annotation.result": [f"{error}."]}) from None
    return answers


def _annotator(who: Any) -> str:
    """A person's number in Label Studio, or their address where it says that instead."""
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return f"label-studio:{who}"[:200] if who is not None else ""


def _labels() -> Collection[str]:
    """Those that a model answers; a review is taken without one, too."""
    try:
        return active_model.get().scorer.labels
    except ModelNotReady:
        return LABELS


def _questions(body: dict[str, Any], field: str, known: Collection[str], name: str = "") -> list[Question]:
    config = body.get(field)
    if problem := text_problem(config):
        raise serializers.ValidationError({name or field: [problem]})
    try:
        return labelling_config.read(str(config), known)
    except ConfigError as error:
        raise serializers.ValidationError({name or field: [str(error)]}) from None


def _fields(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise serializers.ValidationError({"body": [f"This must be an object, not {kind_of(body)}."]})
    return body


def _part(body: dict[str, Any], field: str, name: str = "") -> dict[str, Any]:
    part = body.get(field)
    if not isinstance(part, dict):
        hint = " Turn on 'Send payload' in the webhook's settings." if part is None else ""
        raise serializers.ValidationError({name or field: [f"This must be an object, not {kind_of(part)}.{hint}"]})
    return part


def _id(body: dict[str, Any], field: str) -> int:
    return _number(_part(body, field), field)


def _ids(body: dict[str, Any], field: str) -> list[int]:
    items = body.get(field)
    if not isinstance(items, list):
        raise serializers.ValidationError({field: [f"This must be a list, not {kind_of(items)}."]})
    return [_number(item, field) for item in items]


def _number(item: Any, field: str) -> int:
    number = item.get("id") if isinstance(item, dict) else None
    if isinstance(number, bool) or not isinstance(number, int):
        raise serializers.ValidationError({f"{field}.id": [f"This must be a number, not {kind_of(number)}."]})
    return number
