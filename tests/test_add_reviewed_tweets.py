"""POST /reviewed-tweets/bulk: many reviews at once, as JSON lines."""

import json
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import pytest
from django.db import connections

from api.http import parsers
from api.models import ReviewedTweet, ReviewEvent
from api.reviews import intake
from hate_speech_ai.text import fingerprint, is_held_out
from tests.conftest import AsKey, JSONClient, MakeKey
from tests.helpers import at_once

PATH = "/reviewed-tweets/bulk"
NDJSON = "application/x-ndjson"


@pytest.fixture
def reviewer(as_key: AsKey) -> JSONClient:
    return as_key("review")


def review(tweet: str, is_hate_speech: Any = False, **fields: Any) -> bytes:
    return json.dumps({"tweet": tweet, "is_hate_speech": is_hate_speech, **fields}).encode()


def send(client: JSONClient, *lines: bytes) -> Any:
    return client.request("POST", PATH, NDJSON, b"\n".join(lines))


def test_it_works(reviewer: JSONClient) -> None:
    response = send(reviewer, review("bus 1", labels={"toxic": True}, external_id="7"), review("bus 2", reviewer="ann"))

    assert response.status_code == 200
    rows = list(ReviewedTweet.objects.order_by("pk"))
    assert response.json() == {
        "added": 2,
        "duplicates": 0,
        "refused": 0,
        "results": [
            {"line": number, "id": str(row.receipt), "status": "pending"} for number, row in enumerate(rows, start=1)
        ],
    }
    assert (rows[0].tweet, rows[0].labels) == ("bus 1", {"hate_speech": False, "toxic": True})
    assert (rows[0].external_id, rows[1].reviewer) == ("7", "ann")
    assert rows[0].source == f"key:{rows[0].key_id}"


def test_each_has_a_receipt_like_any_other(reviewer: JSONClient) -> None:
    [held_out] = [next(text for n in count() if is_held_out(fingerprint(text := f"bus {n}")))]

    results = send(reviewer, review(held_out), review("the bus is late")).json()["results"]

    receipts = [reviewer.get(f"/reviewed-tweets/{result['id']}").json() for result in results]
    assert receipts[0]["status"] == "held_out"
    assert [len(receipt["history"]) for receipt in receipts] == [1, 1]


@pytest.mark.parametrize(
    ("line", "code", "fields"),
    [
        (b"{", "parse_error", None),
        (b'{"tweet": "late", "is_hate_speech": NaN}', "parse_error", None),
        (b'{"tweet": "\xff", "is_hate_speech": true}', "parse_error", None),
        (b"7", "invalid", ["body"]),
        (b"[]", "invalid", ["body"]),
        (b"null", "invalid", ["body"]),
        (b'{"tweet": "late"}', "invalid", ["is_hate_speech"]),
        (review("late", 1), "invalid", ["is_hate_speech"]),
        (review("nul \0 inside"), "invalid", ["tweet"]),
        (review("..."), "invalid", ["tweet"]),
        (review("late", labels={"No!": True}), "invalid", ["labels.No!"]),
        (review("late", labels={"hate_speech": True}), "invalid", ["labels.hate_speech"]),
        (review("late", is_hatespeech=True), "invalid", ["is_hatespeech"]),
        (review("late " * 14_000), "body_too_large", None),
    ],
)
def test_a_bad_line_costs_only_itself(reviewer: JSONClient, line: bytes, code: str, fields: list[str] | None) -> None:
    response = send(reviewer, review("bus 1"), line, review("bus 2"))

    answer = response.json()
    assert response.status_code == 200
    assert [result["line"] for result in answer["results"]] == [1, 2, 3]
    assert [result.get("status") for result in answer["results"]] == ["pending", None, "pending"]
    error = answer["results"][1]["error"]
    assert (error["code"], list(error["errors"]) if "errors" in error else None) == (code, fields)
    assert error["detail"]
    assert (answer["added"], answer["refused"]) == (2, 1)
    assert list(ReviewedTweet.objects.order_by("pk").values_list("tweet", flat=True)) == ["bus 1", "bus 2"]


def test_blank_lines_and_line_ends_do_no_harm(reviewer: JSONClient) -> None:
    body = review("bus 1") + b"\r\n\r\n  \n" + review("bus\u2028 2") + b"\n"

    results = reviewer.request("POST", PATH, NDJSON, body).json()["results"]

    assert [(result["line"], result["status"]) for result in results] == [(1, "pending"), (4, "pending")]


