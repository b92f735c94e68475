"""The examples of producers, against the service itself."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from api.lib.processes import kill_when_parent_ends
from tests.stack.harness import wait_for

EXAMPLES = settings.BASE_DIR / "docs" / "examples"
STATUS = {
    "content": "<p>Hello &amp; <b>good</b> day</p>",
    "reblog": None,
    "language": "en",
    "created_at": "2026-11-21T07:00:00.000Z",
    "account": {"id": "1", "acct": "ann"},
}


class Service(ThreadingHTTPServer):
    """Answers as POST /stream/tweets does, and remembers what it has taken. It is a Mastodon server, too."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[str] = []
        self.posts: list[Any] = []
        self.answers: list[int] = []  # what the next requests get, before anything is taken
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        posts = body["tweets"]
        assert (self.path, self.headers["Authorization"]) == ("/stream/tweets", "Api-Key hs_key")
        assert 1 <= len(posts) <= 500
        errors = {f"tweets.{n}.tweet": ["This is required."] for n, post in enumerate(posts) if "tweet" not in post}
        status = self.server.answers.pop(0) if self.server.answers else 400 if errors else 202
        if status == 202:
            self.server.taken += [post["external_id"] for post in posts]
            self.server.posts += posts
        content = json.dumps({"errors": errors, "detail": "no"}).encode()
        self.send_response(status)
        self.send_header("Retry-After", "0.01")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        streaming = "/streaming/" in self.path
        if streaming:
            other = STATUS | {"id": "3", "language": "de"}, STATUS | {"id": "4", "reblog": STATUS | {"id": "1"}}
            statuses = (STATUS | {"id": "1"}, STATUS | {"id": "2"}, *other)
            content = "".join(f"event: update\ndata: {json.dumps(one)}\n\n" for one in statuses) + ":thump\n\n"
        else:
            content = json.dumps({"version": "4.3.0", "urls": {"streaming_api": self.server.url}})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if streaming else "application/json")
        if not streaming:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def send(service: Service, file: Path) -> subprocess.CompletedProcess[str]:
    key = file.with_name("key")
    key.write_text("hs_key\n")
    command = [sys.executable, str(EXAMPLES / "send_file.py"), str(file), "--url", service.url, "--key-file", str(key)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_each_post_arrives_also_where_the_service_stumbles_and_the_program_is_stopped(
    service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "posts.jsonl"
    posts = [json.dumps({"external_id": f"{n}", "tweet": "hello"}) for n in range(1_200)]
    posts[3], posts[7] = '{"external_id": "3"}', "no json"
    file.write_text("\n".join(posts))

    service.answers = [503, 429]
    first = send(service, file)
    assert first.returncode == 0, first.stderr
    wanted = [f"{n}" for n in range(1_200) if n not in (3, 7)]
    assert service.taken == wanted
    refused = [json.loads(line) for line in (tmp_path / "posts.jsonl.refused").read_text().splitlines()]
    assert [one["reason"].partition(":")[0] for one in refused] == ["no JSON", "tweet"]

    with file.open("a") as more:
        more.write('\n{"external_id": "new", "tweet": "hello"}\n')
    service.answers = [500]
    assert "the service says 500: no" in send(service, file).stderr
    assert send(service, file).returncode == 0
    assert service.taken == [*wanted, "new"]


def test_posts_of_a_mastodon_server(service: Service, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hs_key\n")
    options = ["--server", service.url, "--url", service.url, "--key-file", str(tmp_path / "key")]
    service.answers = [503]

    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / "mastodon_stream.py"), *options], preexec_fn=kill_when_parent_ends
    ) as process:
        wait_for("two posts", lambda: len(service.posts) >= 2, seconds=60)
        process.terminate()

    assert service.posts[:2] == [
        {
            "external_id": number,
            "tweet": "Hello & good day",
            "at": "2026-11-21T07:00:00+00:00",
            "channel": service.url.removeprefix("http://"),
            "author": "ann",
        }
        for number in ("1", "2")
    ]
