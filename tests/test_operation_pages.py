"""The pages about traffic and operation."""

import csv
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from api.keys import accounts
from api.models import (
    Anomaly,
    ApiKey,
    ApprovalRequest,
    AuditEntry,
    HourlySeries,
    LiveFigures,
    ModelVersion,
    ReviewedTweet,
    StreamHour,
    TrainingRun,
)
from api.prediction import recorder
from tests.conftest import JSONClient, logged_in
from tests.helpers import page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_passwords")]
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def operator(db: None) -> Client:
    return logged_in(accounts.create("olga", "operator", made_by="test")[0])


# Traffic.


def test_traffic_counts_what_is_stored(
    served: ModelVersion, operator: Client, settings: Settings, client: JSONClient
) -> None:
    settings.PREDICTION_SAMPLE_RATE = 1.0
    for number in range(3):
        client.post("/predict", {"tweet": f"a lovely day with the number {number}"})
    recorder.flush()

    shown = page(operator, "/traffic")
    rows = list(csv.reader(page(operator, "/traffic?csv=scores").splitlines()))

    assert "3 texts are counted" in shown
    assert "Nothing is known yet" in shown
    assert rows[0] == ["probability", "texts", "share"]
    assert sum(int(row[1]) for row in rows[1:]) == 3
    assert len(rows) == 11


def test_traffic_shows_the_live_figures(served: ModelVersion, operator: Client, settings: Settings) -> None:
    settings.PREDICTION_SAMPLE_RATE = 1.0
    figures = {
        "precision": {"value": 0.8125, "low": 0.7, "high": 0.9},
        "recall": None,
        "base_rate": None,
        "reasons": {"recall": "too few of them were found"},
        "audited": 120,
        "unanswered": 4,
    }
    LiveFigures.objects.create(version=served, figures=figures)

    shown = page(operator, "/traffic")

    assert "81.2\N{NO-BREAK SPACE}%" in shown
    assert "too few of them were found" in shown


def test_traffic_says_that_nothing_is_stored(served: ModelVersion, operator: Client) -> None:
    assert "Predictions are not stored here" in page(operator, "/traffic")


# The stream's hours.


@pytest.fixture
def streamed(served: ModelVersion, settings: Settings) -> datetime:
    """Two channels in the last hours, one of them missing, with what was expected; returns the hour that goes on."""
    settings.STREAM = "valkey"
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    for place, channel, count, mean in ((5, "forum", 100, 0.1), (5, NASTY, 300, 0.2), (3, "forum", 50, 0.6)):
        sums: dict[str, Any] = {
            "count": count,
            "total": mean * count,
            "squares": (mean**2 + 0.04) * count,
            "flagged": 1,
        }
        hour = now - timedelta(hours=place)
        StreamHour.objects.create(hour=hour, channel=channel, label="hate_speech", version=served, **sums)
    names: dict[str, Any] = {"channel": "", "label": "hate_speech", "measure": "mean"}
    HourlySeries.objects.create(
        **names,
        until=now,
        fitted_at=now,
        parameters=[],
        forecast=[[0.11, 0.1, 0.12, 0.09, 0.13]] * 2,
        forecast_model="last_week",
        errors={"structural": 0.02, "last_week": 0.01},
    )
    Anomaly.objects.create(**names, hour=now - timedelta(hours=3), value=0.6, expected=0.15, low=0.1, high=0.2, z=12.0)
    return now


def test_traffic_shows_the_hours_with_gaps_and_the_forecast(operator: Client, streamed: datetime) -> None:
    rows = list(csv.reader(page(operator, "/traffic?csv=hours").splitlines()))
    by_hour = {row[0]: row[1:] for row in rows[1:]}

    def hour(place: int) -> list[str]:
        return by_hour[(streamed + timedelta(hours=place)).isoformat(timespec="seconds")]

    assert len(rows) == 1 + 7 * 24 + 1  # to the hour that goes on, and one more of the forecast
    assert hour(-5)[:2] == ["400", "0.175"]
    low, high = map(float, hour(-5)[2:4])
    assert (low, high) == pytest.approx((0.175 - 1.96 * 0.2046 / 20, 0.175 + 1.96 * 0.2046 / 20), abs=1e-4)
    assert hour(-4) == [""] * 8
    assert hour(-3)[4] == "0.6"
    assert hour(1) == ["", "", "", "", "", "0.11", "0.09", "0.13"]


