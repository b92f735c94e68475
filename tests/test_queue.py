"""The queue of training runs."""

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django import Settings

from api.lib import redis_client
from api.models import ApiKey, Heartbeat, IdempotentAnswer, ModelVersion, Promotion, TrainingRun
from api.training import queue
from api.training.queue import Kind, LostLease, Status
from tests.helpers import at_once

pytestmark = pytest.mark.django_db


def queued(kind: str = Kind.MANUAL) -> TrainingRun:
    run, _ = queue.enqueue(kind, requested_by="test")
    return run


def claimed() -> TrainingRun:
    run = queue.claim(queued().pk)
    assert run is not None
    return run


def expire(run: TrainingRun) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def status_of(run: TrainingRun) -> str:
    return TrainingRun.objects.get(pk=run.pk).status


def rung() -> list[bytes]:
    messages = redis_client.call("LRANGE", "celery", 0, -1)
    assert isinstance(messages, list)
    return messages


def is_rung_for(run_id: UUID) -> bool:
    return any(str(run_id).encode() in message for message in rung())


def nights() -> list[str | None]:
    return list(
        TrainingRun.objects.filter(kind=Kind.NIGHTLY).order_by("created_at").values_list("dedupe_key", flat=True)
    )


def test_it_works() -> None:
    run, new = queue.enqueue(Kind.MANUAL, requested_by="ann")
    working = queue.claim(run.pk)
    assert working is not None

    queue.finish(working, status=Status.DONE, outcome=TrainingRun.Outcome.UNCHANGED)

    run.refresh_from_db()
    assert new
    assert (run.status, run.outcome, run.attempts, run.requested_by) == ("done", "unchanged", 1, "ann")
    assert run.started_at is not None
    assert run.finished_at is not None


def test_a_run_is_claimed_once() -> None:
    run = claimed()

    assert queue.claim(run.pk) is None
    assert TrainingRun.objects.get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_gets_the_run(transactional_db: None) -> None:
    run = queued()

    claims = at_once([lambda: queue.claim(run.pk)] * 8)

    assert sum(claim is not None for claim in claims) == 1
    assert TrainingRun.objects.get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_runs_one_goes_on(transactional_db: None) -> None:
    runs = [queue.enqueue(Kind.NIGHTLY, requested_by="test", dedupe_key=str(n))[0] for n in range(8)]

    claims = at_once([partial(queue.claim, run.pk) for run in runs])

    assert sum(claim is not None for claim in claims) == 1
    assert TrainingRun.objects.filter(status=Status.RUNNING).count() == 1
    assert TrainingRun.objects.filter(status=Status.QUEUED, attempts=0).count() == 7


def test_the_next_run_waits_for_the_one_going_on() -> None:
    first, second = claimed(), queued()
    assert queue.claim(second.pk) is None
    assert status_of(second) == Status.QUEUED

    queue.finish(first, status=Status.DONE)

    assert queue.claim(second.pk) is not None


@pytest.mark.parametrize("status", [Status.DONE, Status.FAILED, Status.ABANDONED])
def test_an_ended_run_is_not_claimed_again(status: str) -> None:
    run = claimed()
    queue.finish(run, status=status)

    assert queue.claim(run.pk) is None
    assert status_of(run) == status


def test_a_run_without_a_sign_of_life_is_queued_again() -> None:
    run = claimed()
    expire(run)

    queue.sweep()

    assert status_of(run) == Status.QUEUED
    assert is_rung_for(run.pk)


def test_it_is_queued_beside_the_one_that_was_asked_for_meanwhile() -> None:
    run = claimed()
    meanwhile = queued()
    expire(run)

    queue.sweep()

    assert (status_of(run), status_of(meanwhile)) == (Status.QUEUED, Status.QUEUED)
    assert is_rung_for(run.pk)


def test_a_run_with_a_lease_is_left_alone() -> None:
    run = claimed()

    queue.sweep()

    assert status_of(run) == Status.RUNNING
    assert rung() == []


def test_a_renewed_lease_holds() -> None:
    run = claimed()
    expire(run)

    queue.renew(run)
    queue.sweep()

    assert status_of(run) == Status.RUNNING


def test_after_three_attempts_a_run_is_dead() -> None:
    run = queued()
    seen = []
    for _ in range(3):
        assert queue.claim(run.pk) is not None
        expire(run)
        queue.sweep()
        seen.append(status_of(run))

    run.refresh_from_db()
    assert seen == [Status.QUEUED, Status.QUEUED, Status.ABANDONED]
    assert queue.claim(run.pk) is None
    assert run.finished_at is not None
    assert run.reasons[0].startswith("3 attempts ended without a result")


