"""GET /review-queue and POST /review-queue/<id>/release."""

import random
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from api.keys import trust
from api.models import ApiKey, ModelVersion, Promotion, QueueClaim, ReviewedTweet, SampleDraw, StoredPrediction
from api.prediction import active_model, recorder
from api.review_queue import selection
from api.reviews import erasure
from api.reviews.intake import add
from api.tasks import sweep
from api.training.dataset import read
from api.training.outcomes import apply_outcomes
from hate_speech_ai.text import fingerprint, is_held_out
from tests.conftest import AsKey, JSONClient, MakeVersion, starter_rows
from tests.helpers import at_once

PATH = "/review-queue"
ODD = [f"quiblet{n}x and wozzle{n}y" for n in range(8)]


@pytest.fixture(autouse=True)
def storing(settings: Settings) -> Settings:
    settings.PREDICTION_SAMPLE_RATE = 1.0
    settings.RANDOM_SAMPLE_SHARE = 0.0
    settings.CONTROL_SHARE = 0.0
    random.seed(7)
    return settings


def predict(client: JSONClient, *tweets: str) -> None:
    assert client.post("/predict", {"tweets": list(tweets)}).status_code == 200
    recorder.flush()


def queue(client: JSONClient, **asked: Any) -> list[dict[str, Any]]:
    response = client.get(PATH + "?" + "&".join(f"{name}={value}" for name, value in asked.items()))
    assert response.status_code == 200, response.content
    return list(response.json()["items"])


def texts(items: list[dict[str, Any]]) -> set[str]:
    return {item["tweet"] for item in items}


def review(client: JSONClient, tweet: str, **fields: Any) -> None:
    answer = client.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": False, **fields})
    assert answer.status_code in (200, 201), answer.content


def test_it_works(client: JSONClient, as_key: AsKey, served: ModelVersion) -> None:
    predict(client, ODD[0], "thank you for the lovely birthday cake")
    answered = client.post("/predict", {"tweet": ODD[0]}).json()

    response = as_key("review").get(PATH)

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert response.json()["sample_rate"] == 1.0
    [item] = response.json()["items"]
    item["reasons"] = [reason for reason in item["reasons"] if reason["code"] == "unknown_words"]
    claimed_until = item.pop("claimed_until")
    assert claimed_until.endswith("Z")
    assert claimed_until > timezone.now().isoformat()
    assert item == {
        "id": str(StoredPrediction.objects.get(tweet=ODD[0]).pk),
        "tweet": ODD[0],
        "probability": answered["probability"],
        "model_version": served.pk,
        "reasons": [
            {"code": "unknown_words", "detail": "2 of 3 words are unknown to the model: quiblet0x, wozzle0y."},
        ],
    }


def test_a_trailing_slash_is_the_same(client: JSONClient, as_key: AsKey, served: ModelVersion) -> None:
    predict(client, ODD[0])

    assert len(as_key("review").get(f"{PATH}/").json()["items"]) == 1


def test_where_nothing_is_stored_it_is_empty_and_says_so(
    as_key: AsKey, served: ModelVersion, storing: Settings
) -> None:
    storing.PREDICTION_SAMPLE_RATE = 0.0

    assert as_key("review").get(PATH).json() == {"items": [], "sample_rate": 0.0, "note": ""}


def test_it_needs_the_scope_review(client: JSONClient, as_key: AsKey, db: None) -> None:
    assert client.get(PATH).status_code == 401
    assert as_key("predict", "train").get(PATH).status_code == 403
    assert as_key("predict").post(f"{PATH}/{uuid4()}/release").status_code == 403


@pytest.mark.parametrize(
    ("asked", "field"),
    [("limit=0", "limit"), ("limit=51", "limit"), ("limit=x", "limit"), ("reason=bored", "reason"), ("x=1", "x")],
)
def test_bad_questions_are_refused(as_key: AsKey, db: None, asked: str, field: str) -> None:
    response = as_key("review").get(f"{PATH}?{asked}")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]


