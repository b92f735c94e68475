"""The audit log: GET /audit-log, and what writes to it."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from api.lib import audit_log
from api.models import ApiKey, AuditEntry, ModelVersion, Promotion
from api.training import queue
from api.versions import registry
from tests.conftest import AsKey, MakeVersion


def entries(**fields: Any) -> list[tuple[str, str, str]]:
    return [(one.action, one.target, one.reason) for one in AuditEntry.objects.filter(**fields).order_by("pk")]


def test_it_works(as_key: AsKey, served: ModelVersion, make_version: MakeVersion) -> None:
    version = make_version()
    admin = as_key("admin")

    admin.post(f"/models/{version.pk}/promote", {"reason": "better on our posts"})

    newest = admin.get("/audit-log").json()["results"][0]
    assert newest.pop("at").endswith("Z")
    assert newest.pop("by").startswith("a test (hs_")
    assert newest == {
        "action": "version.promoted",
        "target": f"version {version.pk}",
        "reason": "better on our posts",
        "details": {},
    }


def test_filters(as_key: AsKey) -> None:
    for number in range(3):
        audit_log.record("one", f"thing {number}", by="ann")
    audit_log.record("two", "thing 1", by="ann")
    admin = as_key("admin")

    def found(query: str) -> list[tuple[str, str]]:
        return [(one["action"], one["target"]) for one in admin.get(f"/audit-log?{query}").json()["results"]]

    assert found("action=one") == [("one", "thing 2"), ("one", "thing 1"), ("one", "thing 0")]
    assert found("target=thing%201") == [("two", "thing 1"), ("one", "thing 1")]
    assert found("action=two&limit=1") == [("two", "thing 1")]


def test_an_impossible_filter_is_named(as_key: AsKey) -> None:
    answer = as_key("admin").get("/audit-log?action=a%00b")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["action"]


@pytest.mark.parametrize("scope", ["predict", "review", "train"])
def test_only_an_admin_reads_it(as_key: AsKey, scope: str) -> None:
    assert as_key(scope).get("/audit-log").status_code == 403


def test_nothing_rewrites_it(db: None) -> None:
    entry = audit_log.record("one", "thing", by="ann", reason="because")

    entry.reason = "another"
    for change in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.filter(pk=entry.pk).update(reason="another"),
    ):
        with pytest.raises(TypeError, match="append-only"):
            change()
    assert entries() == [("one", "thing", "because")]


def test_keys(db: None) -> None:
    call_command("create_key", "Moderation team", "--scope", "review", stdout=StringIO(), stderr=StringIO())
    key = ApiKey.objects.get()
    call_command("revoke_key", key.prefix, stdout=StringIO())

    assert entries() == [("key.created", str(key), ""), ("key.revoked", str(key), "")]
    assert all(entry.by.endswith("(command)") for entry in AuditEntry.objects.all())


def test_an_import(db: None, tmp_path: Path) -> None:
    path = tmp_path / "ours.csv"
    path.write_text("text,hate_speech\nhello there,0\nanother one,0\n")

    for _ in range(2):  # the second adds nothing
        call_command("import_corpus", "ours", "--path", str(path), "--text-column", "text", stdout=StringIO())

    assert entries() == [("corpus.imported", "corpus:ours", "")]
    assert AuditEntry.objects.get().details == {"rows": 2, "licence": ""}


def test_a_run_is_noted_once_however_often_it_is_asked_for(db: None) -> None:
    run, _ = queue.enqueue(queue.Kind.MANUAL, requested_by="ann")
    queue.enqueue(queue.Kind.MANUAL, requested_by="ben")

    assert [(entry.action, entry.target, entry.by) for entry in AuditEntry.objects.all()] == [
        ("run.queued", f"run {run.pk}", "ann")
    ]


def test_what_fails_is_not_noted(served: ModelVersion, make_version: MakeVersion) -> None:
    broken = make_version(b"no model")

    with pytest.raises(ValueError, match="not an artifact"):
        registry.promote(broken, by="ann", reason="try")

    assert entries() == []
    assert Promotion.champion() == served


def test_other_settings_than_at_the_last_start(db: None, settings: Settings) -> None:
    assert audit_log.record_settings_change()
    assert not audit_log.record_settings_change()

    settings.GATE_MAX_DROP, settings.PUBLIC_PREDICT = 0.5, False
    assert audit_log.record_settings_change()

    first, second = AuditEntry.objects.order_by("pk")
    assert (first.action, first.reason, first.details["changed"]) == ("settings.changed", "the first start", {})
    assert second.reason == "GATE_MAX_DROP is 0.5, PUBLIC_PREDICT is False"
    assert second.details["changed"]["GATE_MAX_DROP"] == ["0.02", "0.5"]
    assert "SECRET_KEY" not in str(second.details)