def test_a_start_that_finds_its_third_attempt_ended_gives_it_up() -> None:
    """As where each attempt takes the whole machine down."""
    run = queued()
    seen = []
    for _ in range(3):
        assert queue.claim(run.pk) is not None
        queue.release_abandoned()
        seen.append(status_of(run))

    run.refresh_from_db()
    assert seen == [Status.QUEUED, Status.QUEUED, Status.ABANDONED]
    assert run.reasons[0].startswith("3 attempts ended without a result")


def test_a_dead_run_makes_way_for_the_next() -> None:
    run, following = claimed(), queued()
    TrainingRun.objects.filter(pk=run.pk).update(attempts=3)
    expire(run)

    queue.sweep()

    assert is_rung_for(following.pk)
    assert queue.claim(following.pk) is not None


@pytest.mark.parametrize("reclaimed", [True, False])
def test_an_old_attempt_changes_nothing(reclaimed: bool) -> None:
    old = claimed()
    expire(old)
    queue.sweep()
    new = queue.claim(old.pk) if reclaimed else None
    before = TrainingRun.objects.filter(pk=old.pk).values().get()

    with pytest.raises(LostLease):
        queue.finish(old, status=Status.DONE, outcome=TrainingRun.Outcome.PROMOTED)
    with pytest.raises(LostLease):
        queue.renew(old)

    assert TrainingRun.objects.filter(pk=old.pk).values().get() == before
    if new:
        queue.finish(new, status=Status.DONE)
        assert status_of(new) == Status.DONE


def test_a_result_is_written_once() -> None:
    run = claimed()
    queue.finish(run, status=Status.DONE, reasons=["first"])

    with pytest.raises(LostLease):
        queue.finish(run, status=Status.FAILED, reasons=["second"])

    assert TrainingRun.objects.get().reasons == ["first"]


def test_an_unheard_bell_is_rung_again_for_the_oldest() -> None:
    first, second = queued(), queued(Kind.NIGHTLY)
    redis_client.call("FLUSHALL")

    queue.sweep()

    assert (is_rung_for(first.pk), is_rung_for(second.pk)) == (True, False)


# The night.

SUMMER = datetime(2026, 7, 1, 0, 0, tzinfo=UTC)  # 02:00 in Warsaw


def test_a_date_has_one_nightly_run() -> None:
    run, new = queue.enqueue_nightly(SUMMER)
    again, new_again = queue.enqueue_nightly(SUMMER + timedelta(hours=12))

    assert (new, new_again) == (True, False)
    assert run.pk == again.pk
    assert nights() == ["nightly:2026-07-01"]


@pytest.mark.parametrize("status", [Status.DONE, Status.FAILED, Status.ABANDONED])
def test_a_night_that_is_over_is_not_repeated(status: str) -> None:
    run, _ = queue.enqueue_nightly(SUMMER)
    claim = queue.claim(run.pk)
    assert claim is not None
    queue.finish(claim, status=status)

    assert queue.enqueue_nightly(SUMMER + timedelta(hours=1)) == (run, False)


@pytest.mark.django_db(transaction=True)
def test_two_beats_make_one_run(transactional_db: None) -> None:
    answers = at_once([lambda: queue.enqueue_nightly(SUMMER)] * 8)

    assert nights() == ["nightly:2026-07-01"]
    assert sum(new for _, new in answers) == 1


def test_a_clock_that_is_put_back_makes_no_second_run() -> None:
    for hours in (0, 24, 0, 23, 24):
        queue.enqueue_nightly(SUMMER + timedelta(hours=hours))

    assert nights() == ["nightly:2026-07-01", "nightly:2026-07-02"]


@pytest.mark.parametrize(
    ("one_o_clock", "night"),
    [
        (datetime(2026, 7, 1, 23, 0, tzinfo=UTC), date(2026, 7, 2)),
        (datetime(2026, 10, 24, 23, 0, tzinfo=UTC), date(2026, 10, 25)),  # clocks go back two hours later
        (datetime(2026, 10, 26, 0, 0, tzinfo=UTC), date(2026, 10, 26)),
        (datetime(2027, 3, 28, 0, 0, tzinfo=UTC), date(2027, 3, 28)),  # clocks go forward an hour later
        (datetime(2027, 3, 28, 23, 0, tzinfo=UTC), date(2027, 3, 29)),
    ],
)
def test_the_night_begins_at_one_in_warsaw(one_o_clock: datetime, night: date) -> None:
    assert queue.nightly_date(one_o_clock) == night
    assert queue.nightly_date(one_o_clock - timedelta(seconds=1)) == night - timedelta(days=1)