def test_traffic_says_what_an_anomaly_means(operator: Client, streamed: datetime) -> None:
    shown = page(operator, "/traffic")

    assert (
        "more like hate speech than the hours before led to expect: mean probability 60.0\N{NO-BREAK SPACE}%," in shown
    )
    assert f'<time datetime="{(streamed - timedelta(hours=3)).isoformat(timespec="seconds")}"' in shown
    assert "It repeats the last week" in shown
    assert 'data-x="time"' in shown


def test_traffic_asks_as_little_however_many_hours_there_are(
    operator: Client, streamed: datetime, served: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    StreamHour.objects.bulk_create(
        StreamHour(
            hour=streamed - timedelta(hours=place),
            channel=f"c{number}",
            label="hate_speech",
            version=served,
            count=10,
            total=1.0,
            squares=0.2,
            flagged=1,
        )
        for place in range(200)
        for number in range(30)
    )

    with django_assert_max_num_queries(20):
        shown = page(operator, "/traffic")

    assert shown.count("<option") == 1 + 20 + 1  # the largest channels, and the label


def test_traffic_shows_one_channel(operator: Client, streamed: datetime) -> None:
    shown = page(operator, "/traffic?channel=forum")
    rows = list(csv.reader(page(operator, "/traffic?channel=forum&csv=hours").splitlines()))

    assert "<option selected>forum</option>" in shown
    assert "There is no forecast yet" in shown
    assert "<script>alert" not in shown
    assert [row[1:3] for row in rows if row[1] not in ("", "tweets")] == [["100", "0.1"], ["50", "0.6"]]


def test_traffic_says_how_to_turn_the_stream_on_and_asks_nothing(
    served: ModelVersion, operator: Client, settings: Settings, django_assert_max_num_queries: Any
) -> None:
    with CaptureQueriesContext(connection) as off:
        assert "STREAM=valkey" in page(operator, "/traffic")
    asked = [query["sql"].lower() for query in off.captured_queries]
    assert not [query for query in asked if "streamhour" in query]
    settings.STREAM = "valkey"
    assert "No tweet came through the stream" in page(operator, "/traffic")
    with django_assert_max_num_queries(len(asked) + 1):
        page(operator, "/traffic")


# Operation.


def test_each_part_is_shown_with_what_to_do(served: ModelVersion, operator: Client) -> None:
    shown = page(operator, "/operation")

    assert "A part is not well" in shown
    assert "no worker was ever seen" in shown
    assert "manage.py start worker" in shown


def test_a_run_is_asked_for_and_followed(served: ModelVersion, operator: Client) -> None:
    shown = page(operator, "/operation/train", go="1")

    run = TrainingRun.objects.get()
    assert run.requested_by == "olga (account)"
    assert "A training run is queued" in shown
    TrainingRun.objects.update(status="running", progress=0.4, step="reading rows")
    part = operator.get("/operation", headers={"HX-Request": "true"}).content.decode()
    assert "reading rows" in part
    assert 'value="40.00"' in part
    assert "every 2s" in part
    TrainingRun.objects.update(status="done", outcome="rejected", reasons=["F1 fell by 0.1"])
    part = operator.get("/operation", headers={"HX-Request": "true"}).content.decode()
    assert "F1 fell by 0.1" in part
    assert "every 2s" not in part


@pytest.fixture
def asked(served: ModelVersion) -> ApprovalRequest:
    """What a run asks about a key's one review."""
    key, _ = ApiKey.issue("the newspaper", ["review"], trust="trusted")
    review = ReviewedTweet.objects.create(
        tweet="<b>storks</b> bring the babies",
        labels={"hate_speech": True},
        source=key.source,
        key=key,
        fingerprint="f" * 64,
        held_out=False,
        status="pending",
    )
    run = TrainingRun.objects.create(
        kind="nightly", status="done", outcome="promoted", requested_by="beat", finished_at=timezone.now()
    )
    row = ApprovalRequest.objects.create(
        run=run, key=key, kind="moves", label="hate_speech", answer=True, words=["stork"]
    )
    row.reviews.add(review)
    return row


@pytest.mark.parametrize(("said", "decision"), [("yes", "approved"), ("no", "declined")])
def test_what_a_run_asks_is_decided_with_a_reason(
    operator: Client, asked: ApprovalRequest, said: str, decision: str
) -> None:
    path = f"/operation/runs/{asked.run_id}/decide"
    shown = page(operator, "/operation")
    assert "the newspaper: 1 review with" in shown
    assert "&lt;b&gt;storks&lt;/b&gt;" in shown

    assert "give a reason" in page(operator, path, approve=said, ids=asked.pk, reason="")
    asked.refresh_from_db()
    assert asked.decision == ""

    assert "Decided." in page(operator, path, approve=said, ids=asked.pk, reason="storks do")
    asked.refresh_from_db()
    assert (asked.decision, asked.decided_by, asked.reason) == (decision, "olga (account)", "storks do")
    assert "decided already" in page(operator, path, approve=said, ids=asked.pk, reason="storks do")


def test_a_key_is_made_and_shown_once(operator: Client, client: JSONClient) -> None:
    shown = page(operator, "/operation/keys", name="a newspaper", scopes=["review"], days="30")

    plain = re.search(r"hs_[0-9a-f]{12}_[\w-]{43}", shown)
    key = ApiKey.objects.get(name="a newspaper")
    assert plain
    assert key.digest == ApiKey.digest_of(plain[0])
    assert (key.scopes, key.trust) == (["review"], "quarantined")
    assert key.expires_at
    assert plain[0] not in page(operator, "/operation/keys")
    assert AuditEntry.objects.get(action="key.created").by == "olga (account)"


@pytest.mark.parametrize("wrong", [{"name": ""}, {"scopes": "everything"}, {"days": "0"}, {"limit": "many"}])
def test_a_key_that_cannot_be_is_not_made(operator: Client, wrong: dict[str, Any]) -> None:
    shown = page(operator, "/operation/keys", **{"name": "a newspaper", "scopes": "review", **wrong})

    assert 'class="error" role="alert"' in shown
    assert not ApiKey.objects.filter(name="a newspaper").exists()


@pytest.mark.parametrize("action", ["trust", "quarantine", "revoke"])
def test_an_action_on_a_key_is_confirmed_with_a_reason(operator: Client, action: str) -> None:
    key, _ = ApiKey.issue("a newspaper", ["review"], trust="trusted" if action == "quarantine" else "quarantined")
    path = f"/operation/keys/{key.prefix}/{action}"

    assert "Reason" in page(operator, path)
    assert "Give a reason" in page(operator, path, reason=" ")
    before = key.trust, key.revoked_at
    key.refresh_from_db()
    assert (key.trust, key.revoked_at) == before

    page(operator, path, reason="it was agreed")
    key.refresh_from_db()
    if action == "revoke":
        assert key.revoked_at
    else:
        assert key.trust == {"trust": "trusted", "quarantine": "quarantined"}[action]
    assert AuditEntry.objects.latest("pk").reason == "it was agreed"


def test_the_audit_log_is_filtered_and_comes_in_pieces(operator: Client) -> None:
    for number in range(60):
        AuditEntry.objects.create(action="version.kept", target=f"version {number}", by="olga (account)")
    AuditEntry.objects.create(action="key.revoked", target="key 1", by="<script>")

    first = page(operator, "/operation/audit?action=version.kept")
    older = re.search(r'href="([^"]+)">Older ones', first)
    assert older
    second = page(operator, "/operation/audit" + older[1].replace("&amp;", "&"))

    assert (first.count("<tr>"), second.count("<tr>")) == (51, 11)
    assert "&lt;script&gt;" in page(operator, "/operation/audit?by=%3Cscript%3E")
    assert "No entry is like this" in page(operator, "/operation/audit?by=nobody")


def test_lists_take_few_queries_however_long_they_are(
    served: ModelVersion, operator: Client, asked: ApprovalRequest, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        ApiKey.issue(f"key {number}", ["review"])
        TrainingRun.objects.create(kind="nightly", status="done", requested_by="beat", finished_at=timezone.now())
    User.objects.create_user("somebody")

    for path, most in (("/traffic", 12), ("/operation", 32), ("/operation/keys", 6), ("/operation/audit", 8)):
        with django_assert_max_num_queries(most):
            page(operator, path)
