"""`manage.py up` in an empty folder: from the base model, without one, and with a file that is none."""

import signal
from pathlib import Path

import pytest

from hate_speech_ai.training.base_model import BASE_MODEL
from tests.stack.harness import READY, Answer, Stack, wait_for

pytestmark = pytest.mark.stack


def test_it_answers_from_the_base_model_before_all_else(tmp_path: Path) -> None:
    fresh = Stack(tmp_path)
    try:
        fresh.launch()

        answer = wait_for("the first answer", lambda: _prediction(fresh))

        assert answer.body["model_version"] == 1
        assert "starter corpus" not in fresh.output  # which is loaded before any training
        assert not (fresh.data / "api-key").exists()
    finally:
        fresh.stop()


def test_it_can_be_stopped_while_it_trains_its_first_model(tmp_path: Path) -> None:
    with_nothing = Stack(tmp_path, every=1, BASE_MODEL="none")
    try:
        with_nothing.launch()
        with_nothing.wait_for_output("learning hate_speech")
        family = with_nothing.family()

        with_nothing.supervisor().send(signal.SIGTERM)

        assert with_nothing.wait_for_end(seconds=20) == 0
        assert [process for process in family if process.is_alive()] == []
        assert READY not in with_nothing.output
        with_nothing.start()
        assert "training the first model" in with_nothing.output
        assert with_nothing.predict().status == 200
        [version] = with_nothing.get("/models").body["results"]
        assert (version["base"], list(version["learned_from"])) == ("", ["corpus:starter"])
    finally:
        with_nothing.stop()


def test_it_refuses_a_file_that_is_no_base_model(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(BASE_MODEL.read_bytes()[:-1])
    stack = Stack(tmp_path, BASE_MODEL=str(wrong))

    with stack.command("up") as process:
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert errors.splitlines()[0].startswith(f"CommandError: {wrong} cannot be the base model: ")
    assert errors.count("\n") == 2
    assert "`manage.py prepare_start` failed" in errors.splitlines()[1]


def _prediction(stack: Stack) -> Answer | None:
    """An answer of a stack that may not listen yet."""
    assert stack.is_running, stack.output
    try:
        answer = stack.predict()
    except OSError:
        return None
    return answer if answer.status == 200 else None
