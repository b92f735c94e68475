"""GET /analytics/hours and GET /metrics."""

import csv
import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import yaml
from django.conf import settings as django_settings
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from api.analytics import hours, watching
from api.models import Anomaly, ModelVersion, StreamEvent, StreamHour
from tests.conftest import AsKey, JSONClient, MakeVersion, reload_urls
from tests.helpers import synthetic

START = datetime(2026, 11, 21, 6, tzinfo=UTC)
WEEK = "since=2026-11-20T00:00:00Z&until=2026-11-22T00:00:00Z"


@pytest.fixture(autouse=True)
def all_on(settings: Settings) -> Iterator[None]:
    settings.STREAM, settings.METRICS = "valkey", True
    reload_urls()
    yield
    settings.STREAM, settings.METRICS = "", False
    reload_urls()


@pytest.fixture
def client(as_key: AsKey) -> JSONClient:
    return as_key("predict")


@pytest.fixture
def counted(served: ModelVersion, make_version: MakeVersion) -> ModelVersion:
    """Two hours of a forum, the second with two versions, and one of a channel that a spreadsheet would run."""
    newer = make_version()
    for hour, channel, version, count, total, squares, flagged in (
        (0, "forum", served, 4, 1.0, 0.5, 1),
        (1, "forum", served, 2, 1.0, 0.5, 1),
        (1, "forum", newer, 2, 0.0, 0.0, 0),
        (1, "=1+1", newer, 1, 0.25, 0.0625, 0),
    ):
        at = START + timedelta(hours=hour)
        row = {"count": count, "total": total, "squares": squares, "flagged": flagged}
        StreamHour.objects.create(hour=at, channel=channel, label="hate_speech", version=version, **row)
    return newer


def test_it_works(client: JSONClient, counted: ModelVersion, served: ModelVersion) -> None:
    first, *others = client.get(f"/analytics/hours?{WEEK}&channel=forum").json()["hours"]

    assert first == {
        "hour": "2026-11-21T06:00:00Z",
        "channel": "forum",
        "label": "hate_speech",
        "model_version": served.pk,
        "count": 4,
        "mean": 0.25,
        "deviation": pytest.approx(0.25),
        "flagged": 1,
        "flagged_share": 0.25,
    }
    assert [one["model_version"] for one in others] == [served.pk, counted.pk]


def test_versions_can_be_put_together(client: JSONClient, counted: ModelVersion) -> None:
    found = client.get(f"/analytics/hours?{WEEK}&channel=forum&by_version=false").json()["hours"]

    assert [(one["model_version"], one["count"], one["mean"]) for one in found] == [(None, 4, 0.25), (None, 4, 0.25)]
    assert found[1]["flagged_share"] == 0.25


def test_as_csv_it_has_the_same(client: JSONClient, counted: ModelVersion) -> None:
    asked = f"/analytics/hours?{WEEK}"
    response = client.get(f"{asked}&format=csv")

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(StringIO(response.content.decode())))
    as_json = client.get(asked).json()["hours"]
    for row, one in zip(rows, as_json, strict=True):
        assert (row["hour"], row["model_version"]) == (one["hour"], str(one["model_version"]))
        assert float(row["mean"]) == one["mean"]
    assert "'=1+1" in {row["channel"] for row in rows}  # which a spreadsheet does not run


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=yesterday", "since"),
        ("since=2026-11-22T00:00:00Z&until=2026-11-21T00:00:00Z", "since"),
        ("format=xml", "format"),
        ("colour=red", "colour"),
    ],
)
def test_what_is_wrong_is_named(client: JSONClient, query: str, field: str) -> None:
    response = client.get(f"/analytics/hours?{query}")

    assert response.status_code == 400
    assert field in response.json()["errors"]


def test_too_many_rows_are_refused(client: JSONClient, counted: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hours, "MOST_ROWS", 3)

    response = client.get(f"/analytics/hours?{WEEK}")

    assert "shorter" in response.json()["errors"]["since"][0]


UNTIL = datetime(2026, 11, 26, 12, tzinfo=UTC)
SPIKE = UNTIL - timedelta(hours=5)


