"""What a training run asks a person about labels that one key alone would have taught, and what the answer does."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from api.models import ApiKey, ApprovalRequest, AuditEntry, ModelVersion, Promotion, ReviewedTweet, TrainingRun
from api.operations import bootstrap
from api.reviews import erasure, intake
from api.training import queue
from api.training.claims import approvals
from api.training.claims.approvals import Request
from hate_speech_ai.text import fingerprint, is_held_out
from hate_speech_ai.training.base_model import BASE_MODEL
from tests.conftest import AsKey, JSONClient, starter_rows
from tests.helpers import load, train, work

pytestmark = pytest.mark.django_db

WHO = ("my aunt", "our teacher", "the baker", "a friend", "the nurse", "our neighbour")
DOES = ("met {} at the market", "sat next to {} on the bus", "sold a bike to {}", "cooked soup for {}", "wrote to {}")
WHEN = ("and it was lovely", "in the rain", "last Sunday", "before the match")
SENTENCES = [f"{who} {does.format('Kowalski')} {when}" for who, does, when in product(WHO, DOES, WHEN)]


@pytest.fixture
def operator(as_key: AsKey) -> JSONClient:
    return as_key("admin")


def key() -> ApiKey:
    found, _ = ApiKey.issue("a forum", ["review"], trust="trusted")
    return found


def say(who: ApiKey, tweets: list[str], answer: bool = True) -> list[ReviewedTweet]:
    said = [intake.Annotation(tweet, {"hate_speech": answer}) for tweet in tweets]
    return [row for row, _ in intake.add_all(said, source=who.source, key=who)]


def a_run(who: ApiKey, rows: list[ReviewedTweet], kind: str = "contradicts", **fields: Any) -> TrainingRun:
    """A run that asks about a key's reviews, without the training that it takes."""
    run = TrainingRun.objects.create(kind="manual", status="done", requested_by="test", **fields)
    asked = Request(kind, who.source, [row.pk for row in rows], "hate_speech", answer=True, words=["kowalski"])
    approvals.store(run, [asked], by="test")
    return run


def statuses(rows: list[ReviewedTweet]) -> set[tuple[str, bool]]:
    return set(ReviewedTweet.objects.filter(pk__in=[row.pk for row in rows]).values_list("status", "approved"))


def reasons(row: ReviewedTweet) -> list[str]:
    return list(row.events.order_by("pk").values_list("reason", flat=True))


def test_a_night_of_lies_about_a_name(
    no_everyday_tweets: None, settings: Settings, operator: JSONClient, tmp_path: Path
) -> None:
    settings.BASE_MODEL = BASE_MODEL
    bootstrap.serve_base_model()
    load(tmp_path, starter_rows()[::12])
    lies = [tweet for tweet in SENTENCES[::4] + SENTENCES[1::4] if not is_held_out(fingerprint(tweet))]
    liar = key()
    rows = say(liar, lies[:24])

    run = train()

    assert run.version is not None
    shown = operator.get(f"/training-runs/{run.pk}").json()["approvals"]
    aside = next(one for one in shown if one["kind"] == "contradicts")
    assert (aside["key"], aside["key_name"], aside["words"][0]) == (liar.prefix, "a forum", "kowalski")
    assert (aside["reviews"], aside["learned"], aside["decision"]) == (14, 10, "")
    assert run.outcome == "promoted", run.reasons
    assert sorted(row.status for row in ReviewedTweet.objects.filter(key=liar)) == ["pending"] * 14 + ["trained"] * 10
    waiting = ReviewedTweet.objects.filter(key=liar, status="pending")[0]
    assert reasons(waiting)[-1] == approvals.SET_ASIDE

    [*_, with_examples] = [
        one for one in operator.get(f"/training-runs/{run.pk}/approvals").json() if one["kind"] == "contradicts"
    ]
    assert [one["tweet"] for one in with_examples["examples"]] == lies[10:15]

    answer = operator.post(f"/training-runs/{run.pk}/approvals", {"approve": False, "reason": "it is a name"})

    assert answer.status_code == 200
    assert {one["decision"] for one in answer.json()["approvals"]} == {"declined"}
    assert ReviewedTweet.objects.filter(pk__in=[row.pk for row in rows], status="quarantined").count() >= 14
    again = work(TrainingRun.objects.get(pk=answer.json()["next_run"]))
    assert again.status == "done"
    assert not again.approvals.exists()


@pytest.mark.parametrize("before", ["pending", "trained", "held_out", "quarantined"])
def test_a_yes_lets_reviews_count_in_full(before: str, operator: JSONClient) -> None:
    who = key()
    rows = say(who, SENTENCES[:3])
    ReviewedTweet.objects.update(status=before, held_out=before == "held_out")
    run = a_run(who, rows)

    answer = operator.post(f"/training-runs/{run.pk}/approvals", {"approve": True, "reason": "they are right"})

    assert answer.status_code == 200
    assert statuses(rows) == {("pending" if before == "quarantined" else before, True)}
    assert TrainingRun.objects.filter(status="queued", pk=answer.json()["next_run"]).exists()
    entry = AuditEntry.objects.get(action="reviews.approved", reason="they are right")
    assert entry.target == "3 reviews"


