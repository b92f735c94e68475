"""The ML backend for Label Studio, under /label-studio/: the conformance table of docs/label-studio.md.

The requests have the shape that Label Studio's source gives them: `MLApi` in `label_studio/ml/api_connector.py` (with
`extra_params` in setup, as since basic authentication for backends) and `WebhookAction.ACTIONS` in
`label_studio/webhooks/models.py` (an annotation comes with its task and project, a deletion with numbers only); the
values are those of the examples in its `docs/source/guide/webhook_reference.md`.
"""

import base64
import json
from itertools import pairwise
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import DjangoAssertNumQueries, Settings

from api.integrations.label_studio import labelling_config
from api.integrations.label_studio.labelling_config import ConfigError
from api.integrations.label_studio.meaning import meaning
from api.keys import trust
from api.models import ApiKey, IdempotentAnswer, ModelVersion, ReviewedTweet, TrainingRun
from hate_speech_ai.labels import LABELS
from hate_speech_ai.text import fingerprint, is_held_out
from tests.conformance import Table
from tests.conftest import AsKey, JSONClient, MakeKey

TABLE = Table("label-studio.md")
case = TABLE.case
HATE = "all muslims are vermin and should be deported"
KIND = "thank you for the lovely birthday cake"


def config(*choices: str, kind: str = "single", name: str = "label") -> str:
    """A project's labelling configuration, with Label Studio's usual furniture."""
    inner = "".join(f'<Choice value="{choice}"/>' for choice in choices)
    return (
        '<View>\n  <Header value="Please read the passage"/>\n  <Text name="text" value="$tweet" granularity="word"/>\n'
        f'  <Choices name="{name}" toName="text" choice="{kind}" showInLine="true">{inner}</Choices>\n'
        '</View><!-- {"data": {"tweet": "an example"}} -->'
    )


TWO = config("Hate speech", "Not hate speech")


def setup(schema: str = TWO) -> dict[str, Any]:
    return {
        "project": "2.1629208174",
        "schema": schema,
        "hostname": "http://localhost:8080",
        "access_token": "9105a1d897e52286",
        "extra_params": None,
    }


def predict(*tweets: Any, schema: str = TWO) -> dict[str, Any]:
    return {
        "tasks": [
            {
                "id": number,
                "data": {"tweet": tweet},
                "meta": {},
                "created_at": "2021-08-17T13:51:02.590839Z",
                "updated_at": "2021-08-17T13:51:02.590873Z",
                "is_labeled": False,
                "overlap": 1,
                "inner_id": number,
                "total_annotations": 0,
                "cancelled_annotations": 0,
                "total_predictions": 0,
                "comment_count": 0,
                "unresolved_comment_count": 0,
                "last_comment_updated_at": None,
                "project": 2,
                "updated_by": None,
                "file_upload": 46,
                "comment_authors": [],
            }
            for number, tweet in enumerate(tweets, start=21)
        ],
        "project": "2.1629208174",
        "label_config": schema,
        "params": {"login": None, "password": None, "context": None},
    }


def webhook(action: str, *, schema: str = TWO, finished: int = 3, **more: Any) -> dict[str, Any]:
    project = {
        "id": 2,
        "title": "New Project #2",
        "description": "",
        "label_config": schema,
        "task_number": 5,
        "finished_task_number": finished,
        "model_version": "",
        "created_at": "2021-08-17T13:49:34.326416Z",
        "updated_at": "2021-08-17T13:52:09.334425Z",
        "organization": 1,
        "created_by": 1,
    }
    return {"action": action, **more, "project": project}


def annotation(
    *chosen: str,
    action: str = "ANNOTATION_CREATED",
    number: int = 17,
    task: int = 19,
    tweet: Any = HATE,
    at: str = "2021-08-17T13:52:48.536370Z",
    cancelled: bool = False,
    schema: str = TWO,
    name: str = "label",
) -> dict[str, Any]:
    """An annotator's choices; without one, an annotation without a result."""
    result = {
        "value": {"choices": list(chosen)},
        "id": "WArqkkifYE",
        "from_name": name,
        "to_name": "text",
        "type": "choices",
        "origin": "manual",
    }
    return webhook(
        action,
        schema=schema,
        annotation={
            "id": number,
            "result": [result] if chosen else [],
            "was_cancelled": cancelled,
            "ground_truth": False,
            "created_at": "2021-08-17T13:52:48.536303Z",
            "updated_at": at,
            "lead_time": 37.13,
            "prediction": {},
            "result_count": 0,
            "unique_id": "5b2c1a0e-6a83-4c0d-9a0e-8ff4c2b1f0ad",
            "task": task,
            "project": 2,
            "completed_by": 1,
            "updated_by": 1,
            "parent_prediction": None,
            "parent_annotation": None,
        },
        task={"id": task, "data": {"tweet": tweet}, "meta": {}, "is_labeled": True, "overlap": 1, "project": 2},
    )


def deleted(*numbers: int) -> dict[str, Any]:
    return webhook("ANNOTATIONS_DELETED", annotations=[{"id": number} for number in numbers])


