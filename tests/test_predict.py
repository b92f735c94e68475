"""POST /predict."""

import json
from importlib.util import find_spec
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from api.models import ModelVersion
from api.prediction import predicting
from tests.conftest import AsKey, JSONClient

HATE = "all muslims are vermin and should be deported"
KIND = "thank you for the lovely birthday cake"


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 400
    assert response.json()["code"] == "invalid"
    return dict(response.json()["errors"])


def test_it_works(client: JSONClient, served: ModelVersion) -> None:
    response = client.post("/predict", {"tweet": HATE})

    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"is_hate_speech", "probability", "threshold", "model_version", "warnings"}
    assert answer["is_hate_speech"] is True
    assert answer["threshold"] <= answer["probability"] <= 1
    assert answer["model_version"] == served.pk
    assert answer["warnings"] == []


def test_kind_words_are_no_hate_speech(client: JSONClient, served: ModelVersion) -> None:
    answer = client.post("/predict", {"tweet": KIND}).json()

    assert answer["is_hate_speech"] is False
    assert 0 <= answer["probability"] < answer["threshold"]


def test_a_trailing_slash_is_the_same(client: JSONClient, served: ModelVersion) -> None:
    assert client.post("/predict/", {"tweet": HATE}).json() == client.post("/predict", {"tweet": HATE}).json()


def test_a_list_is_answered_in_its_order(client: JSONClient, served: ModelVersion) -> None:
    tweets = [KIND, HATE, "see you at the match", HATE, KIND]

    answer = client.post("/predict", {"tweets": tweets}).json()

    assert answer["model_version"] == served.pk
    singles = [client.post("/predict", {"tweet": tweet}).json() for tweet in tweets]
    assert [{**item, "model_version": served.pk} for item in answer["results"]] == singles


@pytest.mark.parametrize("bad", [7, None, True, ["a tweet"], {"tweet": "hi"}, "nul \0 inside"])
def test_a_bad_item_is_an_error_in_its_place(client: JSONClient, served: ModelVersion, bad: Any) -> None:
    response = client.post("/predict", {"tweets": [HATE, bad, KIND]})

    assert response.status_code == 200
    first, wrong, last = response.json()["results"]
    assert (first["is_hate_speech"], last["is_hate_speech"]) == (True, False)
    assert set(wrong) == {"error"}
    assert wrong["error"]["code"] == "invalid"
    assert wrong["error"]["detail"]


def test_a_thousand_tweets_are_answered(client: JSONClient, served: ModelVersion) -> None:
    response = client.post("/predict", {"tweets": [f"{KIND} {number}" for number in range(1000)]})

    assert response.status_code == 200
    assert len(response.json()["results"]) == 1000


