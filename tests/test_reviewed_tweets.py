"""GET /reviewed-tweets/<id>: the receipt of a review."""

from collections.abc import Callable
from itertools import count
from uuid import uuid4

import pytest

from api.models import ModelVersion, ReviewedTweet
from hate_speech_ai.text import fingerprint, is_held_out
from tests.conftest import JSONClient

AsKey = Callable[..., JSONClient]


def tweet_that_is(held_out: bool) -> str:
    return next(text for n in count() if is_held_out(fingerprint(text := f"bus number {n} is late")) == held_out)


def hand_in(client: JSONClient, tweet: str) -> str:
    body = {"tweet": tweet, "is_hate_speech": False, "labels": {"toxic": True}, "external_id": "7", "reviewer": "ann"}
    return f"/reviewed-tweets/{client.post('/add-reviewed-tweet', body).json()['id']}"


def test_it_works(as_key: AsKey) -> None:
    client = as_key("review")
    path = hand_in(client, tweet_that_is(held_out=False))

    response = client.get(path)

    assert response.status_code == 200
    answer = response.json()
    assert answer.pop("created_at").endswith("Z")
    assert answer == {
        "id": path.rpartition("/")[2],
        "status": "pending",
        "tweet": tweet_that_is(held_out=False),
        "is_hate_speech": False,
        "labels": {"hate_speech": False, "toxic": True},
        "external_id": "7",
        "reviewer": "ann",
        "trained_in": None,
    }


def test_a_trailing_slash_is_the_same(as_key: AsKey) -> None:
    client = as_key("review")
    path = hand_in(client, "the bus is late")

    assert client.get(f"{path}/").json() == client.get(path).json()


def test_a_held_out_review_says_so(as_key: AsKey) -> None:
    client = as_key("review")

    assert client.get(hand_in(client, tweet_that_is(held_out=True))).json()["status"] == "held_out"


def test_a_trained_review_names_the_version(as_key: AsKey, make_version: Callable[..., ModelVersion]) -> None:
    client, version = as_key("review"), make_version()
    path = hand_in(client, tweet_that_is(held_out=False))
    ReviewedTweet.objects.update(trained_in=version)

    answer = client.get(path).json()

    assert (answer["status"], answer["trained_in"]) == ("trained", version.pk)


def test_another_key_learns_nothing(as_key: AsKey) -> None:
    path = hand_in(as_key("review"), "the bus is late")
    other = as_key("review")

    answer = other.get(path)

    assert answer.status_code == 404
    assert answer.json() == other.get(f"/reviewed-tweets/{uuid4()}").json()


def test_an_admin_sees_every_receipt(as_key: AsKey) -> None:
    path = hand_in(as_key("review"), "the bus is late")

    assert as_key("admin").get(path).status_code == 200


@pytest.mark.parametrize(("scopes", "status"), [((), 401), (("predict",), 403), (("train",), 403)])
def test_the_scope_is_needed(client: JSONClient, as_key: AsKey, scopes: tuple[str, ...], status: int) -> None:
    path = hand_in(as_key("review"), "the bus is late")
    caller = as_key(*scopes) if scopes else client

    assert caller.get(path).status_code == status


def test_no_receipt_has_such_a_number(as_key: AsKey) -> None:
    assert as_key("review").get("/reviewed-tweets/7").status_code == 404
