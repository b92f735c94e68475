"""Clients that send slowly, oddly or too much, to the real server."""

import gzip
import json
import resource
import socket
import time
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from api.front_door import BODY_SECONDS, MAX_CONTENT_TYPE, MAX_HEAD, MAX_TARGET
from tests.stack.attacks import under_attack
from tests.stack.harness import Stack, memory, wait_for

pytestmark = pytest.mark.stack
BODY = b'{"tweet": "have a lovely day, everyone"}'
READING = (
    *("/predict", "/batch", "/v1/moderations", "/v1alpha1/comments:analyze"),
    *("/label-studio/predict", "/reviewed-tweets/bulk"),
)


def ask(
    stack: Stack, method: str = "POST", path: str = "/predict", body: Any = BODY, **headers: str
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", stack.port, timeout=60)
    named = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request(method, path, body, named)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def stalled(stack: Stack, path: str, *, key: str = "") -> socket.socket:
    """Open a connection whose body never comes to its end."""
    client = socket.create_connection(("127.0.0.1", stack.port))
    authorization = [f"Authorization: Api-Key {key}"] if key else []
    client.sendall(head("Content-Length: 500", *authorization, path=path) + b"{")
    return client


def head(*headers: str, path: str = "/predict") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def test_stalled_bodies_take_no_thread_and_are_closed(stack: Stack) -> None:
    assert ask(stack)[0].status == 200
    before = memory(stack)
    ways = [(path, key) for path in READING for key in ("", stack.key) for _ in range(25)]
    clients = [stalled(stack, path, key=key) for path, key in ways]

    # Each of these would wait for a thread that the stalled ones had.
    assert [ask(stack)[0].status for _ in range(50)] == [200] * 50
    assert stack.get("/readyz").status == 200
    assert memory(stack) - before < 50_000_000

    refused = 0
    for client, (path, key) in zip(clients, ways, strict=True):
        status = b"401" if path == "/reviewed-tweets/bulk" and not key else b"408"  # whose body is not waited for
        client.settimeout(BODY_SECONDS + 20)
        refused += client.recv(100).startswith(b"HTTP/1.1 " + status)
        client.close()
    assert refused == len(clients) == 300


def test_predictions_go_on_under_attack_and_memory_does_not_grow(stack: Stack) -> None:
    assert ask(stack)[0].status == 200
    before = memory(stack)

    with under_attack(stack.port) as answers:
        statuses = {ask(stack)[0].status for _ in range(200)}
        wait_for("an answer to each attack", answers.are_complete)

    assert statuses == {200}
    assert memory(stack) - before < 2 * 100_000_000  # of two processes
    by_status = {status for counts in answers.by_attack.values() for status in counts if status >= 500}
    assert by_status <= {503}  # too many at once, which is said


def test_a_body_a_byte_at_a_time_is_closed_too(stack: Stack) -> None:
    client = stalled(stack, "/predict")
    client.settimeout(0.2)
    began, answer = time.monotonic(), b""
    while not answer and time.monotonic() - began < BODY_SECONDS + 20:
        client.sendall(b" ")
        try:
            answer = client.recv(100)
        except TimeoutError:
            continue

    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_chunked_body_is_read_like_any_other(stack: Stack, size: int) -> None:
    _, plain = ask(stack)
    connection = HTTPConnection("127.0.0.1", stack.port, timeout=60)
    pieces = (BODY[place : place + size] for place in range(0, len(BODY), size))

    connection.request("POST", "/predict", pieces, {"Content-Type": "application/json"}, encode_chunked=True)

    response = connection.getresponse()
    assert (response.status, response.read()) == (200, plain)


def test_a_chunked_body_that_ends_abruptly_is_no_request(stack: Stack) -> None:
    client = socket.create_connection(("127.0.0.1", stack.port))
    client.sendall(head("Transfer-Encoding: chunked") + b'5\r\n{"tw')
    client.close()

    assert ask(stack)[0].status == 200


def test_a_body_that_ends_early_is_no_request(stack: Stack) -> None:
    whole = json.dumps({"tweet": "the first of two lines", "is_hate_speech": False}).encode() + b"\n"
    client = socket.create_connection(("127.0.0.1", stack.port))
    client.settimeout(30)
    key = f"Authorization: Api-Key {stack.key}"
    head_of_two = head(f"Content-Length: {2 * len(whole)}", key, path="/reviewed-tweets/bulk")
    client.sendall(head_of_two.replace(b"application/json", b"application/x-ndjson") + whole)
    client.shutdown(socket.SHUT_WR)

    assert client.recv(100).startswith(b"HTTP/1.1 400 ")
    assert stack.get("/reviewed-tweets").body["count"] == 0


def test_a_large_body_arrives_whole(stack: Stack) -> None:
    lines = [json.dumps({"tweet": f"tram {n} is late " + "x" * 900, "is_hate_speech": False}) for n in range(3_000)]
    key = f"Api-Key {stack.key}"

    response, content = ask(
        stack, "POST", "/reviewed-tweets/bulk", "\n".join(lines), Authorization=key, Content_Type="application/x-ndjson"
    )

    assert response.status == 200
    assert len(json.loads(content)["results"]) == 3_000


@pytest.mark.parametrize("path", ["/batch", "/batch/commentanalyzer/v1alpha1/"])
def test_a_large_batch_arrives_whole(stack: Stack, path: str) -> None:
    comment = json.dumps({"comment": {"text": "late " * 3_000}, "requestedAttributes": {"TOXICITY": {}}})
    part = f"Content-Type: application/http\r\n\r\nPOST /v1alpha1/comments:analyze HTTP/1.1\r\n\r\n{comment}"
    body = "".join(f"--B\r\n{part}\r\n" for _ in range(100)) + "--B--\r\n"

    response, content = ask(stack, "POST", path, body, Content_Type="multipart/mixed; boundary=B")

    assert response.status == 200
    assert content.count(b"HTTP/1.1 ") == 100  # most are too much work, and each says so


@pytest.mark.parametrize(
    ("path", "credential", "sent", "status"),
    [
        ("/reviewed-tweets/bulk", "", 1, 401),
        ("/label-studio/predict", "", 2**20 + 1, 413),
        ("/reviewed-tweets/bulk", "Api-Key hs_0123456789ab_wrong", 2**20 + 1, 401),
        ("/label-studio/predict", "Basic YTpoc193cm9uZw==", 2**20 + 1, 401),
    ],
)
def test_who_has_no_valid_key_need_not_send_a_large_body(
    stack: Stack, path: str, credential: str, sent: int, status: int
) -> None:
    client = socket.create_connection(("127.0.0.1", stack.port))
    client.settimeout(BODY_SECONDS / 2)  # before a body is too slow
    authorization = [f"Authorization: {credential}"] if credential else []
    client.sendall(head("Content-Length: 16000000", *authorization, path=path) + b" " * sent)

    assert client.recv(100).startswith(f"HTTP/1.1 {status} ".encode())


def test_an_encoded_body_is_refused(stack: Stack) -> None:
    response, content = ask(stack, body=gzip.compress(BODY), Content_Encoding="gzip")

    assert (response.status, json.loads(content)["code"]) == (415, "unsupported_media_type")
    assert "Content-Encoding" in json.loads(content)["detail"]


@pytest.mark.parametrize("coding", ["gzip, chunked", "GZIP,chunked", "identity, chunked"])
def test_an_encoded_transfer_is_refused(stack: Stack, coding: str) -> None:
    client = socket.create_connection(("127.0.0.1", stack.port))
    client.settimeout(BODY_SECONDS / 2)
    client.sendall(head(f"Transfer-Encoding: {coding}") + f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n\r\n")

    assert client.recv(100).startswith(b"HTTP/1.1 415 ")


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({"Content_Type": 'a/b;"' + ";" * MAX_CONTENT_TYPE}, "/livez", 400),
        ({"X_A": "a" * MAX_HEAD}, "/livez", 431),
        ({}, "/livez?" + "a" * MAX_TARGET, 414),
    ],
)
def test_a_head_that_is_costly_to_read_is_refused(
    stack: Stack, headers: dict[str, str], path: str, status: int
) -> None:
    response, content = ask(stack, "GET", path, None, **headers)

    assert (response.status, json.loads(content)["status"]) == (status, status)


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "X-Forwarded-For", "X-Goog-Api-Key"])
def test_a_header_that_cannot_be_read_is_refused_and_not_lost(stack: Stack, name: str) -> None:
    response, content = ask(stack, **{name: "Zażółć".encode().decode("latin-1")})

    assert (response.status, json.loads(content)["code"]) == (400, "header_not_ascii")
    assert name in json.loads(content)["detail"]


