"""POST /v1/moderations: the conformance table of docs/openai.md, and OpenAI's own clients over HTTP, unmodified."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from django.db import OperationalError, connection
from pytest_django import DjangoAssertNumQueries, Settings

from api.integrations.openai.schema import CATEGORIES
from api.models import ModelVersion
from api.prediction import active_model
from api.versions import registry
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.trainer import train
from tests.conformance import Table
from tests.conftest import AsKey, JSONClient, MakeKey, MakeVersion, rewrite, starter_rows

PATH = "/v1/moderations"
CLIENTS = Path(__file__).parent / "clients"
HATE = "all muslims are vermin and should be deported"
THREAT = "i will find you and kill you, you fucking muslim vermin"
KIND = "thank you for the lovely birthday cake"
TABLE = Table("openai.md")
case = TABLE.case
COVERED = {"harassment", "harassment/threatening", "hate", "hate/threatening", "violence"}


def error_of(response: Any, status: int) -> dict[str, Any]:
    """The error of an answer, whose shape is checked."""
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert response["x-request-id"].startswith("req_")
    assert response["x-should-retry"] in ("true", "false")
    [(name, error)] = response.json().items()
    assert name == "error"
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    other = "server_error" if status >= 500 else "invalid_request_error"
    assert error["type"] == ("requests" if status == 429 else other)
    return dict(error)


def test_every_row_has_a_test_and_every_case_a_row() -> None:
    TABLE.check()


@case("input: a string")
@case("id")
@case("model of the answer")
@case("results.*.categories")
@case("results.*.category_scores")
@case("results.*.category_applied_input_types")
@case("x-request-id")
def test_it_works(client: JSONClient, served: ModelVersion) -> None:
    response = client.post(PATH, {"input": HATE})

    assert response.status_code == 200
    assert response["x-request-id"].startswith("req_")
    answer = response.json()
    assert set(answer) == {"id", "model", "results", "x_unsupported_categories"}
    assert answer["id"].startswith("modr-")
    again = client.post(PATH, {"input": HATE})
    assert again.json()["id"] != answer["id"]
    assert again["x-request-id"] != response["x-request-id"]
    assert answer["model"] == f"hate-speech-{served.pk}"
    [result] = answer["results"]
    assert result["flagged"] is True
    for field in ("categories", "category_scores", "category_applied_input_types"):
        assert list(result[field]) == list(CATEGORIES)
    assert len(CATEGORIES) == 13
    assert result["categories"]["hate"] is True
    assert {type(said) for said in result["categories"].values()} == {bool}
    assert all(0 <= score <= 1 for score in result["category_scores"].values())


@case("results.*.category_scores")
@case("hate")
@case("harassment")
@case("harassment/threatening")
@case("violence")
def test_the_scores_are_those_of_predict(client: JSONClient, served: ModelVersion) -> None:
    heads = {"hate": "hate_speech", "harassment": "insult", "harassment/threatening": "threat", "violence": "threat"}
    for text in (HATE, THREAT, "i will kill you", "you are a stupid idiot"):
        result = client.post(PATH, {"input": text}).json()["results"][0]
        ours = client.post("/predict", {"tweet": text, "labels": ["insult", "threat"]}).json()

        decided = {"probability": ours["probability"], "answer": ours["is_hate_speech"]}
        labels = {"hate_speech": decided, **ours["labels"]}
        for category, label in heads.items():
            assert result["category_scores"][category] == labels[label]["probability"]
            assert result["categories"][category] == labels[label]["answer"]


@case("hate/threatening")
@case("results.*.flagged")
@pytest.mark.parametrize("text", [HATE, THREAT, KIND, "i will kill you", "muslims are vermin", "i will kill all jews"])
def test_threatening_hate_is_hate_and_a_threat(client: JSONClient, served: ModelVersion, text: str) -> None:
    result = client.post(PATH, {"input": text}).json()["results"][0]

    said, scores = result["categories"], result["category_scores"]
    assert said["hate/threatening"] == (said["hate"] and said["violence"])
    assert scores["hate/threatening"] == min(scores["hate"], scores["violence"])
    assert result["flagged"] == any(said.values())


@case("results.*.category_applied_input_types")
@case("x_unsupported_categories", "added")
@case("violence/graphic", "ignored")
@case("sexual", "ignored")
@case("sexual/minors", "ignored")
@case("self-harm, self-harm/intent, self-harm/instructions", "ignored")
@case("illicit, illicit/violent", "ignored")
def test_nothing_is_claimed_of_what_is_not_looked_for(client: JSONClient, served: ModelVersion) -> None:
    answer = client.post(PATH, {"input": "suicide, porn, gore, drugs, fuck"}).json()

    assert set(answer["x_unsupported_categories"]) == set(CATEGORIES) - COVERED
    [result] = answer["results"]
    for category in answer["x_unsupported_categories"]:
        assert result["categories"][category] is False
        assert result["category_scores"][category] == 0.0
        assert result["category_applied_input_types"][category] == []
    assert all(result["category_applied_input_types"][category] == ["text"] for category in COVERED)


@case("a label by a category's name", "added")
@case("x_unsupported_categories", "added")
def test_a_label_of_ones_own_serves_a_category(client: JSONClient, make_version: MakeVersion) -> None:
    rows = [
        Example(row["tweet"], {"hate_speech": row["hate_speech"] == "1", "self_harm": row["threat"] == "1"})
        for row in starter_rows()[::10]
    ]
    version = make_version(train(rows).artifact.to_bytes())
    registry.promote(version, by="test", reason="test")

    active_model.refresh()
    answer = client.post(PATH, {"input": "i will kill you"}).json()

    assert set(CATEGORIES) - set(answer["x_unsupported_categories"]) == {"hate", "self-harm"}
    assert 0 < answer["results"][0]["category_scores"]["self-harm"] < 1


@case("input: an array of strings")
@case("input: an array of text parts")
def test_an_array_of_strings_is_many_texts_and_an_array_of_parts_one(client: JSONClient, served: ModelVersion) -> None:
    parts = [{"type": "text", "text": "all muslims are vermin"}, {"type": "text", "text": "and should be deported"}]

    many = client.post(PATH, {"input": [KIND, HATE]}).json()["results"]
    one = client.post(PATH, {"input": parts}).json()["results"]

    assert [result["flagged"] for result in many] == [False, True]
    joined = client.post(PATH, {"input": "all muslims are vermin\nand should be deported"}).json()["results"]
    assert one == joined
    assert len(one) == 1


@case("results.*.x_warnings", "added")
@pytest.mark.parametrize(
    ("text", "warnings"),
    [("", ["empty_after_cleaning"]), ("qwxzv plmkj", ["no_known_words"]), ("a lovely day " * 2_520, ["truncated"])],
)
def test_what_weakens_an_answer_is_said(
    client: JSONClient, served: ModelVersion, text: str, warnings: list[str]
) -> None:
    [result] = client.post(PATH, {"input": text}).json()["results"]

    assert result["x_warnings"] == warnings


@case("results.*.x_warnings", "added")
def test_another_language_is_judged_and_noted(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion
) -> None:
    for model in ("omni-moderation-latest", f"hate-speech-{make_version().pk}"):
        texts = {"input": ["сегодня прекрасная погода", KIND], "model": model}

        russian, kind = client.post(PATH, texts).json()["results"]

        assert russian["x_warnings"] == ["no_known_words", "language_not_supported"]
        assert set(russian["category_scores"]) == set(CATEGORIES)
        assert kind["x_warnings"] == []


@case("input: an array of strings")
@case("input: an array of text parts")
@case("array_above_max_length")
@case("body_too_large")
@case("too_much_work")
def test_long_and_many(client: JSONClient, served: ModelVersion) -> None:
    assert client.post(PATH, {"input": "💐" * 32_000}).status_code == 200  # 384 KB with its escapes
    assert len(client.post(PATH, {"input": [KIND] * 1_000}).json()["results"]) == 1_000

    part = {"type": "text", "text": KIND}
    assert len(client.post(PATH, {"input": [part] * 1_000}).json()["results"]) == 1

    for one in (KIND, part):
        error = error_of(client.post(PATH, {"input": [one] * 1_001}), 400)
        assert (error["code"], error["param"]) == ("array_above_max_length", "input")
        assert "1,000" in error["message"]
    assert error_of(client.post(PATH, {"input": "a" * 1024 * 1024}), 413)["code"] == "body_too_large"
    assert error_of(client.post(PATH, {"input": ["a" * 5_000] * 61}), 413)["code"] == "too_much_work"


@case("missing_required_parameter")
@case("invalid_type")
@case("empty_array")
@case("an unknown field", "refused")
@case("unknown_parameter")
@case("null: the body is not JSON")
@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_required_parameter", "input"),
        ({"input": None}, "missing_required_parameter", "input"),
        ({"input": 7}, "invalid_type", "input"),
        ({"input": True}, "invalid_type", "input"),
        ({"input": {}}, "invalid_type", "input"),
        ({"input": []}, "empty_array", "input"),
        ({"input": [KIND, 7]}, "invalid_type", "input[1]"),
        ({"input": [None]}, "invalid_type", "input[0]"),
        ({"input": [[1, 2]]}, "invalid_type", "input[0]"),
        ({"input": "nul \0"}, "invalid_type", "input"),
        ({"input": [KIND, {"type": "text", "text": KIND}]}, "invalid_type", "input[1]"),
        ({"input": [{"type": "text", "text": KIND}, KIND]}, "invalid_type", "input[1]"),
        ({"input": [{"type": "text"}]}, "invalid_type", "input[0].text"),
        ({"input": [{"type": "audio"}]}, "invalid_type", "input[0]"),
        ({"input": [{"text": KIND}]}, "invalid_type", "input[0]"),
        ({"input": KIND, "model": 7}, "invalid_type", "model"),
        ({"input": KIND, "modle": "hate-speech-1"}, "unknown_parameter", "modle"),
        ({"inputs": KIND}, "unknown_parameter", "inputs"),
        ([KIND], "invalid_type", None),
        (b"{", None, None),
    ],
)
def test_it_refuses(client: JSONClient, served: ModelVersion, body: Any, code: str | None, param: str | None) -> None:
    response = client.post(PATH, body)

    error = error_of(response, 400)
    assert (error["code"], error["param"]) == (code, param)
    assert response["x-should-retry"] == "false"


@case("input: an image part", "refused")
@case("image_not_supported", "added")
def test_an_image_is_refused_and_not_passed_over(client: JSONClient, served: ModelVersion) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/image.png"}}

    for place, parts in enumerate(([image], [{"type": "text", "text": KIND}, image])):
        error = error_of(client.post(PATH, {"input": parts}), 400)

        assert (error["code"], error["param"]) == ("image_not_supported", f"input[{place}]")
        assert "text only" in error["message"]


@case("model")
@pytest.mark.parametrize(
    "name", ["omni-moderation-latest", "omni-moderation-2024-09-26", "text-moderation-007", "hate-speech", None]
)
def test_names_of_openai_ask_the_model_that_serves(client: JSONClient, served: ModelVersion, name: str | None) -> None:
    assert client.post(PATH, {"input": KIND, "model": name}).json()["model"] == f"hate-speech-{served.pk}"


@case("OpenAI-Organization, OpenAI-Project, X-Stainless-*, ...", "ignored")
def test_other_headers_change_nothing(client: JSONClient, served: ModelVersion) -> None:
    others = {"OpenAI-Organization": "org-1", "OpenAI-Project": "proj_1", "X-Client-Request-Id": "mine"}

    response = client.post(PATH, {"input": HATE}, X_Stainless_Retry_Count="2", OpenAI_Beta="a", **others)

    assert response.json()["results"] == client.post(PATH, {"input": HATE}).json()["results"]
    assert response["x-request-id"] != "mine"


@case("model: hate-speech-17", "added")
@case("model of the answer")
def test_a_version_can_be_pinned(client: JSONClient, served: ModelVersion, make_version: MakeVersion) -> None:
    other = make_version()

    answer = client.post(PATH, {"input": KIND, "model": f"hate-speech-{other.pk}"}).json()

    assert answer["model"] == f"hate-speech-{other.pk}"


@case("model_not_found")
@pytest.mark.parametrize(
    "name", ["hate-speech-99", "hate-speech-0", "hate-speech-9999999999", "hate-speech-x", "gpt-5", "", "x" * 999]
)
def test_there_is_no_such_model(client: JSONClient, served: ModelVersion, name: str) -> None:
    error = error_of(client.post(PATH, {"input": KIND, "model": name}), 404)

    assert (error["code"], error["param"]) == ("model_not_found", "model")


@case("model_not_found")
def test_a_version_that_cannot_be_loaded_is_not_there(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion
) -> None:
    broken, retired = make_version(b"no model"), make_version()
    rewrite(retired, retired_reason="too old")

    for version, why in ((broken, "cannot be loaded"), (retired, "retired")):
        error = error_of(client.post(PATH, {"input": KIND, "model": f"hate-speech-{version.pk}"}), 404)

        assert (error["code"], error["param"]) == ("model_not_found", "model")
        assert why in error["message"]


MODELS = "/v1/models"


@case("GET /v1/models")
@case("data.*.id")
@case("data.*.object")
@case("data.*.created")
@case("data.*.owned_by")
def test_the_models_are_listed(client: JSONClient, served: ModelVersion, make_version: MakeVersion) -> None:
    other, retired = make_version(), make_version()
    rewrite(retired, retired_reason="too old")

    response = client.get(MODELS)

    assert response["x-request-id"].startswith("req_")
    listed = {
        "omni-moderation-latest": served,
        f"hate-speech-{other.pk}": other,
        f"hate-speech-{served.pk}": served,
    }
    assert response.json() == {
        "object": "list",
        "data": [
            {
                "id": name,
                "object": "model",
                "created": int(version.created_at.timestamp()),
                "owned_by": "hate-speech-detection",
            }
            for name, version in listed.items()
        ],
    }
    for model in response.json()["data"]:
        assert client.get(f"{MODELS}/{model['id']}").json() == model
        assert client.post(PATH, {"input": KIND, "model": model["id"]}).status_code == 200


@case("GET /v1/models/<id>")
@case("model_not_found")
def test_a_model_can_be_asked_for_by_every_name_that_a_request_may_have(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion
) -> None:
    for name in ("text-moderation-007", "hate-speech"):
        assert client.get(f"{MODELS}/{name}").json()["id"] == name
    retired = make_version()
    rewrite(retired, retired_reason="too old")
    for name, why in ((f"hate-speech-{retired.pk}", "retired"), ("hate-speech-99", "lists"), ("gpt-5", "lists")):
        error = error_of(client.get(f"{MODELS}/{name}"), 404)
        assert (error["code"], error["param"]) == ("model_not_found", "model")
        assert why in error["message"]


@case("GET /v1/models")
@case("GET /v1/models/<id>")
def test_to_name_the_models_loads_none(client: JSONClient, served: ModelVersion, make_version: MakeVersion) -> None:
    other = make_version()

    assert client.get(MODELS).status_code == client.get(f"{MODELS}/hate-speech-{other.pk}").status_code == 200
    assert other.pk not in active_model._pinned


@case("GET /v1/models")
@case("GET /v1/models/<id>")
@case("invalid_api_key")
@case("model_not_ready", "added")
def test_the_models_need_what_moderations_need(
    client: JSONClient, db: None, make_key: MakeKey, settings: Settings
) -> None:
    for path in (MODELS, f"{MODELS}/hate-speech"):
        assert error_of(client.get(path), 503)["code"] == "model_not_ready"
    settings.PUBLIC_PREDICT = False
    for path in (MODELS, f"{MODELS}/hate-speech-1"):
        assert error_of(client.get(path), 401)["code"] == "invalid_api_key"
        bearer = f"Bearer {make_key('review')}"
        assert error_of(client.get(path, Authorization=bearer), 403)["code"] == "insufficient_permissions"


@case("DELETE /v1/models/<id>", "refused")
@case("method_not_allowed")
def test_a_model_is_not_deleted_here(client: JSONClient, served: ModelVersion) -> None:
    path = f"{MODELS}/hate-speech-{served.pk}"

    assert error_of(client.request("DELETE", path, "application/json", b""), 405)["code"] == "method_not_allowed"
    assert error_of(client.post(MODELS, {}), 405)["code"] == "method_not_allowed"


@case("invalid_api_key")
@case("Authorization: Bearer")
@pytest.mark.parametrize("header", ["Bearer hs_000000000000_wrong", "Basic abc", "Bearer", "Bearer é"])
def test_a_wrong_key(client: JSONClient, served: ModelVersion, header: str) -> None:
    error = error_of(client.post(PATH, {"input": KIND}, Authorization=header), 401)

    assert (error["code"], error["param"]) == ("invalid_api_key", None)
    assert "Bearer" in error["message"]


@case("Authorization: Bearer")
@case("Authorization: Api-Key", "added")
@case("invalid_api_key")
@case("insufficient_permissions")
def test_keys_and_scopes(
    client: JSONClient, served: ModelVersion, make_key: MakeKey, as_key: AsKey, settings: Settings
) -> None:
    settings.PUBLIC_PREDICT = False

    assert error_of(client.post(PATH, {"input": KIND}), 401)["code"] == "invalid_api_key"
    bearer = f"Bearer {make_key('predict')}"
    assert client.post(PATH, {"input": KIND}, Authorization=bearer).status_code == 200
    assert as_key("predict").post(PATH, {"input": KIND}).status_code == 200
    other = f"Bearer {make_key('review')}"
    assert error_of(client.post(PATH, {"input": KIND}, Authorization=other), 403)["code"] == "insufficient_permissions"


@case("method_not_allowed")
@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
def test_other_methods(client: JSONClient, served: ModelVersion, path: str) -> None:
    assert error_of(client.get(path), 405)["code"] == "method_not_allowed"


@case("null: another path")
@case("x-request-id")
@case("x-should-retry")
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/", "/v1/moderations/x"])
def test_other_paths(client: JSONClient, path: str) -> None:
    error = error_of(client.post(path, {}), 404)

    assert error["code"] is None
    assert path in error["message"]


@case("bad_request", "added")
def test_another_host_name(client: JSONClient, served: ModelVersion) -> None:
    error = error_of(client.post(PATH, {"input": KIND}, Host="evil.example"), 400)

    assert error["code"] == "bad_request"
    assert "ALLOWED_HOSTS" in error["message"]


@case("unsupported_media_type")
def test_other_content_types(client: JSONClient, served: ModelVersion) -> None:
    assert error_of(client.request("POST", PATH, "text/plain", b"{}"), 415)["code"] == "unsupported_media_type"


@case("rate_limit_exceeded")
@case("Retry-After")
@case("x-should-retry")
@case("retry-after-ms, x-ratelimit-*, openai-*", "ignored")
def test_limits(as_key: AsKey, served: ModelVersion) -> None:
    for limit, retry in (("1/minute", "true"), ("1/day", None)):
        client = as_key("predict", limit=limit)
        client.post(PATH, {"input": KIND})
        client.post(PATH, {"input": KIND})  # a minute may have begun in between
        response = client.post(PATH, {"input": KIND})

        error = error_of(response, 429)
        assert error["code"] == "rate_limit_exceeded"
        wait = int(response["Retry-After"])
        assert not [
            name for name in response.headers if name.lower().startswith(("retry-after-", "x-ratelimit", "openai"))
        ]
        # Its clients would not wait longer than a minute, and come back in vain.
        assert response["x-should-retry"] == (retry or ("false" if wait > 60 else "true"))


@case("model_not_ready", "added")
@case("Retry-After")
@case("x-should-retry")
def test_without_a_model(client: JSONClient, db: None) -> None:
    response = client.post(PATH, {"input": KIND})

    assert error_of(response, 503) | {"message": ""} == {
        "message": "",
        "type": "server_error",
        "param": None,
        "code": "model_not_ready",
    }
    assert (response["Retry-After"], response["x-should-retry"]) == ("5", "true")


@case("database_unavailable", "added")
def test_without_the_database(
    client: JSONClient, served: ModelVersion, make_key: MakeKey, make_version: MakeVersion
) -> None:
    other, key = make_version(), make_key("predict")

    def silence(*_: Any) -> Any:
        raise OperationalError("the database does not answer")

    with connection.execute_wrapper(silence):
        for response in (
            client.post(PATH, {"input": KIND}, Authorization=f"Bearer {key}"),
            client.post(PATH, {"input": KIND, "model": f"hate-speech-{other.pk}"}),
        ):
            error = error_of(response, 503)
            assert error["code"] == "database_unavailable"
            assert (response["Retry-After"], response["x-should-retry"]) == ("5", "true")


@case("server_error")
@case("x-should-retry")
def test_500_says_nothing_about_the_cause(
    client: JSONClient, served: ModelVersion, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr("api.integrations.openai.views.moderate", fail)
    response = client.post(PATH, {"input": KIND})

    assert error_of(response, 500)["code"] == "server_error"
    assert response["x-should-retry"] == "false"
    assert b"inner secret" not in response.content
    assert "the inner secret" in caplog.text
    assert KIND not in caplog.text


def test_it_needs_no_database(
    client: JSONClient, served: ModelVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert client.post(PATH, {"input": [KIND, HATE]}).status_code == 200


def not_at_midnight() -> None:
    """A limit of a day must not end within the minute that a client would wait."""
    if time.time() % 86_400 > 86_300:
        pytest.skip("it is about to be midnight in UTC")


# PyPI's client.


@pytest.fixture
def python(live_server: Any, served: ModelVersion, make_key: MakeKey) -> Callable[..., openai.OpenAI]:
    """A client of PyPI's `openai`, with a key of this service."""

    def make(key: str = "", **options: Any) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{live_server.url}/v1", api_key=key or make_key("predict"), **options)

    return make


