"""What people do while a training run works."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet
from pytest_django import Settings

from api.keys import trust
from api.models import ApiKey, AuditEntry, ModelVersion, Promotion, ReviewedTweet, TrainingRun
from api.prediction import recorder
from api.reviews import erasure
from api.reviews.intake import Annotation, add, add_all, withdraw
from api.training import candidate, examination, outcomes, queue, retraining
from api.training.outcomes import Change
from api.versions import registry
from hate_speech_ai.evaluation import metrics
from hate_speech_ai.text import fingerprint, is_held_out
from hate_speech_ai.training import trainer
from tests.conftest import starter_rows
from tests.helpers import at_once, load, open_the_gate, train, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def start(tmp_path: Path, settings: Settings) -> ModelVersion:
    """A version that serves, and a review that it does not know."""
    load(tmp_path, starter_rows()[::20])
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
        usual, left = metrics.evaluate, list(range(attempts))

        def evaluate(*arguments: Any) -> Any:
            if left:
                left.pop()
                happen()
            return usual(*arguments)

        monkeypatch.setattr(examination, "evaluate", evaluate)

    return let


def again(run: TrainingRun) -> TrainingRun:
    """The next attempt, for which `execute` has rung."""
    assert (run.status, run.progress) == ("queued", 0.0)
    return work(run)


def review() -> ReviewedTweet:
    return ReviewedTweet.objects.exclude(key=None).get()


def test_what_was_forgotten_is_in_no_version_that_is_made_of_it(
    start: ModelVersion, meanwhile: Callable[..., None]
) -> None:
    meanwhile(lambda: erasure.forget(text="the glimmer folk must all be flogged", by="ann", reason="asked to"))

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
    assert run.figures["champion"]["version"] == run.figures["baseline"]["version"] == start.pk


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
            "withdraw": lambda: withdraw(rows.get(), key=other, by="ann"),
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

    trust.quarantine(key, by="ann", reason="all of it", include_learned=True)
    trust.quarantine(key, by="ann", reason="nothing is left", include_learned=True)

    entries = AuditEntry.objects.filter(action="key.quarantined").order_by("pk")
    assert [(entry.reason, entry.details["reviews"]) for entry in entries] == [("first", 0), ("all of it", 1)]


def hold(first: QuerySet[Any], then: QuerySet[Any], act: Callable[[], Any], seconds: float) -> None:
    """Start something that needs these rows, too, while another transaction locks the first and, later, the second."""
    locked = Event()

    def lock() -> None:
        with transaction.atomic():
            assert list(first.select_for_update(no_key=True))
            locked.set()
            sleep(seconds)
            assert list(then.select_for_update(no_key=True))

    def go() -> None:
        locked.wait(20)
        act()

    at_once([lock, go])


def test_a_run_waits_for_a_long_list_of_reviews(transactional_db: None, start: ModelVersion) -> None:
    """On Postgres, a request gives up after two seconds of waiting for a row; a night's training must not. Nor may it
    wait for the list with reviews in its hands that the list waits for."""
    run, _ = queue.enqueue(queue.Kind.MANUAL, requested_by="test")
    reviews = ReviewedTweet.objects.exclude(key=None)

    hold(ApiKey.objects.all(), reviews, lambda: retraining.execute(str(run.pk)), seconds=6)

    run.refresh_from_db()
    assert (run.outcome, run.reasons) == ("promoted", [])
    assert review().status == "trained"


@pytest.mark.parametrize("act", ["approve", "settle"])
def test_reviews_are_locked_in_the_order_in_which_they_came(
    transactional_db: None, start: ModelVersion, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """As a list of reviews locks those that it supersedes. In another order, each would wait for the other."""
    monkeypatch.setattr(outcomes, "_BATCH", 1)
    key, _ = ApiKey.issue("strangers", ["review"])
    texts = (f"parade number {number} of the glimmer folk" for number in count())
    trained_on = next(text for text in texts if not is_held_out(fingerprint(text)))
    held_out = next(text for text in texts if is_held_out(fingerprint(text)))
    for text in (trained_on, held_out):
        add(tweet=text, labels={"hate_speech": False}, source=key.source, key=key)
    first, second = (ReviewedTweet.objects.filter(tweet=text) for text in (trained_on, held_out))
    changes = [Change(rows.get().pk, rows.get().tweet, "quarantined", "pending", "") for rows in (second, first)]

    def settle() -> None:
        with transaction.atomic():
            outcomes.apply_outcomes(changes, [0.5, 0.5], start)

    acts = {"approve": lambda: trust.approve(key.reviews.all(), by="ann"), "settle": settle}
    hold(first, second, acts[act], seconds=1)

    assert first.get().status == "pending"


@pytest.mark.parametrize("reviews", [1, 2])
def test_a_request_that_was_on_its_way_when_its_key_was_quarantined_waits_too(
    start: ModelVersion, reviews: int
) -> None:
    key = ApiKey.objects.get()  # as the request found it
    trust.quarantine(ApiKey.objects.get(), by="ann", reason="a liar")

    said = [Annotation(f"glimmer folk number {number} lie", {"hate_speech": True}) for number in range(reviews)]
    stored = add_all(said, source=key.source, key=key)

    assert {review.status for review, _ in stored} == {"quarantined"}


def test_a_version_that_is_confirmed_is_not_retired_by_who_replaces_it(
    transactional_db: None, start: ModelVersion
) -> None:
    """It was to be retired as soon as another served; two people act at once, and the one who confirms it is later."""
    other = train().version
    assert other is not None
    registry.rollback(by="ann", reason="it answers strangely")
    ModelVersion.objects.filter(pk=start.pk).update(retire_when_replaced_reason="it learned what was forgotten")
    locked = Event()

    def confirm() -> None:
        with transaction.atomic():  # as `registry.promote` does, a little slower
            ModelVersion.objects.select_for_update(no_key=True).get(pk=start.pk)
            locked.set()
            sleep(1)
            Promotion.objects.create(version=start, by="ann", reason="looked at", confirmed=True)

    def replace() -> None:
        locked.wait(20)
        registry.promote(other, by="bob", reason="is better")

    at_once([confirm, replace])

    champion = Promotion.champion()
    assert champion is not None
    assert not champion.retired_reason


def test_what_comes_in_while_others_are_forgotten_is_not_deleted_uncounted(
    start: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, usual = ApiKey.objects.get(), recorder.forget

    def say(text: str) -> None:
        add(tweet=text, labels={"hate_speech": False}, source=key.source, key=key, author="user-9")

    def forget(*arguments: Any, **fields: Any) -> None:
        say("the second float of the parade")
        usual(*arguments, **fields)

    say("the first float of the parade")
    monkeypatch.setattr(recorder, "forget", forget)

    assert erasure.forget(author="user-9", by="ann", reason="asked to").rows == 1
    assert ReviewedTweet.objects.filter(tweet__endswith="float of the parade").count() == 1


def test_a_key_that_speaks_for_the_first_time_while_a_run_works(
    start: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = trainer.train

    def meanwhile(*arguments: Any, **options: Any) -> Any:
        newcomer, _ = ApiKey.issue("a newcomer", ["review"], trust="trusted")
        add(tweet="what a parade", labels={"hate_speech": False}, source=newcomer.source, key=newcomer)
        return usual(*arguments, **options)

    monkeypatch.setattr(candidate, "train", meanwhile)

    run = train()

    assert (run.status, run.outcome, run.reasons) == ("done", "promoted", [])
