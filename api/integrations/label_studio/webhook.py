"""Annotations as reviews."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.response import Response

from api.integrations.label_studio.bodies import known_labels, number, numbers, part, read_questions
from api.integrations.label_studio.labelling_config import ConfigError, Question, find_text
from api.models import ApiKey, ReviewedTweet, TrainingRun
from api.reviews import intake
from api.reviews.serializers import ReviewRequestSerializer
from api.training import queue
from hate_speech_ai.labels import HATE_SPEECH

_CREATED_IN_BULK = (
    "Annotations that are made in bulk, as out of predictions, are no person's decisions: none became a review."
)
_NOT_USED = "This action changes no review."


def act(key: ApiKey, action: str, body: dict[str, Any]) -> dict[str, Any]:
    if action in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED"):
        return _review(key, body)
    if action == "ANNOTATIONS_DELETED":
        return _withdraw(key, number(body, "project"), annotations=numbers(body, "annotations"))
    if action == "TASKS_DELETED":  # with its annotations, of which nothing more is said
        return _withdraw(key, number(body, "project"), tasks=numbers(body, "tasks"))
    return {"status": "ignored", "detail": _CREATED_IN_BULK if action == "ANNOTATIONS_CREATED" else _NOT_USED}


def train_now(key: ApiKey) -> Response:
    if not key.allows(ApiKey.Scope.TRAIN):
        raise PermissionDenied("This API key does not have the scope train; the next nightly training learns as well.")
    run, _ = queue.enqueue(TrainingRun.Kind.MANUAL, requested_by=str(key))
    return Response({"status": "queued", "run": str(run.pk)})


def _review(key: ApiKey, body: dict[str, Any]) -> dict[str, Any]:
    """Store an annotation as a review, in the place of what it said before."""
    project, task, annotation = (part(body, name) for name in ("project", "task", "annotation"))
    in_project = number(body, "project")
    answers = {}
    questions = read_questions(project, "label_config", known_labels(), "project.label_config")
    if not annotation.get("was_cancelled"):
        answers = _answers(questions, annotation.get("result"))
    if HATE_SPEECH not in answers:  # skipped, undecided, or emptied
        gone = _withdraw(key, in_project, annotations=[number(body, "annotation")])
        if gone["withdrawn"] or "detail" in gone:
            return gone
        return {"status": "ignored", "detail": "It says nothing about hate speech."}
    data, field = part(task, "data", "task.data"), questions[0].field
    fields = ReviewRequestSerializer(
        data={
            "tweet": find_text(questions[0], data),
            "is_hate_speech": answers[HATE_SPEECH],
            "labels": answers,
            "external_id": f"label-studio:{in_project}/{number(body, 'task')}/{number(body, 'annotation')}",
            "reviewer": _annotator(annotation.get("completed_by")),
        }
    )
    if not fields.is_valid():
        raise serializers.ValidationError({f"task.data.{field}": fields.errors.get("tweet", fields.errors)})
    said = {name: fields.validated_data[name] for name in ("tweet", "labels", "external_id", "reviewer")}
    review, new = intake.add(**said, source=key.source, key=key)
    before = ReviewedTweet.objects.filter(key=key, external_id=said["external_id"])
    for other in before.exclude(fingerprint=review.fingerprint):  # the task had another text then
        if intake.may_withdraw(other, key):
            intake.withdraw(other, key=key, by=_by(key))
    return {"status": review.status if new else "duplicate", "id": str(review.receipt)}


def _withdraw(
    key: ApiKey, project: int, *, annotations: Iterable[int] = (), tasks: Iterable[int] = ()
) -> dict[str, Any]:
    """Withdraw this key's reviews of these annotations, and of all annotations of these tasks.

    Of a deleted annotation, Label Studio says its number and the project's, but not the task's.
    """
    rows = ReviewedTweet.objects.filter(key=key, external_id__startswith=f"label-studio:{project}/")
    gone, gone_tasks = {str(number) for number in annotations}, {str(number) for number in tasks}
    found = []
    for pk, external_id in rows.exclude(status=intake.Status.WITHDRAWN).values_list("pk", "external_id"):
        task, _, annotation = external_id.partition("/")[2].partition("/")
        if annotation in gone or task in gone_tasks:
            found.append(pk)
    theirs = [ReviewedTweet.objects.get(pk=pk) for pk in found]
    withdrawn = [row for row in theirs if intake.may_withdraw(row, key)]
    for row in withdrawn:
        intake.withdraw(row, key=key, by=_by(key))
    answer: dict[str, Any] = {"status": "withdrawn", "withdrawn": len(withdrawn)}
    if len(withdrawn) < len(theirs):
        answer["detail"] = f"{len(theirs) - len(withdrawn)} reviews that count stay: this key is not trusted any more."
    return answer


def _by(key: ApiKey) -> str:
    return f"{key} in Label Studio"


def _answers(questions: list[Question], result: Any) -> dict[str, bool]:
    """Return what the result of an annotation says about labels."""
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
    """Return a person's number in Label Studio, or their address where it says that instead."""
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return f"label-studio:{who}"[:200] if who is not None else ""
