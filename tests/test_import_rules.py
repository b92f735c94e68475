"""Imports point one way, and a web process stays small."""

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
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
    assert offences("api", "config") == []


# A room imports those that stand before it, and nothing else of the service.
ROOMS = (
    *("models", "lib", "http", "keys", "prediction", "review_queue", "stream", "analytics"),
    *("versions", "reviews", "training", "integrations", "operations", "pages"),
)


def climbs(path: Path, module: str) -> bool:
    """Whether a room's file imports a later room, or what stands above all rooms."""
    room = path.relative_to(settings.BASE_DIR / "api").parts[0]
    imported = f"{module}.".split(".")[1]
    if room not in ROOMS or not module.startswith("api."):
        return False
    return imported not in ROOMS or ROOMS.index(imported) > ROOMS.index(room)


def test_a_climb_is_noticed() -> None:
    file = settings.BASE_DIR / "api" / "keys" / "trust.py"

    assert climbs(file, "api.prediction.recorder")
    assert climbs(file, "api.tasks")
    assert not climbs(file, "api.models.ApiKey")


def test_a_room_imports_only_those_before_it() -> None:
    assert [f"{path}: {module}" for path, module in modules_of("api") if climbs(path, module)] == []


def test_every_room_is_in_the_order() -> None:
    folders = {path.name for path in (settings.BASE_DIR / "api").iterdir() if (path / "__init__.py").exists()}

    assert folders - {"management", "migrations"} == set(ROOMS)


def files_by_module() -> dict[str, Path]:
    """Each file of ours by its module's name."""
    paths = [path for package in PACKAGES for path in (settings.BASE_DIR / package).rglob("*.py")]
    names = [".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts) for path in paths]
    return {name.removesuffix(".__init__"): path for name, path in zip(names, paths, strict=True)}


def test_no_files_import_each_other_in_a_circle() -> None:
    files = files_by_module()
    by_path = {path: name for name, path in files.items()}
    imports: dict[str, set[str]] = {name: set() for name in files}
    for package in PACKAGES:
        for path, module in modules_of(package):
            target = module if module in files else module.rpartition(".")[0]
            if target in files and target != by_path[path]:
                imports[by_path[path]].add(target)

    try:
        order = list(TopologicalSorter(imports).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
    assert order.index("api.models.keys") < order.index("api.training.retraining")


def test_what_tests_share_is_no_test() -> None:
    assert [f"{path.name}: {module}" for path, module in modules_of("tests") if module.startswith("tests.test_")] == []


MOST_LINES = 300
MOST_MODULES = 14


def test_files_and_folders_stay_small() -> None:
    long = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in files_by_module().items()}
    full = Counter(path.parent for path in files_by_module().values() if path.name != "__init__.py")

    assert {name for name, lines in long.items() if lines > MOST_LINES} <= {"config.settings"}
    assert {str(folder) for folder, files in full.items() if files > MOST_MODULES} <= {
        str(settings.BASE_DIR / "api" / "management" / "commands"),
        str(settings.BASE_DIR / "api" / "migrations"),
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_that_executes_what_it_loads(package: str) -> None:
    assert offences(package, "pickle", "cPickle", "joblib", "cloudpickle", "dill", "marshal", "shelve") == []


def test_torch_makes_weights_and_executes_nothing() -> None:
    finetuning = settings.BASE_DIR / "hate_speech_ai" / "encoder" / "finetuning"
    using = {path for package in PACKAGES for path, module in modules_of(package) if f"{module}.".startswith("torch.")}
    calls = [line for path in using for line in path.read_text(encoding="utf-8").splitlines() if "torch.load(" in line]

    assert {path.parent for path in using} == {finetuning}
    assert calls
    assert all("weights_only=True" in line for line in calls)


def run(program: str, *arguments: str, folder: Path) -> None:
    environment = os.environ | {"DATA_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}"}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


LIGHT = """
import sys
packages = {"sklearn", "scipy", "pandas", "nltk", "joblib", "rich", "matplotlib", "onnxruntime", "tokenizers"}
heavy = packages & set(sys.modules)
assert not heavy, heavy
"""


def test_a_web_process_imports_nothing_heavy(tmp_path: Path) -> None:
    program = """
import config.rsgi
from django.urls import get_resolver
assert get_resolver().url_patterns
import sys
off = ("api.stream", "api.analytics", "prometheus_client", "statsmodels")
assert not [name for name in sys.modules if name.startswith(off)], "the stream and the metrics are off"
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