def test_what_is_worth_most_comes_first(client: JSONClient, as_key: AsKey, served: ModelVersion) -> None:
    predict(client, *ODD)
    StoredPrediction.objects.filter(tweet=ODD[5]).update(worth=2.5)
    StoredPrediction.objects.filter(tweet=ODD[2]).update(worth=2.4)

    assert [item["tweet"] for item in queue(as_key("review"), limit=2)] == [ODD[5], ODD[2]]


def test_two_reviewers_do_not_get_the_same(client: JSONClient, as_key: AsKey, served: ModelVersion) -> None:
    predict(client, *ODD)

    ann, ben = texts(queue(as_key("review"), limit=5)), texts(queue(as_key("review"), limit=5))

    assert (len(ann), len(ben)) == (5, 3)
    assert not ann & ben


def test_nor_do_two_reviewers_of_one_key(client: JSONClient, as_key: AsKey, served: ModelVersion) -> None:
    predict(client, *ODD)
    key = as_key("review")

    ann, ben = texts(queue(key, limit=5, reviewer="ann")), texts(queue(key, limit=5, reviewer="ben"))

    assert (len(ann), len(ben)) == (5, 3)
    assert not ann & ben


def expire() -> None:
    QueueClaim.objects.update(until=timezone.now() - timedelta(seconds=1))


def test_a_claim_expires_but_nobody_gets_a_tweet_twice(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings
) -> None:
    storing.CLAIM_MINUTES = 7
    predict(client, ODD[0])
    key = as_key("review")
    [item] = queue(key, reviewer="ann")
    assert timedelta(minutes=6) < QueueClaim.objects.get().until - timezone.now() < timedelta(minutes=8)
    assert queue(key, reviewer="ben") == []

    expire()

    assert queue(key, reviewer="ann") == []
    assert queue(key) == []  # it may be ann who asks
    assert queue(key, reviewer="ben")[0]["id"] == item["id"]


def test_a_claim_can_be_given_back(client: JSONClient, as_key: AsKey, served: ModelVersion) -> None:
    predict(client, ODD[0])
    ann, ben = as_key("review"), as_key("review")
    [item] = queue(ann)

    assert ben.post(f"{PATH}/{item['id']}/release").status_code == 404
    assert ann.post(f"{PATH}/{item['id']}/release").status_code == 204
    assert ann.post(f"{PATH}/{item['id']}/release").status_code == 404

    assert queue(ann) == []
    assert texts(queue(ben)) == {ODD[0]}


