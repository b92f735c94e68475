"""No process outlives the one that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent ended")
#: A parent that forks a child which is busy importing; with its own end, or not.
PARENT = """
import os, sys, time
sys.path.insert(0, {root!r})
from api.lib.processes import end_forked_with_parent
end_forked_with_parent()
child = os.fork()
if child == 0:
    if os.fork() == 0:
        time.sleep(60)
    time.sleep(60)
print(child, flush=True)
time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_forked_process_ends_with_its_parent_before_it_has_asked_for_it() -> None:
    root = str(Path(__file__).resolve().parents[1])
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(root=root)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    [grandchild] = _children(child)

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    end = time.monotonic() + 10
    while is_alive(child) or is_alive(grandchild):
        assert time.monotonic() < end
        time.sleep(0.01)


def _children(pid: int) -> list[int]:
    end = time.monotonic() + 10
    while not (found := Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return [int(one) for one in found]
