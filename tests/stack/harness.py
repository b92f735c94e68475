"""The real processes, in a folder and on ports of their own, and nothing left of them afterwards."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from zoneinfo import ZoneInfo

from api.lib.processes import kill_when_parent_ends
from api.lib.valkey import free_port
from tests.rows import some_rows

ROOT = Path(__file__).resolve().parents[2]
ZONE = ZoneInfo("Europe/Warsaw")
READY = "The service is ready"
_PATIENCE = 300.0
PARTS = {
    "web": r"-m api.operations.web_server ",
    "worker": r"-m celery .* worker ",
    "beat": r"-m celery .* beat ",
    "valkey": r"(valkey|redis)-server",
}
STREAM = r"-m api\.stream\.process"
_OURS = (
    *("DATA_DIR", "REDIS_URL", "DATABASE_URL", "TEST_DATABASE_URL", "BASE_MODEL"),
    *("HOST", "WEB_PROCESSES", "WEB_THREADS"),
)
_http = urllib.request.build_opener(urllib.request.ProxyHandler({}))

T = TypeVar("T")


def wait_for(what: str, condition: Callable[[], T | None], seconds: float = _PATIENCE) -> T:
    """Ask until the answer is true, and return it; None is never one."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        time.sleep(0.1)
    return answer


class Process(NamedTuple):
    """A running process. A pid may be used again; with the moment of its start it is one process for ever."""

    pid: int
    started: int
    parent: int
    command: str

    def is_alive(self) -> bool:
        return any((other.pid, other.started) == (self.pid, self.started) for other in processes())

    def send(self, number: signal.Signals) -> None:
        if self.is_alive():
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)


