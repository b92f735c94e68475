"""Processes are killed or frozen at bad moments, and nothing is lost or done twice."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from tests.stack.harness import Answer, Stack, descendants, frozen, wait_for

pytestmark = pytest.mark.stack


def test_a_worker_killed_in_training_costs_one_attempt(stack: Stack) -> None:
    before = _versions(stack)
    run_id = _train_on_something_new(stack)
    worker = stack.running("worker")
    trainers = descendants(worker.pid)

    worker.kill()

    wait_for("the end of its processes", lambda: not any(process.is_alive() for process in trainers), seconds=5)
    _assert_done_once(stack, run_id, before)


def test_a_training_process_killed_costs_one_attempt(stack: Stack) -> None:
    before = _versions(stack)
    run_id = _train_on_something_new(stack)
    worker = stack.running("worker")
    (trainer,) = descendants(worker.pid)

    trainer.kill()

    _assert_done_once(stack, run_id, before)
    assert stack.running("worker") == worker


def test_the_api_works_while_valkey_is_frozen(stack: Stack) -> None:
    with frozen([stack.running("valkey")]):
        run_id = _assert_the_api_works(stack, "a quiet day at the lake, nothing to report")
        assert stack.run(run_id)["status"] == "queued"

    assert stack.finished(run_id)["status"] == "done"


def test_the_api_works_while_valkey_is_gone(stack: Stack) -> None:
    with frozen([stack.supervisor()]):  # which would start it again
        stack.running("valkey").kill()
        run_id = _assert_the_api_works(stack, "the bakery on the corner opens at six")
        assert stack.run(run_id)["status"] == "queued"

    assert stack.finished(run_id)["status"] == "done"


def test_a_rollback_under_load_fails_no_request(stack: Stack) -> None:
    old = stack.predict().body["model_version"]
    new = _promote_a_copy(stack)
    wait_for("the newer version everywhere", lambda: _versions_by_process(stack) == {new})

    with _load(stack) as answers:
        wait_for("some answers of it", lambda: len(answers) > 50)
        assert stack.post("/models/rollback", {"reason": "too strict"}).status == 200
        start = time.monotonic()
        wait_for("the older version everywhere", lambda: _versions_by_process(stack) == {old}, seconds=10)
        wait_for("the end of the three seconds", lambda: time.monotonic() > start + 3.5)

    assert [answer for _, answer in answers if isinstance(answer, OSError) or answer.status != 200] == []
    versions = [(at - start, answer.body["model_version"]) for at, answer in answers if isinstance(answer, Answer)]
    assert {version for _, version in versions} == {old, new}
    assert max(at for at, version in versions if version == new) < 10  # on a busy machine, loading takes seconds


def test_nobody_is_refused_while_the_web_server_is_started_again(stack: Stack) -> None:
    killed = stack.running("web")

    with _load(stack) as answers:
        wait_for("some answers", lambda: len(answers) > 50)
        killed.kill()
        wait_for("another web server", lambda: stack.running("web").pid != killed.pid)
        before = len(answers)
        wait_for("answers of it", lambda: len(answers) > before + 50)

    errors = [answer for _, answer in answers if isinstance(answer, OSError)]
    assert len(errors) <= 4  # of each client, the request that the killed one had
    assert [error for error in errors if isinstance(getattr(error, "reason", error), ConnectionRefusedError)] == []
    assert {answer.status for _, answer in answers if isinstance(answer, Answer)} == {200}


_told = count(1)


def _promote_a_copy(stack: Stack) -> int:
    """Let a copy of what serves serve, which is a version of its own: training one takes longer."""
    stack.manage(
        *("shell", "--no-imports", "--command"),
        "from api.models import Promotion; version = Promotion.champion(); version.artifact;"
        "version.pk, version._state.adding = None, True; version.save()",
    )
    newest = int(stack.get("/models").body["results"][0]["id"])
    assert stack.post(f"/models/{newest}/promote", {"reason": "a copy"}).status == 200
    return newest


def _versions_by_process(stack: Stack) -> set[int]:
    """The versions that the web processes serve, once both have answered."""
    served: dict[str, int] = {}
    while len(served) < 2:
        health = stack.get("/health").body
        served[health["web"]["answered_by"]] = health["model"]["version"]
    return set(served.values())


@contextmanager
def _load(stack: Stack) -> Iterator[list[tuple[float, Answer | OSError]]]:
    """Four clients that predict without end; each answer, or why there was none, and when it came."""
    answers: list[tuple[float, Answer | OSError]] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            answer: Answer | OSError
            try:
                answer = stack.predict()
            except OSError as error:
                answer = error
            answers.append((time.monotonic(), answer))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        over.set()
        for client in clients:
            client.join()


def _train_on_something_new(stack: Stack) -> str:
    """Start a training run that has something to learn; return in the middle of it."""
    assert stack.review(f"the {'very ' * next(_told)}long queue at the post office").status == 201
    run_id = stack.train()
    wait_for("the middle of the training", lambda: stack.run(run_id)["step"].startswith("learning"))
    return run_id


def _assert_done_once(stack: Stack, run_id: str, versions_before: list[Any]) -> None:
    run = stack.finished(run_id)
    assert (run["status"], run["attempts"], run["reasons"]) == ("done", 2, [])
    stack.let_all_messages_arrive()
    assert stack.run(run_id) == run
    newest, *others = _versions(stack)
    assert others == [{**version, "serving": False} for version in versions_before]
    assert newest["id"] == run["version"]
    assert len(newest["promotions"]) == 1
    assert _versions_by_process(stack) == {run["version"]}


def _assert_the_api_works(stack: Stack, tweet: str) -> str:
    """Predict, review and train are answered, and soon."""
    prediction, review, training = stack.predict(), stack.review(tweet), stack.post("/train")
    assert (prediction.status, review.status, training.status) == (200, 201, 202)
    assert max(prediction.seconds, review.seconds) < 2
    assert training.seconds < 3
    return str(training.body["id"])


def _versions(stack: Stack) -> list[Any]:
    return list(stack.get("/models").body["results"])
