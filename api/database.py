"""A web process never waits long for the database."""

import select
import time
from typing import Any

from django.db import connection


def give_up_after(seconds: float) -> None:
    """Make every Postgres query and connection of this process fail after `seconds` without an answer.

    Server-side timeouts and TCP keep-alive do not help while a frozen server's kernel still acknowledges packets. In
    this mode psycopg2 cannot use COPY or large objects. On SQLite it does nothing: there the busy timeout is the limit.
    """
    if connection.vendor != "postgresql":
        return
    import psycopg2
    from psycopg2 import extensions

    def wait(link: Any) -> None:
        deadline = time.monotonic() + seconds
        while (state := link.poll()) != extensions.POLL_OK:
            left = deadline - time.monotonic()
            if left <= 0:  # closing the connection here would deadlock
                raise psycopg2.OperationalError(f"the database did not answer within {seconds} s")
            reading = [link.fileno()] if state == extensions.POLL_READ else []
            writing = [link.fileno()] if state == extensions.POLL_WRITE else []
            select.select(reading, writing, [], left)

    extensions.set_wait_callback(wait)
