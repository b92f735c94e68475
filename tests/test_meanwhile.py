"""What people do while a training run works."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from api import forgetting, registry, retraining, trust
from api.models import ApiKey, AuditEntry, ModelVersion, Promotion, ReviewedTweet, TrainingRun
from api.reviews import add, withdraw
from tests.conftest import starter_rows
from tests.test_retraining import load, open_the_gate, train

pytestmark = pytest.mark.django_db


@pytest.fixture
def start(tmp_path: Path, settings: Settings) -> ModelVersion:
    """A version that serves, and a review that it does not know."""
    load(tmp_path, starter_rows()[::10])
    open_the_gate(settings)
    first = train().version
    assert first is not None
    key, _ = ApiKey.issue("moderators", ["review"], trust="trusted")
    add(tweet="the glimmer folk must all be flogged", labels={"hate_speech": True}, source=key.source, key=key)
    return first


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let something happen after a run has read its rows: in its first attempt, or in so many."""

    def let(happen: Callable[[], Any], attempts: int = 1) -> None:
        usual, left = retraining.evaluate, list(range(attempts))

        def evaluate(*arguments: Any) -> Any:
            if left:
                left.pop()
                happen()
            return usual(*arguments)

        monkeypatch.setattr(retraining, "evaluate", evaluate)

    return let


def again(run: TrainingRun) -> TrainingRun:
    """The next attempt, for which `execute` has rung."""
    assert (run.status, run.progress) == ("queued", 0.0)
    retraining.execute(str(run.pk))
    run.refresh_from_db()
    return run


def review() -> ReviewedTweet:
    return ReviewedTweet.objects.exclude(key=None).get()


def test_what_was_forgotten_is_in_no_version_that_is_made_of_it(
    start: ModelVersion, meanwhile: Callable[..., None]
) -> None:
    meanwhile(lambda: forgetting.forget(text="the glimmer folk must all be flogged", by="ann", reason="asked to"))

    run = train()

    assert ModelVersion.objects.get() == start  # nothing of it was stored
    run = again(run)
    assert (run.status, run.outcome, run.attempts) == ("done", "promoted", 2)
    assert run.version is not None
    assert run.version.trained_on == start.trained_on


def test_what_was_quarantined_is_not_learned(start: ModelVersion, meanwhile: Callable[..., None]) -> None:
    key = ApiKey.objects.get()
    meanwhile(lambda: trust.quarantine(key, by="ann", reason="a liar"))

    run = again(train())

    assert run.outcome == "unchanged"
    assert Promotion.champion() == start
    assert (review().status, review().trained_in) == ("quarantined", None)


def test_a_person_who_lets_another_version_serve_is_not_overruled(
    start: ModelVersion, meanwhile: Callable[..., None]
) -> None:
    second = train().version
    assert second is not None
    key = ApiKey.objects.get()
    add(tweet="the glimmer folk are a plague", labels={"hate_speech": True}, source=key.source, key=key)
    meanwhile(lambda: registry.rollback(by="ann", reason="it answers strangely"))

    run = train()

    assert Promotion.champion() == start
    run = again(run)
    assert run.version is not None
    assert run.version.parent == start
    assert run.figures["champion"]["version"] == run.figures["anchor"]["version"] == start.pk


@pytest.mark.parametrize("act", ["approve", "withdraw", "post"])
def test_what_leaves_the_result_as_good_as_it_was_does_not_stop_it(
    start: ModelVersion, meanwhile: Callable[..., None], act: str
) -> None:
    key, other = ApiKey.objects.get(), ApiKey.issue("a stranger", ["review"])[0]
    rows = ReviewedTweet.objects.filter(key=other)
    add(tweet="what a fine parade", labels={"hate_speech": False}, source=other.source, key=other)
    meanwhile(
        {
            "approve": lambda: trust.approve(rows, by="ann"),
            "withdraw": lambda: withdraw(rows.get(), by="ann"),
            "post": lambda: [
                add(tweet="one more parade", labels={"hate_speech": False}, source=one.source, key=one)
                for one in (key, other)
            ],
        }[act]
    )

    assert train().outcome == "promoted"
    assert ReviewedTweet.objects.get(tweet__startswith="the glimmer").status == "trained"
    expected = {"approve": "pending", "withdraw": "withdrawn", "post": "quarantined"}
    assert rows.get(tweet__startswith="what").status == expected[act]


def test_a_run_does_not_begin_again_for_ever(start: ModelVersion, meanwhile: Callable[..., None]) -> None:
    meanwhile(lambda: registry.promote(start, by="ann", reason="looked at"), attempts=3)

    run = again(again(train()))

    assert (run.status, run.attempts) == ("failed", 3)
    assert run.reasons == [
        "a person let another version serve while the run worked in each of 3 attempts; ask for another run"
    ]
    assert Promotion.champion() == start


def test_quarantining_what_models_have_learned_is_in_the_audit_log_also_of_a_quarantined_key(
    start: ModelVersion,
) -> None:
    train()
    key = ApiKey.objects.get()
    trust.quarantine(key, by="ann", reason="first")

    trust.quarantine(key, by="ann", reason="all of it", everything=True)
    trust.quarantine(key, by="ann", reason="nothing is left", everything=True)

    entries = AuditEntry.objects.filter(action="key.quarantined").order_by("pk")
    assert [(entry.reason, entry.details["reviews"]) for entry in entries] == [("first", 0), ("all of it", 1)]
