"""The stream with real processes: each post counts once, whoever is killed."""

import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis, RedisError

from tests.stack.harness import Stack, wait_for

pytestmark = pytest.mark.stack

TWEETS, POISON = 3_000, 10
STREAM = "stream:tweets"


def query(stack: Stack, statement: str) -> list[Any]:
    with closing(sqlite3.connect(stack.data / "db.sqlite3")) as database:
        return database.execute(statement).fetchall()


@contextmanager
def locked(stack: Stack) -> Iterator[None]:
    """Let nobody else write into the database."""
    with closing(sqlite3.connect(stack.data / "db.sqlite3", timeout=30, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


def metrics(stack: Stack) -> list[str]:
    """The lines that Prometheus reads."""
    asked = urllib.request.Request(f"{stack.url}/metrics", headers={"Authorization": f"Api-Key {stack.key}"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return str(answer.read().decode()).splitlines()


def test_each_post_counts_once_whoever_is_killed(tmp_path: Path) -> None:
    with Stack(tmp_path, STREAM="valkey", METRICS="true", WEB_PROCESSES="2", STREAM_LABELS="toxic") as stack:
        stack.running("stream")
        valkey = Redis.from_url((stack.data / "valkey" / "url").read_text())

        def waiting() -> int:
            try:
                return int(valkey.xlen(STREAM))
            except RedisError:
                return -1

        def held() -> int:
            """How many messages a process has in its hands."""
            return sum(group["pending"] for group in valkey.xinfo_groups(STREAM))

        with locked(stack):
            for number in range(POISON):
                valkey.xadd(STREAM, {"message": f"no json {number}"})
            for start in range(0, TWEETS, 500):
                posts = [
                    {"external_id": f"{n}", "tweet": f"bus {n} is late", "at": f"2026-11-21T{n % 24:02}:00:00Z"}
                    for n in range(start, start + 500)
                ]
                assert stack.post("/stream/tweets", {"tweets": posts}).status == 202
            wait_for("a process with messages in its hands", held)
            stack.running("stream").kill()
            killed = stack.running("valkey")
            killed.kill()
            wait_for("another Valkey", lambda: stack.running("valkey").pid != killed.pid and waiting() >= 0)
            assert waiting() == TWEETS + POISON  # what was answered with 202 is there, and nothing is acknowledged
            assert query(stack, "SELECT count(*) FROM api_streamevent") == [(0,)]

        with stack.command("start", "stream") as second:  # beside the one that was started again
            wait_for("the end of the stream", lambda: waiting() == 0)
            # One was killed, one was started in its place, and this one.
            wait_for("a second process", lambda: len(valkey.xinfo_consumers(STREAM, "writers")) == 3)
            second.terminate()
            assert second.wait(30) == 0

        [found] = query(stack, "SELECT count(*), count(DISTINCT external_id) FROM api_streamevent")
        assert found == (TWEETS, TWEETS)
        by_hour = query(stack, "SELECT strftime('%H', at), count(*) FROM api_streamevent GROUP BY 1")
        counted = query(stack, "SELECT label, strftime('%H', hour), count FROM api_streamhour ORDER BY 1, 2")
        assert counted == [(label, *hour) for label in ("hate_speech", "toxic") for hour in by_hour]
        assert query(stack, "SELECT count(*) FROM api_deadletter") == [(POISON,)]
        health = stack.get("/health").body["stream"]
        assert (health["waiting"], health["dead_letters"], health["problem"]) == (0, POISON, "")
        counted = metrics(stack)  # of both web processes, whichever is asked
        assert (
            f'hate_speech_requests_total{{method="POST",path="/stream/tweets",status="202"}} {TWEETS / 500}' in counted
        )
        assert f'hate_speech_stream_tweets_total{{channel="default",label="toxic"}} {float(TWEETS)}' in counted
