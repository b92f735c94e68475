"""A real Prometheus: the dashboard and the alert rules of docs/grafana have data."""

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis

from api.lib.processes import kill_when_parent_ends
from api.lib.valkey import free_port
from tests.stack.harness import ROOT, Stack, wait_for
from tests.stack.test_stream import locked

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="there is no Prometheus: apt-get install prometheus"),
]
FOLDER = ROOT / "docs" / "grafana"
ALERTS = FOLDER / "alerts.yml"


class Prometheus:
    """A Prometheus that scrapes a stack every second, and knows our alert rules."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, **parameters: str) -> Any:
        asked = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.load(answer)["data"]

    def has_data(self, expression: str) -> bool:
        return bool(self.ask("query", query=expression)["result"])

    def answers(self) -> bool:
        try:
            return bool(self.ask("rules"))
        except OSError:
            return False


@contextmanager
def prometheus(stack: Stack, folder: Path) -> Iterator[Prometheus]:
    """As docs/grafana/README.md says, only more often."""
    folder.mkdir()
    key = {"type": "Api-Key", "credentials_file": str(stack.data / "api-key")}
    targets = [{"targets": [f"127.0.0.1:{stack.port}"]}]
    scraping = {"job_name": "hate-speech-detection", "authorization": key, "static_configs": targets}
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = {"global": every, "rule_files": [str(ALERTS)], "scrape_configs": [scraping]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    arguments = {"config.file": "prometheus.yml", "storage.tsdb.path": "data", "web.listen-address": address}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["prometheus", *(f"--{name}={value}" for name, value in arguments.items())],
            cwd=folder,
            stdout=log,
            stderr=log,
            preexec_fn=kill_when_parent_ends,
        )
    try:
        found = Prometheus(f"http://{address}")
        wait_for("Prometheus", found.answers, seconds=30)
        yield found
    finally:
        process.terminate()
        process.wait(30)


def questions() -> dict[str, str]:
    """Return what the dashboard and the alert rules ask, by title; of an alert, what it compares with its limit."""
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    found = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard["panels"]
        for target in panel["targets"]
    }
    found |= {one["name"]: one["expr"] for one in dashboard["annotations"]["list"]}
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    return found | {rule["alert"]: re.sub(r" (==|>) [\d.* ]+$", "", rule["expr"]) for rule in group["rules"]}


def test_every_question_has_data(tmp_path: Path) -> None:
    """And where the service is down, it is said."""
    subprocess.run(["promtool", "check", "rules", str(ALERTS)], check=True)
    asked = questions()
    not_scraped = asked.pop("NotScraped")
    started = Stack(tmp_path, STREAM="valkey", METRICS="true", WEB_PROCESSES="1")
    with started as stack, prometheus(stack, tmp_path / "prometheus") as found:
        valkey = Redis.from_url((stack.data / "valkey" / "url").read_text())
        valkey.xadd("stream:tweets", {"message": "no json"})
        wait_for("a first scrape", lambda: found.has_data("hate_speech_model_version"))
        for number in range(4):
            assert stack.review(f"bus {number} is late", is_hate_speech=False).status == 201
        run = stack.finished(stack.train())
        assert run["outcome"] == "promoted"
        with locked(stack):
            assert stack.review("bus 99 is late").status == 503

        def unanswered() -> list[str]:
            stack.predict()
            stack.post("/stream/tweets", {"tweets": [{"external_id": f"{i}", "tweet": "a bus"} for i in range(9)]})
            return [name for name, expression in asked.items() if not found.has_data(expression)]

        until = time.monotonic() + 30
        wait_for("data for each question", lambda: not unanswered() or time.monotonic() > until)
        assert unanswered() == []
        assert found.has_data("hate_speech_stream_dead_letters > 0")

        assert not found.has_data(not_scraped)
        stack.stop()
        wait_for("an alert", lambda: found.has_data(not_scraped), seconds=30)
