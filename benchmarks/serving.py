"""How many requests a second does POST /predict answer, next to other ways to serve the same model?

    .venv/bin/python benchmarks/serving.py [--seconds 4] [--rounds 3] [--connections 16] [--model-servers] [--full]

Every server below serves the base model with one worker process, and all of them share one core; the load generator is
another process on another core. It keeps 16 connections busy with real tweets, one request at a time on each, and gives
every server a few seconds in turn. The order changes from round to round.

How to read the table: absolute numbers say more about the machine than about the servers. The first column "ours is"
divides our requests a second by the server's within each round, and shows the median round, with the lowest and the
highest in brackets. The second divides the server's processor time for one request by ours; other work on the machine
disturbs it less, so trust it where the two disagree (only Linux tells it). Latencies are those of a server at its
limit: fewer clients wait less. scikit-learn is asked for one tweet at a time, because that is what a request brings;
1.5 is a good deal faster at that than 1.9, so the versions are printed.

With --model-servers, LitServe, MLServer and BentoML are installed, each into an environment of its own in
`.model-servers`, and measured with the same scikit-learn pipeline. One that does not install is named and left out.

With --full, our service and those with our scorer serve the base model of MODEL=full: the words and the encoder.
scikit-learn stays with the words alone: it says what the encoder costs beside what people serve today.

The servers' probabilities are compared first: a faster wrong answer would be worth nothing. The exit status is 1 where
they differ or a request failed.
"""

import argparse
import asyncio
import http.client
import json
import multiprocessing
import os
import platform
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from itertools import cycle
from pathlib import Path
from statistics import mean, median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the script's own folder is there, the repository is not

DAVIDSON = ROOT.parent / "shared" / "datasets" / "davidson2017" / "labeled_data.csv"
PACKAGES = ("scikit-learn", "numpy", "django", "djangorestframework", "granian", "fastapi", "pydantic", "uvicorn")
SPEEDUPS = ("uvloop", "httptools")  # uvicorn uses them where they are installed
COMPARED = 300
LARGEST_DIFFERENCE = 1e-9
WARM_UP_SECONDS = 0.5
ADDRESS = ("--host", "127.0.0.1", "--port", "{port}")


@dataclass(frozen=True)
class Server:
    """A way to serve the model; `{port}` in the command is filled in.

    Attributes:
        words_alone: it serves the base model of MODEL=words, whatever the others serve.
    """

    name: str
    command: tuple[str, ...]
    words_alone: bool = False


def granian(application: str) -> tuple[str, ...]:
    """As `manage.py start web` starts it."""
    options = "--interface wsgi --http 1 --no-ws --workers 1 --blocking-threads 4 --log-level warning"
    return (sys.executable, "-m", "granian", f"benchmarks.servers.{application}", *options.split(), *ADDRESS)


def uvicorn(factory: str) -> tuple[str, ...]:
    options = "--factory --workers 1 --no-access-log --log-level warning"
    return (sys.executable, "-m", "uvicorn", f"benchmarks.servers.{factory}", *options.split(), *ADDRESS)


OURS = Server("this service", (sys.executable, "manage.py", "start", "web"))
SERVERS = (
    OURS,
    Server("FastAPI, sync view + scikit-learn, uvicorn", uvicorn("with_fastapi:sync_view"), words_alone=True),
    Server("FastAPI, async view + scikit-learn, uvicorn", uvicorn("with_fastapi:async_view"), words_alone=True),
    Server("REST framework + scikit-learn, granian", granian("with_drf:application"), words_alone=True),
    Server("for scale: FastAPI, sync view + our scorer", uvicorn("with_fastapi:sync_view_with_our_scorer")),
    Server("for scale: FastAPI, async view + our scorer", uvicorn("with_fastapi:async_view_with_our_scorer")),
    Server("for scale: bare WSGI + our scorer, granian", granian("bare:application")),
)


