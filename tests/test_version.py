"""The project's version: one line of pyproject.toml, shown wherever somebody asks for it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from hate_speech_ai import cli
from hate_speech_ai.version import VERSION
from tests.conftest import JSONClient


def read(name: str) -> str:
    return (settings.BASE_DIR / name).read_text(encoding="utf-8")


def test_it_is_that_of_the_project() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert f'\nversion = "{VERSION}"\n' in read("pyproject.toml")


def test_health_says_it(client: JSONClient, db: None) -> None:
    assert client.get("/health").json()["version"] == VERSION


def test_the_schema_says_it(client: JSONClient) -> None:
    assert client.get("/schema").json()["info"]["version"] == VERSION


def test_the_command_line_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])

    assert end.value.code == 0
    assert capsys.readouterr().out == f"hate_speech_ai {VERSION}\n"


def test_it_can_be_asked_from_another_folder(tmp_path: Path) -> None:
    program = "import sys; sys.path.insert(0, sys.argv[1]); from hate_speech_ai.version import VERSION; print(VERSION)"
    done = subprocess.run(
        [sys.executable, "-c", program, str(settings.BASE_DIR)], cwd=tmp_path, capture_output=True, check=True
    )

    assert done.stdout.decode().strip() == VERSION


def test_the_image_has_the_file_that_it_is_read_from() -> None:
    assert re.search(r"^COPY .*\bpyproject\.toml\b", read("docker/Dockerfile"), re.MULTILINE)
    assert "!pyproject.toml" in read(".dockerignore").splitlines()


def test_the_newest_changes_are_those_of_this_version() -> None:
    newest = re.search(r"^## (.+)$", read("CHANGELOG.md"), re.MULTILINE)

    assert newest
    assert newest[1].startswith(VERSION)
