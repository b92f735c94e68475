"""How long predictions take while others attack: the same client alone, and beside every attack at once.

    python -m benchmarks.attack

It starts the service in a temporary folder. The two ways take turns, and the figures are medians of the rounds' values:
read the ratio. The attackers run on the same machine and take their part of it.
"""

import http.client
import statistics
import tempfile
import time
from pathlib import Path

from tests.stack.attacks import ATTACKS, under_attack
from tests.stack.harness import Stack

ROUNDS = 3
REQUESTS = 500
_BODY = b'{"tweet": "have a lovely day, everyone, see you at the lake"}'


def main() -> None:
    """Print p50 and p99 of both, and their ratios."""
    rounds: dict[str, list[tuple[float, float]]] = {"alone": [], "under attack": []}
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), WEB_PROCESSES="2") as stack:
        _times(stack.port)  # the first ones load what is loaded late
        for _ in range(ROUNDS):
            rounds["alone"].append(_times(stack.port))
            with under_attack(stack.port):
                time.sleep(1)
                rounds["under attack"].append(_times(stack.port))
    found = {name: [statistics.median(values) for values in zip(*each, strict=True)] for name, each in rounds.items()}
    print(f"one client, {REQUESTS} predictions, {len(ATTACKS)} attackers, {ROUNDS} rounds")
    for name, (p50, p99) in found.items():
        print(f"{name:12} p50 {p50 * 1e3:6.2f} ms   p99 {p99 * 1e3:6.2f} ms")
    ratios = [under / alone for under, alone in zip(found["under attack"], found["alone"], strict=True)]
    print(f"{'ratio':12} p50 {ratios[0]:6.1f}      p99 {ratios[1]:6.1f}")


def _times(port: int) -> tuple[float, float]:
    """Return p50 and p99 in seconds, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    seconds = []
    for _ in range(REQUESTS):
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
