"""How long predictions take: the same client alone, beside stalled clients, and beside every attack at once.

    .venv/bin/python -m benchmarks.attack [--rounds 3] [--requests 500]

It starts the service in a temporary folder. The three ways take turns, and the figures are medians of the rounds'
values: read the ratios. 300 clients stall: in the middle of the headers, of a body with and without a key, or with a
byte a second. The attackers run on the same machine and take their part of it.
"""

import argparse
import contextlib
import http.client
import multiprocessing
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

from tests.stack.attacks import ATTACKS, under_attack
from tests.stack.harness import Stack, memory

_PATHS = ("/predict", "/batch", "/v1/moderations", "/v1alpha1/comments:analyze", "/label-studio/predict")
_BODY = b'{"tweet": "have a lovely day, everyone, see you at the lake"}'


def main() -> None:
    """Print p50 and p99 of each way, their ratios, and how much more memory the web processes hold afterwards."""
    parser = argparse.ArgumentParser(description="How long predictions take while others attack.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=500, help="of the client in each turn")
    options = parser.parse_args()
    rounds: dict[str, list[tuple[float, float]]] = {"alone": [], "300 stalled": [], "under attack": []}
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), WEB_PROCESSES="2") as stack:
        _times(stack.port, options.requests)  # the first ones load what is loaded late
        before = memory(stack)
        for _ in range(options.rounds):
            rounds["alone"].append(_times(stack.port, options.requests))
            with _stalled(stack.port, stack.key):
                rounds["300 stalled"].append(_times(stack.port, options.requests))
            with _attackers(stack.port):
                time.sleep(3)  # until it has started
                rounds["under attack"].append(_times(stack.port, options.requests))
        grown = (memory(stack) - before) / 2
    found = {name: [statistics.median(values) for values in zip(*each, strict=True)] for name, each in rounds.items()}
    print(f"one client, {options.requests} predictions, {len(ATTACKS)} attackers, {options.rounds} rounds")
    for name, (p50, p99) in found.items():
        print(f"{name:12} p50 {p50 * 1e3:6.2f} ms   p99 {p99 * 1e3:6.2f} ms")
    for name, values in list(found.items())[1:]:
        p50, p99 = (value / alone for value, alone in zip(values, found["alone"], strict=True))
        print(f"{name}, of alone: p50 {p50:.1f}, p99 {p99:.1f}")
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


@contextmanager
def _attackers(port: int) -> Iterator[None]:
    """Attack from a process of its own: threads of this one would delay the client that is measured."""
    processes = multiprocessing.get_context("spawn")
    over = processes.Event()
    attacker = processes.Process(target=_attack, args=(port, over))
    attacker.start()
    try:
        yield
        assert attacker.is_alive()
    finally:
        over.set()
        attacker.join()


def _attack(port: int, over: Event) -> None:
    with under_attack(port):
        over.wait()


@contextmanager
def _stalled(port: int, key: str) -> Iterator[None]:
    """Hold 300 connections that wait for the rest of a request; a third of them gets a byte of it a second."""
    clients = []
    for number in range(300):
        path = _PATHS[number % len(_PATHS)]
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", "Content-Length: 500"]
        if number % 2:
            lines.append(f"Authorization: Api-Key {key}")
        end = "" if number % 3 == 0 else "\r\n\r\n{"
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(("\r\n".join(lines) + end).encode())
        clients.append(client)
    over = threading.Event()

    def drip() -> None:
        while not over.wait(1.0):
            for client in clients[2::3]:
                with contextlib.suppress(OSError):  # it was closed, as it should be
                    client.sendall(b" ")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        yield
    finally:
        over.set()
        dripping.join()
        for client in clients:
            client.close()


if __name__ == "__main__":
    main()
