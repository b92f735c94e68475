"""A promoted run is done when every web process answers with its version."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from api.models import Heartbeat, ModelVersion, Promotion, TrainingRun
from api.training import candidate, queue, retraining
from api.versions import registry
from tests.conftest import AsKey, MakeVersion, starter_rows
from tests.helpers import load, open_the_gate, work

pytestmark = pytest.mark.django_db
LONGEST = 25.0


class Clock:
    """The time of a run that waits: it passes only while the run sleeps, and something may happen then."""

    def __init__(self) -> None:
        self.now = 0.0
        self.happens: dict[float, Callable[[], Any]] = {}

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for at in [at for at in self.happens if at <= self.now]:
            self.happens.pop(at)()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(retraining, "time", SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep))
    return clock


@pytest.fixture
def rows(tmp_path: Path, no_everyday_tweets: None, settings: Settings) -> None:
    """Enough to train on, and no more."""
    load(tmp_path, starter_rows()[::40])
    open_the_gate(settings)


@pytest.fixture
def promoted(make_version: MakeVersion) -> TrainingRun:
    """A run whose version was stored and promoted by an attempt that ended then, and that is queued again."""
    version = make_version()
    Promotion.objects.create(version=version, by="manual run", reason="passed the gate")
    return TrainingRun.objects.create(
        kind="manual", requested_by="test", attempts=1, version=version, outcome="promoted"
    )


def web(number: int, version: int | None) -> None:
    Heartbeat.beat(f"web:{number}", "web", version=version)


def ask() -> TrainingRun:
    return queue.enqueue(queue.Kind.MANUAL, requested_by="test")[0]


def test_it_works(rows: None, clock: Clock, as_key: AsKey) -> None:
    client, run = as_key("train"), ask()
    seen: list[dict[str, Any]] = []

    def follow(*numbers: int) -> None:
        seen.append(client.get(f"/training-runs/{run.pk}").json())
        for number in numbers:
            web(number, Promotion.objects.get().version_id)

    web(1, None)
    web(2, None)
    clock.happens = {2.0: lambda: follow(1), 4.0: lambda: follow(2)}

    work(run)

    for shown in seen:
        assert (shown["status"], shown["step"]) == ("running", "waiting for the web processes")
        assert (shown["outcome"], shown["version"], shown["served_by"]) == ("promoted", run.version_id, None)
        assert shown["progress"] < 1
        assert shown["finished_at"] is None
    assert len(seen) == 2
    assert clock.now == pytest.approx(4.0, abs=0.2)
    answer = client.get(f"/training-runs/{run.pk}").json()
    assert (answer["status"], answer["outcome"], answer["progress"], answer["step"]) == ("done", "promoted", 1.0, "")
    assert answer["served_by"] == {"processes": 2, "of": 2}


def test_a_web_process_that_never_follows_holds_it_up_for_a_while_only(promoted: TrainingRun, clock: Clock) -> None:
    assert promoted.version_id is not None
    newer, older = promoted.version_id, promoted.version_id - 1

    def beat() -> None:
        web(1, newer)
        web(2, older)

    beat()
    clock.happens = {20.0: beat}

    run = work(promoted)

    assert (run.status, run.outcome, run.served_by) == ("done", "promoted", {"processes": 1, "of": 2})
    assert clock.now == pytest.approx(LONGEST, abs=0.2)


def test_what_is_no_web_process_or_shows_no_sign_of_life_is_not_waited_for(promoted: TrainingRun, clock: Clock) -> None:
    web(1, promoted.version_id)
    web(2, None)
    Heartbeat.objects.filter(process="web:2").update(at=timezone.now() - timedelta(seconds=21))
    Heartbeat.beat("worker:1", "worker")

    run = work(promoted)

    assert (run.status, run.served_by, clock.now) == ("done", {"processes": 1, "of": 1}, 0.0)


def test_without_a_web_process_nothing_is_waited_for(promoted: TrainingRun, clock: Clock) -> None:
    run = work(promoted)

    assert (run.status, run.served_by, clock.now) == ("done", {"processes": 0, "of": 0}, 0.0)


def test_a_version_that_a_person_replaces_is_not_waited_for(
    promoted: TrainingRun, clock: Clock, make_version: MakeVersion
) -> None:
    web(1, None)
    other = make_version()
    clock.happens = {3.0: lambda: registry.promote(other, by="ann", reason="it answers strangely")}

    run = work(promoted)

    assert (run.status, run.outcome, run.served_by) == ("done", "promoted", {"processes": 0, "of": 1})
    assert clock.now == pytest.approx(3.0, abs=0.2)


class Killed(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


def killed_while_waiting(run: TrainingRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as fate:
        fate.setattr(retraining, "_wait_until_served", kill)
        with pytest.raises(Killed):
            retraining.execute(str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.outcome) == ("running", "promoted")
    TrainingRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_worker_killed_between_the_promotion_and_the_end_costs_no_second_training(
    rows: None, clock: Clock, monkeypatch: pytest.MonkeyPatch, settings: Settings, attempts: int
) -> None:
    run = ask()
    TrainingRun.objects.update(attempts=attempts - 1)
    killed_while_waiting(run, monkeypatch)
    version = ModelVersion.objects.get()
    web(1, version.pk)
    monkeypatch.setattr(candidate, "train", lambda *args, **options: pytest.fail("it trains again"))

    queue.sweep()
    run.refresh_from_db()
    assert run.status == "queued"
    work(run)

    assert settings.MAX_ATTEMPTS == 3  # the last one that may train may be killed as well
    assert (run.status, run.outcome, run.version, run.reasons) == ("done", "promoted", version, [])
    assert (run.attempts, run.served_by) == (attempts + 1, {"processes": 1, "of": 1})
    assert ModelVersion.objects.get() == version
    assert Promotion.objects.get().version == version


def test_an_error_after_the_promotion_does_not_make_it_a_failure(
    promoted: TrainingRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(**_: Any) -> None:
        raise RuntimeError("the clean-up stumbles")

    monkeypatch.setattr(registry, "clean_up_after_promotion", stumble)

    run = work(promoted)

    assert (run.status, run.outcome, run.reasons) == ("done", "promoted", [])
    assert Promotion.champion() == run.version


def test_a_rejected_version_is_not_waited_for(rows: None, clock: Clock, settings: Settings) -> None:
    settings.GATE_MAX_SHARE_RATIO = 1.0
    web(1, None)

    run = work(ask())

    assert (run.status, run.outcome, run.served_by, clock.now) == ("done", "rejected", None, 0.0)
    assert run.version is not None
