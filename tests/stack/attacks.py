"""Requests without a key that once cost seconds of processor time or megabytes for good, for a few kilobytes each."""

import http.client
import json
import random
import string
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Attack:
    """A request; with a body that may be another one each time."""

    path: str
    body: Callable[[], bytes]
    content_type: str = "application/json"
    method: str = "POST"


def _json(content: Any) -> Callable[[], bytes]:
    body = json.dumps(content).encode()
    return lambda: body


def _letters(size: int) -> str:
    return "".join(random.choices(string.ascii_lowercase, k=size))


_SIX = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
_CRAFTED = " ".join(("idiotscumvermin" + _letters(9))[:24] for _ in range(200))
_ANALYZE = {
    "comment": {"text": _CRAFTED[:3_000]},
    "requestedAttributes": {name: {} for name in ("TOXICITY", "THREAT", "INSULT", "PROFANITY", "IDENTITY_ATTACK")},
    "spanAnnotations": True,
}
_PART = "Content-Type: application/http\r\n\r\nPOST /v1alpha1/comments:analyze HTTP/1.1\r\n\r\n" + json.dumps(_ANALYZE)
_BATCH = ("".join(f"--B\r\n{_PART}\r\n" for _ in range(100)) + "--B--\r\n").encode()
_NESTED = "<View>" + "<Choices name='a' toName='b'>" * 4_000 + "</Choices>" * 4_000 + "</View>"

ATTACKS = {
    "a head of 380 KB": Attack("/livez", lambda: b"", 'a/b;"' + ";" * 380_000, "GET"),
    "crafted text to explain": Attack("/predict", _json({"tweet": _CRAFTED, "explain": True, "labels": _SIX})),
    "a batch with spans": Attack("/batch", lambda: _BATCH, "multipart/mixed; boundary=B"),
    "a list of long hashtags": Attack(
        "/predict", lambda: json.dumps({"tweets": ["#" + _letters(790) for _ in range(370)]}).encode()
    ),
    "a longer one": Attack(
        "/predict", lambda: json.dumps({"tweets": ["#" + _letters(790) for _ in range(1_000)]}).encode()
    ),
    "nested choices": Attack("/label-studio/setup", _json({"project": "1.1", "schema": _NESTED})),
    "nested JSON": Attack("/v1/moderations", lambda: b'{"input": ' + b"[" * 500_000),
    "a list for moderation": Attack("/v1/moderations", _json({"input": [_CRAFTED] * 60})),
    "the schema": Attack("/schema", lambda: b"", method="GET"),
    "health": Attack("/health", lambda: b"", method="GET"),
}


@dataclass
class Answers:
    """How often each attack was answered with each status; 0 where the connection was cut."""

    by_attack: dict[str, Counter[int]] = field(default_factory=lambda: {name: Counter() for name in ATTACKS})

    def are_complete(self) -> bool:
        """Return whether each attack was answered."""
        return all(map(sum, (counts.values() for counts in self.by_attack.values())))


@contextmanager
def under_attack(port: int) -> Iterator[Answers]:
    """Repeat every attack, all at the same time, until the block ends."""
    answers, over = Answers(), threading.Event()

    def repeat(name: str, attack: Attack) -> None:
        while not over.is_set():
            answers.by_attack[name][_send(port, attack)] += 1
            time.sleep(0.01)

    attackers = [threading.Thread(target=repeat, args=item) for item in ATTACKS.items()]
    for attacker in attackers:
        attacker.start()
    try:
        yield answers
    finally:
        over.set()
        for attacker in attackers:
            attacker.join()


def _send(port: int, attack: Attack) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with suppress(OSError, http.client.HTTPException):
        connection.request(attack.method, attack.path, attack.body() or None, {"Content-Type": attack.content_type})
        response = connection.getresponse()
        response.read()
        return response.status
    connection.close()
    return 0
