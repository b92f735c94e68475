"""GET and DELETE /reviewed-tweets/<id>: the receipt of a review, and its withdrawal."""

from importlib import import_module
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps

from api.models import ApiKey, ModelVersion, ReviewedTweet, ReviewEvent
from api.reviews.intake import add
from api.training import outcomes
from api.training.dataset import read
from hate_speech_ai.text import fingerprint, is_held_out
from tests.conftest import AsKey, JSONClient, MakeVersion


def tweet_that_is(held_out: bool) -> str:
    return next(text for n in count() if is_held_out(fingerprint(text := f"bus number {n} is late")) == held_out)


def say(client: JSONClient, tweet: str, is_hate_speech: bool) -> str:
    answer = client.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": is_hate_speech})
    return f"/reviewed-tweets/{answer.json()['id']}"


def learn(version: ModelVersion, probability: float = 0.25) -> None:
    """As if a training had made and promoted this version."""
    changes = read(None).changes
    outcomes.apply_outcomes(changes, [probability] * len(changes), version)


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
    [step] = answer.pop("history")
    assert step.pop("at").endswith("Z")
    reason = "Received; the next training learns from it."
    assert step == {"status": "pending", "reason": reason, "version": None, "probability": None}
    assert answer == {
        "id": path.rpartition("/")[2],
        "status": "pending",
        "tweet": tweet_that_is(held_out=False),
        "is_hate_speech": False,
        "labels": {"hate_speech": False, "toxic": True},
        "external_id": "7",
        "reviewer": "ann",
        "trained_in": None,
        "probability_before": None,
        "probability_after": None,
        "resolution": {
            "hate_speech": {"yes": 0, "no": 1, "effective_answer": False, "decided_by": "majority"},
            "toxic": {"yes": 1, "no": 0, "effective_answer": True, "decided_by": "majority"},
        },
    }


def test_a_trailing_slash_is_the_same(as_key: AsKey) -> None:
    client = as_key("review")
    path = hand_in(client, "the bus is late")

    assert client.get(f"{path}/").json() == client.get(path).json()


def test_a_held_out_review_says_so(as_key: AsKey) -> None:
    client = as_key("review")

    answer = client.get(hand_in(client, tweet_that_is(held_out=True))).json()

    assert answer["status"] == "held_out"
    assert "none is trained on it" in answer["history"][0]["reason"]


def test_what_a_corpus_tests_with_is_held_out_too(as_key: AsKey, make_version: MakeVersion) -> None:
    client, text = as_key("review"), tweet_that_is(held_out=False)
    before = hand_in(client, text)
    add(tweet=text, labels={"hate_speech": True}, source="corpus:mine")
    ReviewedTweet.objects.filter(source="corpus:mine").update(held_out=True)
    after = hand_in(as_key("review"), text)

    assert ReviewedTweet.objects.get(receipt=after.rpartition("/")[2]).status == "held_out"
    learn(make_version())

    answer = client.get(before).json()
    assert (answer["status"], answer["trained_in"]) == ("held_out", None)
    assert [step["status"] for step in answer["history"]] == ["pending", "held_out"]


def test_a_trained_review_names_the_version(as_key: AsKey, make_version: MakeVersion) -> None:
    client, version = as_key("review"), make_version()
    path = hand_in(client, tweet_that_is(held_out=False))

    learn(version, 0.25)
    learn(make_version(), 0.5)

    answer = client.get(path).json()
    assert (answer["status"], answer["trained_in"], answer["probability_after"]) == ("trained", version.pk, 0.25)
    assert [step["status"] for step in answer["history"]] == ["pending", "trained"]
    assert answer["history"][1]["version"] == version.pk
    assert answer["history"][1]["reason"] == f"Version {version.pk} learned it, and serves since."


def test_the_probability_before_is_the_served_models(as_key: AsKey, served: ModelVersion) -> None:
    client, text = as_key("review"), tweet_that_is(held_out=False)
    predicted = client.post("/predict", {"tweet": text}).json()

    answer = client.get(hand_in(client, text)).json()

    assert answer["probability_before"] == predicted["probability"]
    assert answer["history"][0]["version"] == predicted["model_version"] == served.pk
    assert answer["probability_after"] is None


def test_the_majority_of_the_others_is_a_conflict(as_key: AsKey, make_version: MakeVersion) -> None:
    clients = [as_key("review") for _ in range(3)]
    text, version = tweet_that_is(held_out=False), make_version()
    no, *yes = [say(client, text, answer) for client, answer in zip(clients, (False, True, True), strict=True)]

    learn(version, 0.9)

    answer = clients[0].get(no).json()
    assert (answer["status"], answer["trained_in"], answer["probability_after"]) == ("conflict", version.pk, 0.9)
    assert "2 of 3 votes" in answer["history"][-1]["reason"]
    assert answer["resolution"] == {
        "hate_speech": {"yes": 2, "no": 1, "effective_answer": True, "decided_by": "majority"}
    }
    assert [client.get(path).json()["status"] for client, path in zip(clients[1:], yes, strict=True)] == ["trained"] * 2


