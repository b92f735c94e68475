"""GET /livez, /readyz and /health."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from api.lib import heartbeat, redis_client
from api.models import Heartbeat, ModelVersion, Promotion, TrainingRun
from api.prediction import active_model
from api.training import queue
from tests.conftest import JSONClient, MakeVersion


@pytest.fixture
def well(served: ModelVersion) -> ModelVersion:
    """A model serves, and every process has just given a sign of life."""
    heartbeat.beat_worker(scheduled=True)
    Heartbeat.beat("web:1", "web", version=served.pk)
    return served


def silence(*args: object) -> None:
    raise OperationalError("the database does not answer")


def degraded(client: JSONClient) -> tuple[list[str], dict[str, Any]]:
    response = client.get("/health")
    answer = response.json()
    assert (response.status_code, answer["status"]) == (503, "degraded")
    for name in answer["degraded"]:
        assert answer[name]["ok"] is False
    return answer["degraded"], answer


@pytest.mark.parametrize("path", ["/livez", "/livez/"])
def test_it_lives(client: JSONClient, django_assert_num_queries: DjangoAssertNumQueries, db: None, path: str) -> None:
    with django_assert_num_queries(0):
        response = client.get(path)

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_it_is_ready_once_a_model_is_loaded(client: JSONClient, make_version: MakeVersion) -> None:
    before = client.get("/readyz")
    Promotion.objects.create(version=make_version(), by="test", reason="test")
    active_model.refresh()
    after = client.get("/readyz/")

    assert (before.status_code, before.json()["code"]) == (503, "model_not_ready")
    assert before["Retry-After"]
    assert after.status_code == 200
    assert after.json() == {"status": "ok", "model_version": active_model.get().version}


def test_it_is_ready_without_the_database_and_redis(
    client: JSONClient, served: ModelVersion, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client._client.cache_clear()

    with connection.execute_wrapper(silence):
        assert [client.get(path).status_code for path in ("/livez", "/readyz")] == [200, 200]


@pytest.mark.parametrize("path", ["/health", "/health/"])
def test_all_is_well(client: JSONClient, well: ModelVersion, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 200
    answer = response.json()
    assert (answer["status"], answer["degraded"]) == ("ok", [])
    assert (answer["model"]["version"], answer["model"]["sha256"]) == (well.pk, well.sha256)
    assert answer["queue"] == {"ok": True, "queued": 0, "oldest_seconds": 0.0, "running": None}
    assert answer["nightly"] == {"at": "01:00 Europe/Warsaw", "last_success": None, "last_outcome": None}
    assert answer["web"]["versions"] == [well.pk]
    assert answer["web"]["champion"] == well.pk
    assert answer["web"]["mixed_versions"] is False


def test_no_model(client: JSONClient, db: None) -> None:
    heartbeat.beat_worker(scheduled=True)

    assert degraded(client)[0] == ["model"]


@pytest.mark.parametrize("kind", ["worker", "beat"])
def test_a_process_that_was_never_seen(client: JSONClient, well: ModelVersion, kind: str) -> None:
    Heartbeat.objects.filter(kind=kind).delete()

    assert degraded(client)[0] == [kind]


@pytest.mark.parametrize("kind", ["worker", "beat"])
def test_a_process_that_fell_silent(client: JSONClient, well: ModelVersion, kind: str) -> None:
    Heartbeat.objects.filter(kind=kind).update(at=timezone.now() - timedelta(minutes=5))

    names, answer = degraded(client)

    assert names == [kind]
    assert answer[kind]["last_seen_seconds"] >= 300


def test_a_long_training_does_not_silence_beat(client: JSONClient, well: ModelVersion) -> None:
    run, _ = queue.enqueue(queue.Kind.MANUAL, requested_by="test")
    queue.claim(run.pk)
    Heartbeat.objects.filter(kind="beat").update(at=timezone.now() - timedelta(minutes=5))

    answer = client.get("/health").json()

    assert answer["status"] == "ok"
    assert answer["queue"]["running"] == str(run.pk)


def test_redis_is_away(client: JSONClient, well: ModelVersion, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client._client.cache_clear()

    assert degraded(client)[0] == ["redis"]


def test_the_database_is_away(client: JSONClient, well: ModelVersion) -> None:
    with connection.execute_wrapper(silence):
        names, answer = degraded(client)

    assert names == ["database"]
    assert answer["model"]["ok"] is True


def test_a_run_that_nobody_takes(client: JSONClient, well: ModelVersion) -> None:
    queue.enqueue(queue.Kind.MANUAL, requested_by="test")
    TrainingRun.objects.update(created_at=timezone.now() - timedelta(hours=3))

    names, answer = degraded(client)

    assert names == ["queue"]
    assert answer["queue"]["queued"] == 1
    assert answer["queue"]["oldest_seconds"] >= 3 * 3600


def test_a_version_that_could_not_be_loaded(client: JSONClient, well: ModelVersion, make_version: MakeVersion) -> None:
    Promotion.objects.create(version=make_version(b"no model"), by="test", reason="test")
    active_model.refresh()

    names, answer = degraded(client)

    assert names == ["model"]
    assert (answer["model"]["version"], answer["web"]["champion"]) == (well.pk, well.pk + 1)
    assert "cannot be loaded" in answer["model"]["problem"]


def test_another_process_could_not_load_a_version(client: JSONClient, well: ModelVersion) -> None:
    Heartbeat.beat("web:2", "web", version=well.pk, problem="version 2 cannot be loaded: ...")

    names, answer = degraded(client)

    assert names == ["web"]
    assert answer["web"]["problems"] == ["version 2 cannot be loaded: ..."]


def test_mixed_versions_are_shown(client: JSONClient, well: ModelVersion) -> None:
    Heartbeat.beat("web:2", "web", version=well.pk + 1)
    Heartbeat.beat("web:3", "web", version=well.pk + 2)
    Heartbeat.objects.filter(process="web:3").update(at=timezone.now() - timedelta(minutes=5))

    web = client.get("/health").json()["web"]

    assert (web["versions"], web["mixed_versions"], web["processes"]) == ([well.pk, well.pk + 1], True, 2)


def test_the_last_nightly_run_is_shown(client: JSONClient, well: ModelVersion) -> None:
    run, _ = queue.enqueue_nightly()
    claim = queue.claim(run.pk)
    assert claim is not None
    queue.finish(claim, status=queue.Status.DONE, outcome=TrainingRun.Outcome.REJECTED)

    nightly = client.get("/health").json()["nightly"]

    assert nightly["last_outcome"] == "rejected"
    assert nightly["last_success"].endswith("Z")
