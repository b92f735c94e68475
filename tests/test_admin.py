"""Django's admin: which version serves and which are kept, whose labels train, and what waits for approval."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, Settings

from api.models import ApiKey, AuditEntry, ModelVersion, Promotion, ReviewedTweet
from api.versions import registry
from tests.conftest import AsKey, MakeVersion, logged_in

pytestmark = pytest.mark.usefixtures("admin_enabled")
LIST = "/admin/api/modelversion/"


def act(client: Client, action: str, *versions: ModelVersion, reason: str = "") -> str:
    """Choose versions and an action, as the page does; what the page says then."""
    body: dict[str, Any] = {"action": action, "_selected_action": [version.pk for version in versions]}
    answer = client.post(LIST, {**body, "reason": reason} if reason else body, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def fresh(version: ModelVersion) -> ModelVersion:
    return ModelVersion.objects.get(pk=version.pk)


def entries() -> list[tuple[str, str, str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "target", "by", "reason"))


def test_every_page_opens(admin: Client, served: ModelVersion) -> None:
    for model in ("modelversion", "promotion", "auditentry", "reviewedtweet", "trainingrun", "apikey"):
        assert admin.get(f"/admin/api/{model}/").status_code == 200
    page = admin.get(f"{LIST}{served.pk}/change/").content.decode()
    assert served.sha256 in page


def test_the_list_asks_once_which_version_serves(
    admin: Client, served: ModelVersion, make_version: MakeVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_version()
    with CaptureQueriesContext(connection) as two:
        admin.get(LIST)
    for _ in range(8):
        make_version()

    with django_assert_num_queries(len(two)):
        page = admin.get(LIST).content.decode()

    says = re.findall(r'class="field-serves"><img src="[^"]+" alt="(True|False)"', page)
    assert says == ["False"] * 9 + ["True"]


def test_promoting_asks_for_a_reason_first(admin: Client, served: ModelVersion, make_version: MakeVersion) -> None:
    newer = make_version()

    asked = act(admin, "promote", newer)
    assert f"Let version {newer.pk} serve?" in asked
    assert 'name="reason"' in asked
    assert Promotion.champion() == served

    assert f"Version {newer.pk} serves." in act(admin, "promote", newer, reason="better at sarcasm")
    newest = Promotion.objects.latest("pk")
    assert (newest.version, newest.by, newest.confirmed) == (newer, "ann (admin)", True)
    assert newest.change["previous_version"] == served.pk
    assert entries() == [("version.promoted", f"version {newer.pk}", "ann (admin)", "better at sarcasm")]


def test_what_serves_is_confirmed(admin: Client, served: ModelVersion, make_version: MakeVersion) -> None:
    newer = make_version()
    Promotion.objects.create(version=newer, by="test", reason="test")
    assert Promotion.baseline() == served

    act(admin, "promote", newer, reason="looked at it")

    assert Promotion.baseline() == newer


def test_rolling_back_needs_no_choice(admin: Client, served: ModelVersion, make_version: MakeVersion) -> None:
    Promotion.objects.create(version=make_version(), by="test", reason="test")

    assert "Promote the previous version again?" in act(admin, "roll_back")
    assert f"Version {served.pk} serves." in act(admin, "roll_back", reason="too strict")

    assert Promotion.champion() == served
    assert "Refused: no other version" in act(admin, "roll_back", reason="once more")


def test_keeping_and_retiring(admin: Client, served: ModelVersion, make_version: MakeVersion) -> None:
    other = make_version()

    act(admin, "keep", other, reason="a paper names it")
    assert "is kept (a paper names it); release it" in act(admin, "retire", other, reason="a mistake")
    act(admin, "release", other)
    assert "for good?" in act(admin, "retire", other)
    act(admin, "retire", other, reason="a mistake")

    assert fresh(other).retired_reason == "a mistake"
    assert "serves; promote another" in act(admin, "retire", served, reason="a mistake")
    assert "it is retired (a mistake)" in act(admin, "promote", other, reason="test")
    assert [(action, by) for action, _, by, _ in entries()] == [
        ("version.kept", "ann (admin)"),
        ("version.released", "ann (admin)"),
        ("version.retired", "ann (admin)"),
    ]


def test_pruning(admin: Client, served: ModelVersion, make_version: MakeVersion, settings: Settings) -> None:
    settings.KEEP_VERSIONS = 1
    old, _ = make_version(), make_version()

    assert f"Retired: {old.pk}." in act(admin, "prune")
    assert "There was nothing to retire." in act(admin, "prune")


def test_one_version_at_a_time(admin: Client, served: ModelVersion, make_version: MakeVersion) -> None:
    assert "Choose one version." in act(admin, "promote", served, make_version(), reason="test")


def test_a_version_that_cannot_be_loaded_is_refused(
    admin: Client, served: ModelVersion, make_version: MakeVersion
) -> None:
    broken = make_version(b"no model")

    assert "Refused: the content is not an artifact" in act(admin, "promote", broken, reason="test")
    assert Promotion.champion() == served


@pytest.mark.parametrize("action", ["promote", "roll_back", "keep", "release", "retire", "prune"])
def test_who_may_only_look_changes_nothing(
    served: ModelVersion, make_version: MakeVersion, settings: Settings, action: str
) -> None:
    settings.KEEP_VERSIONS = 1
    old, newest = make_version(), make_version()
    registry.keep(newest, by="test", reason="test")
    user = User.objects.create_user("ben", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_modelversion"))

    page = act(logged_in(user), action, old, reason="test")

    assert f'value="{action}"' not in page
    assert Promotion.champion() == served
    assert (fresh(old).kept_reason, fresh(old).retired_reason, fresh(newest).kept_reason) == ("", "", "test")


def test_strangers_are_sent_to_the_login(served: ModelVersion) -> None:
    assert Client().get(LIST).status_code == 302


def test_a_version_is_not_edited(admin: Client, served: ModelVersion) -> None:
    assert admin.post(f"{LIST}{served.pk}/change/", {"kept": "x"}).status_code == 403
    assert admin.post(f"{LIST}{served.pk}/delete/", {"post": "yes"}).status_code == 403


def test_whose_labels_train(admin: Client, as_key: AsKey) -> None:
    stranger = as_key("review", trust="quarantined")
    key = ApiKey.objects.get()
    receipt = stranger.post("/add-reviewed-tweet", {"tweet": "the bus is late", "is_hate_speech": False}).json()["id"]

    def choose(action: str) -> None:
        answer = admin.post("/admin/api/apikey/", {"action": action, "_selected_action": [key.pk]}, follow=True)
        assert answer.status_code == 200

    def status() -> str:
        return str(stranger.get(f"/reviewed-tweets/{receipt}").json()["status"])

    choose("trust_them")
    assert (ApiKey.objects.get().trust, status()) == ("trusted", "quarantined")
    choose("approve_what_waits")
    assert status() in ("pending", "held_out")
    choose("quarantine_them")
    assert ApiKey.objects.get().trust == "quarantined"
    choose("trust_them_and_approve")
    assert ApiKey.objects.get().trust == "trusted"
    actions = [("key.trusted", "ann (admin)"), ("reviews.approved", "ann (admin)"), ("key.quarantined", "ann (admin)")]
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "by"))[:3] == actions


def test_reviews_are_approved_and_never_edited(admin: Client, as_key: AsKey) -> None:
    stranger = as_key("review", trust="quarantined")
    for tweet in ("the bus is late", "the train is late"):
        stranger.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": False})
    first, second = ReviewedTweet.objects.order_by("pk")

    body = {"action": "approve_them", "_selected_action": [first.pk]}
    assert admin.post("/admin/api/reviewedtweet/", body, follow=True).status_code == 200

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.approved, second.status) == (True, "quarantined")
    assert "quarantined" in admin.get("/admin/api/reviewedtweet/?status=quarantined").content.decode()
    assert admin.post(f"/admin/api/reviewedtweet/{first.pk}/change/", {"tweet": "else"}).status_code == 403


@pytest.mark.parametrize("action", ["trust_them", "trust_them_and_approve", "approve_what_waits", "approve_them"])
def test_who_may_only_look_lets_nobodys_labels_train(as_key: AsKey, action: str) -> None:
    stranger = as_key("review", trust="quarantined")
    stranger.post("/add-reviewed-tweet", {"tweet": "the bus is late", "is_hate_speech": False})
    user = User.objects.create_user("ben", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_apikey", "view_reviewedtweet"]))
    path, row = (
        ("reviewedtweet", ReviewedTweet.objects.get().pk)
        if action == "approve_them"
        else ("apikey", ApiKey.objects.get().pk)
    )

    client = logged_in(user)
    assert f'value="{action}"' not in client.get(f"/admin/api/{path}/").content.decode()
    client.post(f"/admin/api/{path}/", {"action": action, "_selected_action": [row]}, follow=True)

    assert ApiKey.objects.get().trust == "quarantined"
    assert ReviewedTweet.objects.get().status == "quarantined"


CHANGES = {
    "name": "a test",
    "limit": "",
    "expires_at_0": "",
    "expires_at_1": "",
    "revoked_at_0": "",
    "revoked_at_1": "",
}


def change(client: Client, key: ApiKey, **fields: str) -> Any:
    """Save the page of a key."""
    return client.post(f"/admin/api/apikey/{key.pk}/change/", {**CHANGES, **fields})


@pytest.mark.parametrize("limit", ["lots", "0/minute", "5/week"])
def test_a_limit_that_nobody_can_read_is_refused(admin: Client, as_key: AsKey, limit: str) -> None:
    as_key("review")

    answer = change(admin, ApiKey.objects.get(), limit=limit)

    assert "is not a limit such as 600/minute" in answer.content.decode()
    assert ApiKey.objects.get().limit == ""


def test_a_limit_is_changed_and_the_log_says_to_what(admin: Client, as_key: AsKey) -> None:
    as_key("review")

    assert change(admin, ApiKey.objects.get(), limit=" 5/minute ").status_code == 302

    assert ApiKey.objects.get().limit == "5/minute"
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.details["new"]) == ("key.changed", {"limit": "5/minute"})


def test_a_key_is_revoked_for_good(admin: Client, as_key: AsKey) -> None:
    client = as_key("train")
    assert change(admin, ApiKey.objects.get(), revoked_at_0="2026-01-02", revoked_at_1="03:04:05").status_code == 302
    assert AuditEntry.objects.latest("pk").action == "key.revoked"
    revoked_at = ApiKey.objects.get().revoked_at
    assert revoked_at is not None

    change(admin, ApiKey.objects.get())
    change(admin, ApiKey.objects.get(), revoked_at_0="2099-01-01", revoked_at_1="00:00:00")

    assert ApiKey.objects.get().revoked_at == revoked_at
    assert client.post("/train").status_code == 401
