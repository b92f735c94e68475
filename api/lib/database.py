"""How long to wait for the database, and what it says when it refuses."""

import select
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.signals import request_started
from django.db import connection, models

# On SQLite, in a web process: how long a request waits for the lock, and until when it has a reason to wait less.
_patience = 0.0
_locked_until = float("-inf")


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
    global _patience
    if connection.vendor == "sqlite":  # all threads' connections are opened with these settings
        connection.settings_dict["OPTIONS"]["timeout"] = _patience = seconds
        request_started.connect(_set_patience, dispatch_uid=__name__)
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
            ready = select.poll()  # for select() knows no file above the 1,024th
            ready.register(link.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
            ready.poll(left * 1000)

    extensions.set_wait_callback(wait)


def release_when_idle(seconds: float) -> None:
    """Let Postgres end connections of this process that nobody has used for so long; SQLite has none to spare.

    A thread keeps its connection between requests. Its next request sees that it ended, and opens another.
    Threads in the background close theirs themselves after `CONN_MAX_AGE`, which must be shorter.
    """
    if connection.vendor == "postgresql":
        options = connection.settings_dict["OPTIONS"]
        options["options"] = f"{options.get('options', '')} -c idle_session_timeout={int(seconds * 1000)}"


def note_lock(error: BaseException) -> None:
    """Let the next requests of this process wait a tenth as long, where SQLite was locked for all of the wait.

    Else the threads that predictions need would all stand behind the lock, one review after the other.
    """
    global _locked_until
    if is_locked(error):
        _locked_until = time.monotonic() + 2 * _patience


def _set_patience(**kwargs: Any) -> None:
    seconds = _patience / 10 if time.monotonic() < _locked_until else _patience
    connection.settings_dict["OPTIONS"]["timeout"] = seconds
    if connection.connection is not None:
        connection.connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")


def message(error: BaseException) -> str:
    """Return what the database said, for the log: its first line, for the others may quote rows."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}"


def own_words(error: BaseException) -> str:
    """Return what the database said, for everybody: empty unless it is about its own state, and about no address."""
    cause = error.__cause__
    is_its_own = getattr(cause, "sqlite_errorname", None) or getattr(cause, "pgcode", None)
    return str(error).strip().partition("\n")[0][:300] if is_its_own else ""


def is_locked(error: BaseException) -> bool:
    """Return whether SQLite refused because another connection is just writing."""
    return str(getattr(error.__cause__, "sqlite_errorname", "")).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


@contextmanager
def without_waiting() -> Iterator[None]:
    """Let SQLite refuse at once, inside, where another connection writes. On Postgres it does nothing."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {int(connection.settings_dict['OPTIONS']['timeout'] * 1000)}")


def free_bytes() -> int | None:
    """Return how much space SQLite's disk has left; None where the database is not a file of ours."""
    if connection.vendor != "sqlite":
        return None
    return shutil.disk_usage(Path(connection.settings_dict["NAME"]).parent).free


def insert_new(rows: Sequence[models.Model], unique: Sequence[str]) -> set[tuple[Any, ...]]:
    """Insert rows, but for those that are there already; return what is unique of those that were inserted.

    Django's `bulk_create(ignore_conflicts=True)` does not say which those are.

    Args:
        rows: of one model, whose key the database counts.
        unique: the names of the fields that no two rows have alike.
    """
    if not rows:
        return set()
    meta: Any = rows[0]._meta
    fields: list[Any] = [field for field in meta.concrete_fields if not field.primary_key]
    name = connection.ops.quote_name
    columns = ", ".join(name(field.column) for field in fields)
    keys = ", ".join(name(meta.get_field(one).column) for one in unique)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields]
    places = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {name(meta.db_table)} ({columns}) VALUES {places} "  # noqa: S608 (names of ours)
            f"ON CONFLICT ({keys}) DO NOTHING RETURNING {keys}",
            values,
        )
        return set(cursor.fetchall())


def lock_together(number: int) -> None:
    """Hold a lock until the transaction ends, which others hold too, but nobody beside `lock_alone`.

    On SQLite it does nothing: there only one transaction writes at a time.
    """
    _advisory_lock("pg_advisory_xact_lock_shared", number)


def lock_alone(number: int) -> None:
    """Hold a lock until the transaction ends, which nobody else holds: what was written with it is committed."""
    _advisory_lock("pg_advisory_xact_lock", number)


def _advisory_lock(function: str, number: int) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [number])
