"""SQLite while another process writes for long: an import, a backup tool, a forgotten transaction."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_started
from django.db import connection, connections

from api.lib import database
from api.models import ModelVersion, ReviewedTweet
from tests.conftest import AsKey, JSONClient
from tests.helpers import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="Postgres has no lock on the whole database"),
]
REVIEW = {"tweet": "the bus is late", "is_hate_speech": False}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a web process, but for less than the two seconds that it waits."""
    connection.close()
    connection.connect()  # of this thread, before the wait is shortened: a test before this one may have closed it
    monkeypatch.setattr(database, "_patience", 0.0)
    monkeypatch.setattr(database, "_locked_until", float("-inf"))
    options = connection.settings_dict["OPTIONS"]
    before = options["timeout"]
    database.give_up_after(seconds=0.1)
    yield
    request_started.disconnect(dispatch_uid=database.__name__)
    options["timeout"] = before
    connections.close_all()


@pytest.fixture
def reviewer(as_key: AsKey) -> JSONClient:
    return as_key("review")


@pytest.fixture
def locked(served: ModelVersion, reviewer: JSONClient) -> Iterator[None]:
    """Somebody else holds the lock until the test ends."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def in_a_thread(call: Any) -> Any:
    """With a connection that is opened for it, as a web process opens its own."""
    return at_once([call])[0]


def busy_timeout() -> int:
    with connection.cursor() as cursor:
        return int(cursor.execute("PRAGMA busy_timeout").fetchone()[0])


def test_a_web_process_waits_two_seconds_and_the_worker_longer(impatient: None, served: ModelVersion) -> None:
    database.give_up_after(seconds=2.0)
    assert in_a_thread(busy_timeout) == 2_000

    assert busy_timeout() == 20_000  # of the connection that was opened before


def test_a_review_is_refused_and_said_so(impatient: None, locked: None, reviewer: JSONClient) -> None:
    answer = in_a_thread(lambda: reviewer.post("/add-reviewed-tweet", REVIEW))

    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer["Retry-After"]
    assert not ReviewedTweet.objects.exists()


def test_who_comes_next_waits_a_tenth_as_long(
    impatient: None, locked: None, reviewer: JSONClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waited() -> int:
        """How long a review may have waited, in milliseconds."""
        assert reviewer.post("/add-reviewed-tweet", REVIEW).status_code == 503
        return busy_timeout()

    assert in_a_thread(lambda: [waited(), waited(), waited()]) == [100, 10, 10]

    monkeypatch.setattr(database, "_locked_until", 0.0)  # as soon as nobody was refused for a while
    assert in_a_thread(waited) == 100


def test_predictions_go_on(impatient: None, locked: None, client: JSONClient) -> None:
    assert in_a_thread(lambda: client.post("/predict", {"tweet": "hello"})).status_code == 200


def test_the_review_is_stored_once_the_lock_is_gone(impatient: None, reviewer: JSONClient) -> None:
    assert in_a_thread(lambda: reviewer.post("/add-reviewed-tweet", REVIEW)).status_code == 201
