"""Lines that repeat: what one place in the code may write to the log in a minute.

Whoever sends bad requests decides how often a line is written. Without a bound, the log fills the disk.
"""

import logging
import threading
import time
from typing import NamedTuple

#: Lines of one place in the code in a minute. Each may have a traceback.
MAX_LINES = 10
_MINUTE = 60.0


class _Minute(NamedTuple):
    began: float
    lines: int


class RepeatsFilter(logging.Filter):
    """Let `MAX_LINES` warnings or errors of one place pass in a minute, and say how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        self._minutes: dict[tuple[str, int], _Minute] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is written. The last one before a pause, and the first one after it, say so."""
        if record.levelno < logging.WARNING:
            return True
        now, place = time.monotonic(), (record.pathname, record.lineno)
        with self._lock:
            minute = self._minutes.get(place, _Minute(now, 0))
            left_out = 0
            if now - minute.began >= _MINUTE:
                left_out, minute = max(0, minute.lines - MAX_LINES), _Minute(now, 0)
            minute = minute._replace(lines=minute.lines + 1)
            self._minutes[place] = minute
        if minute.lines == MAX_LINES:
            _append(record, "more such lines are left out for up to a minute")
        if left_out:
            _append(record, f"{left_out:,} such lines were left out")
        return minute.lines <= MAX_LINES


def _append(record: logging.LogRecord, note: str) -> None:
    record.msg, record.args = f"{record.getMessage()} ({note})", ()
