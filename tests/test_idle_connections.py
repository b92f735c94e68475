"""Threads of web processes give connections back that they do not use."""

import time
from collections.abc import Iterator

import pytest
from django.db import close_old_connections, connection

from api.lib import database
from api.models import ModelVersion
from tests.helpers import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connections to spare"),
]


@pytest.fixture
def released_after_a_second() -> Iterator[None]:
    options = connection.settings_dict["OPTIONS"]
    before = dict(options)
    connection.connect()  # of this thread, before that
    database.release_when_idle(seconds=1)
    yield
    options.clear()
    options.update(before)


def open_sessions(pid: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid])
        return int(cursor.fetchone()[0])


def test_an_idle_one_is_given_back_and_the_next_request_does_not_notice(released_after_a_second: None) -> None:
    pids: list[int] = []

    def two_requests_with_a_pause() -> None:
        for pause in (3, 0):
            close_old_connections()  # as at the start of a request
            assert not ModelVersion.objects.exists()
            pids.append(connection.connection.get_backend_pid())
            time.sleep(pause)

    def meanwhile() -> int:
        time.sleep(2)
        return open_sessions(pids[0])

    assert at_once([two_requests_with_a_pause, meanwhile]) == [None, 0]
    assert pids[0] != pids[1]