def post(client: JSONClient, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post("/label-studio/webhook", body)
    assert response.status_code == 200, response.content
    return dict(response.json())


def statuses() -> list[tuple[str, bool, str]]:
    rows = ReviewedTweet.objects.order_by("pk")
    return [(row.external_id, row.labels["hate_speech"], row.status) for row in rows]


def errors_of(response: Any) -> dict[str, list[str]]:
    assert problem_of(response, 400) == "invalid"
    return dict(response.json()["errors"])


def problem_of(response: Any, status: int) -> str:
    """The code of a problem."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert (int(response.get("Retry-After", 0)) > 0) == (status in (429, 503))
    return str(response.json()["code"])


def test_every_row_has_a_test_and_every_case_a_row() -> None:
    TABLE.check()


# Connecting.


@case("GET /health")
@case("POST /setup")
@case("schema")
def test_it_connects(client: JSONClient, served: ModelVersion) -> None:
    health = client.get("/label-studio/health")
    answer = client.post("/label-studio/setup", setup())

    assert health.json() == {"status": "UP", "model_version": f"hate-speech-{served.pk}"}
    assert answer.json() == {"model_version": f"hate-speech-{served.pk}"}


@case("POST /setup")
@case("schema")
@case("invalid")
@case("a choice whose meaning is not clear", "refused")
@case("no question about hate speech", "refused")
@case(
    "a DTD, more than 50 Choices, 100 choices or 262,144 characters, or more than 4,000 in names and choices", "refused"
)
@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ("", "not XML"),
        ("<View>", "not XML"),
        ("<View></View>", "does not ask for hate speech"),
        (config("Positive", "Negative"), "does not ask for hate speech"),
        (config("Threat", "No threat"), "does not ask for hate speech"),
        (config("Hate speech", "Haet speech", "Sarcasm"), "'Haet speech', 'Sarcasm'"),
        (TWO.replace("$tweet", "tweet"), "does not ask for hate speech"),
        (TWO.replace('toName="text"', 'toName="image"'), "does not ask for hate speech"),
        ('<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><View>&a;</View>', "not XML"),
        ("<!DOCTYPE View>" + TWO, "not XML"),
        (config(*(f"hate{'-' * number}speech" for number in range(1, 103))), "more than 100 choices"),
        (TWO + " " * 300_000, "at most 262,144"),
        (TWO.replace("</View>", "<Choices/>" * 50 + "</View>"), "more than 50 Choices"),
        (config(f"Hate{'-' * 4_000}speech", "Not hate speech"), "more than 4,000 characters"),
        (config("Hate speech", name="n" * 4_000), "more than 4,000 characters"),
        (TWO.replace("$tweet", f"$tweet{'.a' * 2_000}"), "more than 4,000 characters"),
        (None, "must be a string"),
    ],
)
def test_a_project_that_asks_something_else_is_refused(
    client: JSONClient, served: ModelVersion, schema: Any, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    errors = errors_of(client.post("/label-studio/setup", setup(schema)))

    assert says in errors["schema"][0]
    assert says in caplog.text  # Label Studio does not show what was wrong


def test_a_billion_laughs_are_not_laughed(client: JSONClient, served: ModelVersion) -> None:
    names = [f"l{number}" for number in range(10)]
    entities = "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(names))
    bomb = f'<!DOCTYPE l [<!ENTITY l0 "lol">{entities}]><View>&l9;</View>'

    assert "not XML" in errors_of(client.post("/label-studio/setup", setup(bomb)))["schema"][0]


@case("GET /health")
@case("model_not_ready")
def test_without_a_model_it_is_not_up(client: JSONClient, db: None) -> None:
    for response in (
        client.get("/label-studio/health"),
        client.post("/label-studio/setup", setup()),
        client.post("/label-studio/predict", predict(HATE)),
    ):
        assert problem_of(response, 503) == "model_not_ready"


@case("/train, /versions, /validate, /job_status, /delete, ...", "refused")
@case("not_found")
@pytest.mark.parametrize("path", ["train", "versions", "validate", "job_status", "delete", "duplicate_model", ""])
def test_other_paths(client: JSONClient, served: ModelVersion, path: str) -> None:
    assert problem_of(client.post(f"/label-studio/{path}", {}), 404) == "not_found"


@case("method_not_allowed")
@case("parse_error")
@case("unsupported_media_type")
@case("body_too_large")
@pytest.mark.parametrize("path", ["setup", "predict", "webhook"])
def test_what_is_no_request(as_key: AsKey, served: ModelVersion, path: str) -> None:
    client, path = as_key("predict", "review"), f"/label-studio/{path}"
    most = 16 * 1024 * 1024

    assert problem_of(client.get(path), 405) == "method_not_allowed"
    assert problem_of(client.post(path, b"{"), 400) == "parse_error"
    assert problem_of(client.request("POST", path, "text/plain", b"{}"), 415) == "unsupported_media_type"
    assert problem_of(client.post(path, b"{}".ljust(most + 1)), 413) == "body_too_large"
    assert client.post(path, b"{}".ljust(most)).status_code in (200, 400)


@pytest.mark.parametrize("path", ["setup", "predict"])
def test_without_a_key_a_body_is_no_larger_than_others(client: JSONClient, served: ModelVersion, path: str) -> None:
    most = 1024 * 1024

    assert problem_of(client.post(f"/label-studio/{path}", b"{}".ljust(most + 1)), 413) == "body_too_large"
    assert client.post(f"/label-studio/{path}", b"{}".ljust(most)).status_code in (200, 400)


@case("too_many_requests")
def test_limits(as_key: AsKey, served: ModelVersion) -> None:
    client = as_key("predict", limit="1/day")
    answers = [client.post("/label-studio/predict", predict(HATE)) for _ in range(3)]  # a day may have begun

    assert problem_of(answers[2], 429) == "too_many_requests"


@case("server_error")
def test_500_says_nothing_about_the_cause(
    client: JSONClient, served: ModelVersion, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr("api.integrations.label_studio.views.annotate", fail)
    response = client.post("/label-studio/predict", predict(HATE))

    assert problem_of(response, 500) == "server_error"
    assert b"inner secret" not in response.content
    assert "the inner secret" in caplog.text


@case("database_unavailable")
@pytest.mark.django_db(transaction=True)
def test_without_the_database_nothing_is_stored_and_said_so(as_key: AsKey) -> None:
    def silence(execute: Any, sql: str, *rest: Any) -> Any:
        if "reviewedtweet" in sql:
            raise OperationalError("the database does not answer")
        return execute(sql, *rest)

    client = as_key("review")
    with connection.execute_wrapper(silence):
        response = client.post("/label-studio/webhook", annotation("Hate speech"))

    assert problem_of(response, 503) == "database_unavailable"
    assert not IdempotentAnswer.objects.exists()  # so that it can be sent again


# Keys.


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{key}".encode()).decode()


@case("basic authentication")
@case("Authorization: Api-Key", "added")
@case("not_authenticated")
@case("authentication_failed")
@case("POST /setup")
@case("POST /predict")
@case("POST /webhook")
def test_the_key_is_the_password(
    client: JSONClient, served: ModelVersion, make_key: MakeKey, settings: Settings
) -> None:
    settings.PUBLIC_PREDICT = False
    key = make_key("predict", "review")

    for path, body in (("setup", setup()), ("predict", predict(HATE)), ("webhook", annotation("Hate speech"))):
        assert problem_of(client.post(f"/label-studio/{path}", body), 401) == "not_authenticated"
        assert client.post(f"/label-studio/{path}", body, Authorization=basic(key)).status_code == 200
        assert client.post(f"/label-studio/{path}", body, Authorization=f"Api-Key {key}").status_code == 200
        wrong = client.post(f"/label-studio/{path}", body, Authorization=basic("hs_wrong"))
        assert problem_of(wrong, 401) == "authentication_failed"
    assert client.get("/label-studio/health").status_code == 200


@case("no key")
def test_no_key(client: JSONClient, served: ModelVersion) -> None:
    assert client.post("/label-studio/setup", setup()).status_code == 200
    assert client.post("/label-studio/predict", predict(HATE)).status_code == 200
    assert client.post("/label-studio/webhook", annotation("Hate speech")).status_code == 401


@case("authentication_failed")
@pytest.mark.parametrize("header", ["Basic", "Basic %%%", "Basic bm9jb2xvbg==", "Basic é"])
def test_basic_authentication_that_is_none(client: JSONClient, served: ModelVersion, header: str) -> None:
    response = client.post("/label-studio/predict", predict(HATE), Authorization=header)

    assert problem_of(response, 401) == "authentication_failed"
    assert "password" in response.json()["detail"]


@case("permission_denied")
@case("POST /setup")
@case("POST /predict")
@case("POST /webhook")
def test_scopes(as_key: AsKey, served: ModelVersion, settings: Settings) -> None:
    settings.PUBLIC_PREDICT = False
    predicts, reviews = as_key("predict"), as_key("review")

    assert problem_of(predicts.post("/label-studio/webhook", annotation("Hate speech")), 403) == "permission_denied"
    assert problem_of(reviews.post("/label-studio/setup", setup()), 403) == "permission_denied"
    assert problem_of(reviews.post("/label-studio/predict", predict(HATE)), 403) == "permission_denied"


@case("project, hostname, access_token, extra_params, ...", "ignored")
@case("project, params, ...", "ignored")
def test_other_fields_change_nothing(client: JSONClient, served: ModelVersion) -> None:
    for path, body, used in (
        ("setup", setup(), ["schema"]),
        ("predict", predict(HATE, KIND), ["tasks", "label_config"]),
    ):
        bare = {name: body[name] for name in used}
        answers = [client.post(f"/label-studio/{path}", one) for one in (body, bare, body | {"new": {"field": 1}})]

        assert [answer.status_code for answer in answers] == [200] * 3
        assert answers[0].json() == answers[1].json() == answers[2].json()


# Pre-annotating.


@case("tasks")
@case("label_config")
@case("results")
@case("results.*.result")
@case("results.*.score")
@case("results.*.model_version")
@case("model_version")
@case("results.*.cluster, neighbors, mislabeling", "ignored")
@case('<Text name value="$field">')
@case("<Choices name toName choice>")
def test_it_annotates(client: JSONClient, served: ModelVersion) -> None:
    answer = client.post("/label-studio/predict", predict(HATE, KIND)).json()

    ours = [client.post("/predict", {"tweet": tweet}).json()["probability"] for tweet in (HATE, KIND)]
    name = f"hate-speech-{served.pk}"
    assert answer["model_version"] == name
    assert answer["results"] == [
        {
            "result": [
                {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [choice]}},
            ],
            "score": score,
            "model_version": name,
        }
        for choice, score in (("Hate speech", ours[0]), ("Not hate speech", 1 - ours[1]))
    ]


@case("<Choices name toName choice>")
@case("results.*.result")
def test_several_choices(client: JSONClient, served: ModelVersion) -> None:
    schema = config("Hate speech", "threat", "IDENTITY HATE", "None of the above", kind="multiple")

    answer = client.post("/label-studio/predict", predict(HATE, KIND, schema=schema)).json()

    chosen = [one["result"][0]["value"]["choices"] for one in answer["results"]]
    asked = {"tweet": HATE, "labels": ["threat", "identity_hate"]}
    labels = client.post("/predict", asked).json()["labels"]
    expected = ["Hate speech"]
    expected += [
        name for name, label in (("threat", "threat"), ("IDENTITY HATE", "identity_hate")) if labels[label]["answer"]
    ]
    assert chosen == [expected, ["None of the above"]]


@case("results.*.error", "added")
@case("results.*.score")
@case("results")
@pytest.mark.parametrize("tweet", ["", "   ", "!!!", None, 7, ["a"], "nul \0"])
def test_a_task_without_a_text_gets_no_annotation(client: JSONClient, served: ModelVersion, tweet: Any) -> None:
    results = client.post("/label-studio/predict", predict(HATE, tweet, KIND)).json()["results"]

    assert [len(one["result"]) for one in results] == [1, 0, 1]
    assert "data.tweet" in results[1]["error"]
    assert results[1]["score"] == 0
    assert "error" not in results[0]


@case("tasks")
@case("invalid")
def test_many_tasks_with_much_data(as_key: AsKey, served: ModelVersion) -> None:
    client = as_key("predict")
    body = predict(*[KIND] * 1_000)
    for task in body["tasks"]:
        task["data"]["page"] = "x" * 4_000

    assert len(client.post("/label-studio/predict", body).json()["results"]) == 1_000
    assert "tasks" in errors_of(client.post("/label-studio/predict", predict(*[KIND] * 1_001)))


@case("tasks with more than 300,000 characters", "refused")
@case("tasks")
def test_the_texts_of_all_tasks_are_counted_before_any_is_read(
    client: JSONClient, served: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []

    def annotate(*arguments: Any) -> dict[str, Any]:
        read.append(arguments[2])
        return {}

    monkeypatch.setattr("api.integrations.label_studio.views.annotate", annotate)
    long, short = "have a nice day " * 400, "x"

    assert client.post("/label-studio/predict", predict(*[long] * 60, None)).status_code == 200
    assert len(read) == 61

    errors = errors_of(client.post("/label-studio/predict", predict(*[long] * 60, short)))
    assert errors["tasks"] == [
        "The texts have 300,001 characters; at most 300,000 are read for one request. Send fewer tasks at once."
    ]
    assert len(read) == 61


@case("label_config")
@case("invalid")
@pytest.mark.parametrize(
    ("field", "value"), [("tasks", None), ("tasks", {}), ("label_config", None), ("label_config", 7)]
)
def test_it_refuses(client: JSONClient, served: ModelVersion, field: str, value: Any) -> None:
    assert list(errors_of(client.post("/label-studio/predict", {**predict(HATE), field: value}))) == [field]
    assert client.post("/label-studio/predict", [1]).status_code == 400


def test_annotating_needs_no_database(
    client: JSONClient, served: ModelVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        client.post("/label-studio/predict", predict(HATE))


# Annotations become reviews.


@case("ANNOTATION_CREATED")
@case("project.id, task.id, annotation.id")
@case("project.label_config")
@case("task.data")
@case("annotation.result")
@case("annotation.completed_by")
@case("status", "added")
@case("id", "added")
def test_an_annotation_is_a_review(as_key: AsKey, served: ModelVersion) -> None:
    client = as_key("review")

    answer = post(client, annotation("Not hate speech"))

    assert answer["status"] == "pending"
    receipt = client.get(f"/reviewed-tweets/{answer['id']}").json()
    assert receipt["tweet"] == HATE
    assert receipt["labels"] == {"hate_speech": False}
    assert (receipt["external_id"], receipt["reviewer"]) == ("label-studio:2/19/17", "label-studio:1")
    assert receipt["probability_before"] is not None


def test_an_annotation_of_a_key_that_is_not_trusted_says_that_it_waits(as_key: AsKey, served: ModelVersion) -> None:
    client = as_key("review", trust="quarantined")

    answer = post(client, annotation("Hate speech"))

    assert answer["status"] == client.get(f"/reviewed-tweets/{answer['id']}").json()["status"] == "quarantined"


@case("ANNOTATION_UPDATED")
def test_a_changed_annotation_takes_its_place(as_key: AsKey, served: ModelVersion) -> None:
    client = as_key("review")
    post(client, annotation("Hate speech"))

    later = annotation("Not hate speech", action="ANNOTATION_UPDATED", at="2021-08-17T14:00:00.000000Z")
    assert post(client, later)["status"] == "pending"

    name = "label-studio:2/19/17"
    first = ReviewedTweet.objects.earliest("pk").status
    assert statuses() == [(name, True, "superseded"), (name, False, ReviewedTweet.objects.latest("pk").status)]
    assert first == "superseded"


@case("ANNOTATION_UPDATED")
@case("task.data")
def test_a_changed_task_takes_its_place_too(as_key: AsKey, served: ModelVersion) -> None:
    client = as_key("review")
    post(client, annotation("Hate speech"))

    post(client, annotation("Not hate speech", action="ANNOTATION_UPDATED", tweet=KIND))

    (_, _, before), (_, _, after) = statuses()
    assert before == "withdrawn"
    assert after in ("pending", "held_out")


@case("the same webhook again")
def test_a_webhook_that_comes_twice_counts_once(as_key: AsKey, served: ModelVersion) -> None:
    client = as_key("review")
    created, updated = annotation("Hate speech"), annotation("Not hate speech", action="ANNOTATION_UPDATED", at="later")

    answers = [post(client, body) for body in (created, updated, created, updated, created)]

    # The old one again is no new change of mind.
    assert [answer["id"] for answer in answers] == [answers[number]["id"] for number in (0, 1, 0, 1, 0)]
    assert [answer for _, answer, _ in statuses()] == [True, False]
    post(client, deleted(17))
    post(client, deleted(17))
    post(client, created)
    assert [status for _, _, status in statuses()][-1] == "withdrawn"
    assert ReviewedTweet.objects.count() == 2


@case("ANNOTATIONS_DELETED")
@case("project.id, task.id, annotation.id")
@case("withdrawn", "added")
def test_a_deleted_annotation_is_withdrawn(as_key: AsKey, served: ModelVersion) -> None:
    client, other = as_key("review"), as_key("review")
    for number, tweet in ((17, HATE), (18, KIND), (117, "see you at the match")):
        post(client, annotation("Hate speech", number=number, task=number + 2, tweet=tweet))
    post(other, annotation("Hate speech", tweet=HATE))

    assert post(client, deleted(17, 99)) == {"status": "withdrawn", "withdrawn": 1}

    gone = ReviewedTweet.objects.filter(status="withdrawn")
    assert [row.external_id for row in gone] == ["label-studio:2/19/17"]
    assert "Label Studio" in gone.get().events.latest("pk").reason


def test_a_key_that_lost_our_trust_deletes_nothing_that_counts(as_key: AsKey, served: ModelVersion) -> None:
    client = as_key("review")
    post(client, annotation("Hate speech", number=17, task=19))
    ReviewedTweet.objects.update(status="trained")
    trust.quarantine(ApiKey.objects.get(), by="ann", reason="odd")

    answers = [post(client, deleted(17)), post(client, annotation(action="ANNOTATION_UPDATED"))]

    stays = {
        "status": "withdrawn",
        "withdrawn": 0,
        "detail": "1 reviews that count stay: this key is not trusted any more.",
    }
    assert answers == [stays, stays]
    assert [status for _, _, status in statuses()] == ["trained"]


@case("TASKS_DELETED")
@case("withdrawn", "added")
def test_a_deleted_task_takes_its_annotations_along(as_key: AsKey, served: ModelVersion) -> None:
    client = as_key("review")
    post(client, annotation("Hate speech", number=17, task=19))
    post(client, annotation("Hate speech", number=18, task=20, tweet=KIND))
    post(client, annotation("Hate speech", number=19, task=21, tweet="see you at the match"))

    answer = post(client, webhook("TASKS_DELETED", tasks=[{"id": 19}, {"id": 20}]))

    assert answer == {"status": "withdrawn", "withdrawn": 2}
    assert [status == "withdrawn" for _, _, status in statuses()] == [True, True, False]


@case("annotation.result")
@case("annotation.was_cancelled")
@pytest.mark.parametrize(
    "emptied",
    [
        annotation(action="ANNOTATION_UPDATED"),
        annotation("Hate speech", action="ANNOTATION_UPDATED", cancelled=True),
    ],
)
def test_an_emptied_annotation_is_withdrawn(as_key: AsKey, served: ModelVersion, emptied: dict[str, Any]) -> None:
    client = as_key("review")
    post(client, annotation("Hate speech"))

    assert post(client, emptied) == {"status": "withdrawn", "withdrawn": 1}


@case("annotation.was_cancelled")
@case("detail", "added")
def test_a_skipped_task_says_nothing(as_key: AsKey, served: ModelVersion) -> None:
    answer = post(as_key("review"), annotation("Hate speech", cancelled=True))

    assert answer == {"status": "ignored", "detail": "It says nothing about hate speech."}
    assert not ReviewedTweet.objects.exists()


@case("ANNOTATIONS_CREATED", "ignored")
@case("detail", "added")
def test_predictions_that_are_made_annotations_are_no_reviews(as_key: AsKey, served: ModelVersion) -> None:
    one = annotation("Hate speech")
    bulk = webhook("ANNOTATIONS_CREATED", annotation=[one["annotation"]], task=[one["task"]])

    answer = post(as_key("review"), bulk)

    assert answer["status"] == "ignored"
    assert "no person's decisions" in answer["detail"]
    assert not ReviewedTweet.objects.exists()


@case("PROJECT_UPDATED, TASKS_CREATED, ...", "ignored")
@pytest.mark.parametrize("action", ["PROJECT_UPDATED", "TASKS_CREATED", "LABEL_LINK_CREATED", "NEW"])
def test_other_actions_change_nothing(as_key: AsKey, served: ModelVersion, action: str) -> None:
    assert post(as_key("review"), webhook(action))["status"] == "ignored"


@case("annotation.result")
@case("project.label_config")
def test_several_labels_at_once(as_key: AsKey, served: ModelVersion) -> None:
    schema = config("Hate speech", "Threat", "Insult", "Neither", "Unsure", kind="multiple")
    client = as_key("review")

    for number, chosen in enumerate((["Hate speech", "Threat"], ["Neither"], ["Unsure"])):
        post(client, annotation(*chosen, number=number, tweet=f"{HATE} {number}", schema=schema))

    assert [row.labels for row in ReviewedTweet.objects.order_by("pk")] == [
        {"hate_speech": True, "threat": True, "insult": False},
        {"hate_speech": False, "threat": False, "insult": False},
    ]


@case("status", "added")
def test_the_status_is_that_of_the_review(as_key: AsKey, served: ModelVersion) -> None:
    held_out = next(text for text in (f"the train is number {n}" for n in range(99)) if is_held_out(fingerprint(text)))
    trusted, new = as_key("review"), as_key("review", trust=ApiKey.Trust.QUARANTINED)

    assert post(trusted, annotation("Not hate speech", number=1, tweet=held_out))["status"] == "held_out"
    assert post(trusted, annotation("Not hate speech", number=2, tweet=held_out))["status"] == "duplicate"
    assert post(new, annotation("Not hate speech", number=3))["status"] == "quarantined"


@case("annotation.completed_by")
@pytest.mark.parametrize(
    ("who", "reviewer"),
    [(7, "label-studio:7"), ({"id": 7, "email": "ann@example.org"}, "label-studio:ann@example.org"), (None, "")],
)
def test_who_annotated(as_key: AsKey, served: ModelVersion, who: Any, reviewer: str) -> None:
    body = annotation("Hate speech")
    body["annotation"]["completed_by"] = who

    post(as_key("review"), body)

    assert ReviewedTweet.objects.get().reviewer == reviewer


@case("annotation.lead_time, ground_truth, prediction, ...", "ignored")
def test_other_fields_of_an_annotation_change_nothing(as_key: AsKey, served: ModelVersion) -> None:
    client, body = as_key("review"), annotation("Hate speech")
    kept = {"id", "result", "completed_by"}
    bare = {name: value for name, value in body["annotation"].items() if name in kept}
    more = body["annotation"] | {"ground_truth": True, "lead_time": 1e9, "prediction": {"score": 1}, "new": [1]}

    answers = [post(client, body | {"annotation": one}) for one in (body["annotation"], bare, more)]

    assert [answer["status"] for answer in answers] == ["pending", "duplicate", "duplicate"]
    assert ReviewedTweet.objects.count() == 1


@case("model_not_ready")
def test_an_annotation_is_taken_without_a_model(as_key: AsKey, db: None) -> None:
    assert post(as_key("review"), annotation("Hate speech"))["status"] == "pending"


@case("invalid")
@case("project.label_config")
@case("task.data")
@case("project.id, task.id, annotation.id")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"annotation": None}, "annotation"),
        ({"task": None}, "task"),
        ({"project": None}, "project"),
        ({"project": {"id": 2}}, "project.label_config"),
        ({"project": {"id": "2", "label_config": TWO}}, "project.id"),
        ({"task": {"id": 19}}, "task.data"),
        ({"task": {"id": 19, "data": {}}}, "task.data.tweet"),
        ({"task": {"id": 19, "data": {"tweet": "!!!"}}}, "task.data.tweet"),
        ({"task": {"id": True, "data": {"tweet": HATE}}}, "task.id"),
    ],
)
def test_a_webhook_that_says_too_little(
    as_key: AsKey, served: ModelVersion, change: dict[str, Any], field: str
) -> None:
    body = annotation("Hate speech") | change

    assert list(errors_of(as_key("review").post("/label-studio/webhook", body))) == [field]
    assert not ReviewedTweet.objects.exists()
    assert not IdempotentAnswer.objects.exists()


def test_nesting_without_end_is_refused(as_key: AsKey, served: ModelVersion) -> None:
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"x": deep}
    text = json.dumps({**annotation("Hate speech"), "more": deep}).encode()

    assert list(errors_of(as_key("review").post("/label-studio/webhook", text))) == ["body"]


@case("no body, no action", "refused")
@case("invalid")
@pytest.mark.parametrize("action", [None, "", 7, ["x"]])
def test_a_webhook_that_does_not_say_what_happened_is_refused(as_key: AsKey, served: ModelVersion, action: Any) -> None:
    client = as_key("review")
    without = {name: value for name, value in annotation("Hate speech").items() if name != "action"}

    for body in (without | {"action": action}, without, {}):
        assert list(errors_of(client.post("/label-studio/webhook", body))) == ["action"]


@case("no body, no action", "refused")
def test_a_webhook_whose_body_did_not_arrive_is_refused(as_key: AsKey, served: ModelVersion) -> None:
    errors = errors_of(as_key("review").request("POST", "/label-studio/webhook", "application/json", b""))

    assert "no body" in errors["body"][0]
    assert not IdempotentAnswer.objects.exists()


@case('"Send payload" off', "refused")
def test_without_payload_the_setting_is_named(as_key: AsKey, served: ModelVersion) -> None:
    errors = errors_of(as_key("review").post("/label-studio/webhook", {"action": "ANNOTATION_CREATED"}))

    assert "Send payload" in errors["project"][0]


@case("annotation.result with an unknown choice", "refused")
@case("invalid")
def test_a_choice_of_a_former_configuration_is_no_answer(as_key: AsKey, served: ModelVersion) -> None:
    response = as_key("review").post("/label-studio/webhook", annotation("Offensive"))

    assert "'Offensive'" in errors_of(response)["annotation.result"][0]


def test_a_review_with_an_id_of_ones_own_is_in_nobodys_way(as_key: AsKey, served: ModelVersion) -> None:
    client = as_key("review")
    client.post("/add-reviewed-tweet", {"tweet": KIND, "is_hate_speech": False, "external_id": "label-studio:2/x"})

    assert post(client, deleted(17))["withdrawn"] == 0


@case("START_TRAINING")
@case("run", "added")
@case("job", "ignored")
@case("POST /webhook")
def test_training_can_be_asked_for(as_key: AsKey, served: ModelVersion) -> None:
    both, only = as_key("review", "train"), as_key("review")

    answer = post(both, webhook("START_TRAINING"))

    assert answer == {"status": "queued", "run": str(TrainingRun.objects.get().pk)}
    refused = only.post("/label-studio/webhook", webhook("START_TRAINING"))
    assert refused.status_code == 403
    assert "train" in refused.json()["detail"]


# What choices mean.


@case("<Choice value>")
@case("<Choices name toName choice>")
@pytest.mark.parametrize(
    ("choices", "kind", "chosen", "expected"),
    [
        (("Hate speech", "Not hate speech"), "single", ["Hate speech"], {"hate_speech": True}),
        (("hateful", "neutral"), "single", ["neutral"], {"hate_speech": False}),
        (("HATE-SPEECH", "No hate speech"), "single", ["No hate speech"], {"hate_speech": False}),
        # One choice among several: a no to hate speech, and nothing about the rest.
        (("Hate speech", "Insult", "Neither"), "single", ["Insult"], {"hate_speech": False, "insult": True}),
        (("Hate speech", "Insult", "Neither"), "single", ["Hate speech"], {"hate_speech": True}),
        (("Hate speech", "Insult", "Neither"), "single", ["Neither"], {"hate_speech": False, "insult": False}),
        (("Hate speech", "Insult"), "multiple", ["Hate speech"], {"hate_speech": True, "insult": False}),
        (("Hate speech", "Insult", "Not sure"), "multiple", ["Insult", "Not sure"], {}),
        (("Hate speech", "Insult"), "multiple", [], {}),
        # The classes of public corpora.
        (("hate", "offensive", "neither"), "single", ["hate"], {"hate_speech": True}),
        (("hate", "offensive", "neither"), "single", ["offensive"], {"hate_speech": False, "toxic": True}),
        (("hate", "offensive", "neither"), "single", ["neither"], {"hate_speech": False, "toxic": False}),
        (("hate", "nothate"), "single", ["nothate"], {"hate_speech": False}),
        (("hate", "nohate", "idk"), "single", ["nohate"], {"hate_speech": False}),
        (("Hateful", "Non-hateful", "I don't know"), "single", ["Non-hateful"], {"hate_speech": False}),
        (("Hateful", "Non-hateful", "I don't know"), "single", ["I don't know"], {}),
        (("Hateful", "Normal", "I don’t know"), "single", ["I don’t know"], {}),
    ],
)
def test_what_a_choice_says(choices: tuple[str, ...], kind: str, chosen: list[str], expected: dict[str, bool]) -> None:
    [question] = labelling_config.read(config(*choices, kind=kind), LABELS)

    assert question.answers(chosen) == expected


@case("<Choice value>")
@pytest.mark.parametrize("name", ["hate_speech", "is_hate_speech", "Hate speech"])
def test_yes_and_no_to_the_name_of_the_question(name: str) -> None:
    [question] = labelling_config.read(config("Yes", "No", name=name), LABELS)

    assert question.answers(["Yes"]) == {"hate_speech": True}
    assert question.answers(["No"]) == {"hate_speech": False}


def test_what_no_label_says_is_named(client: JSONClient) -> None:
    with pytest.raises(ConfigError, match="'offensive', 'nothing', 'know' in 'label'"):
        labelling_config.read(config("hate", "offensive", "nothing", "know"), ["hate_speech"])


@case('<Text name value="$field">')
@case("task.data")
@pytest.mark.parametrize(
    ("field", "data"),
    [
        ("$text.body", {"text": {"body": HATE}}),
        ("$text.body", {"text.body": HATE, "text": {"body": KIND}}),
        ("$items[1].body", {"items": [{"body": KIND}, {"body": HATE}]}),
        ("$items.1", {"items": [KIND, HATE]}),
    ],
)
def test_a_text_in_another_field(as_key: AsKey, served: ModelVersion, field: str, data: dict[str, Any]) -> None:
    client, schema = as_key("predict", "review"), TWO.replace("$tweet", field)
    body = predict(HATE, schema=schema)
    body["tasks"][0]["data"] = data
    review = annotation("Hate speech", schema=schema)
    review["task"]["data"] = data

    [result] = client.post("/label-studio/predict", body).json()["results"]
    assert result["score"] == client.post("/label-studio/predict", predict(HATE)).json()["results"][0]["score"]
    assert post(client, review)["status"] == "pending"
    assert ReviewedTweet.objects.get().tweet == HATE


@pytest.mark.parametrize(
    "data", [{}, {"text": HATE}, {"text": {"other": HATE}}, {"text": [HATE]}, {"text": None}, None, [HATE], 7]
)
def test_a_text_that_is_not_in_that_field(client: JSONClient, served: ModelVersion, data: Any) -> None:
    body = predict(HATE, schema=TWO.replace("$tweet", "$text.body"))
    body["tasks"][0]["data"] = data

    [result] = client.post("/label-studio/predict", body).json()["results"]
    assert "data.text.body" in result["error"]


@case("Choices in Choices")
def test_choices_in_choices_are_their_own() -> None:
    inner = '<Choices name="more" toName="text"><Choice value="Threat"/><Choice value="No threat"/></Choices>'
    schema = config("Hate speech", "Not hate speech").replace("</Choices>", f"<View>{inner}</View></Choices>")

    outer, more = labelling_config.read(schema, LABELS)

    assert (outer.name, list(outer.choices)) == ("label", ["Hate speech", "Not hate speech"])
    assert (more.name, list(more.choices)) == ("more", ["Threat", "No threat"])


def test_a_choice_is_read_once_however_deep_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def count(value: str, *more: Any) -> Any:
        read.append(value)
        return meaning(value, *more)

    monkeypatch.setattr(labelling_config, "meaning", count)
    tags = '<Choices name="a" toName="text">' * 49
    choices = "".join(f'<Choice value="{number}"/>' for number in range(1_000))
    schema = TWO.replace("</View>", f"{tags}{choices}{'</Choices>' * 49}</View>")

    assert len(labelling_config.read(schema, LABELS)) == 1
    assert len(read) == 1_002


@case("Choices that name no label, other tags", "ignored")
def test_other_questions_are_left_alone() -> None:
    two = TWO.replace(
        "</View>",
        '<Choices name="topic" toName="text"><Choice value="Football"/></Choices>'
        '<Choices name="more" toName="text"><Choice value="Threat"/><Choice value="No threat"/></Choices></View>',
    )

    assert [question.name for question in labelling_config.read(two, LABELS)] == ["label", "more"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"hate_speech", "insult"}, ["Hate speech"]),
        ({"insult", "threat"}, ["Threat"]),
        (set(), ["Neither"]),
    ],
)
def test_of_several_the_model_chooses_hate_speech_or_the_likeliest(said: set[str], expected: list[str]) -> None:
    [question] = labelling_config.read(config("Insult", "Threat", "Hate speech", "Neither"), LABELS)
    probabilities = {"insult": 0.6, "threat": 0.7, "hate_speech": 0.55}
    thresholds = {label: 0.5 if label in said else 0.9 for label in probabilities}

    assert question.choose(probabilities, thresholds) == expected


@case("<Choice alias>")
def test_aliases_are_what_results_name() -> None:
    schema = TWO.replace('value="Hate speech"', 'value="Mowa nienawiści" alias="hate_speech"')

    [question] = labelling_config.read(schema, LABELS)

    assert list(question.choices) == ["hate_speech", "Not hate speech"]


def test_a_label_that_no_model_answers_is_not_clear() -> None:
    with pytest.raises(ConfigError, match="'Threat'"):
        labelling_config.read(config("Hate speech", "Threat"), ["hate_speech"])
