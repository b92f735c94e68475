"""Real tweets, reviewed and imported, become the model that serves."""

import csv
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from hate_speech_ai.artifact import sha256
from hate_speech_ai.training.base_model import BASE_MODEL
from tests.conftest import SHARED, AsKey
from tests.stack.harness import Answer, Process, Stack

CORPUS = SHARED / "datasets" / "davidson2017" / "labeled_data.csv"
REVIEWS = 60

pytestmark = [pytest.mark.stack, pytest.mark.skipif(not CORPUS.exists(), reason=f"there is no corpus at {CORPUS}")]


@dataclass
class Loop:
    """What went through the service once: reviews, an import, a training run, and predictions meanwhile."""

    stack: Stack
    old_version: int
    old_web: list[Process]
    receipts: list[str]
    run: Any
    served_at_the_end: set[int] = field(default_factory=set)
    predictions: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def version(self) -> int:
        return int(self.run["version"])


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    with Stack(tmp_path_factory.mktemp("loop")) as stack:
        loop = Loop(stack, stack.predict().body["model_version"], _web(stack), _post_reviews(stack), None)
        assert " 0 rejected" in stack.manage("import_corpus", "davidson2017", "--path", str(CORPUS))
        with _load(loop):
            loop.run = stack.finished(stack.train())
            loop.served_at_the_end = {_served(stack) for _ in range(20)}
        yield loop


def test_it_works(loop: Loop) -> None:
    assert (loop.run["status"], loop.run["outcome"], loop.run["reasons"]) == ("done", "promoted", [])
    assert loop.run["attempts"] == 1
    assert loop.version > loop.old_version


def test_it_is_learned_on_top_of_the_base(loop: Loop) -> None:
    version = loop.stack.get(f"/models/{loop.version}").body

    assert version["base"] == sha256(BASE_MODEL.read_bytes())
    assert version["learned_from"].keys() >= {"corpus:davidson2017", "reviews"}


def test_the_run_is_done_when_every_web_process_serves_the_new_version(loop: Loop) -> None:
    served_by = loop.run["served_by"]

    assert served_by["processes"] == served_by["of"] > 0
    assert loop.served_at_the_end == {loop.version}


def test_the_new_version_serves_without_a_failed_request(loop: Loop) -> None:
    assert loop.failures == []
    assert {answer.status for answer in loop.predictions} == {200}
    assert {answer.body["model_version"] for answer in loop.predictions} == {loop.old_version, loop.version}


def test_it_serves_without_a_restart(loop: Loop) -> None:
    assert _served(loop.stack) == loop.version
    assert _web(loop.stack) == loop.old_web


def test_the_score_is_that_of_the_new_version(loop: Loop) -> None:
    score = loop.stack.get("/score").body

    assert score["model_version"] == loop.version
    assert score["roc_auc"] >= 0.85
    assert score["evaluated_on"] > 2000
    assert score["trained_on"] > 20_000
    assert "corpus:davidson2017" in score["by_source"]


def test_each_receipt_says_what_became_of_the_review(loop: Loop) -> None:
    receipts = [loop.stack.get(f"/reviewed-tweets/{receipt}").body for receipt in loop.receipts]

    assert {(receipt["status"], receipt["trained_in"]) for receipt in receipts} == {
        ("trained", loop.version),
        ("held_out", None),
    }


def test_training_again_on_the_same_rows_changes_nothing(loop: Loop) -> None:
    run = loop.stack.finished(loop.stack.train())

    assert (run["status"], run["outcome"], run["version"]) == ("done", "unchanged", None)
    assert _served(loop.stack) == loop.version
    assert loop.stack.get("/models").body["results"][0]["id"] == loop.version


def test_a_run_can_be_followed_for_some_minutes(as_key: AsKey) -> None:
    client = as_key("train")
    run = client.post("/train").json()

    statuses = {client.get(f"/training-runs/{run['id']}").status_code for _ in range(200)}

    assert statuses == {200}


def _post_reviews(stack: Stack) -> list[str]:
    with Path(CORPUS).open(encoding="utf-8", newline="") as file:
        rows = list(islice(csv.DictReader(file), REVIEWS))
    answers = [stack.review(row["tweet"], is_hate_speech=row["class"] == "0") for row in rows]
    assert {answer.status for answer in answers} == {201}
    return [answer.body["id"] for answer in answers]


@contextmanager
def _load(loop: Loop) -> Iterator[None]:
    """Three clients that predict without end."""
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                loop.predictions.append(loop.stack.predict())
            except OSError as error:
                loop.failures.append(repr(error))
            time.sleep(0.02)  # a small load: the training needs the processors too

    clients = [threading.Thread(target=ask) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        over.set()
        for client in clients:
            client.join()


def _web(stack: Stack) -> list[Process]:
    """The web server and its processes."""
    return sorted(process for process in stack.family() if "granian" in process.command)


def _served(stack: Stack) -> int:
    return int(stack.predict().body["model_version"])
