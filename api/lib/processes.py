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


def end_forked_with_parent() -> None:
    """Let each process that this one or its children fork from now on end with its parent, from its first moment on.

    A child that only asks for it when it has imported its program is left alone for ever if the parent ends before.
    """
    parent = os.getpid()

    def begin() -> None:
        nonlocal parent
        kill_when_parent_ends()
        if os.getppid() != parent:
            os._exit(1)
        parent = os.getpid()

    os.register_at_fork(after_in_child=begin)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