def test_a_list_is_as_if_each_had_come_alone(reviewer: JSONClient) -> None:
    alone = reviewer.post("/add-reviewed-tweet", json.loads(review("bus 1"))).json()["id"]

    results = send(
        reviewer, review("bus 1"), review("bus 1", True), review("BUS 1", True), review("bus 2"), review("bus 2")
    ).json()["results"]

    assert [result["status"] for result in results] == ["duplicate", "superseded", "pending", "pending", "duplicate"]
    assert results[0]["id"] == alone
    assert results[3]["id"] == results[4]["id"]
    of_bus_1 = ReviewedTweet.objects.filter(fingerprint=fingerprint("bus 1")).order_by("pk")
    assert list(of_bus_1.values_list("opinion", flat=True)) == [1, 2, 3]
    assert list(of_bus_1.values_list("status", flat=True))[:2] == ["superseded", "superseded"]
    steps = reviewer.get(f"/reviewed-tweets/{results[1]['id']}").json()["history"]
    assert results[2]["id"] in steps[1]["reason"]


def test_sending_it_again_stores_nothing_more(reviewer: JSONClient) -> None:
    lines = [review(f"bus {number}") for number in range(1_200)]
    first = send(reviewer, *lines).json()

    again = send(reviewer, *lines).json()

    assert (first["added"], again["added"], again["duplicates"]) == (1_200, 0, 1_200)
    assert [result["id"] for result in again["results"]] == [result["id"] for result in first["results"]]
    assert ReviewedTweet.objects.count() == ReviewEvent.objects.count() == 1_200


def test_an_idempotency_key_gives_the_first_answer_again(as_key: AsKey, make_key: MakeKey) -> None:
    plain = make_key("review")
    client = JSONClient(plain)
    headers = {"Authorization": f"Api-Key {plain}", "Idempotency-Key": "a"}

    def post(body: bytes) -> Any:
        return client._client.post(PATH, body, content_type=NDJSON, headers=headers)

    first, again = (post(review("bus 1") + b"\n{") for _ in range(2))

    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert post(review("bus 2")).status_code == 422


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\n"])
def test_nothing_is_refused(reviewer: JSONClient, body: bytes) -> None:
    response = reviewer.request("POST", PATH, NDJSON, body)

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["body"]


def test_too_many_lines_are_refused(reviewer: JSONClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsers, "MAX_LINES", 2)

    assert send(reviewer, b"7", b"7").status_code == 200
    response = send(reviewer, *[review("bus")] * 3)

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert not ReviewedTweet.objects.exists()


@pytest.mark.slow
def test_more_than_16_mb_are_refused(reviewer: JSONClient) -> None:
    line = review("late " * 600)

    assert send(reviewer, *[line] * (8 * 1024 * 1024 // len(line))).status_code == 200
    response = send(reviewer, *[line] * (17 * 1024 * 1024 // len(line)))

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert "16 MB and 10,000 lines" in response.json()["detail"]


def test_json_is_not_json_lines(reviewer: JSONClient) -> None:
    response = reviewer.request("POST", PATH, "application/json", review("bus"))

    assert response.status_code == 415
    assert "Content-Type: application/x-ndjson" in response.json()["detail"]


@pytest.mark.parametrize(("scopes", "status"), [((), 401), (("predict",), 403), (("train",), 403), (("review",), 200)])
def test_the_scope_is_needed(client: JSONClient, as_key: AsKey, db: None, scopes: tuple[str, ...], status: int) -> None:
    caller = as_key(*scopes) if scopes else client

    assert send(caller, review("bus")).status_code == status


def test_a_failure_stores_nothing(reviewer: JSONClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(batch: Any, *rest: Any) -> Any:
        if len(batch) < 500:
            raise RuntimeError("the disk is full")
        return real(batch, *rest)

    real = intake._store
    monkeypatch.setattr(intake, "_store", fail)

    assert send(reviewer, *[review(f"bus {number}") for number in range(600)]).status_code == 500
    assert not ReviewedTweet.objects.exists()


def test_it_needs_a_few_queries_for_hundreds_of_lines(reviewer: JSONClient, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(40):
        assert send(reviewer, *[review(f"bus {number}") for number in range(500)]).json()["added"] == 500


@pytest.mark.django_db(transaction=True)
def test_lists_and_single_reviews_at_once_are_each_stored_once(transactional_db: None, reviewer: JSONClient) -> None:
    texts = [f"bus {number}" for number in range(40)]

    def bulk(order: list[str]) -> Any:
        return send(reviewer, *[review(text) for text in order])

    def single(text: str) -> Any:
        return reviewer.post("/add-reviewed-tweet", json.loads(review(text)))

    calls: list[Callable[[], Any]] = [lambda: bulk(texts), lambda: bulk(texts[::-1])]
    calls += [partial(single, text) for text in texts[::5]]
    answers = at_once(calls)
    connections.close_all()

    assert {answer.status_code for answer in answers} <= {200, 201}
    assert ReviewedTweet.objects.count() == ReviewEvent.objects.count() == 40
    assert len({result["id"] for answer in answers[:2] for result in answer.json()["results"]}) == 40
