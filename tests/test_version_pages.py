"""The pages about versions of the model."""

import csv
import gzip
import html
import re
from typing import Any, cast

import pytest
from django.test import Client
from django.utils import timezone

from api.keys import accounts
from api.models import AuditEntry, ModelVersion, Promotion, ReviewedTweet, TrainingRun
from tests.conftest import MakeVersion, logged_in, rewrite
from tests.helpers import page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_passwords")]
NASTY = "<script>alert(1)</script>{{ 7|add:7 }}"


@pytest.fixture
def moderator(db: None) -> Client:
    return logged_in(accounts.create("mo", "moderator", made_by="test")[0])


@pytest.fixture
def operator(db: None) -> Client:
    return logged_in(accounts.create("olga", "operator", made_by="test")[0])


def words_of(content: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", content)).split())


def table(client: Client, path: str) -> list[list[str]]:
    return list(csv.reader(page(client, path).splitlines()))


@pytest.fixture
def example(db: None) -> ReviewedTweet:
    return ReviewedTweet.objects.create(
        tweet=NASTY, labels={"hate_speech": False}, source="corpus:starter", fingerprint="a" * 64, held_out=True
    )


@pytest.fixture
def candidate(served: ModelVersion, make_version: MakeVersion, example: ReviewedTweet) -> ModelVersion:
    """A version that a run made after `served`, and that has served before that came back."""
    version = make_version()
    rewrite(version, parent=served)
    score = {"old": 0.72, "new": 0.75, "difference": 0.03, "low": 0.01, "high": 0.05}
    group = {"old": 0.1, "new": 0.3, "old_rest": 0.1, "new_rest": 0.1, "rows": 40}
    figures = {
        "vs_champion": {
            "corpora": {"f1": score},
            "reviews": {},
            "checks": {"everyday": {"old": 7, "new": 5, "rows": 8}},
            "false_positive_rates": {"women": group},
            "changed": 0.04,
            "everyday": {"hate_speech": {"old": 3, "new": 4, "rows": 300}},
            "other_labels": {"threat": {"f1": score}},
        },
        "limits": {"max_drop": 0.02, "max_sure_drop": 0.005, "max_checks_lost": 4, "max_changed": 0.1},
        "rows": {"corpora": 2400, "reviews": 3},
        "notes": ["3 held-out reviews are too few to judge on"],
    }
    TrainingRun.objects.create(
        kind="nightly", status="done", outcome="promoted", requested_by="beat", figures=figures, version=version
    )
    change = {
        "previous_version": served.pk,
        "rows": 1000,
        "changed": {
            "became_positive": 5,
            "became_negative": 2,
            "corrected": 6,
            "examples": [{"id": str(example.receipt), "label": False, "old": 0.21, "new": 0.83}],
        },
        "score_map": None,
    }
    Promotion.objects.create(version=version, by="nightly run", reason="passed the gate", change=change)
    Promotion.objects.create(version=served, by="olga (account)", reason=NASTY)
    return version


# Versions over time.


def test_versions_are_listed_with_f1_its_interval_and_when_they_served(
    moderator: Client, served: ModelVersion, candidate: ModelVersion
) -> None:
    shown = words_of(page(moderator, "/versions"))
    rows = table(moderator, "/versions?csv=versions")

    assert f"Version {served.pk} serves F1 0.750 (95 % interval 0.617 to 0.848)" in shown
    assert rows == [
        ["version", "F1", "low", "high", "tweets"],
        [f"v{served.pk}", "0.75", "0.6168", "0.8483", "100"],
        [f"v{candidate.pk}", "0.75", "0.6168", "0.8483", "100"],
    ]
    first, last = served.promotions.order_by("pk")
    [middle] = candidate.promotions.all()
    served_when = re.findall(
        r'datetime="([^"]+)">[^<]*</time> to (?:<time datetime="([^"]+)"|(now))', page(moderator, "/versions")
    )
    assert served_when == [
        (f"{middle.at.isoformat(timespec='seconds')}", f"{last.at.isoformat(timespec='seconds')}", ""),
        (f"{last.at.isoformat(timespec='seconds')}", "", "now"),
        (f"{first.at.isoformat(timespec='seconds')}", f"{middle.at.isoformat(timespec='seconds')}", ""),
    ]


def test_it_says_what_to_do_where_there_is_no_version(moderator: Client) -> None:
    assert "manage.py bootstrap" in page(moderator, "/versions")


def test_a_run_is_followed_from_there(operator: Client, served: ModelVersion) -> None:
    shown = page(operator, "/operation/train", **{"from": "models"})
    assert "A training run is queued" in shown
    assert "<h1>Models</h1>" in shown

    TrainingRun.objects.update(status="running", progress=0.4, step="reading rows")
    part = operator.get("/versions", headers={"HX-Request": "true"}).content.decode()
    assert 'hx-get="/versions"' in part
    assert "reading rows" in part
    assert "<html" not in part


# One version.


def test_a_version_shows_its_figures(moderator: Client, served: ModelVersion) -> None:
    path = f"/versions/{served.pk}"

    assert table(moderator, f"{path}?csv=labels")[1][:6] == ["hate speech", "0.75", "0.6168", "0.8483", "0.7", "0.8"]
    assert table(moderator, f"{path}?csv=corpora")[1][:2] == ["starter", "0.75"]
    assert table(moderator, f"{path}?csv=capabilities")[1] == ["everyday", "0.75", "", "8"]
    assert table(moderator, f"{path}?csv=everyday")[1:] == [["hate speech", "0.0033"], ["toxic", "0.02"]]
    assert "No training run of this installation made it" in page(moderator, path)
    assert moderator.get("/versions/99").status_code == 404


def test_a_version_shows_the_curves_that_it_keeps(moderator: Client, served: ModelVersion, trained: Any) -> None:
    path, curve = f"/versions/{served.pk}", trained.artifact.curves["toxic"]

    points = table(moderator, f"{path}?label=toxic&csv=precision")[1:]
    thresholds = table(moderator, f"{path}?label=toxic&csv=thresholds")[1:]
    calibration = table(moderator, f"{path}?label=toxic&csv=calibration")[1:]

    assert [float(row[0]) for row in points] == [round(recall, 4) for recall in curve.recalls]
    in_force = [row for row in thresholds if row[4]]
    assert [float(row[0]) for row in in_force] == [round(curve.named()["balanced"].threshold, 4)]
    assert in_force[0][3] == in_force[0][4]
    assert sum(int(row[3]) for row in calibration) == pytest.approx(curve.yes + curve.no, abs=10)
    assert float(calibration[0][1]) < float(calibration[-1][1])
    assert 'data-draw="lines"' in page(moderator, path)


def test_a_retired_version_has_no_curves_and_says_why(moderator: Client, served: ModelVersion) -> None:
    rewrite(served, artifact=b"", retired_reason="it was harmful")

    assert "There are none: it is retired (it was harmful)" in page(moderator, f"/versions/{served.pk}")


def test_the_gate_speaks_in_sentences(moderator: Client, candidate: ModelVersion) -> None:
    path = f"/versions/{candidate.pk}"
    shown = words_of(page(moderator, path))

    assert "The gate let it serve." in shown
    assert (
        "F1 on 2,400 held-out tweets of corpora: 0.7200 before, 0.7500 now (+0.0300, 95 % interval +0.0100 to +0.0500)."
        in shown
    )
    assert "5 of 8 checks pass, 7 before; everyday lost most, 2." in shown
    assert "Of 40 harmless tweets that name the group 'women', 30.0% are flagged, 10.0% before" in shown
    assert "4.00% of the decisions" in shown
    assert "Noted: 3 held-out reviews are too few to judge on." in shown
    assert [row[0] for row in table(moderator, f"{path}?csv=gate")[1:]] == [
        "F1 of hate speech, corpora",
        "F1 of threat, corpora",
    ]
    assert table(moderator, f"{path}?csv=groups")[1] == ["women", "0.3", "0.1", "0.2", "0.1", "40"]
    assert table(moderator, f"{path}?csv=capabilities")[1] == ["everyday", "0.75", "0.875", "8"]


def test_why_the_gate_refused_is_said(moderator: Client, candidate: ModelVersion) -> None:
    TrainingRun.objects.update(outcome="rejected", reasons=["F1 fell by 0.1"])

    shown = words_of(page(moderator, f"/versions/{candidate.pk}"))

    assert "The gate refused it. F1 fell by 0.1" in shown


def test_the_base_model_has_the_gaps_that_the_next_run_measured(
    moderator: Client, served: ModelVersion, candidate: ModelVersion
) -> None:
    assert table(moderator, f"/versions/{served.pk}?csv=groups")[1] == ["women", "0.1", "0.1", "0.0", "", "40"]


def test_what_a_promotion_changed_is_shown_and_blurred(
    moderator: Client, served: ModelVersion, candidate: ModelVersion
) -> None:
    shown = page(moderator, f"/versions/{candidate.pk}")

    assert f"flags 5 that version {served.pk} did not, and no longer flags 2" in words_of(shown)
    assert f'<span class="tweet" tabindex="0">{html.escape(NASTY)}</span>' in shown
    for path in ("", f"/{served.pk}", f"/{candidate.pk}", f"/{candidate.pk}/against/{served.pk}"):
        assert "<script>alert" not in page(moderator, f"/versions{path}")
    ReviewedTweet.objects.all().delete()
    assert "forgotten" in page(moderator, f"/versions/{candidate.pk}")


def test_two_versions_are_compared(moderator: Client, served: ModelVersion, candidate: ModelVersion) -> None:
    path = f"/versions/{candidate.pk}/against/{served.pk}"

    shown = page(moderator, path)
    part = moderator.get(path, headers={"HX-Request": "true"}).content.decode()

    assert "Of 1 held-out tweets" in words_of(shown)
    assert "<html" in shown
    assert "<html" not in part
    assert f'href="{path}?csv=words"' in part
    assert table(moderator, f"{path}?csv=figures")[1] == ["F1", "0.75", "0.75"]


def test_words_that_gained_come_before_those_that_lost(
    moderator: Client, served: ModelVersion, candidate: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    flipped = {"became_positive": 0, "became_negative": 0, "corrected": 0, "examples": []}
    changed = [{"word": "=sto<rks", "old": 1.0, "new": 0.5}, {"word": "vermin", "old": 0.5, "new": 1.0}]
    monkeypatch.setattr(
        "api.pages.versions.changes.compare",
        lambda *_: {"changed_words": changed, "metrics": {"old": {}, "new": {}}, "changed": flipped, "rows": 1},
    )
    path = f"/versions/{candidate.pk}/against/{served.pk}"

    rows = table(moderator, f"{path}?csv=words")

    assert '<td><span class="tweet">vermin</span></td>' in page(moderator, path)  # blurred until asked for
    assert '<td><span class="tweet">=sto&lt;rks</span></td>' in page(moderator, path)
    assert rows[1:] == [["vermin", "0.5", "1.0", "0.5"], ["'=sto<rks", "1.0", "0.5", "-0.5"]]


def test_what_cannot_be_compared_is_said(moderator: Client, served: ModelVersion, candidate: ModelVersion) -> None:
    rewrite(candidate, artifact=b"", retired_reason="it was harmful")

    assert "it is retired (it was harmful)" in page(moderator, f"/versions/{candidate.pk}/against/{served.pk}")


# What operators do.


def test_a_version_is_promoted_after_it_was_said_what_happens(
    operator: Client, served: ModelVersion, candidate: ModelVersion
) -> None:
    path = f"/versions/{candidate.pk}/promote"
    before = page(operator, path)

    assert f"Version {served.pk} serves no more" in before
    assert "F1: 0.750 (0.617 to 0.848) now" in before
    assert "Give a reason" in page(operator, path, reason=" ")
    assert Promotion.champion() == served

    assert f"Version {candidate.pk} serves now." in page(operator, path, reason="it is better")
    newest = Promotion.objects.latest("pk")
    assert (newest.version, newest.by, newest.reason) == (candidate, "olga (account)", "it is better")


def test_a_rollback_names_the_version_and_goes_to_no_other(
    operator: Client, served: ModelVersion, candidate: ModelVersion, make_version: MakeVersion
) -> None:
    Promotion.objects.create(version=candidate, by="test", reason="test")
    assert f"Roll back to version {served.pk}" in page(operator, "/versions")
    assert f"Roll back to version {served.pk}?" in page(operator, "/versions/rollback")

    third = make_version()
    Promotion.objects.create(version=third, by="test", reason="meanwhile")
    shown = page(operator, "/versions/rollback", reason="it is worse", to=served.pk)
    assert "Another version serves by now" in shown
    assert Promotion.champion() == third

    page(operator, "/versions/rollback", reason="it is worse", to=candidate.pk)
    assert Promotion.champion() == candidate


def test_there_may_be_nothing_to_roll_back_to(operator: Client, served: ModelVersion) -> None:
    assert "There is no other version" in page(operator, "/versions/rollback", reason="it is worse", to=1)
    assert "Roll back" not in page(operator, "/versions")


def test_a_version_is_protected_released_and_retired(
    operator: Client, served: ModelVersion, candidate: ModelVersion
) -> None:
    path = f"/versions/{candidate.pk}"

    assert "protected: for the audit" in page(operator, f"{path}/protect", reason="for the audit")
    assert "Nothing is done" in page(operator, f"{path}/retire", reason="old")
    assert "may be deleted by itself again" in page(operator, f"{path}/release", reason="the audit is over")
    assert "Its figures and its history stay" in page(operator, f"{path}/retire")
    assert "is retired; its model is deleted" in page(operator, f"{path}/retire", reason="old")

    candidate.refresh_from_db()
    assert (candidate.retired_reason, candidate.kept_reason) == ("old", "")
    done = AuditEntry.objects.filter(target=str(candidate)).order_by("pk").values_list("action", "by", "reason")
    assert list(done) == [
        ("version.kept", "olga (account)", "for the audit"),
        ("version.released", "olga (account)", "the audit is over"),
        ("version.retired", "olga (account)", "old"),
    ]
    assert operator.get(f"{path}/explode").status_code == 404


def test_moderators_see_no_action(moderator: Client, operator: Client, candidate: ModelVersion) -> None:
    Promotion.objects.create(version=candidate, by="test", reason="test")
    actions = r'href="(/versions/[^"]+/(?:promote|protect|retire|release)|/versions/rollback)"|action="/operation'

    for path in ("/versions", f"/versions/{candidate.pk}"):
        assert not re.search(actions, page(moderator, path))
        assert re.search(actions, page(operator, path))


# Bounds.


def test_lists_take_few_queries_however_long_they_are(
    moderator: Client, candidate: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    made = ModelVersion.objects.bulk_create(
        ModelVersion(
            sha256="0" * 64, data_fingerprint="0" * 64, trained_on=1, evaluated_on=1, metrics=candidate.metrics
        )
        for _ in range(60)
    )
    now = timezone.now()
    Promotion.objects.bulk_create(
        Promotion(version=one, by="test", reason="test", at=now) for one in made for _ in range(2)
    )

    with django_assert_max_num_queries(16):
        first = page(moderator, "/versions")
    older = re.search(r'href="(\?before=\d+)">Older ones', first)
    assert older
    with django_assert_max_num_queries(16):
        second = page(moderator, "/versions" + older[1])
    for content in (first, second):
        assert content.count("<td>v") == 25
    with django_assert_max_num_queries(16):
        page(moderator, f"/versions/{candidate.pk}")


def transferred(client: Client, path: str) -> int:
    """How many bytes a browser gets that opens a page for the first time, with compression."""
    zipped = {"Accept-Encoding": "gzip"}
    answer = client.get(path, headers=zipped)
    assert answer.status_code == 200
    total = len(answer.content)
    for url in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', gzip.decompress(answer.content).decode())):
        total += sum(map(len, cast(Any, client.get(url, headers=zipped)).streaming_content))
    return total


def test_a_first_view_is_small(moderator: Client, served: ModelVersion, candidate: ModelVersion) -> None:
    for path in ("/versions", f"/versions/{candidate.pk}", f"/versions/{candidate.pk}/against/{served.pk}"):
        assert transferred(moderator, path) < 100_000, path