@pytest.fixture
def weeks(served: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> dict[datetime, float]:
    """Five weeks of a channel until now, and what the hours' mean was; one of the last day is unlike the others."""
    monkeypatch.setattr(watching, "_this_hour", lambda: UNTIL)
    monkeypatch.setattr(watching, "MEASURES", ("mean",))
    monkeypatch.setattr(watching, "_MOST_CHANNELS", 0)  # all together alone: a fit takes seconds
    number = 5 * 168
    shares, _ = synthetic(seed=2, hours=number, spikes=0)
    means = {UNTIL + timedelta(hours=place - number): share for place, share in enumerate(shares)}
    means[SPIKE] = 0.5
    fill(means, served)
    return means


def fill(means: dict[datetime, float], version: ModelVersion) -> None:
    StreamHour.objects.bulk_create(
        StreamHour(hour=at, channel="forum", label="hate_speech", version=version, count=100, total=100 * mean)
        for at, mean in means.items()
        if not math.isnan(mean)
    )


def test_a_night_fits_and_the_hours_are_compared_with_it(
    client: JSONClient, weeks: dict[datetime, float], served: ModelVersion, make_version: MakeVersion
) -> None:
    assert client.get("/analytics/forecast").status_code == 404
    fields = {"channel": "forum", "version": served, "fingerprint": "", "flagged": True}
    for number in (1, 2):
        at = SPIKE + timedelta(minutes=number)
        StreamEvent.objects.create(external_id=f"post-{number}", at=at, probability=number / 10, **fields)

    assert watching.fit_all() == 1
    assert watching.look() == watching.look()

    *_, found = client.get(f"/analytics/anomalies?until={UNTIL:%Y-%m-%dT%H:%M:%SZ}").json()["anomalies"]
    # The hours after it are compared with what it led to expect, so some of them may be anomalies too.
    assert set(Anomaly.objects.values_list("hour", flat=True)) <= {SPIKE + timedelta(hours=after) for after in range(4)}
    assert found["hour"] == f"{SPIKE:%Y-%m-%dT%H:%M:%SZ}"
    assert found["value"] == pytest.approx(weeks[SPIKE])
    assert found["low"] < found["expected"] < found["high"] < found["value"]
    assert found["tweets"] == ["post-2", "post-1"]
    as_csv = client.get(f"/analytics/anomalies?until={UNTIL:%Y-%m-%dT%H:%M:%SZ}&format=csv").content.decode()
    assert "post-2 post-1" in as_csv

    forecast = client.get("/analytics/forecast").json()
    assert (len(forecast["hours"]), forecast["hours"][0]["hour"]) == (168, f"{UNTIL:%Y-%m-%dT%H:%M:%SZ}")
    assert all(one["low95"] < one["low80"] < one["mean"] < one["high80"] < one["high95"] for one in forecast["hours"])
    assert forecast["model"] == min(forecast["backtest"], key=forecast["backtest"].__getitem__)
    assert len(client.get("/analytics/forecast?format=csv").content.decode().splitlines()) == 169

    # Another version judges the last three hours, and is stricter: that is no anomaly.
    last = [UNTIL - timedelta(hours=hour) for hour in (1, 2, 3)]
    StreamHour.objects.filter(hour__in=last).delete()
    fill(dict.fromkeys(last, 0.6), make_version())
    assert watching.look() == 0
    assert Anomaly.objects.filter(hour=SPIKE).exists()  # what was found before stays


def test_both_need_a_key(db: None) -> None:
    assert JSONClient().get("/analytics/hours").status_code == 401
    assert JSONClient().get("/metrics").status_code == 401


@pytest.fixture
def metrics(client: JSONClient, counted: ModelVersion) -> dict[tuple[str, str], float]:
    """What Prometheus reads: (name, labels as JSON) -> value."""
    client.post("/predict", {"tweet": "have a lovely day, everyone"})
    response = client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain")
    families = text_string_to_metric_families(response.content.decode())
    return {
        (sample.name, json.dumps(sample.labels, sort_keys=True)): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_say_how_everything_is(metrics: dict[tuple[str, str], float], served: ModelVersion) -> None:
    assert metrics["hate_speech_model_version", "{}"] == served.pk
    assert metrics["hate_speech_part_ok", '{"part": "model"}'] == 1
    assert metrics["hate_speech_stream_waiting", "{}"] == 0
    forum = '{"channel": "forum", "label": "hate_speech"}'
    assert metrics["hate_speech_stream_tweets_total", forum] == 8
    assert metrics["hate_speech_stream_flagged_total", forum] == 2
    decision = f'{{"decision": "other", "version": "{served.pk}"}}'
    assert metrics["hate_speech_predictions_total", decision] >= 1


def test_without_the_setting_there_are_none(settings: Settings, as_key: AsKey) -> None:
    settings.METRICS = False
    reload_urls()

    assert as_key("admin").get("/metrics").status_code == 404


def test_prometheus_may_ask_a_machine_by_any_name(
    settings: Settings, client: JSONClient, counted: ModelVersion
) -> None:
    settings.ALLOWED_HOSTS = ["hate.example.org"]
    pod = "10.0.0.7:8000"

    assert client.get("/metrics", HTTP_HOST=pod).status_code == 200
    assert JSONClient().get("/metrics", HTTP_HOST=pod).status_code == 401
    assert client.get("/analytics/hours", HTTP_HOST=pod).status_code == 400


FOLDER = django_settings.BASE_DIR / "docs" / "grafana"


def expressions() -> list[str]:
    """Each question that the dashboard and the alert rules ask Prometheus."""
    dashboard: Any = json.loads((FOLDER / "dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [one["expr"] for one in dashboard["annotations"]["list"]]
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    return asked + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def test_dashboard_and_alerts_ask_for_what_there_is(metrics: dict[tuple[str, str], float]) -> None:
    # Two are there only in a running stack: requests are counted at its front door, and no training has ended here.
    there = {name for name, _ in metrics} | {"hate_speech_training_last_done_timestamp_seconds"}
    there |= {"hate_speech_requests_total", "hate_speech_request_seconds_bucket", "hate_speech_training_runs"}
    asked = {name for expression in expressions() for name in re.findall(r"hate_speech_\w+", expression)}

    assert len(asked) > 10
    assert asked <= there
