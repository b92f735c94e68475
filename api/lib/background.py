"""Work that a process repeats in a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)


def every(name: str, seconds: Callable[[], float], act: Callable[[], object]) -> None:
    """Start a thread that calls a function again and again, as long as the process lives.

    Errors do not end it. Those of the database are left to the function and `/health` to report: they would be logged
    each time.

    Args:
        name: of the thread, for the log.
        seconds: how long to wait after each call; asked anew each time.
    """
    threading.Thread(target=_repeat, args=(name, seconds, act), daemon=True, name=name).start()


def _repeat(name: str, seconds: Callable[[], float], act: Callable[[], object]) -> None:
    while True:
        try:
            act()
        except DatabaseError:
            pass
        except Exception:
            logger.exception("%s failed and goes on", name)
        finally:
            connection.close_if_unusable_or_obsolete()
        time.sleep(seconds())
