"""A message that nobody can read does not end the worker again and again."""

import base64
import json
from typing import Any

import pytest
from celery.signals import worker_init
from pytest_django import Settings

from api.lib import broker, redis_client
from api.training import queue
from config import celery


def message(body: object = None, **changes: object) -> dict[str, Any]:
    """A message as Celery writes it, with some of it changed; None leaves it out."""
    encoded = base64.b64encode(json.dumps([["1"], {}, {}] if body is None else body).encode()).decode()
    properties = {
        "delivery_tag": "a tag",
        "delivery_info": {"exchange": "", "routing_key": "celery"},
        "body_encoding": "base64",
    }
    whole = {"body": encoded, "headers": {"task": queue.TRAIN_TASK}, "properties": properties, **changes}
    return {name: value for name, value in whole.items() if value is not None}


UNREADABLE = [
    "{{{{",
    "",
    "null",
    "[" * 100_000,
    "\ud7ff",
    *map(
        json.dumps,
        [
            {},
            message(properties=None),
            message(properties={}),
            message(properties={**message()["properties"], "delivery_info": {}}),
            message(properties={**message()["properties"], "body_encoding": "none"}),
            message(headers=None),
            message(headers={"task": 7}),
            {**message(), "body": "no base64!"},
            {**message(), "body": 7},
            message(["1"]),
            message([{}, [], {}]),
        ],
    ),
]


def put(*messages: str) -> None:
    for one in messages:
        redis_client.call("LPUSH", "celery", one.encode())


def waiting() -> object:
    return redis_client.call("LRANGE", "celery", 0, -1)


def test_what_celery_writes_is_kept(db: None) -> None:
    run, _ = queue.enqueue(queue.Kind.MANUAL, requested_by="test")
    queue.notify_worker(run.pk)
    before = waiting()

    assert broker.drop_unreadable() == 0

    assert waiting() == before
    assert str(run.pk).encode() in base64.b64decode(json.loads(before[0])["body"])  # type: ignore[index]


@pytest.mark.parametrize("bad", UNREADABLE)
def test_what_nobody_can_read_is_dropped_alone(bad: str, caplog: pytest.LogCaptureFixture) -> None:
    good = json.dumps(message())
    put(good, bad, good, bad)

    assert broker.drop_unreadable() >= 1

    assert waiting() == [good.encode()] * 2
    assert "dropped messages" in caplog.text


def test_so_is_what_a_worker_had_taken_when_it_ended() -> None:
    taken = {"good": json.dumps([message(), "", "celery"]), "bad": json.dumps([{"body": "no base64!"}, "", "celery"])}
    for tag, one in taken.items():
        redis_client.call("HSET", "unacked", tag, one)
        redis_client.call("ZADD", "unacked_index", 1, tag)

    assert broker.drop_unreadable() == 1

    assert redis_client.call("HKEYS", "unacked") == [b"good"]
    assert redis_client.call("ZRANGE", "unacked_index", 0, -1) == [b"good"]


def test_what_is_no_queue_makes_room_for_one() -> None:
    for name in ("celery", "unacked", "unacked_index"):
        redis_client.call("SET", name, "else")

    assert broker.drop_unreadable() == 3

    assert redis_client.call("EXISTS", "celery", "unacked", "unacked_index") == 0


def test_a_worker_looks_before_it_begins() -> None:
    put("{{{{")

    assert celery.app
    worker_init.send(sender="test")

    assert waiting() == []


def test_without_redis_there_is_nothing_to_do(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client._client.cache_clear()

    assert broker.drop_unreadable() == 0
