"""The pages about traffic and operation."""

import csv
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from api.keys import accounts
from api.models import ApiKey, ApprovalRequest, AuditEntry, LiveFigures, ModelVersion, ReviewedTweet, TrainingRun
from api.prediction import recorder
from tests.conftest import JSONClient, logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def operator(db: None) -> Client:
    return logged_in(accounts.create("olga", "operator", made_by="test")[0])


def page(client: Client, path: str, **fields: Any) -> str:
    """What a page shows; after a form was sent with these fields, where there are any."""
    answer = client.post(path, fields, follow=True) if fields else client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


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
