"""What does a Perspective client pay for its format, and does Coral get its answers in time?

    .venv/bin/python benchmarks/perspective.py [--seconds 4] [--rounds 3] [--connections 16] [--clients 100]

One server with one worker process and a model trained on the starter corpus, as in `benchmarks/serving.py`. In turn it
is asked to analyze, and to predict the same tweets with the same heads; "costs" is the processor time of the server for
one request divided by that of /predict in the same round (median, lowest and highest round), which may be 1.3 at most.
Then 100 clients as Coral is one, each with a connection of its own and 800 ms of patience, post comments at their own
pace, and then as fast as they are answered.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from serving import (
    OURS,
    Running,
    Turn,
    is_complete,
    isolate,
    leave_model,
    read_tweets,
    say,
    settle_load_generator,
    spread,
    start,
    take_turn,
    versions,
    wait_for,
)

ALL = ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT")
LABELS = ("toxic", "severe_toxic", "identity_hate", "insult", "obscene", "threat")
PATIENCE = 0.8  # seconds
COMMENTS = 30
AT_MOST = 1.3

Kind = Callable[[str], bytes]


def main() -> int:
    options = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(versions())
    print(f"{os.cpu_count()} cores; load average before the start: {os.getloadavg()[0]:.1f} (best well below 1).")
    with tempfile.TemporaryDirectory(prefix="hate-speech-benchmark-") as folder, ExitStack() as stack:
        environment = isolate(Path(folder))
        say("training the model (half a minute)")
        leave_model(Path(folder))
        running = stack.enter_context(start(OURS, environment))
        wait_for(OURS, running)
        tweets = read_tweets()
        turns = measure(running, tweets, options)
        dear = print_table(turns)
        late = sum(crowd(running, tweets, options.clients, pause) for pause in (1.0, 0.0))
    return 1 if late or dear or any(turn.failed for rounds in turns.values() for turn in rounds) else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What comments:analyze costs beside /predict.")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each kind's turn in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--clients", type=int, default=100)
    return parser.parse_args()


# The kinds of requests.


def predict(*labels: str) -> Kind:
    return lambda tweet: _encode("/predict", {"tweet": tweet, **({"labels": labels} if labels else {})})


def analyze(*attributes: str, **fields: object) -> Kind:
    return lambda tweet: _encode(
        "/v1alpha1/comments:analyze",
        {"comment": {"text": tweet}, "requestedAttributes": {name: {} for name in attributes}, **fields},
    )


def _encode(path: str, content: dict[str, object]) -> bytes:
    body = json.dumps(content, ensure_ascii=False).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


# Each kind, and what it is compared with.
KINDS: dict[str, tuple[Kind, str]] = {
    "predict: hate_speech": (predict(), "predict: hate_speech"),
    "predict: + toxic": (predict("toxic"), "predict: + toxic"),
    "predict: + six labels": (predict(*LABELS), "predict: + six labels"),
    "analyze: TOXICITY, as Coral asks": (analyze("TOXICITY", languages=["en"], doNotStore=True), "predict: + toxic"),
    "analyze: TOXICITY, language unknown": (analyze("TOXICITY"), "predict: + toxic"),
    "analyze: six attributes": (analyze(*ALL, languages=["en"]), "predict: + six labels"),
    "beside the plainest /predict": (analyze("TOXICITY", languages=["en"]), "predict: hate_speech"),
}


def measure(running: Running, tweets: list[str], options: argparse.Namespace) -> dict[str, list[Turn]]:
    turns: dict[str, list[Turn]] = {name: [] for name in KINDS}
    spawn = multiprocessing.get_context("spawn")
    # A comment that the service finds foreign is refused, and costs less.
    from api.prediction.language import detect

    english = [tweet for tweet in tweets if tweet.strip() and detect(tweet) == "en"]
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=settle_load_generator) as generator:
        for number in range(options.rounds):
            say(f"round {number + 1} of {options.rounds}")
            random.Random(number).shuffle(english)
            names = list(KINDS)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                requests = [KINDS[name][0](tweet) for tweet in english]
                turns[name].append(take_turn(generator, running, requests, options))
    return turns


def print_table(turns: dict[str, list[Turn]]) -> bool:
    """Whether any kind costs too much beside the predictions of the same heads."""
    print(f"\n{'':38} {'req/s':>6} {'CPU us':>6}  {'costs':<17} {'p50 ms':>6} {'p99 ms':>6} failed")
    dear = False
    for name, rounds in turns.items():
        pairs = zip(rounds, turns[KINDS[name][1]], strict=True)
        ratios = [ours.cpu_microseconds / other.cpu_microseconds for ours, other in pairs]
        dear |= name.startswith("analyze") and median(ratios) > AT_MOST
        print(
            f"{name:38} {median(turn.rate for turn in rounds):6,.0f} "
            f"{median(turn.cpu_microseconds for turn in rounds):6,.0f}  {spread(ratios):<17} "
            f"{median(turn.milliseconds(50) for turn in rounds):6.1f} "
            f"{median(turn.milliseconds(99) for turn in rounds):6.1f} {sum(turn.failed for turn in rounds):6}"
        )
    return dear


# Coral.


def crowd(running: Running, tweets: list[str], clients: int, pause: float) -> int:
    """How many answers came too late, or not at all, for clients that wait up to `pause` seconds between comments."""
    kind = analyze("TOXICITY", languages=["en"], doNotStore=True)
    chooser = random.Random(1)
    comments = [[kind(chooser.choice(tweets)) for _ in range(COMMENTS)] for _ in range(clients)]
    waits = asyncio.run(_crowd(running.port, comments, pause))
    late = clients * COMMENTS - len(waits)
    pace = (
        f"each {COMMENTS} comments with up to {pause:g} s in between" if pause else f"each {COMMENTS} without a pause"
    )
    waits = sorted(waits) or [float("nan")]
    print(
        f"{clients} clients, each {COMMENTS} comments {pace}: {late} not answered within {PATIENCE * 1000:.0f} ms; "
        f"p50 {waits[len(waits) // 2] * 1000:.0f} ms, p99 {waits[len(waits) * 99 // 100] * 1000:.0f} ms, "
        f"longest {waits[-1] * 1000:.0f} ms"
    )
    return late


async def _crowd(port: int, comments: list[list[bytes]], pause: float) -> list[float]:
    answered = await asyncio.gather(*[_coral(port, requests, pause) for requests in comments])
    return [wait for waits in answered for wait in waits]


async def _coral(port: int, requests: list[bytes], pause: float) -> list[float]:
    """One client on one connection: how long it waited for each answer that came in time."""
    waits: list[float] = []
    chooser = random.Random(len(requests[0]))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        await asyncio.sleep(chooser.uniform(0, pause))
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(request)
                answer = b""
                while not is_complete(answer):
                    answer += await reader.read(65536) or b"\r\n\r\n0\r\n\r\n"
        except TimeoutError:
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            continue
        if answer.startswith(b"HTTP/1.1 200 "):
            waits.append(time.perf_counter() - began)
    writer.close()
    return waits


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped")
