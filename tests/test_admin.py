"""Django's admin: which version serves, and which are kept."""

from collections.abc import Callable, Iterator
from importlib import reload
from typing import Any

import pytest
from django.conf import settings as all_settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import clear_url_caches
from pytest_django import Settings

import config.urls
from api import registry
from api.models import AuditEntry, ModelVersion, Promotion

Make = Callable[..., ModelVersion]
LIST = "/admin/api/modelversion/"


@pytest.fixture(autouse=True)
def admin_enabled(settings: Settings) -> Iterator[None]:
    """As `ADMIN_ENABLED=true` has it, but for the sessions: their table is not in the tests' database."""
    settings.ADMIN_ENABLED = True
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    parts = ["django.contrib.admin", "django.contrib.sessions", "django.contrib.messages"]
    settings.INSTALLED_APPS = [*parts, *all_settings.INSTALLED_APPS]
    settings.MIDDLEWARE = [
        *all_settings.MIDDLEWARE,
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    _reload_urls()
    yield
    settings.ADMIN_ENABLED = False
    _reload_urls()


def _reload_urls() -> None:
    clear_url_caches()
    reload(config.urls)


@pytest.fixture
def admin(db: None) -> Client:
    return logged_in(User.objects.create_superuser("ann"))


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


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


def test_promoting_asks_for_a_reason_first(admin: Client, served: ModelVersion, make_version: Make) -> None:
    newer = make_version()

    asked = act(admin, "promote", newer)
    assert f"Let version {newer.pk} serve?" in asked
    assert 'name="reason"' in asked
    assert Promotion.champion() == served

    assert f"Version {newer.pk} serves." in act(admin, "promote", newer, reason="better at sarcasm")
    newest = Promotion.objects.latest("pk")
    assert (newest.version, newest.by, newest.confirmed) == (newer, "ann (admin)", True)
    assert newest.change["before"] == served.pk
    assert entries() == [("version.promoted", f"version {newer.pk}", "ann (admin)", "better at sarcasm")]


def test_what_serves_is_confirmed(admin: Client, served: ModelVersion, make_version: Make) -> None:
    newer = make_version()
    Promotion.objects.create(version=newer, by="test", reason="test")
    assert Promotion.anchor() == served

    act(admin, "promote", newer, reason="looked at it")

    assert Promotion.anchor() == newer


def test_rolling_back_needs_no_choice(admin: Client, served: ModelVersion, make_version: Make) -> None:
    Promotion.objects.create(version=make_version(), by="test", reason="test")

    assert "Let the version before serve again?" in act(admin, "roll_back")
    assert f"Version {served.pk} serves." in act(admin, "roll_back", reason="too strict")

    assert Promotion.champion() == served
    assert "Refused: no other version" in act(admin, "roll_back", reason="once more")


def test_keeping_and_retiring(admin: Client, served: ModelVersion, make_version: Make) -> None:
    other = make_version()

    act(admin, "keep", other, reason="a paper names it")
    assert "is kept (a paper names it); release it" in act(admin, "retire", other, reason="a mistake")
    act(admin, "release", other)
    assert "for good?" in act(admin, "retire", other)
    act(admin, "retire", other, reason="a mistake")

    assert fresh(other).retired == "a mistake"
    assert "serves; promote another" in act(admin, "retire", served, reason="a mistake")
    assert "it is retired (a mistake)" in act(admin, "promote", other, reason="test")
    assert [(action, by) for action, _, by, _ in entries()] == [
        ("version.kept", "ann (admin)"),
        ("version.released", "ann (admin)"),
        ("version.retired", "ann (admin)"),
    ]


def test_pruning(admin: Client, served: ModelVersion, make_version: Make, settings: Settings) -> None:
    settings.KEEP_VERSIONS = 1
    old, _ = make_version(), make_version()

    assert f"Retired: {old.pk}." in act(admin, "prune")
    assert "There was nothing to retire." in act(admin, "prune")


def test_one_version_at_a_time(admin: Client, served: ModelVersion, make_version: Make) -> None:
    assert "Choose one version." in act(admin, "promote", served, make_version(), reason="test")


def test_a_version_that_cannot_be_loaded_is_refused(admin: Client, served: ModelVersion, make_version: Make) -> None:
    broken = make_version(b"no model")

    assert "Refused: the content is not an artifact" in act(admin, "promote", broken, reason="test")
    assert Promotion.champion() == served


@pytest.mark.parametrize("action", ["promote", "roll_back", "keep", "release", "retire", "prune"])
def test_who_may_only_look_changes_nothing(
    served: ModelVersion, make_version: Make, settings: Settings, action: str
) -> None:
    settings.KEEP_VERSIONS = 1
    old, newest = make_version(), make_version()
    registry.keep(newest, by="test", reason="test")
    user = User.objects.create_user("ben", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_modelversion"))

    page = act(logged_in(user), action, old, reason="test")

    assert f'value="{action}"' not in page
    assert Promotion.champion() == served
    assert (fresh(old).kept, fresh(old).retired, fresh(newest).kept) == ("", "", "test")


def test_strangers_are_sent_to_the_login(served: ModelVersion) -> None:
    assert Client().get(LIST).status_code == 302


def test_a_version_is_not_edited(admin: Client, served: ModelVersion) -> None:
    assert admin.post(f"{LIST}{served.pk}/change/", {"kept": "x"}).status_code == 403
    assert admin.post(f"{LIST}{served.pk}/delete/", {"post": "yes"}).status_code == 403
