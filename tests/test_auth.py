"""API keys."""

import base64
import logging
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from api.http import authentication
from api.models import ApiKey, ModelVersion, ReviewedTweet
from tests.conftest import AsKey, JSONClient, MakeKey

REVIEW = {"tweet": "the bus is late", "is_hate_speech": False}


def with_header(authorization: str, method: str = "post") -> Any:
    client = JSONClient()
    if method == "get":
        return client.get("/training-runs", Authorization=authorization)
    return client.post("/add-reviewed-tweet", REVIEW, Authorization=authorization)


def is_refused(response: Any) -> bool:
    assert response["Content-Type"] == "application/problem+json"
    return bool(response.status_code == 401 and response["WWW-Authenticate"] == "Api-Key")


def test_it_works(make_key: MakeKey) -> None:
    assert with_header(f"Api-Key {make_key('review')}").status_code == 201


def test_the_scheme_may_be_written_in_lower_case(make_key: MakeKey) -> None:
    assert with_header(f"api-key {make_key('review')}").status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        lambda key: "",
        lambda key: "x",
        lambda key: "hs_000000000000_unknown",
        lambda key: key[:-1],
        lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
        lambda key: key[:15],
        lambda key: key + "x",
        lambda key: key.upper(),
        lambda key: f"{key} {key}",
        lambda key: key + "é",
        lambda key: "hs_\0",
    ],
)
def test_an_unknown_key_is_refused(make_key: MakeKey, change: Callable[[str], str]) -> None:
    response = with_header(f"Api-Key {change(make_key('review'))}")

    assert is_refused(response)
    assert response.json()["code"] == "authentication_failed"
    assert not ReviewedTweet.objects.exists()


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "Basic", "ApiKey", ""])
def test_another_scheme_is_refused(make_key: MakeKey, scheme: str) -> None:
    assert is_refused(with_header(f"{scheme} {make_key('review')}".strip()))


def test_no_key_is_refused(client: JSONClient, db: None) -> None:
    response = client.post("/add-reviewed-tweet", REVIEW)

    assert is_refused(response)
    assert response.json()["code"] == "not_authenticated"


def test_a_wrong_key_is_refused_where_none_is_needed(served: ModelVersion) -> None:
    assert is_refused(JSONClient("hs_000000000000_unknown").post("/predict", {"tweet": "hello"}))
    assert JSONClient().post("/predict", {"tweet": "hello"}).status_code == 200


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_revoked_key_stops_at_once(make_key: MakeKey, method: str) -> None:
    key = make_key("review", "train")
    assert with_header(f"Api-Key {key}", method).status_code in (200, 201)

    call_command("revoke_key", key[:15], stdout=StringIO())

    assert is_refused(with_header(f"Api-Key {key}", method))


