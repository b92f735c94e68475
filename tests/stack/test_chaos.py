"""Processes are killed at random under load, and what was acknowledged is there, once.

Five kills here; `make chaos` does two hundred, and CHAOS_SEED=... repeats the order of an earlier run.
"""

import os
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest

from tests.stack.harness import Process, Stack, descendants, wait_for

pytestmark = pytest.mark.stack
KILLS = int(os.environ.get("CHAOS_KILLS", "5"))
SEED = int(os.environ.get("CHAOS_SEED", time.time_ns() % 1_000_000))
VICTIMS = ("web", "web child", "worker", "training", "beat", "valkey", "supervisor")


@dataclass
class Record:
    """What clients were told."""

    reviews: list[str] = field(default_factory=list, repr=False)
    runs: set[str] = field(default_factory=set)
    predictions: Counter[int] = field(default_factory=Counter)
    cut: int = 0
    killed: Counter[str] = field(default_factory=Counter)


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    print(f"CHAOS_SEED={SEED}")  # noqa: T201 (pytest shows it where it fails)
    chance, record = random.Random(SEED), Record()
    with Stack(tmp_path, WEB_PROCESSES="2") as stack:
        key = stack.key
        with _load(stack, record):
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.2, 2.0))
                _kill(stack, chance.choice(VICTIMS), record)
        wait_for("good health", lambda: stack.answers("/health"))
        for run_id in record.runs:
            stack.finished(run_id)
        rows, runs, versions = _stored(stack.data / "db.sqlite3")
        assert stack.key == key
        print(record, len(record.reviews), "reviews")  # noqa: T201 (as above)

    assert sum(record.killed.values()) == KILLS
    assert record.predictions.keys() == {200}  # the rest had no answer at all
    assert len(record.reviews) > KILLS
    assert [tweet for tweet in record.reviews if rows[tweet] != 1] == []
    assert max(rows.values()) == 1
    assert {runs[run_id].status for run_id in record.runs} <= {"done", "abandoned"}
    assert sorted(run.version for run in runs.values() if run.version) == versions[1:]  # the first is the base model


@contextmanager
def _load(stack: Stack, record: Record) -> Iterator[None]:
    """Two clients that predict, two that review, and one that asks for training runs."""
    over = threading.Event()
    number = count(1)

    def repeat(act: Callable[[], None]) -> None:
        while not over.is_set():
            try:
                act()
            except OSError:
                record.cut += 1
                time.sleep(0.02)

    def predict() -> None:
        record.predictions[stack.predict().status] += 1

    def review() -> None:
        tweet = f"the {next(number)}th tram of the day was {'very ' * (next(number) % 3)}late"
        while not over.is_set():
            try:
                status = stack.review(tweet).status
            except OSError:
                record.cut += 1
                continue
            if status in (200, 201):
                record.reviews.append(tweet)
                return
            assert status == 503
            time.sleep(0.05)

    def train() -> None:
        answer = stack.post("/train")
        if answer.status == 202:
            record.runs.add(str(answer.body["id"]))
        time.sleep(3)

    clients = [threading.Thread(target=repeat, args=(act,)) for act in (predict, predict, review, review, train)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        over.set()
        for client in clients:
            client.join()


def _kill(stack: Stack, victim: str, record: Record) -> None:
    record.killed[victim] += 1
    if victim == "supervisor":
        family = stack.family()
        stack.supervisor().kill()
        wait_for("the end of its processes", lambda: not any(process.is_alive() for process in family), seconds=10)
        stack.stop()
        stack.start()
    elif victim == "web child":
        _any_child(stack, "web").kill()
    elif victim == "training":
        _any_child(stack, "worker").kill()
    else:
        stack.running(victim).kill()


def _any_child(stack: Stack, part: str) -> Process:
    """A child of a part; parts start them anew when they end."""
    return wait_for(f"a child of {part}", lambda: next(iter(descendants(stack.running(part).pid)), None))


def _stored(database: Path) -> tuple[Counter[str], dict[str, "_Run"], list[int]]:
    """How many rows each of our tweets has; how each run ended; and the versions."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        tweets = connection.execute("SELECT tweet FROM api_reviewedtweet WHERE tweet LIKE 'the % tram of the day %'")
        rows = Counter(tweet for (tweet,) in tweets)
        runs = list(connection.execute("SELECT id, status, version_id FROM api_trainingrun"))
        versions = [number for (number,) in connection.execute("SELECT id FROM api_modelversion ORDER BY id")]
    return rows, {str(UUID(run_id)): _Run(status, version) for run_id, status, version in runs}, versions


class _Run(NamedTuple):
    status: str
    version: int | None
