"""What most tests start from: a served model, keys, and a client that speaks JSON."""

import csv
from collections.abc import Callable, Iterator
from copy import copy
from functools import lru_cache
from importlib import reload
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.urls import clear_url_caches
from pytest_django import Settings

import api.operations.urls
import api.urls
import config.urls
from api.http import authentication, throttling
from api.lib import redis_client
from api.models import ApiKey, ModelVersion, Promotion
from api.operations import write_probes
from api.prediction import active_model, loading, recorder
from api.review_queue import live_metrics
from hate_speech_ai.artifact import sha256
from hate_speech_ai.encoder.embedder import Embedder
from hate_speech_ai.labels import LABELS
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import fingerprint, is_held_out
from hate_speech_ai.training.base_model import BASE_MODEL
from tests import environment
from tests.rows import some_rows

# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

TESTS = Path(__file__).parent
SHARED = Path(settings.BASE_DIR).parent / "shared"
EVERYDAY: Path = settings.EVERYDAY

# They train many models; `make test-fast` leaves them out, and they run on SQLite alone.
SLOW = {
    *("test_approvals.py", "test_cli.py", "test_compare.py", "test_corpora.py", "test_end_to_end.py"),
    *("test_first_start.py", "test_forget.py", "test_live_metrics.py", "test_operating_points.py"),
    *("test_perspective_clients.py", "test_registry.py", "test_retraining.py", "test_review_queue.py"),
    *("test_stale_runs.py", "test_training.py", "test_trust.py", "test_upgrade.py"),
}
# With those, what takes longest: begun first, it is not what all wait for at the end.
LONG = SLOW | {
    *("test_base_model.py", "test_linear_cost.py", "test_migrations.py"),
    *("test_poisoning_benchmark.py", "test_untrusted.py"),
    *("stack/test_chaos.py", "stack/test_faults.py", "stack/test_postgres.py", "stack/test_up.py"),
}
assert all((TESTS / name).is_file() for name in LONG)

# What the fixtures of these names are to the tests that take them.
AsKey = Callable[..., "JSONClient"]
MakeKey = Callable[..., str]
MakeVersion = Callable[..., ModelVersion]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and what uses the database, so that it can be run once more on another one: `-m database`.

    What takes long goes first.
    """
    long = {TESTS / name for name in LONG}
    items.sort(key=lambda item: item.path not in long)
    for item in items:
        if item.path.name in SLOW:
            item.add_marker("slow")
        if {"db", "transactional_db"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("database")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite in a file, as the service has it: in memory, a second writer is refused instead of waiting."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(environment.folder / "test.sqlite3")


@pytest.fixture(scope="session", autouse=True)
def few_everyday_tweets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every twentieth everyday tweet: reading all takes longer than a small training."""
    settings.EVERYDAY = some_rows(EVERYDAY, 20, tmp_path_factory.mktemp("everyday") / "everyday.csv")
    yield
    settings.EVERYDAY = EVERYDAY


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """What was read from a model's bytes for one test serves the next: it takes longer than most requests."""
    whole, read = loading._read, lru_cache(maxsize=4)(loading._read)

    def read_once(content: bytes, encoder: Embedder | None) -> Scorer:
        if settings.MODEL == "full":
            return whole(content, encoder)
        scorer = copy(read(content, None))
        scorer.thresholds = dict(scorer.thresholds)  # which tests move
        return scorer

    with patch.object(loading, "_read", read_once):
        yield


@pytest.fixture
def no_everyday_tweets(settings: Settings, tmp_path: Path) -> None:
    """Thresholds by F1 alone: a model of a few hundred rows could only spare all everyday tweets by hardly a yes."""
    settings.EVERYDAY = tmp_path / "no-everyday.csv"
    settings.EVERYDAY.write_text("id,kind,tweet,obscene\n")


@pytest.fixture
def with_base(settings: Settings) -> Path:
    """As the service comes: the base model, and all the everyday tweets that its thresholds were chosen with."""
    settings.EVERYDAY = EVERYDAY
    settings.BASE_MODEL = BASE_MODEL
    return BASE_MODEL


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    """Each test meets a process that has just started, and an empty Redis."""
    active_model._active, active_model._refused, active_model._problem = None, 0, ""
    active_model._pinned.clear()
    active_model._last_beat = float("-inf")
    recorder._buffer.clear()
    settings.FORGOTTEN_FILE.unlink(missing_ok=True)
    recorder._stored, recorder._dropped, recorder._problem, live_metrics._shown = 0, 0, "", None
    authentication._known.clear()
    authentication._database_failed_at = float("-inf")
    throttling._local.clear()
    redis_client._resting_until = 0.0
    redis_client._client.cache_clear()
    redis_client.call("FLUSHALL")
    write_probes.of_database.forget()
    write_probes.of_redis.forget()
    write_probes._was_locked = False
    yield
    redis_client._client.cache_clear()


