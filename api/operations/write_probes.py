"""Whether the database and Redis take what is written, which reading alone does not show.

`/health` asks each time, and is open to everybody: they are tried at most every ten seconds in each process."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

from django.db import Error

from api.lib import database, redis_client
from api.models import Heartbeat

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 10.0
_MIN_FREE_BYTES = 64 * 1024 * 1024


class Probe:
    """Something that is tried now and then.

    Args:
        name: of what is written to, for the log.
        find_problem: tries it, and returns what is wrong; empty if nothing is.
    """

    def __init__(self, name: str, find_problem: Callable[[], str]) -> None:
        self._name, self._find_problem = name, find_problem
        self._trying = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Be as in a process that has just started."""
        self._problem, self._next = "", float("-inf")

    def problem(self) -> str:
        """Return what was wrong when it was last tried; try again where that is long ago."""
        if time.monotonic() >= self._next and self._trying.acquire(blocking=False):  # nobody waits for another's try
            try:
                before, self._problem = self._problem, self._find_problem()
            finally:
                self._next = time.monotonic() + _PAUSE_SECONDS
                self._trying.release()
            if self._problem and self._problem != before:
                logger.error("%s: %s", self._name, self._problem)
        return self._problem


_was_locked = False


def _write_to_database() -> str:
    """Return why the database takes no writes.

    A lock is no illness, for somebody else just writes: unless it is still there at the next look.
    """
    global _was_locked
    try:
        with database.without_waiting():
            Heartbeat.beat(f"probe:{socket.gethostname()}:{os.getpid()}", "probe")
    except Error as error:
        if not database.is_locked(error):
            return f"nothing can be written: {database.own_words(error) or 'the database does not answer'}"
        again, _was_locked = _was_locked, True
        return "nothing can be written: another process has kept the database locked" if again else ""
    _was_locked = False
    free = database.free_bytes()
    return f"the disk is nearly full: {free:,} bytes are left" if free is not None and free < _MIN_FREE_BYTES else ""


def _write_to_redis() -> str:
    try:
        redis_client.call("SET", "health:probe", 1, "EX", 60)
    except redis_client.Unavailable as error:
        return f"nothing can be written: {error}"
    return ""


of_database = Probe("database", _write_to_database)
of_redis = Probe("Redis", _write_to_redis)