def test_a_revoked_key_soon_stops_predicting(
    make_key: MakeKey, served: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = JSONClient(make_key("predict"))
    assert client.post("/predict", {"tweet": "hello"}).status_code == 200
    ApiKey.objects.update(revoked_at=timezone.now())

    monkeypatch.setattr(authentication, "_FRESH_SECONDS", 0.0)

    assert is_refused(client.post("/predict", {"tweet": "hello"}))


def test_a_key_works_until_it_expires(make_key: MakeKey, served: ModelVersion) -> None:
    client = JSONClient(make_key("admin", expires_in=timedelta(hours=1)))
    assert client.post("/predict", {"tweet": "hello"}).status_code == 200
    assert client.post("/add-reviewed-tweet", REVIEW).status_code == 201

    ApiKey.objects.update(expires_at=timezone.now())
    authentication._known.clear()

    assert is_refused(client.post("/add-reviewed-tweet", REVIEW))
    assert is_refused(client.post("/predict", {"tweet": "hello"}))


def test_a_remembered_key_expires_too(make_key: MakeKey, served: ModelVersion) -> None:
    client = JSONClient(make_key("predict", expires_in=timedelta(hours=1)))
    client.post("/predict", {"tweet": "hello"})
    [(remembered, _)] = authentication._known.values()

    remembered.expires_at = timezone.now()

    assert is_refused(client.post("/predict", {"tweet": "hello"}))


@pytest.mark.parametrize(
    ("scope", "may"),
    [
        ("predict", set()),
        ("review", {"/add-reviewed-tweet"}),
        ("train", {"/train"}),
        ("admin", {"/add-reviewed-tweet", "/train", "/models/1/promote"}),
    ],
)
def test_a_key_may_do_what_its_scopes_say(as_key: AsKey, scope: str, may: set[str]) -> None:
    client = as_key(scope)
    paths = ("/add-reviewed-tweet", "/train", "/models/1/promote")

    answers = {path: client.post(path) for path in paths}

    forbidden = {path for path, answer in answers.items() if answer.status_code == 403}
    assert forbidden == set(paths) - may
    assert all(answers[path].json()["code"] == "permission_denied" for path in forbidden)


def test_neither_key_nor_tweet_is_logged(
    make_key: MakeKey, served: ModelVersion, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    good, wrong, tweet = make_key("review", "train"), "hs_000000000000_wrong-but-secret", "my aunt's secret recipe"

    for key in (good, wrong):
        client = JSONClient(key)
        for path in ("/predict", "/add-reviewed-tweet", "/train", "/nowhere", "/models/1/promote"):
            client.post(path, {"tweet": tweet, "is_hate_speech": False})
        client.request("POST", "/predict", "text/plain", tweet.encode())
    monkeypatch.setattr("api.prediction.active_model.get", lambda: 1 / 0)
    assert JSONClient(good).post("/predict", {"tweet": tweet}).status_code == 500

    assert "ZeroDivisionError" in caplog.text
    assert not [text for text in (good, good[16:], wrong, tweet) if text in caplog.text]


def test_only_a_hash_is_kept(make_key: MakeKey) -> None:
    plain = make_key("review")

    stored = str(ApiKey.objects.values().get())

    assert plain not in stored
    assert plain[16:] not in stored


def test_a_remembered_key_predicts_without_the_database(
    make_key: MakeKey, served: ModelVersion, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silence(*args: object) -> None:
        raise OperationalError("the database does not answer")

    settings.PUBLIC_PREDICT = False
    known, unknown = JSONClient(make_key("admin")), JSONClient(make_key("admin"))
    known.post("/predict", {"tweet": "hello"})
    monkeypatch.setattr(authentication, "_FRESH_SECONDS", 0.0)

    with connection.execute_wrapper(silence):
        answers = [
            known.post("/predict", {"tweet": "hello"}),
            unknown.post("/predict", {"tweet": "hello"}),
            known.post("/add-reviewed-tweet", REVIEW),
        ]

    assert [answer.status_code for answer in answers] == [200, 503, 503]
    assert all(answer["Retry-After"] for answer in answers[1:])


def test_the_command_makes_a_key_and_shows_it_once(db: None) -> None:
    output, hints = StringIO(), StringIO()

    call_command("create_key", "ann", scope=["review"], stdout=output, stderr=hints)

    plain = output.getvalue().strip()
    assert JSONClient(plain).post("/add-reviewed-tweet", REVIEW).status_code == 201
    assert plain not in hints.getvalue()


@pytest.mark.parametrize("options", [{"expires_in_days": 0}, {"limit": "many"}])
def test_the_command_refuses_what_cannot_work(db: None, options: dict[str, Any]) -> None:
    with pytest.raises(CommandError):
        call_command("create_key", "ann", scope=["review"], **options)

    assert not ApiKey.objects.exists()


def test_an_unknown_key_cannot_be_revoked(db: None) -> None:
    with pytest.raises(CommandError, match="no valid key"):
        call_command("revoke_key", "hs_000000000000")


def test_a_large_body_is_read_for_a_valid_key_in_whichever_way_it_comes(make_key: MakeKey) -> None:
    def basic(credential: bytes) -> str:
        return f"Basic {base64.b64encode(credential).decode()}"

    key = make_key("review")

    for header in (f"Api-Key {key}", f"api-key  {key}", basic(f"any:{key}".encode())):
        assert authentication.is_valid_key(header)
    for header in (
        "",
        key,
        "Api-Key ",
        f"Api-Key {key}x",
        "Basic ???",
        basic(b"any"),
        basic(b"\xff:\xff"),
        "Api-Key ä",
    ):
        assert not authentication.is_valid_key(header)
