"""Predictions are stored by the real processes, also those of the last second."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.stack.harness import Stack, wait_for

pytestmark = pytest.mark.stack


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, PREDICTION_SAMPLE_RATE="1", RANDOM_SAMPLE_SHARE="1", CONTROL_SHARE="0") as stack:
        yield stack


def stored(stack: Stack) -> int:
    with closing(sqlite3.connect(stack.data / "db.sqlite3")) as database:
        return int(database.execute("SELECT count(*) FROM api_storedprediction").fetchone()[0])


def test_it_works(stack: Stack) -> None:
    stack.post("/predict", {"tweets": [f"bus number {n} is late" for n in range(40)]})
    wait_for("the stored predictions", lambda: stored(stack) == 40)

    queue = stack.get("/review-queue?limit=5&reason=random_audit").body["items"]
    assert len(queue) == 5
    # They count what was handed out only after more answers: else one could tell which item moved them.
    wait_for("the live figures", lambda: (stack.get("/score").body["production"] or {}).get("audited") == 0)

    for n in range(100, 150):
        stack.post("/predict", {"tweet": f"bus number {n} is late"})
    stack.stop()
    assert stored(stack) == 90