@pytest.mark.parametrize("start", [datetime(2026, 10, 23, 12, 0, tzinfo=UTC), datetime(2027, 3, 26, 12, 0, tzinfo=UTC)])
@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Europe/Warsaw", time(1, 0)),
        ("Europe/Warsaw", time(2, 30)),  # comes twice in autumn and never in spring
        ("America/New_York", time(1, 30)),
        ("Atlantic/Azores", time(0, 30)),
        ("Pacific/Auckland", time(1, 0)),
    ],
)
def test_every_date_has_one_run_when_the_clocks_change(
    settings: Settings, start: datetime, zone: str, at: time
) -> None:
    settings.LOCAL_ZONE, settings.NIGHTLY_AT = ZoneInfo(zone), at
    seen = [queue.nightly_date(start + timedelta(minutes=10 * step)) for step in range(6 * 24 * 14)]

    first_seen = list(dict.fromkeys(seen))

    assert first_seen == [first_seen[0] + timedelta(days=number) for number in range(len(first_seen))]
    assert len(first_seen) in (14, 15)


def succeeded(hours_ago: float, now: datetime) -> None:
    then = now - timedelta(hours=hours_ago)
    TrainingRun.objects.create(
        kind=Kind.NIGHTLY, status=Status.DONE, requested_by="test", created_at=then, finished_at=then, dedupe_key="then"
    )


def test_a_missed_night_is_caught_up_once() -> None:
    now = timezone.now().replace(hour=12)  # far from the hour at which the next night begins
    succeeded(26.1, now)

    for minutes in range(0, 30, 10):
        queue.catch_up(now + timedelta(minutes=minutes))

    assert len(nights()) == 2
    assert nights()[-1] == f"nightly:{queue.nightly_date(now)}"


def test_after_a_caught_up_night_all_is_well() -> None:
    succeeded(80, timezone.now())
    queue.sweep()
    run = queue.claim(TrainingRun.objects.get(status=Status.QUEUED).pk)
    assert run is not None
    queue.finish(run, status=Status.DONE)

    queue.sweep()

    assert len(nights()) == 2


def test_a_night_that_beat_asked_for_is_not_caught_up() -> None:
    now = timezone.now()
    succeeded(27, now)
    queue.enqueue_nightly(now)

    queue.catch_up(now)

    assert len(nights()) == 2


def test_for_26_hours_nothing_is_missed() -> None:
    now = timezone.now()
    succeeded(25.9, now)

    queue.catch_up(now)

    assert nights() == ["then"]


def test_only_a_success_counts() -> None:
    now = timezone.now()
    succeeded(30, now)
    TrainingRun.objects.create(
        kind=Kind.NIGHTLY, status=Status.FAILED, requested_by="test", finished_at=now - timedelta(hours=20)
    )

    queue.catch_up(now)

    assert len(nights()) == 3


def test_an_installation_that_serves_nothing_yet_has_missed_nothing() -> None:
    queue.catch_up(timezone.now())

    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize("somebody_trains", [False, True])
def test_the_first_night_after_the_base_model_began_to_serve_is_caught_up(
    served: ModelVersion, somebody_trains: bool
) -> None:
    now = Promotion.objects.get().at
    queue.catch_up(now + timedelta(hours=25.9))
    assert nights() == []
    if somebody_trains:
        TrainingRun.objects.create(kind=Kind.MANUAL, requested_by="test", created_at=now + timedelta(hours=26))

    queue.catch_up(now + timedelta(hours=26.1))

    assert nights() == [f"nightly:{queue.nightly_date(now + timedelta(hours=26.1))}"]


# Housekeeping.


def test_idempotent_answers_are_forgotten_after_a_day() -> None:
    key, _ = ApiKey.issue("test", ["review"])
    for name, hours in (("old", 25), ("new", 23)):
        at = timezone.now() - timedelta(hours=hours)
        IdempotentAnswer.objects.create(key=key, name=name, request_digest="", created_at=at)

    queue.sweep()

    assert [answer.name for answer in IdempotentAnswer.objects.all()] == ["new"]


def test_processes_long_gone_are_forgotten() -> None:
    for name, minutes in (("gone", 61), ("here", 1)):
        Heartbeat.objects.create(process=name, kind="web", at=timezone.now() - timedelta(minutes=minutes))

    queue.sweep()

    assert [beat.process for beat in Heartbeat.objects.all()] == ["here"]
