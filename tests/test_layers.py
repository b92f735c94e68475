"""Imports point one way, and a web process stays small."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

PACKAGES = ("config", "api", "hate_speech_ai")


def modules_of(package: str) -> Iterator[tuple[Path, str]]:
    """Each import of a package: the file, and the module's full name."""
    for path in sorted((settings.BASE_DIR / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are absolute here"
                yield from ((path, f"{node.module}.{alias.name}") for alias in node.names)


def offences(package: str, *forbidden: str) -> list[str]:
    return [
        f"{path.name}: {module}"
        for path, module in modules_of(package)
        if any(f"{module}.".startswith(f"{name}.") for name in forbidden)
    ]


def test_the_imports_are_found() -> None:
    assert offences("api", "hate_speech_ai.text.fingerprint")
    assert offences("hate_speech_ai", "sklearn")


def test_the_classifier_knows_neither_django_nor_the_service() -> None:
    assert offences("hate_speech_ai", "django", "rest_framework", "celery", "redis", "environ", "api", "config") == []


def test_the_service_does_not_know_its_configuration() -> None:
    assert [module for module in offences("api", "config") if "api.lib.processes" not in module] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_that_executes_what_it_loads(package: str) -> None:
    assert offences(package, "pickle", "cPickle", "joblib", "cloudpickle", "dill", "marshal", "shelve", "torch") == []


def run(program: str, *arguments: str, folder: Path) -> None:
    environment = os.environ | {"DATA_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}"}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


LIGHT = """
import sys
heavy = {"sklearn", "scipy", "pandas", "nltk", "joblib", "rich", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""


def test_a_web_process_imports_nothing_heavy(tmp_path: Path) -> None:
    program = """
import config.wsgi
from django.urls import get_resolver
assert get_resolver().url_patterns
"""

    run(program + LIGHT, folder=tmp_path)


def test_scoring_imports_nothing_heavy(tmp_path: Path, artifact_bytes: bytes) -> None:
    program = """
import sys
from pathlib import Path
from hate_speech_ai.artifact import Artifact
from hate_speech_ai.scorer import Scorer
assert Scorer(Artifact.from_bytes(Path(sys.argv[1]).read_bytes())).score("hello").probabilities
"""
    (tmp_path / "model").write_bytes(artifact_bytes)

    run(program + LIGHT, str(tmp_path / "model"), folder=tmp_path)
