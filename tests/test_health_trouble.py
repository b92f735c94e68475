"""/health finds out that nothing can be written, and that nothing was learned."""

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.lib import heartbeat, redis_client
from api.models import Heartbeat, ModelVersion, TrainingRun
from api.operations import write_probes
from api.training import queue
from tests.conftest import JSONClient

only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's file")


@pytest.fixture(autouse=True)
def well(served: ModelVersion) -> ModelVersion:
    """A model serves, and every process has just given a sign of life."""
    heartbeat.beat_worker(scheduled=True)
    Heartbeat.beat("web:1", "web", version=served.pk)
    return served


def trouble(client: JSONClient) -> dict[str, str]:
    """Return what is wrong with each part that is not well."""
    answer = client.get("/health").json()
    return {name: answer[name]["problem"] for name in answer["degraded"]}


def look_again() -> None:
    """As ten seconds later."""
    for probe in (write_probes.of_database, write_probes.of_redis):
        probe._next = float("-inf")


def test_all_is_well(client: JSONClient) -> None:
    assert trouble(client) == {}
    assert client.get("/health").json()["database"] == {"ok": True, "problem": ""}


# What is written to.


@only_sqlite
def test_a_database_that_can_only_be_read(client: JSONClient, caplog: pytest.LogCaptureFixture) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
        try:
            assert trouble(client) == {"database": "nothing can be written: attempt to write a readonly database"}
        finally:
            cursor.execute("PRAGMA query_only = OFF")

    assert "attempt to write a readonly database" in caplog.text
    look_again()
    assert trouble(client) == {}


@only_sqlite
def test_a_disk_that_is_nearly_full(client: JSONClient, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free=1_000_000))

    assert trouble(client) == {"database": "the disk is nearly full: 1,000,000 bytes are left"}


@pytest.fixture
def full_redis() -> Iterator[None]:
    redis_client.call("CONFIG", "SET", "maxmemory", 1)
    yield
    redis_client._resting_until = 0.0
    redis_client.call("CONFIG", "SET", "maxmemory", 0)


def test_a_redis_that_is_full(client: JSONClient, full_redis: None) -> None:
    [(part, problem)] = trouble(client).items()

    assert (part, "maxmemory" in problem) == ("redis", True)


def test_it_is_tried_once_in_a_while(client: JSONClient) -> None:
    def writes() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get("/health")
        return sum(query["sql"].startswith(("INSERT", "UPDATE")) for query in queries)

    assert [writes() for _ in range(3)] == [1, 0, 0]
    look_again()
    assert writes() == 1


@pytest.fixture
def locked(transactional_db: None, well: ModelVersion) -> Iterator[None]:
    """Another process writes, and does not end."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@only_sqlite
def test_a_write_lock_is_not_waited_for_and_is_trouble_if_it_stays(client: JSONClient, locked: None) -> None:
    assert trouble(client) == {}

    look_again()

    assert trouble(client) == {"database": "nothing can be written: another process has kept the database locked"}
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (20_000,)  # for all others it is as before


# What is learned.


def ended(kind: str, status: str, *, hours_ago: int) -> TrainingRun:
    at = timezone.now() - timedelta(hours=hours_ago)
    return TrainingRun.objects.create(kind=kind, status=status, created_at=at, finished_at=at, requested_by="test")


@pytest.mark.parametrize("status", ["failed", "abandoned"])
def test_nights_that_failed(client: JSONClient, status: str) -> None:
    ended("nightly", "done", hours_ago=90)
    first = ended("nightly", status, hours_ago=66)
    ended("nightly", status, hours_ago=42)

    since = f"{first.finished_at:%Y-%m-%d %H:%M} UTC"
    assert trouble(client) == {"training": f"failed, since {since}; GET /training-runs has the reasons"}
    assert client.get("/health").json()["training"]["failed_since"].endswith("Z")

    ended("manual", "done", hours_ago=1)
    assert trouble(client) == {}


def test_a_first_training_that_failed(client: JSONClient) -> None:
    ended("bootstrap", "failed", hours_ago=1)

    assert list(trouble(client)) == ["training"]


def test_who_asked_for_a_run_that_failed_knows_it(client: JSONClient) -> None:
    ended("manual", "failed", hours_ago=1)

    assert trouble(client) == {}


# Who is there.


def test_beat_need_not_hurry_after_a_long_training(client: JSONClient) -> None:
    Heartbeat.objects.filter(kind="beat").update(at=timezone.now() - timedelta(minutes=5))
    run, _ = queue.enqueue(queue.Kind.MANUAL, requested_by="test")
    claim: Any = queue.claim(run.pk)
    assert trouble(client) == {}

    queue.finish(claim, status=queue.Status.DONE)
    assert trouble(client) == {}

    TrainingRun.objects.update(finished_at=timezone.now() - timedelta(minutes=1))
    assert list(trouble(client)) == ["beat"]


def test_a_sign_of_life_from_the_future_is_none(client: JSONClient) -> None:
    Heartbeat.objects.filter(kind="beat").update(at=timezone.now() + timedelta(days=3))

    assert trouble(client) == {
        "beat": "the beat was last seen in the future: the clock was put back, so start it again"
    }


def test_it_names_no_machine(client: JSONClient) -> None:
    answered_by = client.get("/health").json()["web"]["answered_by"]

    assert len(answered_by) == 12
    assert answered_by == client.get("/health").json()["web"]["answered_by"]
    assert set(answered_by) <= set("0123456789abcdef")
