"""Many Coral-like clients at once: each waits 800 ms for an answer, and then lets the comment pass unjudged."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.stack.harness import Stack

pytestmark = pytest.mark.stack

CLIENTS = 100
COMMENTS = 20
PATIENCE = 0.8  # seconds


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), WEB_PROCESSES="1") as stack:
        yield stack


def test_a_hundred_corals_and_one_worker(one_worker: Stack) -> None:
    answered = asyncio.run(everybody(one_worker))

    assert answered == [COMMENTS] * CLIENTS
    assert one_worker.key not in one_worker.output


async def everybody(stack: Stack) -> list[int]:
    return await asyncio.gather(*[coral(stack, number) for number in range(CLIENTS)])


async def coral(stack: Stack, number: int) -> int:
    """One client, on one connection: how many of its comments got a score before it lost patience."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
    answered = 0
    for comment in range(COMMENTS):
        # As fast as answers come; a newsroom's readers are slower.
        text = f"comment {comment} of reader {number}: you are all idiots and should go away"
        asked = {"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}}, "languages": ["en"]}
        writer.write(request(f"/v1alpha1/comments:analyze?key={stack.key}", asked))
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await read_answer(reader)
        except TimeoutError:
            break
        answered += "summaryScore" in answer["attributeScores"]["TOXICITY"]
    writer.close()
    return answered


def request(path: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    )
    return f"{head}\r\n\r\n".encode() + content


async def read_answer(reader: asyncio.StreamReader) -> dict[str, dict[str, dict[str, object]]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    assert head.startswith("http/1.1 200 "), head
    length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
    return dict(json.loads(await reader.readexactly(int(length.partition(":")[2]))))
