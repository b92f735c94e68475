"""How many tweets a second does one process of the stream take, beside scoring them and doing nothing else?

    python -m benchmarks.stream [--tweets 100000]

Tweets of the starter corpus, each under an id of its own, wait in a Valkey of the benchmark's own. One `manage.py start
stream` works on them, into SQLite. Then the same texts are scored one after the other, in a process that does only
that. Both are counted in seconds of the clock, and in seconds of processor time, which other programs disturb less.
Read the ratio.
"""

import argparse
import csv
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import cycle, islice
from pathlib import Path

from redis import ConnectionError, Redis

from api.lib import valkey
from api.lib.processes import kill_when_parent_ends
from hate_speech_ai.artifact import Artifact
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer

ROOT = Path(__file__).resolve().parent.parent
STREAM = "stream:tweets"
MODEL = ROOT / "data" / "base" / "model.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tweets", type=int, default=100_000, metavar="N", help="(100000)")
    number = parser.parse_args().tweets
    print(f"load average before: {os.getloadavg()[0]:.1f}", flush=True)
    with (ROOT / "data" / "train.csv").open(encoding="utf-8", newline="") as file:
        texts = list(islice(cycle([row["tweet"] for row in csv.DictReader(file)]), number))
    with tempfile.TemporaryDirectory() as folder:
        clock, processor = through_the_stream(Path(folder), texts)
    alone, alone_processor = scored(texts)
    for name, seconds, used in (("stream", clock, processor), ("scoring alone", alone, alone_processor)):
        print(f"{name}: {number / seconds:,.0f} tweets a second; {used / number * 1e6:,.0f} us of processor each")
    print(f"the stream takes {clock / alone:.2f} times as long, {processor / alone_processor:.2f} times the processor")


def through_the_stream(folder: Path, texts: list[str]) -> tuple[float, float]:
    """Return the seconds that one process took, by the clock and of the processor, without its start."""
    with a_valkey(folder) as url:
        environment = {
            **os.environ,
            **{"DATA_DIR": str(folder), "REDIS_URL": url, "STREAM": "valkey", "ENV_FILE": os.devnull},
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        }
        for command in ("migrate", "prepare_start"):
            subprocess.run(
                [sys.executable, "manage.py", command], env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL
            )
        client = Redis.from_url(url)
        for start in range(0, len(texts), 5_000):
            pipeline = client.pipeline(transaction=False)
            for place in range(start, min(start + 5_000, len(texts))):
                at = f"2026-11-21T{place * 24 // len(texts):02}:00:00Z"  # one after the other, as they are posted
                post = {"external_id": str(place), "tweet": texts[place], "at": at, "channel": f"forum-{place % 5}"}
                pipeline.xadd(STREAM, {"message": json.dumps(post)})
            pipeline.execute()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "start", "stream"],
            env=environment,
            cwd=ROOT,
            preexec_fn=kill_when_parent_ends,
        )
        try:
            while (left := int(client.xlen(STREAM))) == len(texts):  # it starts
                time.sleep(0.02)
            begin, before = time.monotonic(), processor_of(process.pid)
            counted = left
            while int(client.xlen(STREAM)):
                time.sleep(0.02)
            clock, processor = time.monotonic() - begin, processor_of(process.pid) - before
        finally:
            process.terminate()
            process.wait(30)
        with closing(sqlite3.connect(folder / "db.sqlite3")) as database:
            [(events,)] = database.execute("SELECT count(*) FROM api_streamevent").fetchall()
        assert events == len(texts), f"{events} events of {len(texts)} tweets"
    share = counted / len(texts)
    return clock / share, processor / share


def scored(texts: list[str]) -> tuple[float, float]:
    """Return the seconds that scoring takes, by the clock and of the processor."""
    scorer = Scorer(Artifact.from_bytes(MODEL.read_bytes()))
    for text in texts[:500]:
        scorer.score(text, [HATE_SPEECH])
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    for text in texts:
        scorer.score(text, [HATE_SPEECH])
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begin, used


@contextmanager
def a_valkey(folder: Path) -> Iterator[str]:
    server = valkey.find_server()
    assert server, "there is no Valkey here: install valkey-server"
    port, password = valkey.free_port(), valkey.new_password()
    command = valkey.command(folder, server, port, password)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=kill_when_parent_ends)
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    try:
        client = Redis.from_url(url)
        while not answers(client):
            time.sleep(0.05)
        client.config_set("maxmemory", 0)
        yield url
    finally:
        process.kill()
        process.wait()


def answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except ConnectionError:
        return False


def processor_of(pid: int) -> float:
    """Return the seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