def test_an_idempotency_key_gives_a_claim_back_once(client: JSONClient, as_key: AsKey, served: ModelVersion) -> None:
    predict(client, *ODD[:2])
    ann = as_key("review")
    first, second = (f"{PATH}/{item['id']}/release" for item in queue(ann))

    answers = [ann.post(first, Idempotency_Key="a") for _ in range(2)]
    other = ann.post(second, Idempotency_Key="a")

    assert [(answer.status_code, answer.data) for answer in answers] == [(204, None)] * 2
    assert answers[1]["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert ann.post(second, Idempotency_Key="b").status_code == 204
    assert ann.post(second, Idempotency_Key="c").status_code == 404  # and may be sent again
    assert ann.post(second, Idempotency_Key="c").status_code == 404


def test_what_was_reviewed_leaves_the_queue_whoever_did(
    client: JSONClient, as_key: AsKey, served: ModelVersion
) -> None:
    predict(client, ODD[0], ODD[1])
    review(as_key("review"), ODD[0].upper())

    assert texts(queue(as_key("review"))) == {ODD[1]}


@pytest.mark.parametrize("status", ["withdrawn", "quarantined"])
def test_a_review_without_effect_is_none(client: JSONClient, as_key: AsKey, served: ModelVersion, status: str) -> None:
    predict(client, ODD[0])
    review(as_key("review"), ODD[0])
    ReviewedTweet.objects.update(status=status)

    assert texts(queue(as_key("review"))) == {ODD[0]}


def test_a_corpus_is_no_review(client: JSONClient, as_key: AsKey, served: ModelVersion) -> None:
    predict(client, ODD[0])
    add(tweet=ODD[0], labels={"hate_speech": True}, source="corpus:mine")

    assert texts(queue(as_key("review"))) == {ODD[0]}


def test_for_one_reason_only(client: JSONClient, as_key: AsKey, served: ModelVersion) -> None:
    predict(client, *ODD[:3])
    StoredPrediction.objects.update(reasons={"unknown_words": "all of them"})
    StoredPrediction.objects.filter(tweet=ODD[1]).update(reasons={"near_threshold": "0.10 logits above."}, worth=0.9)

    assert texts(queue(as_key("review"), reason="near_threshold")) == {ODD[1]}
    assert texts(queue(as_key("review"), reason="unknown_words")) == {ODD[0], ODD[2]}
    assert queue(as_key("review"), reason="random_audit") == []


def test_a_second_opinion_is_of_another_key(client: JSONClient, as_key: AsKey, served: ModelVersion) -> None:
    predict(client, *ODD[:3])
    ann, ben, eve = as_key("review"), as_key("review"), as_key("review")
    [held] = queue(ann, limit=1)
    reviewed = next(text for text in ODD[:3] if text != held["tweet"])
    review(ann, reviewed)

    assert queue(ann, second_opinion="true") == []
    assert texts(queue(ben, second_opinion="true")) == {held["tweet"], reviewed}
    assert queue(eve, second_opinion="true") == []  # two keys are enough
    expire()
    review(ben, reviewed)
    assert texts(queue(eve, second_opinion="true")) == set()


def test_a_third_key_takes_the_place_of_one_that_let_go(
    client: JSONClient, as_key: AsKey, served: ModelVersion
) -> None:
    predict(client, ODD[0])
    review(as_key("review"), ODD[0])
    ben, eve = as_key("review"), as_key("review")
    [item] = queue(ben, second_opinion="true")

    ben.post(f"{PATH}/{item['id']}/release")

    assert texts(queue(eve, second_opinion="true")) == {ODD[0]}


def test_two_versions_that_disagree(
    client: JSONClient, as_key: AsKey, served: ModelVersion, make_version: MakeVersion
) -> None:
    predict(client, *ODD[:3], "thank you for the lovely cake")
    other = make_version()
    Promotion.objects.create(version=other, by="test", reason="test")
    sweep()
    assert not StoredPrediction.objects.exclude(disagreement="").exists()  # it is the same model

    StoredPrediction.objects.update(compared_for=None)
    champion = active_model.pinned(other.pk)
    threshold = champion.scorer.thresholds["hate_speech"]
    champion.scorer.thresholds["hate_speech"] = 0.0  # says yes to everything
    worth = {row.tweet: row.worth for row in StoredPrediction.objects.all()}
    sweep()

    items = queue(as_key("review"), reason="model_disagreement")
    assert len(items) == 4
    [reason] = [one for one in items[0]["reasons"] if one["code"] == "model_disagreement"]
    assert reason["detail"].startswith(f"Version {served.pk} says no, with 0.")
    assert f"version {other.pk} says yes, with 0." in reason["detail"]
    for row in StoredPrediction.objects.all():
        assert row.worth == worth[row.tweet] + 1

    champion.scorer.thresholds["hate_speech"] = threshold
    StoredPrediction.objects.update(compared_for=None)
    sweep()
    assert {row.tweet: row.worth for row in StoredPrediction.objects.all()} == pytest.approx(worth)


def test_what_is_predicted_again_is_compared_again(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion
) -> None:
    predict(client, ODD[0])
    Promotion.objects.create(version=(other := make_version()), by="test", reason="test")
    sweep()
    assert StoredPrediction.objects.get().compared_for == other.pk

    predict(client, ODD[0])

    assert StoredPrediction.objects.get().compared_for is None


# The audit.


def test_the_audit_is_a_fair_part_of_the_queue(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings
) -> None:
    plain = [f"bus number {n} is late" for n in range(60)]
    storing.RANDOM_SAMPLE_SHARE = 1.0
    predict(client, *plain)
    storing.RANDOM_SAMPLE_SHARE = 0.0
    predict(client, *[f"quiblet{n}x and wozzle{n}y" for n in range(60)])
    StoredPrediction.objects.filter(tweet__startswith="quiblet").update(worth=3.0)
    StoredPrediction.objects.filter(tweet__startswith="bus").update(worth=0.0)

    items = queue(as_key("review"), limit=50)

    audits = [item for item in items if item["reasons"][-1]["code"] == "random_audit"]
    assert 8 <= len(audits) <= 33  # 20 expected
    assert texts(audits) <= set(plain)


def test_audits_come_in_the_order_of_chance(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings
) -> None:
    storing.RANDOM_SAMPLE_SHARE = 1.0
    predict(client, *[f"bus number {n} is late" for n in range(20)])
    ranks = dict(SampleDraw.objects.values_list("prediction__tweet", "rank"))

    items = queue(as_key("review"), limit=5, reason="random_audit")

    assert [item["tweet"] for item in items] == sorted(ranks, key=ranks.__getitem__)[:5]
    claimed = QueueClaim.objects.exclude(rank=None).values_list("rank", flat=True).order_by("rank")
    assert list(claimed) == sorted(ranks.values())[:5]


# Planted tweets.


def corpus(rows: int = 200) -> dict[str, bool]:
    """Rows of the starter corpus in the database, and what they say."""
    known = {row["tweet"]: row["hate_speech"] == "1" for row in starter_rows()[:rows]}
    for tweet, answer in known.items():
        add(tweet=tweet, labels={"hate_speech": answer}, source="corpus:starter")
    return known


def test_planted_tweets_look_like_any_other(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings
) -> None:
    known = corpus()
    storing.RANDOM_SAMPLE_SHARE, storing.CONTROL_SHARE = 1.0, 0.5
    real = [f"bus number {n} is late" for n in range(40)]
    predict(client, *real)

    items = queue(as_key("review"), limit=40)

    planted = [item for item in items if item["tweet"] in known]
    assert len(items) == 40
    assert 8 <= len(planted) <= 32
    assert texts(items) <= set(real) | set(known)
    assert {tuple(item) for item in items} == {
        ("id", "tweet", "probability", "model_version", "reasons", "claimed_until")
    }
    assert all(item["reasons"][-1] == items[0]["reasons"][-1] for item in items)
    assert len({item["claimed_until"] for item in items}) == 1
    assert {item["model_version"] for item in items} == {served.pk}
    for item in planted:
        assert item["probability"] == active_model.get().scorer.probabilities([item["tweet"]])[0]
    assert not SampleDraw.objects.filter(prediction__is_control=True).exists()


def test_of_the_queue_such_a_share_is_planted(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "random", random.Random(1))  # the same draws each time
    known = corpus()
    storing.RANDOM_SAMPLE_SHARE, storing.CONTROL_SHARE = 1.0, 0.2
    predict(client, *[f"bus number {n} is late" for n in range(200)])

    taken = [item["tweet"] for _ in range(4) for item in queue(as_key("review"), limit=50)]

    assert len(taken) == 200
    assert 25 <= len(set(taken) & set(known)) <= 55


def test_a_queue_is_never_of_planted_ones_alone(as_key: AsKey, served: ModelVersion, storing: Settings) -> None:
    corpus()
    storing.CONTROL_SHARE = 1.0

    assert queue(as_key("review")) == []


def test_only_what_is_beyond_doubt_is_planted(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings
) -> None:
    storing.RANDOM_SAMPLE_SHARE, storing.CONTROL_SHARE = 1.0, 1.0
    texts_of = [text for text in (f"tram {n} is early" for n in range(40)) if not is_held_out(fingerprint(text))]
    disputed, reviewed, graded, plain = texts_of[:4]
    held_out = next(text for text in (f"tram {n} is early" for n in range(99)) if is_held_out(fingerprint(text)))
    tested = texts_of[4]
    for text in (disputed, reviewed, plain, held_out, tested):
        add(tweet=text, labels={"hate_speech": False}, source="corpus:one")
    ReviewedTweet.objects.filter(tweet=tested).update(held_out=True)
    add(tweet=disputed, labels={"hate_speech": True}, source="corpus:two")
    add(tweet=graded, labels={"hate_speech": 0.3}, source="corpus:two")
    review(as_key("review"), reviewed)
    predict(client, *[f"bus number {n} is late" for n in range(30)])

    items = queue(as_key("review"), limit=50)

    # As many of them are held out by chance as of all other tweets.
    assert texts(items) & {disputed, reviewed, graded, plain, held_out, tested} == {plain, held_out}


def test_a_planted_tweet_that_was_given_back_is_there_for_the_next(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings
) -> None:
    storing.RANDOM_SAMPLE_SHARE, storing.CONTROL_SHARE = 1.0, 1.0
    text = next(text for text in (f"tram {n} is early" for n in range(40)) if not is_held_out(fingerprint(text)))
    add(tweet=text, labels={"hate_speech": False}, source="corpus:one")
    predict(client, *ODD)
    ann, ben, eve = (as_key("review") for _ in range(3))
    [item] = [item for item in queue(ann, limit=2) if item["tweet"] == text]

    assert text not in texts(queue(ben, limit=2))
    ann.post(f"{PATH}/{item['id']}/release")
    assert text in texts(queue(ben, limit=2))
    review(ben, text)
    expire()
    assert text not in texts(queue(eve, limit=2))


def test_what_was_forgotten_is_not_stored_again(client: JSONClient, served: ModelVersion) -> None:
    predict(client, ODD[0])
    erasure.forget(by="test", reason="asked to", text=ODD[0])

    predict(client, ODD[0].upper(), ODD[1])

    assert [row.tweet for row in StoredPrediction.objects.all()] == [ODD[1]]


# Whom nobody trusts, and who takes too much.


def test_users_texts_are_for_trusted_keys(client: JSONClient, as_key: AsKey, served: ModelVersion) -> None:
    predict(client, *ODD)
    stranger = as_key("review", trust="quarantined")

    answer = stranger.get(f"{PATH}?limit=50").json()

    assert answer["items"] == []
    assert answer["note"].startswith("This key is not trusted")
    assert not QueueClaim.objects.exists()
    assert len(queue(as_key("review"), limit=50)) == len(ODD)


def test_what_a_key_had_claimed_is_free_when_it_is_quarantined(
    client: JSONClient, as_key: AsKey, served: ModelVersion
) -> None:
    predict(client, *ODD)
    queue(as_key("review"), limit=50)

    trust.quarantine(ApiKey.objects.get(), by="ann", reason="odd")

    assert len(queue(as_key("review"), limit=50)) == len(ODD)


def test_so_many_claims_for_a_person_and_for_a_key(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings
) -> None:
    storing.MAX_CLAIMS_PER_PERSON, storing.MAX_CLAIMS_PER_KEY = 2, 5
    predict(client, *ODD)
    key = as_key("review")

    taken = [queue(key, limit=50, reviewer=name) for name in ("ann", "ann", "ben", "eve")]

    assert [len(items) for items in taken] == [2, 0, 2, 1]
    said = key.get(f"{PATH}?reviewer=ann").json()["note"]
    assert said.startswith("A person may have 2 tweets claimed, and a key 5")
    review(key, taken[0][0]["tweet"], reviewer="ann")
    key.post(f"{PATH}/{taken[0][1]['id']}/release")
    assert len(queue(key, limit=50, reviewer="ann")) == 2


# Nobody can tell.


def test_a_tweet_is_judged_by_the_version_that_serves(
    client: JSONClient, as_key: AsKey, served: ModelVersion, make_version: MakeVersion
) -> None:
    predict(client, *ODD)
    Promotion.objects.create(version=(other := make_version()), by="test", reason="test")
    active_model.refresh()

    assert {item["model_version"] for item in queue(as_key("review"), limit=50)} == {other.pk}


def test_control_items_come_for_every_reason(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings
) -> None:
    known = corpus()
    storing.CONTROL_SHARE = 1.0
    predict(client, *[f"quiblet{n}x and wozzle{n}y" for n in range(3)])

    items = queue(as_key("review"), limit=9, reason="unknown_words")

    assert texts(items) & set(known)
    assert texts(items) - set(known)
    assert {reason["code"] for item in items for reason in item["reasons"]} >= {"unknown_words"}
    assert not [item for item in items if item["reasons"][-1]["code"] == "random_audit"]


def test_about_what_versions_disagree_on_there_are_some_too(
    client: JSONClient, as_key: AsKey, served: ModelVersion, make_version: MakeVersion, storing: Settings
) -> None:
    known = corpus()
    storing.CONTROL_SHARE = 1.0
    predict(client, *ODD[:3])
    Promotion.objects.create(version=(other := make_version()), by="test", reason="test")
    active_model.pinned(other.pk).scorer.thresholds["hate_speech"] = 0.0  # says yes to everything

    sweep()

    items = queue(as_key("review"), limit=9, reason="model_disagreement")
    assert texts(items) & set(known)
    assert texts(items) - set(known)


def test_the_first_answer_to_a_control_item_counts_and_none_is_learned(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings
) -> None:
    known = corpus()
    storing.RANDOM_SAMPLE_SHARE, storing.CONTROL_SHARE = 1.0, 0.5
    predict(client, *[f"bus number {n} is late" for n in range(8)])
    liar = as_key("review")
    control = next(item["tweet"] for item in queue(liar, limit=8) if item["tweet"] in known)
    before = read(None)

    for answer in (not known[control], known[control]):
        review(liar, control, is_hate_speech=answer)

    after = read(None)
    [reliability] = after.reliabilities.values()
    assert (reliability.gold, reliability.gold_agreed) == (1, 0)
    assert (after.training, after.held_out, after.held_out_reviews) == (
        before.training,
        before.held_out,
        before.held_out_reviews,
    )
    assert after.fingerprint != before.fingerprint  # a night of its own, as after any review


def test_no_answer_tells_a_control_item(
    client: JSONClient, as_key: AsKey, served: ModelVersion, make_version: MakeVersion, storing: Settings
) -> None:
    """Wrong answers to all tweets of the queue, a night, and all that the key can look up."""
    known = corpus(60)
    # Two corpora would outvote whoever is wrong.
    for tweet, answer in known.items():
        add(tweet=tweet, labels={"hate_speech": answer}, source="corpus:other")
    storing.RANDOM_SAMPLE_SHARE, storing.CONTROL_SHARE = 1.0, 0.5
    real = [text for text in (f"bus number {n} is late" for n in range(20)) if not is_held_out(fingerprint(text))]
    predict(client, *real)
    liar = as_key("review")
    items = [item for item in queue(liar, limit=20) if not is_held_out(fingerprint(item["tweet"]))]
    assert len(texts(items) & set(known)) > 2
    paths = {}
    for item in items:
        answer = liar.post(
            "/add-reviewed-tweet",
            {"tweet": item["tweet"], "is_hate_speech": not known.get(item["tweet"], False), "reviewer": "eve"},
        )
        paths[item["tweet"]] = f"/reviewed-tweets/{answer.json()['id']}"

    told_before = [shape(liar.get(path).json()) for path in paths.values()]
    changes = read(None).changes
    apply_outcomes(changes, [0.5] * len(changes), make_version())
    told_after = [shape(liar.get(path).json()) for path in paths.values()]

    assert len({str(one) for one in told_before}) == 1
    assert len({str(one) for one in told_after}) == 1
    assert told_after[0]["status"] == "trained"
    listed = liar.get("/reviewed-tweets?limit=100").json()["results"]
    assert len({str(shape(one)) for one in listed}) == 1


def test_two_keys_together_cannot_tell_one_either(
    client: JSONClient, as_key: AsKey, served: ModelVersion, make_version: MakeVersion, storing: Settings
) -> None:
    """One is handed tweets, and the other says the opposite about each without having been handed it."""
    known = corpus(60)
    for tweet, answer in known.items():
        add(tweet=tweet, labels={"hate_speech": answer}, source="corpus:other")
    storing.RANDOM_SAMPLE_SHARE, storing.CONTROL_SHARE = 1.0, 0.5
    predict(client, *[f"bus number {n} is late" for n in range(12)])
    ann, ben = as_key("review"), as_key("review")
    asked = [item["tweet"] for item in queue(ann, limit=12) if not is_held_out(fingerprint(item["tweet"]))]
    assert 0 < len(set(asked) & set(known)) < len(asked)
    paths: dict[str, list[tuple[JSONClient, str]]] = {}
    for tweet in asked:
        for key, answer in ((ann, not known.get(tweet, False)), (ben, known.get(tweet, False))):
            said = key.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": answer}).json()
            paths.setdefault(tweet, []).append((key, f"/reviewed-tweets/{said['id']}"))

    changes = read(None).changes
    apply_outcomes(changes, [0.5] * len(changes), make_version())

    told = [[shape(key.get(path).json()) for key, path in both] for both in paths.values()]
    assert len({str(one) for one in told}) == 1
    assert [one["status"] for one in told[0]] == ["conflict", "trained"]


def shape(receipt: dict[str, Any]) -> dict[str, Any]:
    """What a receipt says besides the text, the answer and what any text has of its own."""
    own = ("id", "tweet", "is_hate_speech", "labels", "created_at", "probability_before")
    found = {name: value for name, value in receipt.items() if name not in own}
    for step in found.get("history", []):
        del step["at"], step["probability"]
    for votes in found.get("resolution", {}).values():
        votes["votes"] = votes.pop("yes") + votes.pop("no")
        votes["effective_answer"] = votes["effective_answer"] == receipt["is_hate_speech"]
    return found


def test_what_others_said_is_shown_when_it_is_learned_and_not_to_strangers(
    as_key: AsKey, served: ModelVersion, make_version: MakeVersion
) -> None:
    [text] = [text for text in ("the bus is late", "a bus is late") if not is_held_out(fingerprint(text))][:1]
    add(tweet=text, labels={"hate_speech": True}, source="corpus:one")
    ann, stranger = as_key("review"), as_key("review", trust="quarantined")
    paths = {}
    for one in (ann, stranger):
        answer = one.post("/add-reviewed-tweet", {"tweet": text, "is_hate_speech": False})
        paths[one] = f"/reviewed-tweets/{answer.json()['id']}"

    before = ann.get(paths[ann]).json()["resolution"]["hate_speech"]
    changes = read(None).changes
    apply_outcomes(changes, [0.5] * len(changes), make_version())

    assert (before["yes"], before["no"]) == (0, 1)
    after = ann.get(paths[ann]).json()["resolution"]["hate_speech"]
    assert (after["yes"], after["no"]) == (1, 1)
    assert stranger.get(paths[stranger]).json()["resolution"] == {}
    assert as_key("admin").get(paths[stranger]).json()["resolution"]["hate_speech"]["yes"] == 1


# At once.


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("second_opinion", ["false", "true"])
def test_eight_at_once_do_not_get_the_same(
    transactional_db: None, client: JSONClient, as_key: AsKey, served: ModelVersion, second_opinion: str
) -> None:
    many = [f"quiblet{n}x and wozzle{n}y" for n in range(60)]
    predict(client, *many)
    if second_opinion == "true":
        first = as_key("review")
        for text in many:
            review(first, text)
    clients = [as_key("review") for _ in range(8)]

    answers = at_once([partial(queue, one, limit=10, second_opinion=second_opinion) for one in clients])

    times = Counter(item["id"] for items in answers for item in items)
    assert set(times.values()) == {1}
    assert len(times) >= 40
    assert QueueClaim.objects.count() == len(times)
    assert sorted(StoredPrediction.objects.filter(claims__gt=0).values_list("claims", flat=True)) == [1] * len(times)