def test_python(python: Callable[..., openai.OpenAI], client: JSONClient, served: ModelVersion) -> None:
    answer = python().moderations.create(input=HATE)

    assert answer.model == f"hate-speech-{served.pk}"
    assert answer._request_id is not None
    assert answer._request_id.startswith("req_")
    [result] = answer.results
    assert (result.flagged, result.categories.hate, result.categories.sexual_minors) == (True, True, False)
    assert result.category_scores.hate == client.post("/predict", {"tweet": HATE}).json()["probability"]
    assert result.category_applied_input_types.hate == ["text"]
    assert result.category_applied_input_types.self_harm == []
    # Nothing is missing: its models would show None in that place and not complain.
    assert all(score is not None for score in result.category_scores.model_dump().values())
    assert (answer.model_extra or {})["x_unsupported_categories"]


def test_python_sends_all_three_forms(python: Callable[..., openai.OpenAI]) -> None:
    client = python()

    assert [one.flagged for one in client.moderations.create(input=[KIND, HATE]).results] == [False, True]
    parts = [{"type": "text", "text": HATE}]
    answer = client.moderations.create(input=parts, model="omni-moderation-latest")  # type: ignore[arg-type]
    assert [one.flagged for one in answer.results] == [True]


def test_python_raises_its_own_errors(python: Callable[..., openai.OpenAI]) -> None:
    with pytest.raises(openai.AuthenticationError) as wrong:
        python("hs_000000000000_wrong").moderations.create(input=KIND)
    with pytest.raises(openai.NotFoundError) as missing:
        python().moderations.create(input=KIND, model="hate-speech-99")
    with pytest.raises(openai.BadRequestError) as bad:
        python().moderations.create(input=[])
    with pytest.raises(openai.NotFoundError):
        python().embeddings.create(input=KIND, model="any")

    assert wrong.value.code == "invalid_api_key"
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    assert (bad.value.type, bad.value.param) == ("invalid_request_error", "input")
    assert (bad.value.request_id or "").startswith("req_")


