"""The stream from Kafka with real processes: each post counts once, whoever is killed. librdkafka is its broker."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from api.lib.processes import kill_when_parent_ends
from tests.stack.harness import ROOT, Stack, wait_for

pytestmark = pytest.mark.stack

TWEETS, POISON, PARTITIONS = 3_000, 10, 4
# Works as `start stream` does, and is killed between the commit of the database and that of the offsets.
KILLED = """
import os, signal
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django
django.setup()
from api.stream import process
from api.stream.sources.kafka import KafkaSource
KafkaSource.done = lambda source, received: os.kill(os.getpid(), signal.SIGKILL)
process.main()
"""


def query(stack: Stack, statement: str) -> list[Any]:
    with closing(sqlite3.connect(stack.data / "db.sqlite3")) as database:
        return database.execute(statement).fetchall()


def test_each_post_counts_once_whoever_is_killed(tmp_path: Path) -> None:
    producer = Producer({"test.mock.num.brokers": 1})  # which is a broker too, for as long as it is there
    [broker] = producer.list_topics(timeout=10).brokers.values()
    servers = f"{broker.host}:{broker.port}"
    for number in range(POISON):
        producer.produce("tweets", f"no json {number}")
    for number in range(TWEETS):
        post = {"external_id": f"{number}", "tweet": f"bus {number} is late", "at": f"2026-11-21T{number % 24:02}:00Z"}
        producer.produce("tweets", json.dumps(post), key=str(number))
    producer.flush(30)
    observer = Consumer({"bootstrap.servers": servers, "group.id": "hate-speech-detection"})

    def acknowledged() -> int:
        found = observer.committed([TopicPartition("tweets", number) for number in range(PARTITIONS)], timeout=10)
        return sum(max(0, one.offset) for one in found)

    stack = Stack(tmp_path, every=1, STREAM="kafka", KAFKA_BOOTSTRAP_SERVERS=servers, LEASE_SECONDS="6")
    stack.manage("migrate")
    stack.manage("prepare_start")

    killed = subprocess.run(
        [sys.executable, "-c", KILLED],
        env=stack.environment,
        cwd=ROOT,
        timeout=120,
        check=False,
        preexec_fn=kill_when_parent_ends,
    )

    assert killed.returncode == -9
    [(before,)] = query(stack, "SELECT count(*) FROM api_streamevent")
    assert before > 0
    assert acknowledged() == 0

    with stack.command("start", "stream") as first, stack.command("start", "stream") as second:
        wait_for("the end of the topic", lambda: acknowledged() == TWEETS + POISON)
        for one in (first, second):
            one.terminate()
        assert [one.wait(30) for one in (first, second)] == [0, 0]

    [found] = query(stack, "SELECT count(*), count(DISTINCT external_id) FROM api_streamevent")
    assert found == (TWEETS, TWEETS)
    by_hour = query(stack, "SELECT strftime('%H', at), count(*) FROM api_streamevent GROUP BY 1")
    assert query(stack, "SELECT strftime('%H', hour), count FROM api_streamhour ORDER BY 1") == by_hour
    assert query(stack, "SELECT count(*) FROM api_deadletter") == [(POISON,)]

    rows = "SELECT external_id, version_id, probability FROM api_streamevent ORDER BY 1"
    before = query(stack, rows)
    said = stack.manage("rescore")  # the whole topic, with the version that answered
    assert f"{TWEETS + POISON:,} messages: 0 events" in said
    assert f"{TWEETS:,} had them already; 0 have no event, {POISON} cannot be read" in said
    assert query(stack, rows) == before
    assert acknowledged() == TWEETS + POISON