def processes() -> Iterator[Process]:
    """All that run now, without those that have ended and only wait to be noticed."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, *fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            continue  # it ended just now
        if state not in "ZX":
            yield Process(int(folder.name), int(fields[17]), int(parent), command)


def descendants(pid: int) -> list[Process]:
    """The children of a process, theirs, and so on."""
    running = list(processes())
    family = {pid}
    found: list[Process] = []
    while new := [process for process in running if process.parent in family and process.pid not in family]:
        found += new
        family |= {process.pid for process in new}
    return found


@contextmanager
def frozen(victims: Sequence[Process]) -> Iterator[None]:
    """Stop processes where they stand. They go on at the end, or if this process is killed meanwhile."""
    pids = " ".join(str(victim.pid) for victim in victims)
    thaw = subprocess.Popen(["sh", "-c", f"cat; kill -CONT {pids}"], stdin=subprocess.PIPE, start_new_session=True)
    try:
        for victim in victims:
            victim.send(signal.SIGSTOP)
        yield
    finally:
        thaw.communicate()  # the end of its input is what it waits for


@dataclass(frozen=True)
class Answer:
    """What the service said, and after how long."""

    status: int
    body: Any
    headers: Message
    seconds: float


def _small(folder: Path, every: int) -> dict[str, str]:
    """Return the settings of a stack that has only every so many rows of the starter corpus, and few everyday tweets.

    Reading all everyday tweets takes longer than training on so few rows.
    """
    corpus = some_rows(ROOT / "data" / "train.csv", every, folder / "starter.csv")
    everyday = some_rows(ROOT / "data" / "everyday.csv", 20, folder / "everyday.csv")
    small = {"SMALL_STARTER_CORPUS": str(corpus), "SMALL_EVERYDAY": str(everyday)}
    return {"DJANGO_SETTINGS_MODULE": "tests.stack.settings", **small}


class Stack:
    """`manage.py up` in a folder of its own. May be stopped and started again.

    It has every eighth row of the starter corpus, or as `every` says, and few everyday tweets: what is tested with real
    processes is seldom what a model learns, and starts and training runs take a third of the time. With 1, it has all.
    """

    def __init__(self, folder: Path, *, every: int = 8, **environment: str) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # Not tonight, and short waits for what a killed process leaves behind.
        noon = (datetime.now(ZONE) + timedelta(hours=12)).strftime("%H:%M")
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in _OURS},
            **{"DATA_DIR": str(self.data), "PORT": str(self.port), "NIGHTLY_AT": noon, "SCHEDULE_TIME_ZONE": ZONE.key},
            **{"LEASE_SECONDS": "8", "SWEEP_SECONDS": "2", "SECRET_KEY": ""},
            "RATE_LIMIT_ADMIN": "",  # the tests ask for a run's state many times a second
            **(_small(folder, every) if every > 1 else {}),
            **environment,
        }
        self._log = folder / "output"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Its life.

    def launch(self) -> None:
        """Start, without waiting."""
        assert not self.is_running
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=kill_when_parent_ends,
            )

    def start(self) -> None:
        """Start, and wait until it says how to use it."""
        self.launch()
        self.wait_for_output("See how good the model is:")

    def wait_for_output(self, text: str) -> None:
        wait_for(f"{text!r} in the output", lambda: text in self.output or not self.is_running)
        if text not in self.output:
            raise AssertionError(f"`manage.py up` ended without {text!r}:\n{self.output}")

    def wait_for_end(self, seconds: float) -> int:
        """Wait for the supervisor to end; its exit status."""
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self) -> None:
        """End everything: as asked, else by force."""
        if self._process is None:
            return
        family = self.family()
        if self.is_running:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for process in family:
            process.kill()
        self._process = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    # Its processes.

    def supervisor(self) -> Process:
        assert self._process is not None
        pid = self._process.pid
        return next(process for process in processes() if process.pid == pid)

    def family(self) -> list[Process]:
        """Every process but the supervisor."""
        return descendants(self._process.pid) if self._process else []

    def part(self, name: str) -> Process | None:
        """The supervisor's child with this part; None while there is none."""
        assert self._process is not None
        children = (process for process in processes() if process.parent == self._process.pid)
        return next((child for child in children if re.search({**PARTS, "stream": STREAM}[name], child.command)), None)

    def running(self, name: str) -> Process:
        """The same, once there is one."""
        return wait_for(f"a {name} process", lambda: self.part(name))

    def parts(self) -> list[Process]:
        return [self.running(name) for name in PARTS]

    # Its operators and clients.

    def command(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start another management command beside it."""
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=kill_when_parent_ends,
        )

    def manage(self, *arguments: str) -> str:
        """Run a management command that must succeed; what it says."""
        with self.command(*arguments) as process:
            output, errors = process.communicate(timeout=_PATIENCE)
        assert process.returncode == 0, errors
        return output

    @property
    def key(self) -> str:
        return (self.data / "api-key").read_text()

    def get(self, path: str) -> Answer:
        return self._ask(urllib.request.Request(self.url + path), with_key=True)

    def post(self, path: str, body: Any = None, *, with_key: bool = True) -> Answer:
        return self._ask(urllib.request.Request(self.url + path, json.dumps(body or {}).encode()), with_key=with_key)

    def _ask(self, request: urllib.request.Request, *, with_key: bool) -> Answer:
        if with_key:
            request.add_header("Authorization", f"Api-Key {self.key}")
        request.add_header("Content-Type", "application/json")
        start = time.monotonic()
        try:
            response = _http.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            content = response.read()
        return Answer(response.status, json.loads(content), response.headers, time.monotonic() - start)

    def answers(self, path: str) -> bool:
        """Whether GET of the path is well, also while nothing listens."""
        try:
            return self.get(path).status == 200
        except OSError:
            return False

    def predict(self, *, with_key: bool = False) -> Answer:
        return self.post("/predict", {"tweet": "have a lovely day, everyone"}, with_key=with_key)

    def review(self, tweet: str, *, is_hate_speech: bool = False) -> Answer:
        return self.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": is_hate_speech})

    def train(self) -> str:
        """Ask for a training run; its id."""
        answer = self.post("/train")
        assert answer.status == 202, answer
        return str(answer.body["id"])

    def run(self, run_id: str) -> Any:
        answer = self.get(f"/training-runs/{run_id}")
        assert answer.status == 200, answer
        return answer.body

    def finished(self, run_id: str) -> Any:
        """The run, when it has ended."""
        return wait_for(f"the end of run {run_id}", lambda: self._if_ended(run_id))

    def let_all_messages_arrive(self) -> None:
        """Train once more: the worker takes one message after the other, and before this run's none waits."""
        assert self.finished(self.train())["status"] == "done"

    def runs(self, kind: str) -> list[Any]:
        return [run for run in self.get("/training-runs?limit=100").body["results"] if run["kind"] == kind]

    def _if_ended(self, run_id: str) -> Any:
        run = self.run(run_id)
        return run if run["status"] not in ("queued", "running") else None


def memory(stack: Stack) -> int:
    """Return how many bytes the web processes hold together."""
    web = stack.running("web")
    return sum(_resident(process.pid) for process in (web, *descendants(web.pid)))


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Postgres:
    """A temporary Postgres that forgets everything."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        # Postgres refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="hate-speech-postgres-"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def programs() -> Path | None:
        """Where the newest Postgres has its programs; Debian's are not on PATH."""
        folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
        if found := shutil.which("initdb"):
            folders.append(Path(found).resolve().parent)
        return max(folders, key=lambda folder: [int(n) for n in re.findall(r"\d+", str(folder))], default=None)

    def __enter__(self) -> Self:
        try:
            if self._user:
                shutil.chown(self._folder, self._user)
            initdb = ["initdb", "--pgdata", str(self._data), "--username", "postgres", "--auth", "trust"]
            self._run(*initdb, "--encoding", "UTF8", "--locale", "C", "--no-sync")
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def start(self) -> None:
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off"}
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program("postgres"),
                    "-D",
                    self._data,
                    *(f"--{name}={value}" for name, value in options.items()),
                ],
                cwd=self._folder,
                user=self._user,
                stdout=log,
                stderr=log,
                preexec_fn=kill_when_parent_ends,
            )
        wait_for("Postgres", self._answers)

    def stop(self) -> None:
        """At once, as when its machine fails."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        assert self._process is not None
        pid = self._process.pid
        postmaster = [process for process in processes() if process.pid == pid]
        with frozen(postmaster), frozen(descendants(pid)):
            yield

    def query(self, statement: str) -> str:
        return self._run("psql", "--tuples-only", "--no-align", "--command", statement, self.url).strip()

    def _answers(self) -> bool:
        address = ("--host", "127.0.0.1", "--port", str(self.port))
        return subprocess.run([self._program("pg_isready"), *address], stdout=subprocess.DEVNULL).returncode == 0

    def _program(self, name: str) -> Path:
        folder = self.programs()
        assert folder is not None
        return folder / name

    def _run(self, name: str, *arguments: str) -> str:
        command = [str(self._program(name)), *arguments]
        done = subprocess.run(command, cwd=self._folder, user=self._user, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