def test_python_waits_as_long_as_it_is_told(
    python: Callable[..., openai.OpenAI], make_key: MakeKey, served: ModelVersion
) -> None:
    client = python(make_key("predict", limit="1/second"))
    begin = time.monotonic()

    answers = [client.moderations.create(input=KIND) for _ in range(3)]

    assert len(answers) == 3
    assert time.monotonic() - begin > 1


def test_python_does_not_come_back_in_vain(python: Callable[..., openai.OpenAI], make_key: MakeKey) -> None:
    not_at_midnight()
    client = python(make_key("predict", limit="1/day"))
    client.moderations.create(input=KIND)

    with pytest.raises(openai.RateLimitError) as refused:
        client.moderations.create(input=KIND)

    assert refused.value.code == "rate_limit_exceeded"
    assert refused.value.response.request.headers["x-stainless-retry-count"] == "0"


def test_python_lists_the_models(python: Callable[..., openai.OpenAI], served: ModelVersion) -> None:
    client = python()

    names = [model.id for model in client.models.list()]

    assert names == ["omni-moderation-latest", f"hate-speech-{served.pk}"]
    for name in names:
        model = client.models.retrieve(name)
        assert (model.id, model.object, model.owned_by) == (name, "model", "hate-speech-detection")
        assert model.created == int(served.created_at.timestamp())
        assert client.moderations.create(input=KIND, model=name).model == f"hate-speech-{served.pk}"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-5")


