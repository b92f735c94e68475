"""A web process never waits long for the database."""

import select
import time
from typing import Any

from django.db import connection


def wait_for_locks(seconds: int) -> None:
    """Let the rest of a transaction wait so long for rows that others hold, and not as short as a request may.

    On SQLite it does nothing: there the busy timeout is the limit.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{seconds}s'")


def give_up_after(seconds: float) -> None:
    """Make this process wait no longer than `seconds` for the database.

    On SQLite, a write then fails after that time behind another one. On Postgres, every query and connection does
    without an answer: server-side timeouts and TCP keep-alive do not help while a frozen server's kernel still
    acknowledges packets. In this mode psycopg2 cannot use COPY or large objects.
    """
    if connection.vendor == "sqlite":  # all threads' connections are opened with these settings
        connection.settings_dict["OPTIONS"]["timeout"] = seconds
        return
    import psycopg2
    from psycopg2 import extensions

    silent_until = 0.0

    def wait(link: Any) -> None:
        # Once it was silent, the reconnection that Django tries next is not given as long again.
        nonlocal silent_until
        now = time.monotonic()
        deadline = now + (seconds / 10 if now < silent_until else seconds)
        while (state := link.poll()) != extensions.POLL_OK:
            left = deadline - time.monotonic()
            if left <= 0:
                silent_until = time.monotonic() + seconds
                # Closing the connection here would deadlock.
                raise psycopg2.OperationalError(f"the database did not answer within {seconds} s")
            reading = [link.fileno()] if state == extensions.POLL_READ else []
            writing = [link.fileno()] if state == extensions.POLL_WRITE else []
            select.select(reading, writing, [], left)

    extensions.set_wait_callback(wait)
