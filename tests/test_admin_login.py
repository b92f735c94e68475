"""Who gets into Django's admin, and what its pages may load."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import Settings

from api.models import ModelVersion, Promotion
from api.operations import login_limits

pytestmark = pytest.mark.usefixtures("admin_enabled")
PASSWORD = "seven green bicycles"


@pytest.fixture(autouse=True)
def ann(db: None, settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    return User.objects.create_superuser("ann", password=PASSWORD)


@pytest.fixture(autouse=True)
def few_attempts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LIMITS = {**settings.LIMITS, "wrong_key": "5/day"}
    monkeypatch.setattr(login_limits, "_PER_NAME", "8/day")


def log_in(password: str, name: str = "ann", address: str = "192.0.2.1") -> Any:
    """The page that says no; a redirect where the password is right."""
    return Client().post("/admin/login/", {"username": name, "password": password}, REMOTE_ADDR=address)


def says_too_many(answer: Any) -> bool:
    return answer.status_code == 200 and "Too many attempts" in answer.content.decode()


def test_the_right_password_lets_in() -> None:
    assert log_in(PASSWORD).status_code == 302


def test_an_address_soon_guesses_no_more() -> None:
    answers = [log_in(f"guess {number}", name=f"name {number}") for number in range(7)]

    assert [says_too_many(answer) for answer in answers] == [False] * 5 + [True] * 2
    assert says_too_many(log_in(PASSWORD))
    assert log_in(PASSWORD, address="192.0.2.2").status_code == 302


def test_a_name_is_not_guessed_at_from_many_addresses() -> None:
    names = ["ann", "ANN", " ann "]
    answers = [log_in("a guess", names[number % 3], address=f"192.0.2.{number}") for number in range(10)]

    assert [says_too_many(answer) for answer in answers] == [False] * 8 + [True] * 2
    assert says_too_many(log_in(PASSWORD, address="192.0.2.99"))


def test_wrong_keys_and_wrong_passwords_count_together() -> None:
    for _ in range(5):
        Client().post("/train", headers={"Authorization": "Api-Key hs_000000000000_x"}, REMOTE_ADDR="192.0.2.1")

    assert says_too_many(log_in("a guess"))


@pytest.mark.parametrize("password", ["a", "short", "password1234", "123456789012", "administrator"])
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password)


def test_a_passphrase_is_taken() -> None:
    validate_password(PASSWORD)


def test_pages_load_nothing_from_elsewhere_and_run_nothing_in_them(admin_page: str) -> None:
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", admin_page)
    assert not re.search(r"\s(style|on[a-z]+)=\"", admin_page)


@pytest.fixture(
    params=[
        "/admin/api/promotion/1/change/",
        "/admin/api/apikey/",
        "/admin/api/modelversion/",
        "/admin/login/?next=/admin/",
    ]
)
def admin_page(request: Any, ann: User, served: ModelVersion) -> str:
    client = Client()
    if "login" not in request.param:
        client.force_login(ann)
    answer = client.get(request.param.replace("1", str(Promotion.objects.latest("pk").pk)))
    assert answer.status_code == 200
    policy = {part.split()[0]: part.split()[1:] for part in answer["Content-Security-Policy"].split("; ")}
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == ["'self'"]
    return str(answer.content.decode())


def test_the_documentation_runs_only_our_scripts() -> None:
    policy = Client().get("/docs")["Content-Security-Policy"]

    assert "default-src 'none'; script-src 'self';" in policy


def test_answers_in_json_have_no_policy() -> None:
    assert "Content-Security-Policy" not in Client().get("/livez")