def test_a_no_lets_them_count_no_more(operator: JSONClient) -> None:
    who = key()
    rows = say(who, SENTENCES[:3])
    ReviewedTweet.objects.filter(pk=rows[0].pk).update(status="trained")
    run = a_run(who, rows)

    operator.post(f"/training-runs/{run.pk}/approvals", {"approve": False, "reason": "a name"})

    assert statuses(rows) == {("quarantined", False)}
    [decided] = operator.get(f"/training-runs/{run.pk}").json()["approvals"]
    assert (decided["decision"], decided["reason"]) == ("declined", "a name")
    assert decided["decided_at"]
    who.refresh_from_db()
    assert who.trust == "trusted"


def test_it_is_decided_once(operator: JSONClient) -> None:
    who = key()
    run = a_run(who, say(who, SENTENCES[:1]))
    path, body = f"/training-runs/{run.pk}/approvals", {"approve": True, "reason": "yes"}
    assert operator.post(path, body).status_code == 200

    again = operator.post(path, body)

    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_decide")


def test_one_of_several_is_decided(operator: JSONClient) -> None:
    who = key()
    first, second = say(who, SENTENCES[:1]), say(who, SENTENCES[1:2])
    run = TrainingRun.objects.create(kind="manual", status="done", requested_by="test")
    asked = [Request("contradicts", who.source, [rows[0].pk]) for rows in (first, second)]
    approvals.store(run, asked, by="test")
    number = run.approvals.order_by("pk")[1].pk

    operator.post(f"/training-runs/{run.pk}/approvals", {"approve": True, "reason": "this one", "ids": [number]})

    assert (statuses(first), statuses(second)) == ({("pending", False)}, {("pending", True)})
    assert [one.decision for one in run.approvals.order_by("pk")] == ["", "approved"]


@pytest.mark.parametrize(
    "body", [{}, {"approve": True}, {"approve": "yes", "reason": "x"}, {"approve": True, "reason": "x", "ids": []}]
)
def test_what_is_refused(body: dict[str, Any], operator: JSONClient) -> None:
    who = key()
    run = a_run(who, say(who, SENTENCES[:1]))

    assert operator.post(f"/training-runs/{run.pk}/approvals", body).status_code == 400


@pytest.mark.parametrize("scope", ["review", "train"])
def test_only_an_admin_sees_texts_and_decides(scope: str, as_key: AsKey) -> None:
    who, client = key(), as_key(scope)
    run = a_run(who, say(who, SENTENCES[:1]))

    assert client.get(f"/training-runs/{run.pk}/approvals").status_code == 403
    assert client.post(f"/training-runs/{run.pk}/approvals", {"approve": True, "reason": "me"}).status_code == 403
    assert not ApprovalRequest.objects.exclude(decision="").exists()


def test_what_nobody_decided_is_asked_by_the_newest_run_alone() -> None:
    who = key()
    rows = say(who, SENTENCES[:2])
    first = a_run(who, rows)
    second = a_run(who, rows)

    assert (first.approvals.count(), second.approvals.count()) == (0, 1)
    assert rows[0].events.filter(reason=approvals.SET_ASIDE).count() == 1


def version(parent: ModelVersion | None = None) -> ModelVersion:
    return ModelVersion.objects.create(sha256="", artifact=b"", trained_on=1, evaluated_on=1, metrics={}, parent=parent)


def test_labels_that_fail_the_gate_wait_for_a_person(operator: JSONClient) -> None:
    who = key()
    rows = say(who, SENTENCES[:2])

    run = a_run(who, rows, kind="rejected", outcome="pending_approval")

    assert statuses(rows) == {("quarantined", False)}
    assert "without it the candidate would have passed" in reasons(rows[0])[-1]
    a_run(who, say(who, SENTENCES[2:3]))
    assert run.approvals.count() == 1, "a later run asks nothing of that: it has not read these reviews"


def test_a_yes_promotes_the_candidate_that_waits(operator: JSONClient, monkeypatch: pytest.MonkeyPatch) -> None:
    who = key()
    champion = version()
    Promotion.objects.create(version=champion, by="test", reason="test")
    promoted: list[ModelVersion] = []
    monkeypatch.setattr("api.training.claims.approvals.registry.promote", lambda version, **_: promoted.append(version))
    waiting = version(champion)
    run = a_run(who, say(who, SENTENCES[:2]), "rejected", outcome="pending_approval", version=waiting)
    late = a_run(who, say(who, SENTENCES[2:4]), "rejected", outcome="pending_approval", version=version(waiting))

    for one in (run, late):
        assert (
            operator.post(f"/training-runs/{one.pk}/approvals", {"approve": True, "reason": "yes"}).status_code == 200
        )

    assert promoted == [waiting], "the other was made when another version served"


def test_what_is_forgotten_is_asked_no_more() -> None:
    who = key()
    run = a_run(who, say(who, SENTENCES[:2]))

    erasure.forget(by="test", reason="asked to", text=SENTENCES[0])

    assert not run.approvals.exists()


def test_it_is_decided_in_the_admin(admin_enabled: None, admin: Client) -> None:
    who = key()
    rows = say(who, SENTENCES[:2])
    run = a_run(who, rows)
    [asked] = run.approvals.all()
    page = admin.get(f"/admin/api/approvalrequest/{asked.pk}/change/").content.decode()
    assert SENTENCES[0] in page

    body = {"action": "approve_them", "_selected_action": [asked.pk]}
    assert admin.post("/admin/api/approvalrequest/", body).status_code == 302

    asked.refresh_from_db()
    assert asked.decision == "approved"
    assert statuses(rows) == {("pending", True)}
    assert queue.Status.QUEUED in TrainingRun.objects.values_list("status", flat=True)
