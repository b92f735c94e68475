"""An installation of before the base model, upgraded as an operator does it: `migrate`, then what every start runs."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as configuration
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.crypto import salted_hmac
from pytest_django import DjangoDbBlocker, Settings

from api.lib import redis_client
from api.models import ModelVersion, Promotion, ReviewedTweet, TrainingRun
from api.operations import bootstrap
from api.prediction import active_model
from hate_speech_ai.artifact import sha256 as sha256_of
from hate_speech_ai.training.base_model import BASE_MODEL
from tests.conftest import METRICS, JSONClient, rewrite, starter_rows
from tests.helpers import content_of, open_the_gate, train

OLD = "0011_review_queue"
LONG_AGO = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = "hs_0123456789ab_of-before-the-upgrade"
ANNS, OF_ANN = ["my cat is called Zanzibar", "my dog is called Mombasa"], "ann"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="it is an SQLite file that is upgraded"),
]


@contextmanager
def database_at(file: Path) -> Iterator[None]:
    """Let this process, with its threads, use another SQLite file."""
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = str(file)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def migrate(file: Path) -> None:
    """As an operator does it: in a process of its own."""
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=configuration.BASE_DIR,
        env={**os.environ, "DATA_DIR": str(file.parent), "DATABASE_URL": f"sqlite:///{file}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def fill(artifact: bytes) -> None:
    """Make the tables of then, with what an installation had in them after its first night."""
    executor = MigrationExecutor(connection)
    others = [node for node in executor.loader.graph.leaf_nodes() if node[0] != "api"]
    models = executor.migrate([*others, ("api", OLD)]).apps
    tables = ("ApiKey", "ModelVersion", "Promotion", "TrainingRun", "ReviewedTweet")
    rows = {name: models.get_model("api", name).objects for name in tables}
    key = rows["ApiKey"].create(
        name="a platform",
        prefix=KEY.rsplit("_", 1)[0],
        digest=sha256(KEY.encode()).hexdigest(),
        scopes=["admin"],
        trust="trusted",
        standing={"known": 0, "known_agreed": 0, "peers": 0, "peers_agreed": 0, "share": 0.9, "weight": 1.0},
    )
    version = rows["ModelVersion"].create(
        created_at=LONG_AGO,
        sha256=sha256_of(artifact),
        artifact=artifact,
        data_fingerprint="of then",
        trained_on=1000,
        evaluated_on=100,
        metrics=METRICS,
    )
    rows["Promotion"].create(version=version, at=LONG_AGO, by="nightly run", reason="passed the gate")
    rows["TrainingRun"].create(
        kind="nightly",
        dedupe_key="nightly:2026-11-20",
        status="done",
        outcome="promoted",
        requested_by="schedule",
        created_at=LONG_AGO,
        started_at=LONG_AGO,
        finished_at=LONG_AGO,
        attempts=1,
        progress=1.0,
        version=version,
        figures={"candidate": {"f1": 0.8, "said_yes": 0.3, "version": None}, "rows": {"frozen": 100}, "keys": {}},
    )
    rows["TrainingRun"].create(kind="manual", status="dead", requested_by="ops", finished_at=LONG_AGO, attempts=3)
    for tweet, author in [*((text, OF_ANN) for text in ANNS), ("the bus is late", "ben")]:
        review = rows["ReviewedTweet"].create(
            tweet=tweet,
            labels={"hate_speech": False},
            source=f"key:{key.pk}",
            key=key,
            author=salted_hmac("api.authors", author, algorithm="sha256").hexdigest(),
            created_at=LONG_AGO,
            fingerprint=sha256(f"in other words: {tweet}".encode()).hexdigest(),  # of the cleaning of then
            held_out=False,
            status="trained",
            trained_in=version,
        )
        review.events.create(status="trained", reason="Version 1 learned it.", version=version)


@pytest.fixture(scope="module")
def upgraded_folder(
    tmp_path_factory: pytest.TempPathFactory,
    artifact_bytes: bytes,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Path:
    """A data folder after the commands of an upgrade."""
    file = tmp_path_factory.mktemp("installation") / "db.sqlite3"
    with django_db_blocker.unblock(), database_at(file):
        fill(artifact_bytes)
    migrate(file)
    with django_db_blocker.unblock(), database_at(file):
        call_command("prepare_start")
    return file.parent


@pytest.fixture
def upgraded(
    upgraded_folder: Path,
    transactional_db: None,
    settings: Settings,
    tmp_path: Path,
    with_base: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[JSONClient]:
    """The upgraded installation, started; a client with the key of before. Its starter corpus has few rows."""
    settings.DATA_DIR = shutil.copytree(upgraded_folder, tmp_path / "data")
    settings.STARTER_CORPUS, rows = tmp_path / "starter.csv", starter_rows()[::40]
    with settings.STARTER_CORPUS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.setattr(bootstrap, "request_first_model", lambda: pytest.fail("a first model is asked for"))
    with database_at(settings.DATA_DIR / "db.sqlite3"):
        call_command("bootstrap", stdout=StringIO())
        active_model.refresh()
        yield JSONClient(KEY)


def forget(**named: str) -> str:
    out = StringIO()
    call_command("forget", *[f"--{name}={value}" for name, value in named.items()], "--reason=asked to", stdout=out)
    return out.getvalue()


def tweets_of_people() -> set[str]:
    return set(ReviewedTweet.objects.exclude(key=None).values_list("tweet", flat=True))


def test_it_serves_the_version_that_served(upgraded: JSONClient) -> None:
    answer = upgraded.post("/predict", {"tweet": "have a lovely day"})

    assert (answer.status_code, answer.json()["model_version"]) == (200, 1)
    assert 0 <= answer.json()["probability"] <= 1
    [promotion] = Promotion.objects.all()
    assert (promotion.version_id, promotion.at) == (1, LONG_AGO)


def test_its_runs_are_told_in_the_words_of_today(upgraded: JSONClient) -> None:
    runs = {run["kind"]: run for run in upgraded.get("/training-runs").json()["results"]}
    nightly = runs["nightly"]

    assert (nightly["status"], nightly["outcome"], nightly["version"]) == ("done", "promoted", 1)
    assert nightly["figures"]["candidate"] == {"f1": 0.8, "positive_rate": 0.3, "version": None}
    assert nightly["figures"]["rows"] == {"corpora": 100}
    assert runs["manual"]["status"] == "abandoned"


def test_it_trains_on_top_of_the_base_model(upgraded: JSONClient, settings: Settings) -> None:
    open_the_gate(settings)
    review = upgraded.post("/add-reviewed-tweet", {"tweet": "the tram is late, too", "is_hate_speech": False}).json()

    run = train()

    assert (run.status, run.outcome, run.reasons) == ("done", "promoted", [])
    assert run.version is not None
    assert (run.version.parent_id, run.version.base) == (1, sha256_of(BASE_MODEL.read_bytes()))
    learned = ReviewedTweet.objects.exclude(key=None).filter(held_out=False, status="trained")
    assert run.version.learned_from == {"reviews": learned.count()}
    found = upgraded.get(f"/reviewed-tweets/{review['id']}").json()
    assert (found["status"], found["trained_in"]) == ("trained", run.version_id)
    active_model.refresh()
    assert upgraded.post("/predict", {"tweet": "have a lovely day"}).json()["model_version"] == run.version_id


def test_it_forgets_an_author(upgraded: JSONClient) -> None:
    said = forget(author=OF_ANN)

    assert said.startswith("2 reviewed tweets are deleted\n")
    assert "version 1 serves: run train" in said
    assert tweets_of_people() == {"the bus is late"}


def test_it_forgets_a_text_before_it_has_trained(upgraded: JSONClient) -> None:
    """The stored fingerprints are those of the cleaning of then, until the next training."""
    forget(text="the BUS is late!")

    assert tweets_of_people() == set(ANNS)


def test_a_version_that_this_program_cannot_read_gives_way_to_the_base_model(upgraded: JSONClient) -> None:
    content = content_of(ModelVersion.objects.get())
    older = content.replace(rb"\"cleaning\": 3", rb"\"cleaning\": 2")
    assert older != content
    rewrite(artifact=older, sha256=sha256_of(older))
    redis_client.call("FLUSHALL")

    call_command("bootstrap", stdout=StringIO())

    active_model.refresh()
    champion = Promotion.champion()
    assert champion is not None
    assert champion.sha256 == sha256_of(BASE_MODEL.read_bytes())
    assert upgraded.post("/predict", {"tweet": "have a lovely day"}).json()["model_version"] == champion.pk
    assert list(ModelVersion.objects.filter(pk=1)) != []
    assert not TrainingRun.objects.filter(status="queued").exists()
