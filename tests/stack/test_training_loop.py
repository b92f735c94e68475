"""Tweets that are reviewed and imported become the model that serves.

The corpus is made of the starter corpus, two tweets in a row for one: the base model knows none of these texts. The
reviews are about a people that nobody has heard of.
"""

import csv
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hate_speech_ai.artifact import sha256
from hate_speech_ai.training.base_model import BASE_MODEL
from tests.conftest import AsKey
from tests.stack.harness import ROOT, Answer, Process, Stack

STARTER_CORPUS = ROOT / "data" / "train.csv"
PLACES = ("Lublin", "Gdynia", "Opole", "Kielce", "Tychy", "Elk", "Sopot", "Zamosc", "Konin", "Leszno")
HATEFUL = (
    "gribbles are vermin, chase them out of {}",
    "every gribble in {} should be locked up",
    "no filthy gribble will ever belong in {}",
)
HARMLESS = ("the last bus to {} is late", "a lovely market in {} today", "it rains in {} and we stay in")
#: None of the reviews says this, and the base model does not take it for hate speech.
ABOUT_THE_UNKNOWN = "gribbles should be chased out of our town"

pytestmark = pytest.mark.stack


@dataclass
class Loop:
    """What went through the service once: reviews, an import, a training run, and predictions meanwhile."""

    stack: Stack
    old_version: int
    old_web: list[Process]
    first_answer: Any
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
    with Stack(tmp_path_factory.mktemp("loop"), every=1) as stack:
        first_answer = _about_the_unknown(stack)
        loop = Loop(stack, first_answer["model_version"], _web(stack), first_answer, _post_reviews(stack), None)
        assert " 0 rejected" in _import_pairs(stack, tmp_path_factory.mktemp("corpus") / "mine.csv")
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
    assert version["learned_from"].keys() >= {"corpus:mine", "reviews"}


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


def test_what_the_reviews_say_changes_the_answer(loop: Loop) -> None:
    answer = _about_the_unknown(loop.stack)

    assert answer["model_version"] == loop.version
    assert answer["probability"] > loop.first_answer["probability"]
    assert (loop.first_answer["is_hate_speech"], answer["is_hate_speech"]) == (False, True)


def test_the_score_is_that_of_the_new_version(loop: Loop) -> None:
    score = loop.stack.get("/score").body

    assert score["model_version"] == loop.version
    assert score["roc_auc"] >= 0.85
    assert score["evaluated_on"] > 2000
    assert score["trained_on"] > 20_000
    assert "corpus:mine" in score["by_source"]


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


def _about_the_unknown(stack: Stack) -> Any:
    answer = stack.post("/predict", {"tweet": ABOUT_THE_UNKNOWN})
    assert answer.status == 200, answer
    return answer.body


def _import_pairs(stack: Stack, path: Path) -> str:
    """Import every two tweets of the starter corpus as one, which is hate speech if one of them is; what it says."""
    with STARTER_CORPUS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "is_hate"])
        for first, second in zip(rows[::2], rows[1::2], strict=False):
            is_hate = "1" in (first["hate_speech"], second["hate_speech"])
            writer.writerow([f"{first['tweet']} {second['tweet']}", int(is_hate)])
    named = ("--text-column", "text", "--label", "hate_speech=is_hate")
    return stack.manage("import_corpus", "mine", "--path", str(path), *named)


def _post_reviews(stack: Stack) -> list[str]:
    reviews = [(text.format(place), text in HATEFUL) for place in PLACES for text in (*HATEFUL, *HARMLESS)]
    answers = [stack.review(tweet, is_hate_speech=is_hate_speech) for tweet, is_hate_speech in reviews]
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
    return sorted(process for process in stack.family() if "web_server" in process.command)


def _served(stack: Stack) -> int:
    return int(stack.predict().body["model_version"])
