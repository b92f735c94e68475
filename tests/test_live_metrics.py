"""The live part of GET /score: what a random audit of the traffic says about the model, and what must not count."""

import json
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from api.keys import trust
from api.models import ApiKey, LiveFigures, ModelVersion, Promotion, QueueClaim, ReviewedTweet, SampleDraw
from api.prediction import active_model, recorder
from api.review_queue import live_metrics
from api.tasks import sweep
from hate_speech_ai.text import fingerprint
from tests.conftest import AsKey, JSONClient, MakeVersion, starter_rows


@pytest.fixture(autouse=True)
def storing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(live_metrics, "ANSWERS_AT_ONCE", 0)
    settings.MAX_CLAIMS_PER_PERSON = 500
    settings.PREDICTION_SAMPLE_RATE = 1.0
    settings.RANDOM_SAMPLE_SHARE = 1.0
    settings.CONTROL_SHARE = 0.0
    random.seed(7)
    return settings


@pytest.fixture(scope="module")
def truth() -> dict[str, bool]:
    """Three hundred tweets, each another once it is cleaned, and what people say about them."""
    known: dict[str, tuple[str, bool]] = {}
    for row in starter_rows()[1::5]:
        known.setdefault(fingerprint(row["tweet"]), (row["tweet"], row["hate_speech"] == "1"))
    return dict(list(known.values())[:300])


def predict(client: JSONClient, tweets: list[str]) -> dict[str, bool]:
    answers = client.post("/predict", {"tweets": tweets}).json()["results"]
    recorder.flush()
    return {tweet: answer["is_hate_speech"] for tweet, answer in zip(tweets, answers, strict=True)}


def review(client: JSONClient, answers: Mapping[str, bool]) -> None:
    lines = [json.dumps({"tweet": tweet, "is_hate_speech": answer}) for tweet, answer in answers.items()]
    response = client.request("POST", "/reviewed-tweets/bulk", "application/x-ndjson", "\n".join(lines).encode())
    assert response.json()["refused"] == 0


def take(client: JSONClient, **asked: Any) -> list[str]:
    query = "&".join(f"{name}={value}" for name, value in {"limit": 50, **asked}.items())
    return [item["tweet"] for item in client.get(f"/review-queue?{query}").json()["items"]]


def figures(client: JSONClient) -> dict[str, Any]:
    sweep()
    live_metrics.refresh()
    return dict(client.get("/score").json()["production"])


def right(said: dict[str, bool], truth: dict[str, bool]) -> tuple[float, float]:
    both = sum(said[tweet] and truth[tweet] for tweet in said)
    return both / sum(said.values()), both / sum(truth[tweet] for tweet in said)


def test_two_moderators_work_through_the_queue_and_live_figures_appear(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings, truth: dict[str, bool]
) -> None:
    storing.RANDOM_SAMPLE_SHARE = 0.5  # and all that says yes, or nearly
    begin = timezone.now()
    assert client.get("/score").json()["production"] is None
    said = predict(client, list(truth))
    ann, ben = as_key("review"), as_key("review")

    asked: list[str] = []
    while found := [tweet for moderator in (ann, ben) for tweet in take(moderator, limit=20)]:
        for moderator, part in ((ann, found[:20]), (ben, found[20:])):
            for tweet in part:
                answer = moderator.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": truth[tweet]})
                assert answer.status_code == 201
        asked += found

    assert len(asked) == len(set(asked))
    shown = figures(client)
    precision, recall = right(said, truth)
    assert shown["model_version"] == served.pk
    assert shown["audited"] == SampleDraw.objects.count() > 150
    assert shown["unanswered"] == 0
    assert shown["reasons"] == {}
    assert begin.isoformat() < shown["since"] < timezone.now().isoformat()
    assert shown["precision"]["value"] == pytest.approx(precision, abs=0.0001)  # all that says yes was audited
    assert shown["precision"]["low"] < precision < shown["precision"]["high"]
    assert shown["recall"]["low"] <= recall <= shown["recall"]["high"]
    assert shown["all_versions"] == {name: shown[name] for name in shown["all_versions"]}


