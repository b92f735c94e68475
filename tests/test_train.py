"""POST /train and GET /training-runs."""

import time
from collections.abc import Callable
from uuid import UUID

import pytest
from kombu.connection import Connection
from kombu.pools import producers

from api.lib import redis_client
from api.models import ApiKey, TrainingRun
from api.training import queue
from config.celery import app as celery
from tests.conftest import AsKey, JSONClient

Status = TrainingRun.Status


def is_rung_for(run_id: str) -> bool:
    messages = redis_client.call("LRANGE", "celery", 0, -1)
    assert isinstance(messages, list)
    return any(run_id.encode() in message for message in messages)


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_works(as_key: AsKey) -> None:
    client = as_key("train")

    response = client.post("/train")

    assert response.status_code == 202
    answer = response.json()
    assert (answer["kind"], answer["status"], answer["attempts"]) == ("manual", "queued", 0)
    assert answer["requested_by"] == str(ApiKey.objects.get())
    assert client.get(response["Location"]).json() == answer


def test_a_trailing_slash_is_the_same(as_key: AsKey) -> None:
    client = as_key("train")

    assert client.post("/train/").json()["id"] == client.post("/train").json()["id"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_rung_for(as_key: AsKey) -> None:
    run_id = as_key("train").post("/train").json()["id"]

    wait_until(lambda: is_rung_for(run_id))


def test_asking_again_gives_the_queued_run(as_key: AsKey) -> None:
    first = as_key("train").post("/train")
    second = as_key("train").post("/train")

    assert (second.status_code, second.json()) == (202, first.json())
    assert TrainingRun.objects.count() == 1


def test_while_one_runs_the_next_can_be_queued(as_key: AsKey) -> None:
    client = as_key("train")
    running = client.post("/train").json()["id"]
    queue.claim(running)

    answer = client.post("/train").json()

    assert answer["id"] != running
    assert answer["status"] == "queued"


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_it_is_queued_and_rung_for_later(as_key: AsKey, monkeypatch: pytest.MonkeyPatch) -> None:
    client = as_key("train")
    nowhere = Connection("redis://127.0.0.1:1/0")  # type: ignore[no-untyped-call]
    with monkeypatch.context() as broken:
        broken.setattr(celery.amqp, "_producer_pool", producers[nowhere])
        response = client.post("/train")
        run_id = response.json()["id"]
        queue.notify_worker(run_id)
    assert (response.status_code, is_rung_for(run_id)) == (202, False)

    queue.sweep()

    assert is_rung_for(run_id)


def test_an_idempotency_key_gives_the_first_answer_again(as_key: AsKey) -> None:
    client = as_key("train")
    first = client.post("/train", Idempotency_Key="a").json()
    queue.claim(first["id"])

    again = client.post("/train", Idempotency_Key="a")

    assert (again.status_code, again.json()) == (202, first)
    assert again["Idempotent-Replayed"] == "true"


def test_there_are_no_fields(as_key: AsKey) -> None:
    response = as_key("train").post("/train", {"now": True})

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["now"]
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize(("scope", "status"), [("predict", 403), ("review", 403), ("train", 202), ("admin", 202)])
def test_the_key_needs_the_scope(as_key: AsKey, scope: str, status: int) -> None:
    assert as_key(scope).post("/train").status_code == status


@pytest.mark.parametrize("path", ["/training-runs", f"/training-runs/{UUID(int=17)}"])
def test_runs_are_not_public(client: JSONClient, as_key: AsKey, path: str) -> None:
    assert client.get(path).status_code == 401
    assert as_key("review").get(path).status_code == 403


def test_without_a_key_nothing_is_trained(client: JSONClient, db: None) -> None:
    assert client.post("/train").status_code == 401
    assert not TrainingRun.objects.exists()


def some_runs(number: int) -> list[str]:
    runs = [TrainingRun(kind="manual", status=Status.DONE, requested_by="test") for _ in range(number)]
    TrainingRun.objects.bulk_create(runs)
    return [str(run.pk) for run in TrainingRun.objects.order_by("-created_at")]


def test_runs_are_listed_newest_first(as_key: AsKey) -> None:
    ids = some_runs(3)

    answer = as_key("train").get("/training-runs").json()

    assert [run["id"] for run in answer["results"]] == ids
    assert (answer["count"], answer["next"], answer["previous"]) == (3, None, None)


def test_runs_come_in_pages(as_key: AsKey) -> None:
    client, ids = as_key("train"), some_runs(5)

    seen, page = [], "/training-runs?limit=2"
    while page:
        answer = client.get(page).json()
        seen.append([run["id"] for run in answer["results"]])
        page = answer["next"]

    assert seen == [ids[:2], ids[2:4], ids[4:]]


@pytest.mark.parametrize(("query", "shown"), [("", 20), ("?limit=1000", 100), ("?offset=95", 6), ("?offset=1000", 0)])
def test_a_page_has_at_most_a_hundred_runs(as_key: AsKey, query: str, shown: int) -> None:
    some_runs(101)

    answer = as_key("train").get(f"/training-runs{query}").json()

    assert (answer["count"], len(answer["results"])) == (101, shown)


def test_a_run_shows_how_far_it_is(as_key: AsKey) -> None:
    client = as_key("train")
    run = queue.claim(client.post("/train").json()["id"])
    assert run is not None
    queue.rows_held_by_attempt(run).update(step="reading words", progress=0.09)

    answer = client.get(f"/training-runs/{run.pk}").json()

    assert (answer["status"], answer["step"], answer["progress"]) == ("running", "reading words", 0.09)
    assert (answer["attempts"], answer["finished_at"]) == (1, None)
    assert answer["started_at"].endswith("Z")


def test_there_is_no_such_run(as_key: AsKey) -> None:
    response = as_key("train").get(f"/training-runs/{UUID(int=17)}")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")
