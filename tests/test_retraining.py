"""From reviewed tweets to the model that serves."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db.models import QuerySet
from pytest_django import Settings

from api.lib import redis_client
from api.models import ApiKey, AuditEntry, ModelVersion, Promotion, ReviewedTweet, TrainingRun
from api.prediction import active_model
from api.reviews import intake
from api.training import candidate, queue, retraining
from api.training.dataset import read
from api.versions import registry
from hate_speech_ai.artifact import Artifact, sha256
from hate_speech_ai.evaluation.gate import Limits
from hate_speech_ai.evaluation.metrics import read_checks
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training import trainer
from hate_speech_ai.training.recipe import recipe
from tests.conftest import AsKey, JSONClient, rewrite, starter_rows
from tests.helpers import content_of, load, open_the_gate, train

pytestmark = pytest.mark.django_db
ANSWER = {"1": True, "0": False}


@pytest.fixture
def rows(tmp_path: Path, no_everyday_tweets: None) -> None:
    """Every tenth row of the starter corpus."""
    load(tmp_path, starter_rows()[::20])


def contradict(tweets: list[ReviewedTweet]) -> None:
    """The same source changes its mind about hate_speech in each of these tweets."""
    for row in tweets:
        intake.add(tweet=row.tweet, labels={"hate_speech": not row.labels["hate_speech"]}, source=row.source)


def test_it_works(rows: None, client: JSONClient) -> None:
    run = train()

    assert (run.status, run.outcome, run.reasons, run.attempts, run.progress) == ("done", "promoted", [], 1, 1.0)
    assert run.version is not None
    assert run.version == Promotion.champion()
    newest = AuditEntry.objects.order_by("-pk")[0]
    assert (newest.action, newest.target) == ("version.promoted", f"version {run.version_id}")
    assert newest.details == {"run": str(run.pk), "sha256": run.version.sha256}
    active_model.refresh()
    assert client.post("/predict", {"tweet": "hello"}).json()["model_version"] == run.version_id
    score = client.get("/score").json()
    assert None not in (score["score"], score["precision"], score["recall"], score["roc_auc"], score["pr_auc"])
    assert score["roc_auc"] > 0.7


def test_the_figures_are_those_of_the_held_out_tweets(rows: None) -> None:
    version = train().version
    assert version is not None

    held_out = ReviewedTweet.objects.filter(held_out=True)
    scorer = Scorer(Artifact.from_bytes(content_of(version)))
    pairs = [
        (scorer.score(row.tweet).probabilities["hate_speech"] >= scorer.thresholds["hate_speech"], row.labels)
        for row in held_out
    ]
    figures = version.metrics["hate_speech"]
    assert figures["true_positives"] == sum(said and labels["hate_speech"] for said, labels in pairs)
    assert figures["false_positives"] == sum(said and not labels["hate_speech"] for said, labels in pairs)
    assert figures["false_negatives"] == sum(not said and labels["hate_speech"] for said, labels in pairs)
    assert figures["rows"] == version.evaluated_on == held_out.count()
    assert version.trained_on == ReviewedTweet.objects.filter(held_out=False).count()
    assert version.metrics["by_source"]["corpus:starter"] == figures


def test_the_checks_are_measured(rows: None, client: JSONClient, settings: Settings) -> None:
    version = train().version
    assert version is not None

    checks = read_checks(settings.CHECKS)
    scorer = Scorer(Artifact.from_bytes(content_of(version)))
    passed = [
        (scorer.score(check.tweet).probabilities["hate_speech"] >= scorer.thresholds["hate_speech"])
        == check.is_hate_speech
        for check in checks
    ]
    figures = version.metrics["checks"]
    assert (figures["passed"], figures["rows"]) == (round(sum(passed) / len(passed), 4), len(checks))
    assert set(figures["by_capability"]) == {check.capability for check in checks}
    active_model.refresh()
    assert client.get("/score").json()["checks"] == figures
    assert client.get(f"/models/{version.pk}").json()["metrics"]["checks"] == figures


def test_held_out_tweets_teach_nothing(rows: None) -> None:
    first = train().version
    contradict(list(ReviewedTweet.objects.filter(held_out=True)))
    second = train().version

    assert first is not None
    assert second is not None
    old, new = (Artifact.from_bytes(content_of(version)) for version in (first, second))
    assert first.pk != second.pk
    assert (old.vocabulary.blocks, old.curves) == (new.vocabulary.blocks, new.curves)
    assert np.array_equal(old.weights, new.weights)


def test_the_same_rows_are_not_trained_on_twice(rows: None) -> None:
    first = train()

    second = train()

    assert (second.status, second.outcome, second.version) == ("done", "unchanged", None)
    assert "nothing was reviewed" in second.reasons[0]
    assert Promotion.champion() == first.version
    assert ModelVersion.objects.count() == 1


def test_the_same_rows_give_the_same_bytes(rows: None) -> None:
    hashes = []
    for _ in range(2):
        version = train().version
        assert version is not None
        hashes.append(version.sha256)
        assert sha256(content_of(version)) == version.sha256
        for model in (TrainingRun, Promotion, ModelVersion):
            QuerySet(model).delete()  # a version cannot be deleted in another way

    assert hashes[0] == hashes[1]


def test_a_night_says_what_it_changed_and_of_what_it_was_made(rows: None, as_key: AsKey, settings: Settings) -> None:
    open_the_gate(settings)
    settings.KEEP_VERSIONS = 1
    first = train().version
    rejected = ModelVersion.objects.create(
        **{name: getattr(first, name) for name in ("sha256", "artifact", "trained_on", "evaluated_on", "metrics")}
    )
    as_key("review").post("/add-reviewed-tweet", {"tweet": "the bus number 1 is late", "is_hate_speech": False})

    second = train().version

    assert first is not None
    assert second is not None
    assert second.recipe == recipe()
    before, now = Promotion.objects.order_by("pk")
    assert before.change == {}
    assert now.change["previous_version"] == first.pk
    assert now.change["rows"] == ReviewedTweet.objects.filter(held_out=True, key=None).count()
    assert len(now.change["score_map"]["old"]) > 5
    retired = ModelVersion.objects.exclude(retired_reason="")
    assert list(retired) == [rejected]


def test_a_new_review_is_trained_on(rows: None, as_key: AsKey, settings: Settings) -> None:
    open_the_gate(settings)
    first, client = train(), as_key("review")
    body: dict[str, Any] = {"tweet": "the bus number 1 is late", "is_hate_speech": False}
    receipt = f"/reviewed-tweets/{client.post('/add-reviewed-tweet', body).json()['id']}"
    assert client.get(receipt).json()["status"] == "pending"

    second = train()

    assert (second.outcome, second.version_id == first.version_id) == ("promoted", False)
    answer = client.get(receipt).json()
    assert (answer["status"], answer["trained_in"]) == ("trained", second.version_id)
    assert second.version is not None
    scorer = Scorer(Artifact.from_bytes(content_of(second.version)))
    assert answer["probability_after"] == scorer.score(body["tweet"]).probabilities["hate_speech"]
    assert second.version.parent == first.version


def test_a_worse_candidate_does_not_serve(rows: None, as_key: AsKey) -> None:
    first = train()
    before = {"tweet": "the bus number 1 is late", "is_hate_speech": True}
    receipt = as_key("review").post("/add-reviewed-tweet", before).json()["id"]
    contradict(list(ReviewedTweet.objects.filter(held_out=False, key=None)))

    second = train()

    assert (second.status, second.outcome) == ("done", "rejected")
    newest = AuditEntry.objects.order_by("-pk")[0]
    assert (newest.action, newest.reason) == ("version.rejected", "; ".join(second.reasons))
    assert any("F1 on" in reason and "held-out tweets of corpora falls from" in reason for reason in second.reasons)
    assert second.figures["candidate"]["f1"] < second.figures["champion"]["f1"]
    assert Promotion.champion() == first.version
    assert second.version is not None
    assert second.version_id != first.version_id
    stored = ReviewedTweet.objects.get(receipt=receipt)
    assert (stored.trained_in, stored.status, stored.events.count()) == (None, "pending", 1)


def test_a_withdrawn_review_is_trained_without(rows: None, as_key: AsKey, settings: Settings) -> None:
    settings.GATE_MAX_DROP = 1.0
    first, client = train().version, as_key("review")
    body: dict[str, Any] = {"tweet": "the bus number 1 is late", "is_hate_speech": False}
    receipt = f"/reviewed-tweets/{client.post('/add-reviewed-tweet', body).json()['id']}"
    second = train().version
    assert client.request("DELETE", receipt, "", b"").status_code == 204

    run = train()

    assert first is not None
    assert second is not None
    assert run.version is not None
    assert run.outcome == "promoted"
    assert second.trained_on == first.trained_on + 1 == run.version.trained_on + 1
    weights, again = (Artifact.from_bytes(content_of(version)).weights for version in (first, run.version))
    assert np.array_equal(weights, again)
    assert train().outcome == "unchanged"


def test_the_gate_can_be_opened_wide(rows: None, settings: Settings) -> None:
    train()
    contradict(list(ReviewedTweet.objects.filter(held_out=False)))
    open_the_gate(settings)

    assert train().outcome == "promoted"


def test_the_verdict_can_be_read(rows: None, as_key: AsKey) -> None:
    first = train()
    contradict(list(ReviewedTweet.objects.filter(held_out=False)))
    second = train()

    answer = as_key("train").get(f"/training-runs/{second.pk}").json()

    assert (answer["outcome"], answer["reasons"]) == ("rejected", second.reasons)
    figures = answer["figures"]
    held_out = ReviewedTweet.objects.filter(held_out=True).count()
    assert figures["rows"] == {"corpora": held_out, "reviews": 0, "checks": 449, "everyday": 0}
    assert figures["vs_champion"]["version"] == figures["vs_baseline"]["version"] == first.version_id
    f1 = figures["vs_champion"]["corpora"]["f1"]
    assert f1["low"] < f1["difference"] < f1["high"] < 0
    assert figures["vs_champion"]["changed"] > 0.5
    assert figures["vs_champion"]["checks"]["slur_use"]["rows"] == 12
    assert figures["limits"]["max_drop"] == 0.02
    assert figures["notes"] == ["0 held-out reviews are too few to judge on; 20 are needed"]


def test_the_limits_are_settings(rows: None, settings: Settings) -> None:
    limits = asdict(Limits())
    names = [name.upper() for name in limits]
    assert [getattr(settings, f"GATE_{name}") for name in names] == list(limits.values())
    for place, name in enumerate(names):
        setattr(settings, f"GATE_{name}", place + 1)

    assert list(train().figures["limits"].values()) == list(range(1, len(names) + 1))


def test_reviewers_do_not_reach_the_frozen_rows(rows: None) -> None:
    before = read(None)
    keys = [ApiKey.issue(name, ["review"], trust="trusted")[0] for name in ("ann", "bob")]
    for row in ReviewedTweet.objects.filter(held_out=True):
        for key in keys:
            opinion(key, f"{row.tweet} ", not row.labels["hate_speech"])

    after = read(None)

    others = [not row.answer for row in before.corpus_holdout["hate_speech"]]
    assert [example.labels["hate_speech"] for example in after.held_out] == others
    assert after.corpus_holdout == before.corpus_holdout
    assert before.held_out_reviews == []
    assert [row.answer for row in after.held_out_reviews] == others


def test_the_baseline_is_the_last_version_that_a_person_let_serve(rows: None, settings: Settings) -> None:
    def review_and_train() -> TrainingRun:
        contradict(list(ReviewedTweet.objects.filter(held_out=False).order_by("-pk")[:1]))
        return train()

    open_the_gate(settings)
    first, second = review_and_train(), review_and_train()
    assert second.figures["vs_baseline"]["version"] == first.version_id

    assert second.version is not None
    registry.promote(second.version, by="ann", reason="looks well")
    third, fourth = review_and_train(), review_and_train()

    assert third.figures["vs_baseline"]["version"] == second.version_id
    assert fourth.figures["vs_champion"]["version"] == third.version_id
    assert fourth.figures["vs_baseline"]["version"] == second.version_id


def test_a_person_may_force_a_promotion(rows: None, as_key: AsKey) -> None:
    train()
    contradict(list(ReviewedTweet.objects.filter(held_out=False)))
    rejected = train()

    response = as_key("admin").post(f"/models/{rejected.version_id}/promote", {"reason": "the labels were wrong"})

    assert response.status_code == 200
    assert Promotion.champion() == Promotion.baseline() == rejected.version


def test_without_rows_there_is_a_reason() -> None:
    run = train()

    assert (run.status, run.outcome, run.version) == ("done", "rejected", None)
    assert "held-out tweets" in run.reasons[0]


def test_with_too_few_rows_there_is_a_reason(tmp_path: Path) -> None:
    load(tmp_path, starter_rows()[::200])
    hateful = ReviewedTweet.objects.filter(held_out=False, labels__hate_speech=True).count()

    run = train()

    assert (run.status, run.outcome, run.version) == ("done", "rejected", None)
    assert "training needs 50 tweets with hate_speech and 50 without" in run.reasons[0]
    assert f"there are {hateful} and" in run.reasons[0]
    assert not ModelVersion.objects.exists()


def test_a_failed_run_keeps_its_error(rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_out_of_memory(*args: Any, **options: Any) -> Any:
        raise MemoryError("no more")

    first = train()
    contradict(list(ReviewedTweet.objects.filter(held_out=True)[:1]))
    monkeypatch.setattr(candidate, "train", run_out_of_memory)

    run = train()

    assert (run.status, run.outcome) == ("failed", "")
    assert run.finished_at is not None
    assert run.reasons == ["MemoryError: no more"]
    assert Promotion.champion() == first.version


def test_a_champion_that_cannot_be_loaded_is_replaced(rows: None) -> None:
    train()
    rewrite(artifact=b"of a version of this program that is long gone")
    redis_client.call("FLUSHALL")
    contradict(list(ReviewedTweet.objects.filter(held_out=True)[:1]))

    run = train()

    assert (run.status, run.outcome) == ("done", "promoted")
    assert "champion" not in run.figures


def test_a_message_that_comes_twice_is_one_run(rows: None) -> None:
    run = train()
    before = TrainingRun.objects.filter(pk=run.pk).values().get()

    retraining.execute(str(run.pk))

    assert TrainingRun.objects.filter(pk=run.pk).values().get() == before
    assert ModelVersion.objects.count() == 1


def test_the_result_of_an_attempt_that_was_given_up_is_discarded(rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def train_while_another_takes_over(*args: Any, **options: Any) -> Any:
        TrainingRun.objects.update(attempts=2)
        options["progress"] = lambda step, share: None
        return real_train(*args, **options)

    real_train = trainer.train
    monkeypatch.setattr(candidate, "train", train_while_another_takes_over)

    run = train()

    assert (run.status, run.attempts, run.version) == ("running", 2, None)
    assert not ModelVersion.objects.exists()
    assert not Promotion.objects.exists()


def test_the_next_run_is_rung_for(rows: None) -> None:
    following, _ = queue.enqueue(queue.Kind.NIGHTLY, requested_by="test")

    train()

    messages = redis_client.call("LRANGE", "celery", 0, -1)
    assert isinstance(messages, list)
    assert any(str(following.pk).encode() in message for message in messages)


def test_the_new_version_is_cached_under_its_hash(rows: None) -> None:
    version = train().version

    assert version is not None
    assert redis_client.call("GET", f"model:{version.sha256}") == content_of(version)


def opinion(key: ApiKey, tweet: str, is_hate_speech: bool) -> None:
    intake.add(tweet=tweet, labels={"hate_speech": is_hate_speech}, source=f"key:{key.pk}", key=key)


def test_the_majority_of_the_keys_decides() -> None:
    ann, bob, eve = (ApiKey.issue(name, ["review"], trust="trusted")[0] for name in ("ann", "bob", "eve"))
    opinion(ann, "the bus is late", False)
    opinion(bob, "The  BUS is late", False)
    opinion(eve, "the bus is late", True)

    dataset = read(None)

    [example] = dataset.training + dataset.held_out
    assert example.labels == {"hate_speech": False}


def test_of_one_key_the_last_opinion_counts() -> None:
    ann, _ = ApiKey.issue("ann", ["review"], trust="trusted")
    for answer in (True, True, False):
        opinion(ann, "the bus is late", answer)

    dataset = read(None)

    [example] = dataset.training + dataset.held_out
    assert example.labels == {"hate_speech": False}