def test_a_list_with_too_many_characters_is_refused_before_any_is_read(
    client: JSONClient, served: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.post("/predict", {"tweets": ["x" * 5_000] * 60}).status_code == 200  # 300,000
    monkeypatch.setattr(predicting, "predict", lambda *args, **kwargs: pytest.fail("a text was read"))

    answer = client.post("/predict", {"tweets": [*(["x" * 6_000] * 60), "y"]})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_much_work")
    assert "300,001 characters; at most 300,000" in answer.json()["detail"]


@pytest.mark.parametrize("count", [0, 1001])
def test_a_list_has_one_to_a_thousand_tweets(client: JSONClient, served: ModelVersion, count: int) -> None:
    errors = errors_of(client.post("/predict", {"tweets": ["hi"] * count}))

    assert "1 to 1,000" in errors["tweets"][0]


@pytest.mark.parametrize("tweet", ["", "   ", "!!! ...", "@ann https://t.co/x", "\u200b"])
def test_nothing_to_read_is_noted(client: JSONClient, served: ModelVersion, tweet: str) -> None:
    response = client.post("/predict", {"tweet": tweet})

    assert response.status_code == 200
    assert response.json()["warnings"] == ["empty_after_cleaning"]


def test_unknown_words_are_noted(client: JSONClient, served: ModelVersion) -> None:
    assert client.post("/predict", {"tweet": "zqxjk wvvqz"}).json()["warnings"] == ["no_known_words"]


@pytest.mark.skipif(find_spec("pycld2") is None, reason="there is no language detector for this platform")
def test_another_language_is_noted_and_judged(client: JSONClient, served: ModelVersion) -> None:
    german, russian = "Heute ist das Wetter wirklich wunderschön", "сегодня прекрасная погода"

    answer = client.post("/predict", {"tweet": german}).json()
    results = client.post("/predict", {"tweets": [german, russian, KIND]}).json()["results"]

    assert 0 <= answer["probability"] <= 1
    assert [result["warnings"][-1:] for result in results] == [["language_not_supported"]] * 2 + [[]]
    assert answer == {**results[0], "model_version": served.pk}


@pytest.mark.parametrize("tweet", ["lol ok", "no way bro", "ello ello", "banger", "hola amigo"])
def test_short_english_is_not_taken_for_another_language(client: JSONClient, served: ModelVersion, tweet: str) -> None:
    assert "language_not_supported" not in client.post("/predict", {"tweet": tweet}).json()["warnings"]


def test_only_5000_characters_are_read(client: JSONClient, served: ModelVersion) -> None:
    most = (KIND + " ") * 200
    most = most[:5000]

    shorter = client.post("/predict", {"tweet": most}).json()
    longer = client.post("/predict", {"tweet": f"{most} {HATE}"}).json()

    assert shorter["warnings"] == []
    assert longer == {**shorter, "warnings": ["truncated"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "tweet"),
        ({"tweet": HATE, "tweets": [HATE]}, "tweet"),
        ({"tweet": 7}, "tweet"),
        ({"tweet": None}, "tweet"),
        ({"tweet": ["a tweet"]}, "tweet"),
        ({"tweet": "nul \0 inside"}, "tweet"),
        ({"tweets": HATE}, "tweets"),
        ({"tweets": {"0": HATE}}, "tweets"),
        ({"tweets": None}, "tweets"),
        ({"tweet": HATE, "twet": "misspelt"}, "twet"),
        ([HATE], "body"),
        ("a tweet", "body"),
    ],
)
def test_what_is_wrong_is_named(client: JSONClient, served: ModelVersion, body: Any, field: str) -> None:
    errors = errors_of(client.post("/predict", json.dumps(body).encode()))

    assert list(errors) == [field]


def test_without_a_model_it_is_not_ready(client: JSONClient, db: None) -> None:
    response = client.post("/predict", {"tweet": HATE})

    assert response.status_code == 503
    assert response.json()["code"] == "model_not_ready"
    assert int(response["Retry-After"]) >= 1


def test_no_query_on_the_way(
    client: JSONClient, served: ModelVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        response = client.post("/predict", {"tweet": HATE})

    assert response.status_code == 200


def test_a_known_key_costs_no_query_either(
    as_key: AsKey, served: ModelVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = as_key("predict")
    client.post("/predict", {"tweet": HATE})

    with django_assert_num_queries(0):
        response = client.post("/predict", {"tweet": HATE})

    assert response.status_code == 200


def test_it_can_be_closed_to_the_public(
    client: JSONClient, as_key: AsKey, served: ModelVersion, settings: Settings
) -> None:
    settings.PUBLIC_PREDICT = False

    answers = [caller.post("/predict", {"tweet": HATE}).status_code for caller in (client, as_key("review"))]

    assert answers == [401, 403]
    assert as_key("predict").post("/predict", {"tweet": HATE}).status_code == 200


def padded(body: dict[str, Any], size: int) -> bytes:
    content = json.dumps(body).encode()
    return content + b" " * (size - len(content))


@pytest.mark.parametrize(
    ("body", "size"), [({"tweet": HATE}, 64 * 1024), ({"tweets": [HATE]}, 64 * 1024 + 1), ({"tweets": [HATE]}, 1 << 20)]
)
def test_a_body_within_the_limit_is_read(
    client: JSONClient, served: ModelVersion, body: dict[str, Any], size: int
) -> None:
    assert client.post("/predict", padded(body, size)).status_code == 200


@pytest.mark.parametrize(("body", "size"), [({"tweet": HATE}, 64 * 1024 + 1), ({"tweets": [HATE]}, (1 << 20) + 1)])
def test_a_larger_body_is_refused(client: JSONClient, served: ModelVersion, body: dict[str, Any], size: int) -> None:
    response = client.post("/predict", padded(body, size))

    assert response.status_code == 413
    assert response.json()["code"] == "body_too_large"


def test_a_body_of_unknown_fields_does_not_get_a_longer_answer(client: JSONClient, served: ModelVersion) -> None:
    body = {"tweet": "hello", **{f"field{number}": number for number in range(400)}}

    answer = client.post("/predict", body)

    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == 20