def model_servers() -> list[Server]:
    """Return the general servers of models that install here."""
    from servers.environments import MODEL_SERVERS, NotInstalled, python_of

    found = []
    for package, number in MODEL_SERVERS.items():
        module = f"benchmarks.servers.with_{package}"
        arguments = ["bentoml", "serve", f"{module}:Hate"] if package == "bentoml" else [module]
        say(f"looking for {package} {number}")
        try:
            command = (str(python_of(package)), "-m", *arguments, *ADDRESS)
        except NotInstalled as error:
            print(f"{package} {number} does not install here: {error}")
        else:
            found.append(Server(f"{package} {number} + scikit-learn", command, words_alone=True))
    return found


def main() -> int:
    options = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("Ratios count here, not numbers: all servers ran on this machine, in this run, on the same core.")
    print(versions())
    print(f"{os.cpu_count()} cores; load average before the start: {os.getloadavg()[0]:.1f} (best well below 1).")
    compared = [*SERVERS, *(model_servers() if options.model_servers else [])]
    with tempfile.TemporaryDirectory(prefix="hate-speech-benchmark-") as folder, ExitStack() as stack:
        environment = isolate(Path(folder), full=options.full)
        say("training the model (half a minute)")
        leave_model(Path(folder))
        say("starting the servers")
        servers = {server: stack.enter_context(start(server, environment)) for server in compared}
        for server, running in servers.items():
            wait_for(server, running)
        tweets = read_tweets()
        alike = {server: it for server, it in servers.items() if not (options.full and server.words_alone)}
        differing = compare(alike, tweets[:COMPARED])
        turns = measure(servers, tweets, options)
    print_table(turns)
    failed = sum(turn.failed for per_server in turns.values() for turn in per_server)
    return 1 if failed or differing else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Requests per second of POST /predict, beside other servers.")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each server's turn in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--model-servers", action="store_true", help="also LitServe, MLServer and BentoML")
    parser.add_argument("--full", action="store_true", help="the words and the encoder, where our scorer serves")
    return parser.parse_args()


def versions() -> str:
    return f"Python {platform.python_version()}, " + ", ".join(_version(name) for name in PACKAGES + SPEEDUPS)


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def say(line: str) -> None:
    """Progress, apart from the results."""
    sys.stdout.flush()
    print(line, file=sys.stderr, flush=True)


# The model.


def isolate(folder: Path, *, full: bool = False) -> dict[str, str]:
    """Return settings of our own, whatever else is configured or runs here."""
    os.environ |= {
        "BENCHMARK_FOLDER": str(folder),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "REDIS_URL": "redis://127.0.0.1:1/0",  # nobody answers there, and predicting needs nobody
        "MODEL": "full" if full else "words",
        "HOST": "127.0.0.1",
        "WEB_PROCESSES": "1",
        "WEB_THREADS": "4",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PUBLIC_PREDICT": "true",
        "RATE_LIMIT_PREDICT": "",
        "DEBUG": "false",
        "BEHIND_HTTPS_PROXY": "false",
        "ADMIN_ENABLED": "false",
        "TRUSTED_PROXIES": "0",
        "LOG_LEVEL": "ERROR",
    }
    return dict(os.environ)


def leave_model(folder: Path) -> None:
    """Leave the base model to our service in its database, to the others as files."""
    import django
    import joblib  # type: ignore[import-untyped]

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from api.operations import bootstrap
    from api.training import base_model
    from hate_speech_ai.labels import HATE_SPEECH
    from hate_speech_ai.operating_points import BALANCED
    from hate_speech_ai.training.base_model import load_base
    from hate_speech_ai.training.examples import Example
    from hate_speech_ai.training.trainer import train

    call_command("migrate", verbosity=0)
    bootstrap.serve_base_model()
    found = base_model.load()
    assert found is not None
    # Without a row of its own, what is learned on the base is the base, as scikit-learn estimators too.
    trained = train([Example("the base", {HATE_SPEECH: False}, known=True)], base=load_base())
    connections.close_all()
    (folder / "model.safetensors").write_bytes(found.content)
    threshold = trained.artifact.curves[HATE_SPEECH].named()[BALANCED].threshold
    joblib.dump({"pipeline": trained.pipeline(), "threshold": threshold}, folder / "pipeline.joblib")


