"""POST /add-reviewed-tweet."""

from functools import partial
from typing import Any
from uuid import UUID

import pytest

from api.http import idempotency
from api.models import ApiKey, IdempotentAnswer, ReviewedTweet
from hate_speech_ai.text import fingerprint, is_held_out
from tests.conftest import AsKey, JSONClient
from tests.helpers import at_once

PATH = "/add-reviewed-tweet"
TWEET = "the bus was late again"


@pytest.fixture
def reviewer(as_key: AsKey) -> JSONClient:
    return as_key("review")


def review(tweet: Any = TWEET, is_hate_speech: Any = False, **fields: Any) -> dict[str, Any]:
    return {"tweet": tweet, "is_hate_speech": is_hate_speech, **fields}


def test_it_works(reviewer: JSONClient) -> None:
    body = review(labels={"toxic": True, "off_topic": False}, external_id="post 7", reviewer="ann")

    response = reviewer.post(PATH, body)

    assert response.status_code == 201
    assert response.json()["status"] == "pending"
    stored = ReviewedTweet.objects.get()
    assert UUID(response.json()["id"]) == stored.receipt
    assert (stored.tweet, stored.external_id, stored.reviewer) == (TWEET, "post 7", "ann")
    assert stored.labels == {"hate_speech": False, "toxic": True, "off_topic": False}
    assert stored.source == f"key:{ApiKey.objects.get().pk}"
    assert stored.held_out == is_held_out(fingerprint(TWEET))


def test_a_trailing_slash_is_the_same(reviewer: JSONClient) -> None:
    assert reviewer.post(f"{PATH}/", review()).status_code == 201


def test_the_tweet_is_kept_as_it_was_sent(reviewer: JSONClient) -> None:
    tweet = "  @Ann SOOOO &amp; late \n😡 ünïcödé "

    reviewer.post(PATH, review(tweet))

    assert ReviewedTweet.objects.get().tweet == tweet


def test_the_same_review_again_is_a_duplicate(reviewer: JSONClient) -> None:
    first = reviewer.post(PATH, review(labels={"toxic": False}))
    again = reviewer.post(PATH, review(labels={"toxic": False, "hate_speech": False}))

    assert (again.status_code, again.json()) == (200, {"id": first.json()["id"], "status": "duplicate"})
    assert ReviewedTweet.objects.count() == 1


def test_a_label_may_be_graded(reviewer: JSONClient) -> None:
    body = review(labels={"toxic": 0.75, "insult": 1, "threat": 0, "hate_speech": 0.4})

    answer = reviewer.post(PATH, body)

    assert answer.status_code == 201
    assert ReviewedTweet.objects.get().labels == {"toxic": 0.75, "insult": True, "threat": False, "hate_speech": 0.4}


def test_another_spelling_is_another_review(reviewer: JSONClient) -> None:
    answers = [reviewer.post(PATH, review(tweet)) for tweet in ("The bus is late", "the  bus is LATE")]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert len(set(ReviewedTweet.objects.values_list("fingerprint", flat=True))) == 1


def test_another_key_has_an_opinion_of_its_own(as_key: AsKey) -> None:
    answers = [as_key("review").post(PATH, review()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]


@pytest.mark.parametrize("other", [review(is_hate_speech=True), review(labels={"toxic": True})])
def test_a_changed_opinion_is_a_new_review(reviewer: JSONClient, other: dict[str, Any]) -> None:
    answers = [reviewer.post(PATH, body) for body in (review(), other, review())]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 3
    assert list(ReviewedTweet.objects.order_by("pk").values_list("opinion", flat=True)) == [1, 2, 3]


def test_after_going_back_only_the_last_opinion_is_repeated(reviewer: JSONClient) -> None:
    *_, last = [reviewer.post(PATH, review(is_hate_speech=answer)) for answer in (False, True, False)]

    assert reviewer.post(PATH, review()).json() == {"id": last.json()["id"], "status": "duplicate"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"is_hate_speech": True}, "tweet"),
        ({"tweet": TWEET}, "is_hate_speech"),
        (review(tweet=7), "tweet"),
        (review(tweet=None), "tweet"),
        (review(tweet=" "), "tweet"),
        (review(tweet="nul \0 inside"), "tweet"),
        (review(is_hate_speech=1), "is_hate_speech"),
        (review(is_hate_speech="false"), "is_hate_speech"),
        (review(is_hate_speech=None), "is_hate_speech"),
        (review(labels=["toxic"]), "labels"),
        (review(labels=None), "labels"),
        (review(labels={"toxic": 1.01}), "labels.toxic"),
        (review(labels={"toxic": -1}), "labels.toxic"),
        (review(labels={"toxic": "0.5"}), "labels.toxic"),
        (review(labels={"toxic": None}), "labels.toxic"),
        (review(labels={"Not A Name!": True}), "labels.Not A Name!"),
        (review(labels={f"label{number}": True for number in range(21)}), "labels"),
        (review(labels={"hate_speech": True}), "labels.hate_speech"),
        (review(external_id=7), "external_id"),
        (review(external_id="x" * 201), "external_id"),
        (review(reviewer="x" * 201), "reviewer"),
        (review(is_hatespeech=True), "is_hatespeech"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_stored(reviewer: JSONClient, body: dict[str, Any], field: str) -> None:
    response = reviewer.post(PATH, body)

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]
    assert not ReviewedTweet.objects.exists()