# npm's client.


Calls = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture
def node(live_server: Any, served: ModelVersion, make_key: MakeKey) -> Calls:
    """Bodies (and options) as npm's `openai` sends them, to what it answers for each."""
    if shutil.which("node") is None:
        pytest.skip("there is no node here")
    if not (CLIENTS / "node_modules" / "openai").is_dir():
        pytest.skip("npm's clients are not installed here: npm ci --prefix tests/clients")
    key = make_key("predict")

    def call(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        given = [
            {
                "body": one["body"],
                "options": {"apiKey": key, "baseURL": f"{live_server.url}/v1", **one.get("options", {})},
            }
            for one in calls
        ]
        done = subprocess.run(
            ["node", "openai.mjs"],
            input=json.dumps(given),
            cwd=CLIENTS,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"PATH": os.environ["PATH"]},
        )
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout))

    return call


def test_node(node: Calls, client: JSONClient, served: ModelVersion) -> None:
    string, array, parts = node(
        [
            {"body": {"input": HATE}},
            {"body": {"input": [KIND, HATE], "model": "text-moderation-latest"}},
            {"body": {"input": [{"type": "text", "text": HATE}], "model": "omni-moderation-latest"}},
        ]
    )

    assert string["requestId"].startswith("req_")
    assert string["answer"]["results"] == client.post(PATH, {"input": HATE}).json()["results"]
    assert [one["flagged"] for one in array["answer"]["results"]] == [False, True]
    assert [one["flagged"] for one in parts["answer"]["results"]] == [True]
    assert parts["answer"]["model"] == f"hate-speech-{served.pk}"


