"""manage.py create_key and revoke_key."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.forms.models import model_to_dict
from django.utils import timezone

from api.models import ApiKey, ReviewedTweet
from tests.conftest import JSONClient

REVIEW = {"tweet": "go back to where you came from", "is_hate_speech": True}
Run = Callable[..., tuple[str, str]]


@pytest.fixture
def run(db: None) -> Run:
    """What `manage.py COMMAND ...` writes to its output and to its error output."""

    def call(command: str, *arguments: str) -> tuple[str, str]:
        out, errors = StringIO(), StringIO()
        call_command(command, *arguments, stdout=out, stderr=errors)
        return out.getvalue(), errors.getvalue()

    return call


@pytest.fixture
def create(run: Run) -> Callable[..., str]:
    return lambda *arguments: run("create_key", *arguments)[0].strip()


Create = Callable[..., str]


def status(key: str, path: str = "/add-reviewed-tweet") -> int:
    return int(JSONClient(key).post(path, REVIEW if path == "/add-reviewed-tweet" else None).status_code)


def test_it_works(create: Create) -> None:
    assert status(create("the forum", "--scope", "review")) == 201


def test_the_output_is_the_key_alone(run: Run) -> None:
    out, errors = run("create_key", "the forum", "--scope", "review", "--scope", "predict")

    assert re.fullmatch(r"hs_[0-9a-f]{12}_[\w-]{43}\n", out)
    assert errors.startswith(f"key {out[:15]} for the forum: predict, review.")
    assert out.strip() not in errors


def test_the_key_itself_is_not_stored(create: Create) -> None:
    plain = create("the forum", "--scope", "review")

    stored = str(model_to_dict(ApiKey.objects.get()))
    assert plain[:15] in stored
    assert plain[16:] not in stored


def test_no_two_keys_are_alike(create: Create) -> None:
    assert len({create("the forum", "--scope", "review") for _ in range(20)}) == 20


@pytest.mark.parametrize("scope", ["predict", "train"])
def test_a_key_may_do_no_more_than_its_scope_says(create: Create, scope: str) -> None:
    assert status(create("the forum", "--scope", scope)) == 403


def test_a_key_may_have_several_scopes(create: Create) -> None:
    key = create("the forum", "--scope", "review", "--scope", "train", "--scope", "review")

    assert status(key) == 201
    assert status(key, "/train") == 202
    assert ApiKey.objects.get().scopes == ["review", "train"]


def test_a_key_may_expire(create: Create) -> None:
    key = create("the forum", "--scope", "review", "--expires-in-days", "30")
    stored = ApiKey.objects.get()
    assert stored.expires_at is not None
    assert abs(stored.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=5)
    assert status(key) == 201

    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert status(key) == 401


def test_a_key_may_have_a_limit_of_its_own(create: Create) -> None:
    key = create("the forum", "--scope", "review", "--limit", "2/hour")

    assert [status(key) for _ in range(3)] == [201, 200, 429]


@pytest.mark.parametrize(
    "arguments",
    [
        ["the forum"],
        ["the forum", "--scope", "everything"],
        ["--scope", "review"],
        ["the forum", "--scope", "review", "--expires-in-days", "0"],
        ["the forum", "--scope", "review", "--expires-in-days", "-1"],
        ["the forum", "--scope", "review", "--expires-in-days", "10000000"],
        ["the forum", "--scope", "review", "--expires-in-days", "soon"],
        ["the forum", "--scope", "review", "--limit", "many"],
        ["the forum", "--scope", "review", "--limit", "0/minute"],
        ["the forum", "--scope", "review", "--limit", "5/fortnight"],
        ["x" * 101, "--scope", "review"],
    ],
)
def test_it_refuses(run: Run, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run("create_key", *arguments)

    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("length", [15, None], ids=["by its prefix", "by the whole key"])
def test_a_revoked_key_is_refused_at_once(run: Run, create: Create, length: int | None) -> None:
    key, other = (create("the forum", "--scope", "review") for _ in range(2))
    assert status(key) == 201

    out, _ = run("revoke_key", key[:length])

    assert out == f"key {key[:15]} is revoked\n"
    assert status(key) == 401
    assert status(other) == 201


def test_what_a_revoked_key_reviewed_stays(run: Run, create: Create) -> None:
    key = create("the forum", "--scope", "review")
    status(key)

    run("revoke_key", key[:15])

    assert ReviewedTweet.objects.get().key == ApiKey.objects.get()


@pytest.mark.parametrize("prefix", ["hs_000000000000", "hs_", "", "%"])
def test_a_key_that_there_is_not_cannot_be_revoked(run: Run, create: Create, prefix: str) -> None:
    key = create("the forum", "--scope", "review")

    with pytest.raises(CommandError, match="no valid key"):
        run("revoke_key", prefix)

    assert status(key) == 201


def test_a_key_is_revoked_once(run: Run, create: Create) -> None:
    key = create("the forum", "--scope", "review")
    run("revoke_key", key)
    revoked_at = ApiKey.objects.get().revoked_at

    with pytest.raises(CommandError, match="no valid key"):
        run("revoke_key", key)

    assert ApiKey.objects.get().revoked_at == revoked_at
