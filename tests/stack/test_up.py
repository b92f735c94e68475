"""`manage.py up`: everything on one machine, from one command."""

import json
import shutil
import signal
import stat
import subprocess
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from redis import Redis

from hate_speech_ai.artifact import sha256
from hate_speech_ai.training.base_model import BASE_MODEL
from tests.stack.harness import Stack, wait_for

pytestmark = pytest.mark.stack


def test_it_works(stack: Stack) -> None:
    answer = stack.predict()

    assert answer.status == 200
    assert answer.body["is_hate_speech"] is False
    assert answer.body["model_version"] == 1
    [version] = stack.get("/models").body["results"]
    assert version["sha256"] == sha256(BASE_MODEL.read_bytes())
    assert stack.get("/training-runs").body["count"] == 0


def test_the_first_training_finds_nothing_new(stack: Stack) -> None:
    run = stack.finished(stack.train())

    assert (run["outcome"], run["version"]) == ("unchanged", None)


def test_its_curl_lines_work_as_printed(stack: Stack) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    lines = [line for line in stack.output.splitlines() if line.startswith("  curl ")]

    said = [subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout for line in lines]

    prediction, review, score = [json.loads(answer) for answer in said]
    assert 0 <= prediction["probability"] <= 1
    assert review["status"] == "pending"
    assert 0 < score["score"] <= 1


def test_its_documentation_is_where_it_says(stack: Stack) -> None:
    url = next(line.split()[-1] for line in stack.output.splitlines() if line.startswith("Its documentation:"))

    page = subprocess.run(["curl", "--silent", "--fail", url], capture_output=True, text=True, check=True).stdout

    assert "swagger" in page.lower()


@pytest.mark.parametrize("name", ["secret_key", "api-key"])
def test_nobody_else_reads_its_secrets(stack: Stack, name: str) -> None:
    assert stat.S_IMODE((stack.data / name).stat().st_mode) == 0o600


def test_it_refuses_a_folder_in_use(stack: Stack, tmp_path: Path) -> None:
    before = stack.parts()
    second = Stack(tmp_path, DATA_DIR=str(stack.data))

    with second.command("up") as process:
        output, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert output == ""
    assert errors.count("\n") == 1
    assert f"{stack.data} is in use by the process {stack.supervisor().pid}" in errors
    assert stack.predict().status == 200
    assert stack.parts() == before


def test_it_refuses_a_port_in_use(stack: Stack, tmp_path: Path) -> None:
    second = Stack(tmp_path, PORT=str(stack.port))

    with second.command("up") as process:
        output, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert output == ""
    assert errors.count("\n") == 1
    assert f"127.0.0.1:{stack.port}" in errors
    assert stack.predict().status == 200


@pytest.mark.parametrize("name", ["web", "worker", "beat", "valkey"])
def test_a_killed_part_is_started_again(stack: Stack, name: str) -> None:
    killed = stack.running(name)

    killed.kill()

    wait_for(f"another {name}", lambda: stack.running(name).pid != killed.pid)
    wait_for("the web server", lambda: stack.answers("/readyz"))
    assert stack.predict().status == 200
    assert stack.review("what a goal, well played").status in (200, 201)
    assert stack.finished(stack.train())["status"] == "done"
    wait_for("good health", lambda: stack.answers("/health"))


def test_it_keeps_its_data(stack: Stack) -> None:
    review = stack.review("the match was moved to sunday evening").body["id"]
    key, version = stack.key, stack.predict().body["model_version"]

    stack.stop()
    stack.start()

    assert "starter corpus" not in stack.output
    assert stack.key == key
    assert stack.predict().body["model_version"] == version
    assert stack.get(f"/reviewed-tweets/{review}").body["tweet"] == "the match was moved to sunday evening"


def test_a_damaged_valkey_file_heals_by_itself(stack: Stack) -> None:
    stack.stop()
    for file in (stack.data / "valkey" / "appendonlydir").glob("*.incr.aof"):
        file.write_bytes(b"\0" * 20 + file.read_bytes())

    stack.start()

    stack.wait_for_output("begins empty")
    assert stack.finished(stack.train())["status"] == "done"
    wait_for("good health", lambda: stack.answers("/health"))


@pytest.mark.parametrize("message", ["{{{{", '{"body": "no base64!", "properties": {}}', "{}"])
def test_a_message_that_nobody_can_read_ends_the_worker_once_at_most(stack: Stack, message: str) -> None:
    Redis.from_url((stack.data / "valkey" / "url").read_text()).lpush("celery", message)

    assert stack.finished(stack.train())["status"] == "done"


def test_nobody_else_reads_its_data(stack: Stack) -> None:
    stack.stop()
    stack.data.chmod(0o755)
    stack.start()

    files = [path for path in (stack.data, *stack.data.rglob("*")) if not path.is_symlink()]
    assert {path.name: oct(path.stat().st_mode) for path in files if path.stat().st_mode & 0o077} == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything(stack: Stack, number: signal.Signals) -> None:
    family = stack.family()

    stack.supervisor().send(number)

    assert stack.wait_for_end(seconds=20) == 0
    assert [process for process in family if process.is_alive()] == []


def test_every_request_is_answered_while_it_stops(stack: Stack) -> None:
    """A client that keeps its connection is told to close it; a request sent after that would have no answer."""
    connection = HTTPConnection("127.0.0.1", stack.port, timeout=10)
    answers: list[str] = []

    stack.supervisor().send(signal.SIGTERM)
    while not (answers and answers[-1] == "close"):
        connection.request("GET", "/livez")
        response = connection.getresponse()
        answers.append(response.headers.get("Connection", ""))
        assert (response.status, response.read()[:1]) == (200, b"{")
        time.sleep(0.02)

    assert stack.wait_for_end(seconds=20) == 0
    stack.start()
    assert stack.predict().status == 200


def test_a_killed_supervisor_leaves_no_orphan(stack: Stack) -> None:
    version, family = stack.predict().body["model_version"], stack.family()

    stack.supervisor().kill()
    wait_for("the end of all processes", lambda: not any(process.is_alive() for process in family), seconds=3)
    stack.wait_for_end(seconds=3)
    stack.start()

    assert stack.predict().body["model_version"] == version
