"""`python -m hate_speech_ai.spark`: what Spark says of a lake is what the scorer says, to the last bit."""

import csv
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.spark.__main__ import packed
from tests.conftest import starter_rows
from tests.stack.harness import ROOT

HAS_SPARK = find_spec("pyspark") is not None and find_spec("pyarrow") is not None and shutil.which("java") is not None
needs_spark = pytest.mark.skipif(not HAS_SPARK, reason="there is no Spark: requirements-spark.txt, and Java 17")
LABELS = ("hate_speech", "toxic")
# Which a float does not have.
LARGE = 2**53 + 1


def spark(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hate_speech_ai.spark", *map(str, arguments)],
        env={**os.environ, "PYSPARK_SUBMIT_ARGS": "--master local[2] pyspark-shell", "SPARK_LOCAL_IP": "127.0.0.1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def model(tmp_path: Path, artifact_bytes: bytes) -> Path:
    file = tmp_path / "model.safetensors"
    file.write_bytes(artifact_bytes)
    return file


def rows(number: int) -> list[dict[str, Any]]:
    tweets = [row["tweet"] for row in starter_rows()[:number]]
    found = [{"id": LARGE + place, "tweet": tweet} for place, tweet in enumerate(tweets)]
    return [*found, {"id": None, "tweet": 'a "quoted" text,\nof two lines'}, {"id": LARGE - 1, "tweet": None}]


def expected(given: list[dict[str, Any]], artifact_bytes: bytes) -> dict[Any, tuple[Any, ...]]:
    scorer = Scorer(Artifact.from_bytes(artifact_bytes))
    answers = {}
    for row in given:
        found = scorer.score(row["tweet"], LABELS).probabilities if row["tweet"] is not None else {}
        chances = [found.get(label) for label in LABELS]
        flags = [None if p is None else p >= scorer.thresholds[label] for label, p in zip(LABELS, chances, strict=True)]
        answers[row["id"]] = (row["tweet"], *chances, *flags)
    return answers


def answers_of(read: list[dict[str, Any]]) -> dict[Any, tuple[Any, ...]]:
    names = ("tweet", *LABELS, *(f"{label}_flagged" for label in LABELS))
    return {row.get("id"): tuple(row.get(name) for name in names) for row in read}


@needs_spark
def test_parquet(tmp_path: Path, model: Path, artifact_bytes: bytes) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    given = rows(500)
    pq.write_table(pa.Table.from_pylist(given), tmp_path / "tweets.parquet")
    labels = [part for label in LABELS for part in ("--label", label)]

    done = spark("score", tmp_path / "tweets.parquet", tmp_path / "out", "--model", model, *labels)

    assert done.returncode == 0, done.stderr
    written = pq.read_table(tmp_path / "out").to_pylist()
    assert len(written) == len(given)
    assert answers_of(written) == expected(given, artifact_bytes)


@needs_spark
def test_csv(tmp_path: Path, model: Path, artifact_bytes: bytes) -> None:
    given = rows(50)[:-1]
    with (tmp_path / "tweets.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "tweet"])
        writer.writeheader()
        writer.writerows(given)

    done = spark("score", tmp_path / "tweets.csv", tmp_path / "out", "--model", model)

    assert done.returncode == 0, done.stderr
    found: dict[str, float] = {}
    for part in (tmp_path / "out").glob("part-*"):
        with part.open(newline="") as file:
            found |= {row["tweet"]: float(row["hate_speech"]) for row in csv.DictReader(file)}
    assert found == {tweet: p for tweet, p, *_ in expected(given, artifact_bytes).values()}


@needs_spark
def test_only_new_files_are_judged_and_none_twice(tmp_path: Path, model: Path, artifact_bytes: bytes) -> None:
    given, lake = rows(60), tmp_path / "lake"
    lake.mkdir()
    arguments = ("score", lake, tmp_path / "out", "--model", model, "--format", "json", "--checkpoint", tmp_path / "c")
    for start in (0, 30):
        lines = [json.dumps(row) + "\n" for row in given[start : start + 30]]
        (lake / f"{start}.jsonl").write_text("".join(lines))
        done = spark(*arguments)
        assert done.returncode == 0, done.stderr

    written = [json.loads(line) for part in (tmp_path / "out").glob("part-*") for line in part.open()]
    assert sorted(row["id"] for row in written) == sorted(row["id"] for row in given[:60])
    judged = expected(given, artifact_bytes)
    assert all(row["hate_speech"] == judged[row["id"]][1] for row in written)


@needs_spark
def test_what_cannot_work_is_said_in_one_line(tmp_path: Path, model: Path) -> None:
    (tmp_path / "tweets.jsonl").write_text('{"text": "hello"}\n')

    done = spark("score", tmp_path / "tweets.jsonl", tmp_path / "out", "--model", model)

    assert done.returncode == 2
    assert "no text column 'tweet'; it has text" in done.stderr.splitlines()[-1]


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="Spark is here")
def test_without_spark_it_says_what_to_install(tmp_path: Path, model: Path) -> None:
    done = spark("score", tmp_path / "tweets.jsonl", tmp_path / "out", "--model", model)

    assert (done.returncode, done.stdout) == (2, "")
    assert "requirements-spark.txt" in done.stderr


def test_the_package_works_from_the_zip_file_that_the_cluster_gets(tmp_path: Path, model: Path) -> None:
    program = """
import sys
sys.path.insert(0, sys.argv[1])
import hate_speech_ai
from pathlib import Path
from hate_speech_ai.artifact import Artifact
from hate_speech_ai.scorer import Scorer
assert hate_speech_ai.__file__.startswith(sys.argv[1]), hate_speech_ai.__file__
print(Scorer(Artifact.from_bytes(Path(sys.argv[2]).read_bytes())).score("n1ce weather").probabilities["hate_speech"])
"""
    package = packed(tmp_path)

    done = subprocess.run(
        [sys.executable, "-c", program, package, str(model)], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    scorer = Scorer(Artifact.from_bytes(model.read_bytes()))
    assert float(done.stdout) == scorer.score("n1ce weather").probabilities["hate_speech"]