def starter_rows() -> list[dict[str, str]]:
    with settings.STARTER_CORPUS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def trained() -> Any:
    """A real model, trained from nothing on every sixth row of the starter corpus (a few seconds' work)."""
    from hate_speech_ai.training.trainer import train

    return train(starter_examples(6))


def starter_examples(step: int) -> list[Any]:
    """Every so many rows of the starter corpus, without those that are held out."""
    from hate_speech_ai.training.examples import Example

    examples: dict[str, Any] = {}
    for row in starter_rows()[::step]:
        digest = fingerprint(row["tweet"])
        if not is_held_out(digest):
            examples.setdefault(digest, Example(row["tweet"], {label: row[label] == "1" for label in LABELS}))
    return list(examples.values())


@pytest.fixture(scope="session")
def artifact_bytes(trained: Any) -> bytes:
    return bytes(trained.artifact.to_bytes())


def rewrite(*versions: ModelVersion, **fields: Any) -> None:
    """Do to versions (all, where none is named) what the program refuses: as a spoilt disk may."""
    rows = QuerySet[ModelVersion](ModelVersion)
    (rows.filter(pk__in=[version.pk for version in versions]) if versions else rows).update(**fields)


FIGURES = {
    "f1": 0.75,
    "precision": 0.7,
    "recall": 0.8,
    "roc_auc": 0.9,
    "pr_auc": 0.85,
    "threshold": 0.4,
    "rows": 100,
    "positives": 30,
    "true_positives": 24,
    "false_positives": 10,
    "false_negatives": 6,
    "true_negatives": 60,
}
CHECKS = {"passed": 0.75, "rows": 8, "by_capability": {"everyday": {"passed": 0.75, "rows": 8}}}
METRICS = {
    "hate_speech": FIGURES,
    "by_source": {"corpus:starter": FIGURES},
    "checks": CHECKS,
    "everyday": {"rows": 300, "flagged": {"hate_speech": 0.0033, "toxic": 0.02}},
}


@pytest.fixture
def make_version(db: None, artifact_bytes: bytes) -> MakeVersion:
    """Store a model version; `content` replaces the real artifact."""

    def make(content: bytes = artifact_bytes, digest: str = "") -> ModelVersion:
        number = ModelVersion.objects.count() + 1
        return ModelVersion.objects.create(
            sha256=digest or sha256(content),
            artifact=content,
            data_fingerprint=f"{number:064}",
            trained_on=1000,
            evaluated_on=100,
            metrics=METRICS,
        )

    return make


@pytest.fixture
def served(make_version: MakeVersion) -> ModelVersion:
    """A model version that serves in this process."""
    version = make_version()
    Promotion.objects.create(version=version, by="test", reason="test")
    active_model.refresh()
    return version


@pytest.fixture
def make_key(db: None) -> MakeKey:
    """A new trusted key's plain text: `make_key("review", "train")`."""

    def make(*scopes: str, trust: str = ApiKey.Trust.TRUSTED, **fields: Any) -> str:
        _, plain = ApiKey.issue("a test", list(scopes), trust=trust, **fields)
        return plain

    return make


class JSONClient:
    """Django's client, speaking JSON; `key` is sent with every request."""

    def __init__(self, key: str = "") -> None:
        # An unexpected exception becomes the 500 that a client would see.
        self._client = Client(raise_request_exception=False)
        self._key = key

    def get(self, path: str, **headers: str) -> Any:
        return self._client.get(path, headers=self._headers(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """`body` as JSON; bytes are sent as they are."""
        options: dict[str, Any] = {"content_type": "application/json"}
        return self._client.post(path, {} if body is None else body, headers=self._headers(headers), **options)

    def request(self, method: str, path: str, content_type: str, body: bytes) -> Any:
        return self._client.generic(method, path, body, content_type=content_type, headers=self._headers({}))

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return {"Authorization": f"Api-Key {self._key}", **named} if self._key else named


@pytest.fixture
def client() -> JSONClient:
    """A client without a key."""
    return JSONClient()


@pytest.fixture
def as_key(make_key: MakeKey) -> AsKey:
    """A client with a new key: `as_key("review")`."""
    return lambda *scopes, **fields: JSONClient(make_key(*scopes, **fields))


@pytest.fixture
def admin_enabled(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As `ADMIN_ENABLED=true` has it, but for the admin's own log: its table is not there."""
    settings.ADMIN_ENABLED = True
    settings.INSTALLED_APPS = ["django.contrib.admin", *settings.INSTALLED_APPS]
    reload_urls()
    monkeypatch.setattr("django.contrib.admin.ModelAdmin.log_change", lambda *_: None)
    yield
    settings.ADMIN_ENABLED = False
    reload_urls()


def reload_urls() -> None:
    """Make the paths again: some are there only with a setting."""
    clear_url_caches()
    reload(api.operations.urls)
    reload(api.urls)
    reload(config.urls)


@pytest.fixture
def admin(db: None) -> Client:
    return logged_in(User.objects.create_superuser("ann"))


@pytest.fixture
def quick_passwords(settings: Settings) -> None:
    """Passwords whose hash takes no time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