def test_node_raises_its_own_errors(node: Calls) -> None:
    wrong, missing, bad = node(
        [
            {"body": {"input": KIND}, "options": {"apiKey": "hs_000000000000_wrong"}},
            {"body": {"input": KIND, "model": "hate-speech-99"}},
            {"body": {"input": []}},
        ]
    )

    assert (wrong["error"], wrong["code"]) == ("AuthenticationError", "invalid_api_key")
    assert (missing["error"], missing["code"], missing["param"]) == ("NotFoundError", "model_not_found", "model")
    assert (bad["error"], bad["type"], bad["param"]) == ("BadRequestError", "invalid_request_error", "input")
    assert all(one["requestId"].startswith("req_") for one in (wrong, missing, bad))


def test_node_waits_as_long_as_it_is_told(node: Calls, make_key: MakeKey) -> None:
    not_at_midnight()
    slow = {"body": {"input": KIND}, "options": {"apiKey": make_key("predict", limit="1/second")}}
    never = {"body": {"input": KIND}, "options": {"apiKey": make_key("predict", limit="1/day")}}

    begin = time.monotonic()
    *answers, first, refused = node([slow, slow, slow, never, never])

    assert all("answer" in one for one in [*answers, first])
    assert time.monotonic() - begin > 1
    assert (refused["error"], refused["code"]) == ("RateLimitError", "rate_limit_exceeded")