def read_tweets() -> list[str]:
    """Real tweets where they are at hand, else the starter corpus; in a fixed random order.

    Without long ones: our scorer reads these sentence by sentence, too, and scikit-learn does not.
    """
    from hate_speech_ai.corpora.catalogue import CORPORA, STARTER
    from hate_speech_ai.corpora.corpus import Row
    from hate_speech_ai.corpora.reader import read
    from hate_speech_ai.text import tokenize_with_offsets
    from hate_speech_ai.text.long_texts import LONG

    corpus, path = (CORPORA["davidson2017"], DAVIDSON) if DAVIDSON.exists() else (STARTER, ROOT / "data" / "train.csv")
    found = [row.tweet for row in read(corpus, path) if isinstance(row, Row)]
    tweets = [tweet for tweet in found if len(tokenize_with_offsets(tweet)) <= LONG]
    random.Random(0).shuffle(tweets)
    print(f"{len(tweets):,} tweets of {corpus.name}, {mean(map(len, tweets)):.0f} characters on average.")
    return tweets


# The servers.


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[bytes]
    port: int

    def cpu_seconds(self) -> float:
        """Return what the server and its worker have used until now; on Linux only. Each server is a session."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            if int(fields[3]) == self.process.pid:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def start(server: Server, environment: dict[str, str]) -> Iterator[Running]:
    """Run a server, on a free port, until the block ends, however it ends."""
    from api.lib.processes import kill_when_parent_ends
    from api.lib.valkey import free_port

    port = free_port()

    def settle() -> None:
        kill_when_parent_ends()
        pin(first=True)

    process = subprocess.Popen(
        [part.format(port=port) for part in server.command],
        cwd=ROOT,
        env={**environment, "PORT": str(port)},
        start_new_session=True,  # Ctrl-C is for us; we end the servers
        preexec_fn=settle,
    )
    try:
        yield Running(process, port)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # workers that did not end with it are in its group
        process.wait()


def pin(*, first: bool) -> None:
    """Keep this process on the first core that we may use, or on the last. Only Linux can."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[0 if first else -1]})


def wait_for(server: Server, running: Running) -> None:
    """Until it predicts."""
    end = time.monotonic() + 120
    while time.monotonic() < end and running.process.poll() is None:
        try:
            judge(running.port, ["hello"])
        except (OSError, http.client.HTTPException, KeyError, ValueError):
            time.sleep(0.2)
        else:
            return
    sys.exit(f"{server.name} did not start; what it said is above")


def compare(servers: dict[Server, Running], tweets: list[str]) -> bool:
    """Whether any server's probabilities differ from ours."""
    expected = judge(servers[OURS].port, tweets)
    worst = 0.0
    for running in servers.values():
        answers = judge(running.port, tweets)
        worst = max(worst, *(abs(ours - theirs) for ours, theirs in zip(expected, answers, strict=True)))
    verdict = "DIFFER" if worst > LARGEST_DIFFERENCE else "agree"
    print(f"The servers' probabilities for {len(tweets)} tweets {verdict}; the largest difference is {worst:.0e}.")
    return worst > LARGEST_DIFFERENCE


