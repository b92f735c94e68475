"""The same service on Postgres, and without it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.stack.harness import ROOT, Postgres, Stack, wait_for

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(Postgres.programs() is None, reason="there is no Postgres: apt-get install postgresql"),
]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def stack(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("postgres"), DATABASE_URL=postgres.url, PREDICTION_SAMPLE_RATE="1") as stack:
        yield stack


def test_the_api_tests_pass_on_it(postgres: Postgres) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "database and not stack and not slow",  # what is slow was run before, and does the same here
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        "2",
        "--dist",
        "loadfile",
        "tests",  # and none of the classifier's own, which use no database
    ]
    environment = {**os.environ, "TEST_DATABASE_URL": postgres.url}

    done = subprocess.run([*command, "--reuse-db"], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    assert re.search(r"\d+ passed", done.stdout)
    assert postgres.query("SELECT count(*) FROM pg_database WHERE datname LIKE 'test_postgres%'") == "2"


def test_it_works(stack: Stack, postgres: Postgres) -> None:
    assert stack.predict().status == 200
    assert stack.review("the new tram line is finally open").status == 201
    assert postgres.query("SELECT count(*) FROM api_reviewedtweet WHERE key_id IS NOT NULL") == "1"
    assert not list(stack.data.glob("*.sqlite3"))


def test_predictions_go_on_while_it_is_stopped(stack: Stack, postgres: Postgres) -> None:
    postgres.stop()
    try:
        _assert_only_predictions(stack)
    finally:
        postgres.start()

    _assert_everything_works_again(stack)


def test_predictions_go_on_while_it_is_frozen(stack: Stack, postgres: Postgres) -> None:
    with postgres.frozen():
        _assert_only_predictions(stack)

    _assert_everything_works_again(stack)


def test_predictions_with_a_key_do_not_wait_for_it_one_by_one(stack: Stack, postgres: Postgres) -> None:
    assert {stack.predict(with_key=True).status for _ in range(20)} == {200}

    with postgres.frozen():
        predictions = []
        for _ in range(10):
            assert stack.review("this must not be taken for stored").status == 503
            predictions.append(stack.predict(with_key=True))

    assert {prediction.status for prediction in predictions} == {200}
    assert len([prediction for prediction in predictions if prediction.seconds > 1]) <= 2  # each web process finds out


def _assert_only_predictions(stack: Stack) -> None:
    for _ in range(8):  # every web process, before and after it has noticed
        prediction, review = stack.predict(), stack.review("this must not be taken for stored")
        assert prediction.status == 200
        assert prediction.seconds < 1
        assert (review.status, review.body["code"]) == (503, "database_unavailable")
        assert int(review.headers["Retry-After"]) > 0
        assert review.seconds < 3


def _assert_everything_works_again(stack: Stack) -> None:
    wait_for("an answered review", lambda: stack.review("the night bus runs again").status in (200, 201))
    assert stack.finished(stack.train())["status"] == "done"
    wait_for("good health", lambda: stack.answers("/health"))