def test_a_huge_header_costs_the_server_nothing(stack: Stack) -> None:
    client = socket.create_connection(("127.0.0.1", stack.port))
    client.settimeout(30)
    try:
        client.sendall(b'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: a/b;"' + b";" * 380_000 + b"\r\n\r\n")
        assert client.recv(100).split()[1] in (b"400", b"431")
    except ConnectionError:
        pass  # it need not read it at all

    assert ask(stack)[0].status == 200


def test_a_body_above_its_limit_is_refused_without_being_read(stack: Stack) -> None:
    client = socket.create_connection(("127.0.0.1", stack.port))
    client.settimeout(30)
    client.sendall(head("Content-Length: 90000000") + b" " * 1_100_000)

    assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_idle_connections_do_not_keep_others_out(stack: Stack) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = [socket.create_connection(("127.0.0.1", stack.port)) for _ in range(1_500)]

    assert [ask(stack)[0].status for _ in range(20)] == [200] * 20
    for client in idle:
        client.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_costly_requests_leave_predictions_their_threads(stack: Stack) -> None:
    tweets = json.dumps({"tweets": ["you lot are all the same, go home " * 100] * 80}).encode()
    busy = [HTTPConnection("127.0.0.1", stack.port, timeout=120) for _ in range(24)]
    for connection in busy:
        connection.request("POST", "/predict", tweets, {"Content-Type": "application/json"})

    # More than there are threads for such requests; these do not queue behind them.
    short = [ask(stack)[0].status for _ in range(20)]
    waiting = [connection for connection in busy if not _has_answered(connection)]

    assert short == [200] * 20
    assert waiting
    assert {connection.getresponse().status for connection in busy} == {200}
    wait_for("readiness", lambda: stack.answers("/readyz"))


def _has_answered(connection: HTTPConnection) -> bool:
    connection.sock.setblocking(False)
    try:
        return bool(connection.sock.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        connection.sock.settimeout(120)
