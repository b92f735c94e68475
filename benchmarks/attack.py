"""How long predictions take while others attack: the same client alone, and beside every attack at once.

    .venv/bin/python -m benchmarks.attack [--rounds 3] [--requests 500]

It starts the service in a temporary folder. The two ways take turns, and the figures are medians of the rounds' values:
read the ratio. The attackers run on the same machine and take their part of it.
"""

import argparse
import http.client
import statistics
import tempfile
import time
from pathlib import Path

from tests.stack.attacks import ATTACKS, under_attack
from tests.stack.harness import Stack, memory

_BODY = b'{"tweet": "have a lovely day, everyone, see you at the lake"}'


def main() -> None:
    """Print p50 and p99 of both, their ratios, and how much more memory the web processes hold afterwards."""
    parser = argparse.ArgumentParser(description="How long predictions take while others attack.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=500, help="of the client in each turn")
    options = parser.parse_args()
    rounds: dict[str, list[tuple[float, float]]] = {"alone": [], "under attack": []}
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), WEB_PROCESSES="2") as stack:
        _times(stack.port, options.requests)  # the first ones load what is loaded late
        before = memory(stack)
        for _ in range(options.rounds):
            rounds["alone"].append(_times(stack.port, options.requests))
            with under_attack(stack.port):
                time.sleep(1)
                rounds["under attack"].append(_times(stack.port, options.requests))
        grown = (memory(stack) - before) / 2
    found = {name: [statistics.median(values) for values in zip(*each, strict=True)] for name, each in rounds.items()}
    print(f"one client, {options.requests} predictions, {len(ATTACKS)} attackers, {options.rounds} rounds")
    for name, (p50, p99) in found.items():
        print(f"{name:12} p50 {p50 * 1e3:6.2f} ms   p99 {p99 * 1e3:6.2f} ms")
    ratios = [under / alone for under, alone in zip(found["under attack"], found["alone"], strict=True)]
    print(f"{'ratio':12} p50 {ratios[0]:6.1f}      p99 {ratios[1]:6.1f}")
    print(f"a web process holds {grown / 1e6:.0f} MB more afterwards")


def _times(port: int, requests: int) -> tuple[float, float]:
    """Return p50 and p99 in seconds, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    seconds = []
    for _ in range(requests):
        began = time.perf_counter()
        connection.request("POST", "/predict", _BODY, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        seconds.append(time.perf_counter() - began)
        assert response.status == 200, response.status
    connection.close()
    seconds.sort()
    return seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.99)]


if __name__ == "__main__":
    main()
