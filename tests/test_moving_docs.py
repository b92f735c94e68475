"""docs/moving-from-perspective.md: every snippet runs, with the host and the key of the tests' service."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.core.management import call_command

from api.models import ModelVersion, ReviewedTweet
from hate_speech_ai.evaluation.perspective_scores import Recorded, read
from tests.conftest import MakeKey

PAGE = settings.BASE_DIR / "docs" / "moving-from-perspective.md"
HOSTS = ("http://127.0.0.1:8000", "https://commentanalyzer.googleapis.com")
KEYS = ("hs_...", "AIza...")
MANAGE = ".venv/bin/python manage.py "
COMMENTS = ["have a lovely day, everyone", "you are an idiot", "all muslims are vermin and should be deported"]


class Snippet(NamedTuple):
    line: int
    language: str
    code: str


def snippets() -> list[Snippet]:
    page = PAGE.read_text(encoding="utf-8")
    fences = re.finditer(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [Snippet(page[: fence.start()].count("\n") + 1, fence[1], fence[2]) for fence in fences]


def called(name: str) -> list[Any]:
    """Snippets that speak of something, as parameters of a test."""
    return [pytest.param(one, id=f"line {one.line}") for one in snippets() if name in one.code]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where somebody would be who follows the page: with comments, and recorded pairs."""
    (tmp_path / "comments.txt").write_text("\n\n".join(COMMENTS), encoding="utf-8")
    lines = [
        f'{{"text": "{text}", "TOXICITY": {score}}}\n' for text, score in zip(COMMENTS, (0.1, 0.9, 0.95), strict=True)
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(live_server: Any, served: ModelVersion, make_key: MakeKey, folder: Path) -> Callable[[Snippet], str]:
    """Run a snippet in that folder, against a service; what it prints."""
    key = make_key("predict", "review")

    def execute(snippet: Snippet) -> str:
        code = snippet.code
        for host in HOSTS:
            code = code.replace(host, live_server.url)
        for name in KEYS:
            code = code.replace(name, key)
        command = {
            "sh": ["bash", "-euc", code],
            "python": [sys.executable, "-c", code],
            "javascript": ["node", "--input-type=module", "--eval", code],
        }[snippet.language]
        program = "curl" if "curl" in code else command[0]
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} here")
        if "googleapiclient" in code:
            pytest.importorskip("googleapiclient")
        done = subprocess.run(
            command,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return execute


def test_every_snippet_is_run() -> None:
    run = [one.values[0] for name in (MANAGE, "v1alpha1", "attributeScores") for one in called(name)]

    assert {one.line for one in snippets()} == {one.line for one in run}
    assert len(snippets()) >= 9


@pytest.mark.parametrize("snippet", called(MANAGE))
def test_commands(snippet: Snippet, served: ModelVersion, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in snippet.code.splitlines():
        call_command(*shlex.split(line.removeprefix(MANAGE)))

    assert capsys.readouterr().out
    if "--plot" in snippet.code:
        assert (folder / "pairs.png").stat().st_size > 1_000


@pytest.mark.parametrize("snippet", [one for one in called("attributeScores") if one.values[0].language == "json"])
def test_the_forms_of_a_file(snippet: Snippet, tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text(snippet.code, encoding="utf-8")

    rows = list(read(tmp_path / "pairs.jsonl"))

    assert len(rows) == 3
    assert all(isinstance(row, Recorded) and row.scores["TOXICITY"] == 0.9 for row in rows)


@pytest.mark.parametrize("snippet", [one for one in called("comments") if "v1alpha1" in one.values[0].code])
def test_clients(snippet: Snippet, run: Callable[[Snippet], str], folder: Path) -> None:
    printed = run(snippet)

    if "pairs.jsonl" in snippet.code:
        recorded = list(read(folder / "pairs.jsonl"))[len(COMMENTS) :]
        assert [row.text for row in recorded if isinstance(row, Recorded)] == COMMENTS
    elif "suggestscore" in snippet.code:
        review = ReviewedTweet.objects.get()
        assert review.labels["toxic"] in (True, False)
        assert review.external_id.startswith("comment:")
    elif snippet.language == "sh":
        assert '"summaryScore"' in printed
    else:
        assert 0.5 < float(printed) <= 1