def test_no_query_on_the_way(
    client: JSONClient,
    as_key: AsKey,
    served: ModelVersion,
    truth: dict[str, bool],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    predict(client, list(truth)[:5])
    take(as_key("review"))
    assert figures(client)["unanswered"] == 5

    with django_assert_num_queries(0):
        assert client.get("/score").json()["production"]["unanswered"] == 5


def test_of_too_few_it_says_so(client: JSONClient, as_key: AsKey, served: ModelVersion, truth: dict[str, bool]) -> None:
    predict(client, list(truth)[:10])
    moderator = as_key("review")
    review(moderator, {tweet: truth[tweet] for tweet in take(moderator)})

    shown = figures(client)

    assert (shown["precision"], shown["recall"], shown["base_rate"], shown["audited"]) == (None, None, None, 10)
    assert "20 are needed" in shown["reasons"]["precision"]


def test_what_was_chosen_for_another_reason_does_not_count(
    client: JSONClient, as_key: AsKey, served: ModelVersion, truth: dict[str, bool]
) -> None:
    predict(client, list(truth))
    moderator = as_key("review")

    near = take(moderator, reason="near_threshold")
    review(moderator, {tweet: truth[tweet] for tweet in near})
    sweep()

    assert len(near) > 3
    assert figures(client)["audited"] == 0

    # Only when the audit comes to their places in its own order.
    while found := take(moderator, reason="random_audit"):
        review(moderator, {tweet: truth[tweet] for tweet in found})
    assert figures(client)["audited"] == 300


def test_what_users_report_does_not_push_the_figures(
    client: JSONClient, as_key: AsKey, served: ModelVersion, truth: dict[str, bool]
) -> None:
    """Every hateful tweet is reviewed at once, since users report it; of the others, the queue comes to fifty."""
    predict(client, list(truth))
    reported = {tweet: answer for tweet, answer in truth.items() if answer}
    review(as_key("review"), reported)
    moderator = as_key("review")
    found = take(moderator, limit=50, reason="random_audit")
    review(moderator, dict.fromkeys(found, False))

    shown = figures(client)

    ranks = dict(SampleDraw.objects.values_list("prediction__tweet", "rank"))
    reached = max(ranks[tweet] for tweet in found)
    passed = [truth[tweet] for tweet, rank in ranks.items() if rank <= reached]
    share, naive = sum(truth.values()) / len(truth), len(reported) / (len(reported) + 50)
    assert (shown["audited"], shown["unanswered"]) == (len(passed), 0)
    assert shown["base_rate"]["value"] == pytest.approx(sum(passed) / len(passed), abs=0.0001)
    assert abs(shown["base_rate"]["value"] - share) < 0.15 < naive - share


@pytest.mark.parametrize("status", ["withdrawn", "quarantined"])
def test_reviews_without_effect_do_not_count(
    client: JSONClient, as_key: AsKey, served: ModelVersion, truth: dict[str, bool], status: str
) -> None:
    predict(client, list(truth)[:20])
    moderator = as_key("review")
    review(moderator, {tweet: truth[tweet] for tweet in take(moderator)})
    fourth = list(truth)[4]
    ReviewedTweet.objects.filter(tweet=fourth).update(status=status)

    shown = figures(client)

    assert (shown["audited"], shown["unanswered"]) == (19, 1)


def test_what_was_said_before_the_tweet_came_does_not_count(
    client: JSONClient, as_key: AsKey, served: ModelVersion, truth: dict[str, bool]
) -> None:
    tweets = list(truth)[:20]
    moderator = as_key("review")
    review(moderator, {tweet: truth[tweet] for tweet in tweets})
    predict(client, tweets)

    assert len(take(as_key("review"))) == 20
    assert figures(client)["audited"] == 0


def test_the_majority_decides(client: JSONClient, as_key: AsKey, served: ModelVersion, truth: dict[str, bool]) -> None:
    predict(client, list(truth)[:60])
    first = as_key("review")
    asked = take(first, limit=50) + take(first, limit=50)
    review(first, dict.fromkeys(asked, True))
    for other in (as_key("review"), as_key("review")):
        review(other, dict.fromkeys(asked, False))

    shown = figures(client)

    assert (shown["audited"], shown["base_rate"]["value"]) == (60, 0.0)


def test_each_version_has_its_own(
    client: JSONClient,
    as_key: AsKey,
    served: ModelVersion,
    make_version: MakeVersion,
    truth: dict[str, bool],
) -> None:
    moderator = as_key("review")
    predict(client, list(truth)[:20])
    review(moderator, {tweet: truth[tweet] for tweet in take(moderator)})
    newer = make_version()
    Promotion.objects.create(version=newer, by="test", reason="test")
    active_model.refresh()
    assert client.get("/score").json()["production"] is None
    predict(client, list(truth)[20:25])
    review(moderator, {tweet: truth[tweet] for tweet in take(moderator)})

    shown = figures(client)

    assert (shown["model_version"], shown["audited"], shown["all_versions"]["audited"]) == (newer.pk, 5, 25)


def test_forgetting_what_brought_the_audit_so_far_costs_no_other_answer(
    client: JSONClient, as_key: AsKey, served: ModelVersion, truth: dict[str, bool]
) -> None:
    predict(client, list(truth)[:20])
    moderator = as_key("review")
    asked = take(moderator, reason="random_audit")
    review(moderator, {tweet: truth[tweet] for tweet in asked})

    recorder.forget([fingerprint(asked[-1])], by="test", reason="test")

    assert figures(client)["audited"] == 19


def test_turned_off_there_is_none(
    client: JSONClient, as_key: AsKey, served: ModelVersion, storing: Settings, truth: dict[str, bool]
) -> None:
    predict(client, list(truth)[:5])
    take(as_key("review"))
    assert figures(client)["unanswered"] == 5

    storing.PREDICTION_SAMPLE_RATE = 0.0

    assert client.get("/score").json()["production"] is None


def test_old_draws_do_not_count(
    client: JSONClient, as_key: AsKey, served: ModelVersion, truth: dict[str, bool]
) -> None:
    predict(client, list(truth)[:5])
    take(as_key("review"))
    assert figures(client)["unanswered"] == 5

    SampleDraw.objects.update(at=timezone.now() - timedelta(days=31))
    QueueClaim.objects.update(at=timezone.now() - timedelta(days=31))

    assert figures(client)["unanswered"] == 0


def test_no_single_answer_moves_the_figures(
    client: JSONClient, as_key: AsKey, served: ModelVersion, truth: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_metrics, "ANSWERS_AT_ONCE", 20)
    predict(client, list(truth)[:60])
    moderator = as_key("review")
    take(moderator, limit=1, reason="random_audit")
    before = figures(client)

    for tweet in take(moderator, limit=15, reason="random_audit"):
        review(moderator, {tweet: truth[tweet]})
    assert figures(client) == before

    take(moderator, limit=10, reason="random_audit")
    after = figures(client)
    assert (after["audited"], after["audited"] + after["unanswered"]) == (15, 26)


def test_figures_are_at_most_a_day_old(
    client: JSONClient, as_key: AsKey, served: ModelVersion, truth: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_metrics, "ANSWERS_AT_ONCE", 20)
    predict(client, list(truth)[:5])
    take(as_key("review"), limit=1, reason="random_audit")
    figures(client)
    take(as_key("review"), limit=1, reason="random_audit")

    LiveFigures.objects.update(at=timezone.now() - timedelta(days=1))

    assert figures(client)["unanswered"] == 2


def test_who_is_not_trusted_any_more_has_moved_no_rank(
    client: JSONClient, as_key: AsKey, served: ModelVersion, truth: dict[str, bool]
) -> None:
    predict(client, list(truth)[:20])
    take(as_key("review"), limit=20)
    assert figures(client)["unanswered"] == 20

    trust.quarantine(ApiKey.objects.get(), by="ann", reason="odd")

    assert figures(client)["unanswered"] == 0
    assert len(take(as_key("review"), limit=20)) == 20