def judge(port: int, tweets: list[str]) -> list[float]:
    """Return a server's probabilities."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    probabilities = []
    for tweet in tweets:
        connection.request("POST", "/predict", json.dumps({"tweet": tweet}), {"Content-Type": "application/json"})
        probabilities.append(json.loads(connection.getresponse().read())["probability"])
    connection.close()
    return probabilities


# The load generator, in a process of its own.


@dataclass
class Turn:
    """What one server did in one round."""

    seconds: float = 0.0
    failed: int = 0
    latencies: list[float] = field(default_factory=list)
    busy: float = 0.0  # the load generator's share of its own core
    server_cpu: float = 0.0  # seconds

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    @property
    def cpu_microseconds(self) -> float:
        """The server's processor time for one request."""
        return 1e6 * self.server_cpu / len(self.latencies) if self.latencies else float("nan")

    def milliseconds(self, percent: int) -> float:
        return 1000 * sorted(self.latencies)[len(self.latencies) * percent // 100] if self.latencies else float("nan")


class Connection(asyncio.Protocol):
    """A keep-alive connection: sends a request, waits for the whole answer, sends the next."""

    def __init__(self, requests: Iterator[bytes], turn: Turn, end: float) -> None:
        self.requests, self.turn, self.end = requests, turn, end
        self.closed = asyncio.get_running_loop().create_future()
        self.waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.received = b""
        self.waiting = True
        self.sent_at = time.perf_counter()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not is_complete(self.received):
            return
        now = time.perf_counter()
        self.waiting = False
        if self.received.startswith(b"HTTP/1.1 200 "):
            self.turn.latencies.append(now - self.sent_at)
        else:
            self.turn.failed += 1
        if now < self.end:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.turn.failed += self.waiting
        self.closed.set_result(None)


def is_complete(answer: bytes) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        return False
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def settle_load_generator() -> None:
    from api.lib.processes import die_with_parent

    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pin(first=False)


def load(port: int, requests: list[bytes], seconds: float, connections: int) -> Turn:
    return asyncio.run(_load(port, requests, seconds, connections))


async def _load(port: int, requests: list[bytes], seconds: float, connections: int) -> Turn:
    turn = Turn()
    queue = cycle(requests)
    started, worked = time.perf_counter(), time.process_time()
    loop = asyncio.get_running_loop()
    opened = []
    for _ in range(connections):
        _, connection = await loop.create_connection(
            lambda: Connection(queue, turn, started + seconds), "127.0.0.1", port
        )
        opened.append(connection)
    await asyncio.wait([connection.closed for connection in opened], timeout=seconds + 30)
    turn.seconds = time.perf_counter() - started
    turn.busy = (time.process_time() - worked) / turn.seconds
    turn.failed += sum(connection.waiting for connection in opened if not connection.closed.done())
    return turn


# The rounds.


def measure(servers: dict[Server, Running], tweets: list[str], options: argparse.Namespace) -> dict[Server, list[Turn]]:
    """Every server's turn in every round; within a round all get the same tweets."""
    requests = [encode(tweet) for tweet in tweets]
    turns: dict[Server, list[Turn]] = {server: [] for server in servers}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=settle_load_generator) as generator:
        for number in range(options.rounds):
            say(f"round {number + 1} of {options.rounds}")
            random.Random(number).shuffle(requests)
            order = list(servers)
            first = number % len(order)
            for server in [*order[first:], *order[:first]]:
                turns[server].append(take_turn(generator, servers[server], requests, options))
    return turns


def take_turn(
    generator: ProcessPoolExecutor, running: Running, requests: list[bytes], options: argparse.Namespace
) -> Turn:
    generator.submit(load, running.port, requests[-1000:], WARM_UP_SECONDS, options.connections).result()
    used = running.cpu_seconds()
    turn = generator.submit(load, running.port, requests, options.seconds, options.connections).result()
    turn.server_cpu = running.cpu_seconds() - used
    return turn


def encode(tweet: str) -> bytes:
    body = json.dumps({"tweet": tweet}, ensure_ascii=False).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def print_table(turns: dict[Server, list[Turn]]) -> None:
    print(f"\n{'':44} {'req/s':>6}  {'ours is':<17} {'CPU us':>6}  {'ours is':<17} {'p50 ms':>6} {'p99 ms':>6} failed")
    for server, rounds in turns.items():
        pairs = list(zip(turns[OURS], rounds, strict=True))
        faster = [ours.rate / theirs.rate for ours, theirs in pairs if theirs.rate]
        cheaper = [theirs.cpu_microseconds / ours.cpu_microseconds for ours, theirs in pairs if ours.server_cpu]
        print(
            f"{server.name:44} {median(turn.rate for turn in rounds):6,.0f}  {spread(faster):<17} "
            f"{median(turn.cpu_microseconds for turn in rounds):6,.0f}  {spread(cheaper):<17} "
            f"{median(turn.milliseconds(50) for turn in rounds):6.1f} "
            f"{median(turn.milliseconds(99) for turn in rounds):6.1f} {sum(turn.failed for turn in rounds):6}"
        )
    busiest = max(turn.busy for rounds in turns.values() for turn in rounds)
    print(f"\nMedians of {len(turns[OURS])} rounds. The load generator used up to {busiest:.0%} of its core.")


def spread(ratios: list[float]) -> str:
    return f"{median(ratios):.2f}x ({min(ratios):.2f}-{max(ratios):.2f})" if ratios else "-"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped")