def test_among_equals_the_newest_counts(as_key: AsKey, make_version: MakeVersion) -> None:
    ann, bob = as_key("review"), as_key("review")
    text = tweet_that_is(held_out=False)
    older, newer = say(ann, text, True), say(bob, text, False)

    learn(make_version())

    answer = ann.get(older).json()
    assert answer["resolution"] == {
        "hate_speech": {"yes": 1, "no": 1, "effective_answer": False, "decided_by": "newest"}
    }
    assert answer["status"] == "conflict"
    assert "it is a tie" in answer["history"][-1]["reason"]
    assert bob.get(newer).json()["status"] == "trained"


@pytest.mark.parametrize(
    ("said", "votes"),
    [
        ((0.9, 0.3), {"yes": 1.2, "no": 0.8, "effective_answer": True, "decided_by": "majority"}),
        ((0.9, 0.1), {"yes": 1.0, "no": 1.0, "effective_answer": False, "decided_by": "newest"}),
        ((True, 0.5), {"yes": 1.5, "no": 0.5, "effective_answer": True, "decided_by": "majority"}),
        ((0.5, 0.5), {"yes": 1.0, "no": 1.0, "effective_answer": None, "decided_by": "undecided"}),
    ],
)
def test_a_grade_is_a_vote_shared_out(as_key: AsKey, said: tuple[float, float], votes: dict[str, object]) -> None:
    text = tweet_that_is(held_out=False)
    for grade in said:
        body = {"tweet": text, "is_hate_speech": True, "labels": {"toxic": grade}}
        answer = as_key("review").post("/add-reviewed-tweet", body).json()

    receipt = as_key("admin").get(f"/reviewed-tweets/{answer['id']}").json()

    assert receipt["labels"]["toxic"] == said[-1]
    assert receipt["resolution"]["toxic"] == votes


def test_a_review_need_not_answer_hate_speech(as_key: AsKey, make_version: MakeVersion) -> None:
    client = as_key("review")
    key, text = ApiKey.objects.get(), tweet_that_is(held_out=False)
    review, _ = add(tweet=text, labels={"toxic": 0.8}, source=f"key:{key.pk}", key=key)

    learn(make_version())

    receipt = client.get(f"/reviewed-tweets/{review.receipt}").json()
    assert (receipt["status"], receipt["is_hate_speech"], receipt["labels"]) == ("trained", None, {"toxic": 0.8})


def test_a_conflict_can_end(as_key: AsKey, make_version: MakeVersion) -> None:
    ann, bob = as_key("review"), as_key("review")
    text = tweet_that_is(held_out=False)
    path = say(ann, text, True)
    other = say(bob, text, False)
    learn(make_version())
    bob.request("DELETE", other, "", b"")

    learn(version := make_version())

    answer = ann.get(path).json()
    assert (answer["status"], answer["trained_in"]) == ("trained", version.pk)
    assert [step["status"] for step in answer["history"]] == ["pending", "conflict", "trained"]


def test_a_newer_word_of_the_same_key_supersedes(as_key: AsKey, make_version: MakeVersion) -> None:
    client, text = as_key("review"), tweet_that_is(held_out=False)
    first = say(client, text, True)
    learn(make_version())

    second = say(client, text.upper(), False)

    answer = client.get(first).json()
    assert [step["status"] for step in answer["history"]] == ["pending", "trained", "superseded"]
    assert answer["status"] == "superseded"
    assert second.rpartition("/")[2] in answer["history"][-1]["reason"]
    assert answer["resolution"]["hate_speech"] == {
        "yes": 0,
        "no": 1,
        "effective_answer": False,
        "decided_by": "majority",
    }
    assert client.get(second).json()["status"] == "pending"


def test_nothing_rewrites_a_history(as_key: AsKey) -> None:
    say(as_key("review"), tweet_that_is(held_out=False), True)
    step = ReviewEvent.objects.get()

    step.reason = "another"
    for change in (
        step.save,
        step.delete,
        ReviewEvent.objects.all().delete,
        lambda: ReviewEvent.objects.update(reason=""),
    ):
        with pytest.raises(TypeError, match="append-only"):
            change()


def test_another_key_supersedes_nothing(as_key: AsKey) -> None:
    client, text = as_key("review"), tweet_that_is(held_out=False)
    path = say(client, text, True)
    say(as_key("review"), text, False)

    assert client.get(path).json()["status"] == "pending"


