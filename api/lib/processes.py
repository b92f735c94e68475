"""Keeping processes together: none of ours outlives the one that started it."""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
# Resolved at import: between fork and exec there is no safe moment to load a library.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def kill_when_parent_ends() -> None:
    """Ask Linux to kill this process when its parent ends; survives exec. Elsewhere it does nothing."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def die_with_parent() -> None:
    """End this Python process when its parent does, on every platform."""
    parent = os.getppid()
    kill_when_parent_ends()
    if _prctl is None:
        threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent-watch").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