@pytest.mark.parametrize("tweet", ["...", "?!", "\u200b\u00ad", "@ann", "https://t.co/x", "@ann @bob http://x.y"])
def test_a_tweet_without_a_word_is_refused(reviewer: JSONClient, tweet: str) -> None:
    response = reviewer.post(PATH, review(tweet))

    assert response.status_code == 400
    assert "no word" in response.json()["errors"]["tweet"][0]


def test_a_key_is_needed(client: JSONClient, db: None) -> None:
    assert client.post(PATH, review()).status_code == 401


@pytest.mark.parametrize(("scope", "status"), [("predict", 403), ("train", 403), ("review", 201), ("admin", 201)])
def test_the_key_needs_the_scope(as_key: AsKey, scope: str, status: int) -> None:
    assert as_key(scope).post(PATH, review()).status_code == status
    assert ReviewedTweet.objects.exists() == (status == 201)


def test_an_idempotency_key_gives_the_first_answer_again(reviewer: JSONClient) -> None:
    first = reviewer.post(PATH, review(), Idempotency_Key="a")
    again = reviewer.post(PATH, review(), Idempotency_Key="a")

    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert ReviewedTweet.objects.count() == 1


def test_it_is_replayed_even_after_another_opinion(reviewer: JSONClient) -> None:
    first = reviewer.post(PATH, review(), Idempotency_Key="a")
    reviewer.post(PATH, review(is_hate_speech=True), Idempotency_Key="b")

    assert reviewer.post(PATH, review(), Idempotency_Key="a").json() == first.json()
    assert ReviewedTweet.objects.count() == 2


def test_an_idempotency_key_belongs_to_one_request(reviewer: JSONClient) -> None:
    reviewer.post(PATH, review(), Idempotency_Key="a")

    response = reviewer.post(PATH, review("another tweet"), Idempotency_Key="a")

    assert response.status_code == 422
    assert response.json()["code"] == "idempotency_key_reused"
    assert ReviewedTweet.objects.count() == 1


def test_two_api_keys_may_use_the_same_idempotency_key(as_key: AsKey) -> None:
    answers = [as_key("review").post(PATH, review(), Idempotency_Key="a") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]


@pytest.mark.parametrize("name", ["", "x" * 256, "tab\there", "é"])
def test_an_impossible_idempotency_key_is_refused(reviewer: JSONClient, name: str) -> None:
    response = reviewer.post(PATH, review(), Idempotency_Key=name)

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["Idempotency-Key"]


def test_the_kept_answers_of_a_key_are_bounded(
    as_key: AsKey, reviewer: JSONClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "MAX_KEPT", 1_000)
    monkeypatch.setattr(idempotency, "_COUNT_AFTER", 0)
    somebody_else = as_key("review")
    somebody_else.post(PATH, review(), Idempotency_Key="theirs")

    first, *_, last = (reviewer.post(PATH, review(f"bus {n}"), Idempotency_Key=str(n)) for n in range(8))

    assert 1 < IdempotentAnswer.objects.exclude(name="theirs").count() < 8
    again = reviewer.post(PATH, review("bus 7"), Idempotency_Key="7")
    assert (again["Idempotent-Replayed"], again.json()) == ("true", last.json())
    assert somebody_else.post(PATH, review(), Idempotency_Key="theirs")["Idempotent-Replayed"] == "true"
    forgotten = reviewer.post(PATH, review("bus 0"), Idempotency_Key="0")
    assert forgotten.json() == {**first.json(), "status": "duplicate"}


def test_a_refused_request_does_not_use_its_idempotency_key_up(reviewer: JSONClient) -> None:
    refused = reviewer.post(PATH, review(is_hate_speech="yes"), Idempotency_Key="a")
    corrected = reviewer.post(PATH, review(), Idempotency_Key="a")

    assert (refused.status_code, corrected.status_code) == (400, 201)


def test_a_failure_stores_nothing(reviewer: JSONClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: IdempotentAnswer, *args: Any, **options: Any) -> None:
        if self.status:
            raise RuntimeError("the disk is full")
        real_save(self, *args, **options)

    real_save = IdempotentAnswer.save
    with monkeypatch.context() as broken:
        broken.setattr(IdempotentAnswer, "save", fail)
        assert reviewer.post(PATH, review(), Idempotency_Key="a").status_code == 500

    assert not ReviewedTweet.objects.exists()
    assert reviewer.post(PATH, review(), Idempotency_Key="a").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_are_one_review(transactional_db: None, reviewer: JSONClient) -> None:
    answers = at_once([lambda: reviewer.post(PATH, review())] * 20)

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert ReviewedTweet.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_with_one_idempotency_key_are_one_request(transactional_db: None, reviewer: JSONClient) -> None:
    answers = at_once([lambda: reviewer.post(PATH, review(), Idempotency_Key="a")] * 20)

    assert [answer.status_code for answer in answers] == [201] * 20
    assert sum("Idempotent-Replayed" in answer for answer in answers) == 19
    assert ReviewedTweet.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_different_reviews_at_once_are_all_stored(transactional_db: None, reviewer: JSONClient) -> None:
    answers = at_once([partial(reviewer.post, PATH, review(f"bus {number}")) for number in range(20)])

    assert [answer.status_code for answer in answers] == [201] * 20
    assert ReviewedTweet.objects.count() == 20