def test_texts_that_an_update_made_equal_are_settled(as_key: AsKey, make_version: MakeVersion) -> None:
    client = as_key("review")
    paths = [say(client, f"{word} is late", True) for word in ("one", "two")]
    ReviewedTweet.objects.filter(opinion=1, tweet__startswith="two").update(opinion=2)
    ReviewedTweet.objects.update(fingerprint=f"{1:064}", held_out=False, status="pending")

    learn(make_version())

    assert [client.get(path).json()["status"] for path in paths] == ["superseded", "trained"]


def test_what_happened_during_a_training_is_kept(as_key: AsKey, make_version: MakeVersion) -> None:
    client, text = as_key("review"), tweet_that_is(held_out=False)
    path = say(client, text, True)
    changes = read(None).changes
    client.request("DELETE", path, "", b"")

    outcomes.apply_outcomes(changes, [0.5], make_version())

    answer = client.get(path).json()
    assert (answer["status"], answer["trained_in"]) == ("withdrawn", None)
    assert [step["status"] for step in answer["history"]] == ["pending", "withdrawn"]


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


def withdraw(client: JSONClient, path: str) -> Any:
    return client.request("DELETE", path, "", b"")


def test_a_review_can_be_withdrawn(as_key: AsKey) -> None:
    client = as_key("review")
    path = hand_in(client, tweet_that_is(held_out=False))

    answer = withdraw(client, path)

    assert (answer.status_code, answer.content) == (204, b"")
    receipt = client.get(path).json()
    assert receipt["status"] == "withdrawn"
    assert [step["status"] for step in receipt["history"]] == ["pending", "withdrawn"]
    assert str(ApiKey.objects.get()) in receipt["history"][-1]["reason"]
    assert receipt["resolution"] == {}


def test_withdrawing_twice_is_withdrawing_once(as_key: AsKey) -> None:
    client = as_key("review")
    path = hand_in(client, "the bus is late")

    assert [withdraw(client, path).status_code for _ in range(2)] == [204, 204]
    assert ReviewEvent.objects.filter(status="withdrawn").count() == 1


@pytest.mark.parametrize(
    ("scopes", "status"), [((), 401), (("predict",), 403), (("train",), 403), (("review",), 404), (("admin",), 204)]
)
def test_who_may_withdraw(client: JSONClient, as_key: AsKey, scopes: tuple[str, ...], status: int) -> None:
    path = hand_in(as_key("review"), "the bus is late")
    caller = as_key(*scopes) if scopes else client

    assert withdraw(caller, path).status_code == status
    assert ReviewedTweet.objects.filter(status="withdrawn").exists() == (status == 204)


def test_nothing_is_withdrawn_under_an_unknown_number(as_key: AsKey) -> None:
    assert withdraw(as_key("review"), f"/reviewed-tweets/{uuid4()}").status_code == 404


def test_what_was_withdrawn_can_be_said_again(as_key: AsKey) -> None:
    client = as_key("review")
    first = say(client, "the bus is late", True)
    withdraw(client, first)

    second = say(client, "the bus is late", True)

    assert second != first
    assert client.get(first).json()["status"] == "withdrawn"
    assert say(client, "the bus is late", True) == second


def test_withdrawing_does_not_bring_an_older_word_back(as_key: AsKey, make_version: MakeVersion) -> None:
    client, text = as_key("review"), tweet_that_is(held_out=False)
    older, newer = say(client, text, True), say(client, text, False)

    withdraw(client, newer)

    assert read(None).training == []
    learn(make_version())
    assert [client.get(path).json()["status"] for path in (older, newer)] == ["superseded", "withdrawn"]
    assert client.get(older).json()["resolution"] == {}


def test_reviews_from_before_there_were_steps_have_a_status(as_key: AsKey, make_version: MakeVersion) -> None:
    client, version = as_key("review"), make_version()
    text = tweet_that_is(held_out=False)
    paths = [say(client, text, True), say(client, text, False), say(client, tweet_that_is(held_out=True), True)]
    paths.append(say(as_key("review"), text, True))
    add(tweet=text, labels={"hate_speech": True}, source="corpus:mine")
    ReviewEvent.objects.all()._raw_delete("default")
    ReviewedTweet.objects.update(status="")
    ReviewedTweet.objects.filter(opinion=2).update(trained_in=version)

    import_module("api.migrations.0006_status_of_reviews").fill(apps, None)

    answers = [as_key("admin").get(path).json() for path in paths]
    assert [answer["status"] for answer in answers] == ["superseded", "trained", "held_out", "pending"]
    assert [[step["status"] for step in answer["history"]] for answer in answers] == [
        ["pending", "superseded"],
        ["pending", "trained"],
        ["held_out"],
        ["pending"],
    ]
    assert [answer["history"][0]["at"] for answer in answers] == [answer["created_at"] for answer in answers]
    assert ReviewedTweet.objects.get(key=None).status == ""
