"""The whole stack on one machine: Valkey, web, worker and beat as children of one process.

A child that ends is started again after a pause that doubles up to half a minute. None outlives the supervisor:
whoever is killed, the kernel ends what it started. A signal to stop is passed on, and all is over in seconds.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from api.lib.processes import kill_when_parent_ends

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_STEADY_SECONDS = 60.0
_GRACE_SECONDS = 8.0
# After so many failed starts in a row, a part is healed, where that is possible.
_FAILED_STARTS = 2

#: What ends the stack.
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

Say = Callable[[str], None]


class CannotStart(Exception):
    """The stack cannot be started; the message is one line for the operator."""


@dataclass
class Child:
    """A process that is kept running.

    Attributes:
        heal: puts right what may keep it from starting, and says what that was; empty if there was nothing.
        inherits: descriptors of open files that it gets from this process.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    heal: Callable[[], str] = str
    inherits: Sequence[int] = ()
    failed_starts: int = 0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = _FIRST_PAUSE
    restart_at: float | None = None

    def start(self) -> None:
        # A session of its own: Ctrl-C reaches the supervisor only, which then stops the children in order.
        self.process = subprocess.Popen(
            self.command,
            env=dict(self.environment),
            start_new_session=True,
            preexec_fn=kill_when_parent_ends,
            pass_fds=self.inherits,
        )
        self.started_at = time.monotonic()
        self.restart_at = None

    def check(self, say: Say) -> None:
        """Notice that the process ended, and start it again when its pause is over."""
        now = time.monotonic()
        if self.process is not None and (code := self.process.poll()) is not None:
            if now - self.started_at > _STEADY_SECONDS:
                self.pause, self.failed_starts = _FIRST_PAUSE, 0
            say(f"{self.name} ended ({_describe(code)}); starting it again in {self.pause:g} s")
            self._heal_if_it_cannot_start(code, say)
            self.process, self.restart_at = None, now + self.pause
            self.pause = min(self.pause * 2, _LONGEST_PAUSE)
        if self.restart_at is not None and now >= self.restart_at:
            self.start()

    def _heal_if_it_cannot_start(self, code: int, say: Say) -> None:
        self.failed_starts = self.failed_starts + 1 if code > 0 else 0  # who is killed could start
        if self.failed_starts < _FAILED_STARTS:
            return
        self.failed_starts = 0
        try:
            healed = self.heal()
        except OSError as error:
            healed = f"{self.name} cannot be healed: {error}"
        if healed:
            say(healed)


@dataclass
class Supervisor:
    """Starts children in order, watches them, and stops them in reverse order."""

    say: Say
    children: list[Child] = field(default_factory=list)
    stopping: bool = False

    def add(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        heal: Callable[[], str] = str,
        inherits: Sequence[int] = (),
    ) -> None:
        child = Child(name, command, environment, heal, inherits)
        self.children.append(child)
        child.start()

    def obey_signals(self) -> None:
        for number in SIGNALS:
            signal.signal(number, lambda *_: setattr(self, "stopping", True))

    def watch(self, seconds: float | None = None, until: Callable[[], bool] = lambda: False) -> None:
        """Keep the children running until told to stop, for `seconds`, or until `until()`."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self.stopping and (end is None or time.monotonic() < end) and not until():
            for child in self.children:
                child.check(self.say)
            time.sleep(0.05)

    def stop(self) -> None:
        """End every child: politely, then after eight seconds by force. The broker goes last."""
        for children in ([c for c in self.children if c.name != "valkey"], self.children):
            running = [child.process for child in children if child.process is not None]
            for process in running:
                if process.poll() is None:
                    process.terminate()
            end = time.monotonic() + _GRACE_SECONDS
            for process in running:
                try:
                    process.wait(max(0.0, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def lock(folder: Path) -> IO[str]:
    """Hold the data folder for this process, until it ends.

    Raises:
        CannotStart: another process holds it.
    """
    file = (folder / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise CannotStart(
            f"{folder} is in use by the process {file.read().strip() or '(unknown)'}; "
            "stop that one, or set DATA_DIR to another folder"
        ) from None
    with suppress(OSError):  # a full disk: who is second is then told no number
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
    return file


def manage(*arguments: str) -> list[str]:
    """Return the command line of one of our management commands."""
    return [sys.executable, str(Path(__file__).resolve().parents[2] / "manage.py"), *arguments]


def _describe(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
