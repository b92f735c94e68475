"""The pages: what each shows, who may open it, and what it loads."""

import hashlib
import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configuration
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from api.keys import accounts
from api.keys.accounts import Role
from api.models import ApiKey, AuditEntry, ModelVersion, ReviewedTweet, StoredPrediction
from api.operations import bootstrap, login_limits
from api.pages import urls
from api.prediction import recorder
from tests.conftest import JSONClient, logged_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_passwords")]
VENDOR = Path(configuration.BASE_DIR) / "api" / "pages" / "static" / "pages" / "vendor"
NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7|add:7 }}{% now 'Y' %}",
    "a\u202eb \U0001f600",
]


@pytest.fixture
def people(db: None) -> dict[Role, Client]:
    """A client for each role."""
    moderator, _ = accounts.create("mo", "moderator", made_by="test")
    operator, _ = accounts.create("olga", "operator", made_by="test")
    return {Role.VISITOR: Client(), Role.MODERATOR: logged_in(moderator), Role.OPERATOR: logged_in(operator)}


@pytest.fixture
def moderator(people: dict[Role, Client]) -> Client:
    return people[Role.MODERATOR]


def text_of(answer: Any) -> str:
    """What a reader sees of a page, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


# What is loaded.


def test_files_of_others_are_as_their_authors_built_them() -> None:
    lines = [line.split() for line in (VENDOR / "SHA256SUMS").read_text().splitlines()]
    listed = {name: digest for digest, name in lines}
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.glob("*.*s")}

    assert listed == files
    assert len(files) == 3


def test_a_page_loads_nothing_from_elsewhere_and_its_files_stay_for_a_year(served: ModelVersion) -> None:
    page = Client().get("/")
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.content.decode())

    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|https?://", page.content.decode())
    assert "script-src 'self'; style-src 'self'" in page["Content-Security-Policy"]
    assert len(loaded) == 3
    for url in loaded:
        answer = Client().get(url, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert answer["Content-Encoding"] == "gzip"
        assert "immutable" in answer["Cache-Control"]
        assert re.search(r"\?v=[0-9a-f]{12}$", url)


def test_pages_are_compressed_and_kept_by_no_cache(served: ModelVersion) -> None:
    page = Client().get("/", headers={"Accept-Encoding": "gzip"})

    assert page["Content-Encoding"] == "gzip"
    assert "no-store" in page["Cache-Control"]


def test_answers_of_the_api_stay_as_they_are(served: ModelVersion) -> None:
    browser = {"Accept-Encoding": "gzip", "Accept": "text/html"}

    answer = Client().get("/models", headers=browser)

    assert "Content-Encoding" not in answer
    assert answer["Content-Type"] == "application/json"
    assert not answer.cookies


def test_who_asks_for_a_page_that_is_not_there_gets_one(client: JSONClient) -> None:
    assert "nothing at this address" in text_of(Client().get("/nowhere", headers={"Accept": "text/html,*/*;q=0.8"}))
    assert client.get("/nowhere").json()["code"] == "not_found"


# Who may.

#: Whoever has a lower role is sent away, from the page and from the action.
ROLES = {
    "pages-try": Role.VISITOR,
    "pages-wrong": Role.MODERATOR,
    "pages-review": Role.MODERATOR,
    "pages-answer": Role.MODERATOR,
    "pages-skip": Role.MODERATOR,
    "pages-undo": Role.MODERATOR,
    "pages-mine": Role.MODERATOR,
    "pages-withdraw": Role.MODERATOR,
    "pages-models": Role.MODERATOR,
    "pages-version": Role.MODERATOR,
    "pages-changes": Role.MODERATOR,
    "pages-rollback": Role.OPERATOR,
    "pages-version-action": Role.OPERATOR,
    "pages-traffic": Role.MODERATOR,
    "pages-operation": Role.OPERATOR,
    "pages-train": Role.OPERATOR,
    "pages-decide": Role.OPERATOR,
    "pages-audit": Role.OPERATOR,
    "pages-keys": Role.OPERATOR,
    "pages-key-action": Role.OPERATOR,
    "pages-sign-in": Role.VISITOR,
    "pages-sign-out": Role.VISITOR,
    "pages-password": Role.MODERATOR,
}


def test_each_page_says_whose_it_is() -> None:
    assert {pattern.name: getattr(pattern.callback, "role", None) for pattern in urls.urlpatterns} == ROLES


@pytest.mark.parametrize("role", list(Role))
def test_each_role_reaches_what_is_for_it_and_no_more(
    served: ModelVersion, people: dict[Role, Client], role: Role
) -> None:
    for pattern in urls.urlpatterns:
        path = "/" + re.sub("<uuid:[a-z]+>", "0" * 8 + "-0000-4000-8000-" + "0" * 12, str(pattern.pattern))
        path = re.sub("<version:[a-z]+>", str(served.pk), path).replace("<slug:prefix>", "hs_0")
        path = path.replace("<slug:action>", "protect" if "versions" in path else "revoke")
        may = role >= ROLES[str(pattern.name)]
        if pattern.name == "pages-sign-out":  # which would end the session
            continue
        seen, done = people[role].get(path), people[role].post(path)
        if may:
            assert seen.status_code != 403, path
            assert not seen.headers.get("Location", "").startswith("/sign-in"), path
            assert "This is for people with the role" not in text_of(done), path
        else:
            assert seen.status_code in (302 if role == Role.VISITOR else 403, 405), path
            assert done.status_code in (403, 405), path


def test_the_navigation_shows_the_pages_of_a_role(people: dict[Role, Client]) -> None:
    entries: dict[Role, list[str]] = {
        role: re.findall(r"<li><a [^>]*>(\w+)</a>", client.get("/").content.decode()) for role, client in people.items()
    }

    assert entries[Role.VISITOR] == ["Try"]
    assert entries[Role.MODERATOR][0] == "Try"
    assert set(entries[Role.MODERATOR]) <= set(entries[Role.OPERATOR])


def test_a_form_without_a_token_does_nothing(people: dict[Role, Client]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="mo"))

    answer = client.post("/wrong", {"tweet": "hello", "is_hate_speech": "true"})

    assert answer.status_code == 403
    assert "Reload the page" in text_of(answer)
    assert not ReviewedTweet.objects.filter(key__isnull=False).exists()


def test_an_account_that_is_switched_off_may_no_more(moderator: Client) -> None:
    User.objects.filter(username="mo").update(is_active=False)

    assert moderator.get("/password").status_code == 302


# Accounts.


def sign_in(name: str, password: str, client: Client | None = None, address: str = "192.0.2.1", **fields: str) -> Any:
    form = {"username": name, "password": password, **fields}
    return (client or Client()).post("/sign-in", form, REMOTE_ADDR=address)


def test_the_first_start_makes_an_operator_once() -> None:
    said = bootstrap.make_first_operator()

    password = re.search(r"as operator with the password (\S+),", said)
    assert password
    client = Client()
    assert sign_in("operator", password[1], client).status_code == 302
    assert accounts.role_of(User.objects.get()) == Role.OPERATOR
    assert bootstrap.make_first_operator() == ""


def test_an_operator_makes_accounts_at_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_account", "mo")
    first = capsys.readouterr().out.strip()
    call_command("create_account", "mo", "--reset")
    second = capsys.readouterr().out.strip()

    assert accounts.role_of(User.objects.get()) == Role.MODERATOR
    assert sign_in("mo", first).status_code == 200
    assert sign_in("mo", second).status_code == 302
    assert AuditEntry.objects.filter(action__startswith="account.", target="mo").count() == 2
    with pytest.raises(CommandError, match="already exists"):
        call_command("create_account", "mo")
    with pytest.raises(CommandError, match="no account 'nobody'"):
        call_command("create_account", "nobody", "--reset")


def test_guesses_are_limited(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LIMITS = {**settings.LIMITS, "wrong_key": "5/day"}
    monkeypatch.setattr(login_limits, "_PER_NAME", "8/day")
    _, password = accounts.create("mo", "moderator", made_by="test")

    for _ in range(5):
        assert "Too many" not in text_of(sign_in("mo", "a guess"))

    assert "Too many attempts" in text_of(sign_in("mo", password))
    assert sign_in("mo", password, address="192.0.2.2").status_code == 302


def test_who_signs_in_comes_where_they_wanted_and_nowhere_else() -> None:
    _, password = accounts.create("mo", "moderator", made_by="test")

    assert sign_in("mo", password, next="/password")["Location"] == "/password"
    assert sign_in("mo", password, next="https://example.org/")["Location"] == "/"


def test_a_password_of_ones_own(moderator: Client) -> None:
    user = User.objects.get(username="mo")
    old = accounts.reset_password(user, made_by="test")
    client = Client()
    sign_in("mo", old, client)
    new = "seven green bicycles"

    client.post("/password", {"old_password": old, "new_password1": new, "new_password2": new})

    assert sign_in("mo", new).status_code == 302
    assert moderator.get("/password").status_code == 302  # an older session has ended


# Try.


def ask(text: str, client: Client | None = None) -> Any:
    return (client or Client()).post("/", {"tweet": text})


def test_it_answers_as_the_api_does(served: ModelVersion, client: JSONClient) -> None:
    said = client.post("/predict", {"tweet": "I hate the weather", "explain": True}).json()

    page = text_of(ask("I hate the weather"))

    assert ("Not hate speech" in page) == (not said["is_hate_speech"])
    assert f"probability {said['probability']:.1%}".replace("%", " %") in page
    assert f"Yes from {said['threshold']:.1%}".replace("%", " %") in page
    assert f"Model version {served.pk}." in page
    token = max(said["explanation"]["tokens"], key=lambda one: abs(one["contribution"]))
    assert f"{token['word']} {token['contribution']:+.2f}" in page.casefold()


def test_htmx_gets_the_answer_alone(served: ModelVersion) -> None:
    part = Client().post("/", {"tweet": "hello there"}, headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in part
    assert "Not hate speech" in part or "Hate speech" in part


@pytest.mark.parametrize("text", NASTY)
def test_a_text_is_shown_as_a_text(served: ModelVersion, text: str) -> None:
    page = ask(text).content.decode()

    marked = re.search(r'<p class="marked">(.*?)</p>', page, re.DOTALL)
    assert marked
    assert html.unescape(re.sub(r"</?mark[^>]*>", "", marked[1])) == text
    assert page.count("<script") == 2
    assert "<img" not in page


def test_what_is_tried_is_neither_stored_nor_in_a_log(
    served: ModelVersion, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PREDICTION_SAMPLE_RATE = 1.0

    ask("a very private sentence")
    recorder.flush()

    assert not StoredPrediction.objects.exists()
    assert "private" not in caplog.text


@pytest.mark.parametrize(
    ("text", "says"), [("x" * 5001, "At most 5,000 characters; this has 5,001"), ("a\0b", "NUL"), ("", "Type or paste")]
)
def test_what_it_cannot_read_it_says(served: ModelVersion, text: str, says: str) -> None:
    assert says in text_of(ask(text))


def test_it_says_that_no_model_serves(db: None) -> None:
    assert "No model serves yet" in text_of(ask("hello"))


def test_it_needs_an_account_where_predictions_are_not_public(
    served: ModelVersion, people: dict[Role, Client], settings: Settings
) -> None:
    settings.PUBLIC_PREDICT = False

    assert ask("hello").status_code == 403
    assert ask("hello", people[Role.MODERATOR]).status_code == 200


def test_its_limit_is_that_of_predictions(served: ModelVersion, settings: Settings) -> None:
    settings.LIMITS = {**settings.LIMITS, "predict": "2/day"}

    pages = [text_of(ask("hello")) for _ in range(3)]

    assert ["Too many tries" in page for page in pages] == [False, False, True]


def test_a_moderator_says_that_an_answer_is_wrong(served: ModelVersion, moderator: Client) -> None:
    answer = moderator.post("/wrong", {"tweet": "go home, the match is over", "is_hate_speech": "true"})

    review = ReviewedTweet.objects.get(key__isnull=False)
    assert "Stored" in text_of(answer)
    assert review.labels == {"hate_speech": True}
    assert review.key == ApiKey.objects.get(account__username="mo")
    assert review.key.trust == "trusted"
    assert "no plain copy" not in text_of(answer)
    again = moderator.post("/wrong", {"tweet": "go home, the match is over", "is_hate_speech": "true"})
    assert "nothing changes" in text_of(again)
    assert ReviewedTweet.objects.filter(key__isnull=False).count() == 1


def test_an_account_whose_key_is_revoked_reviews_no_more(served: ModelVersion, moderator: Client) -> None:
    key = accounts.key_of_account(User.objects.get(username="mo"))
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=key.created_at)

    answer = moderator.post("/wrong", {"tweet": "hello", "is_hate_speech": "true"})

    assert answer.status_code == 403
    assert "revoked" in text_of(answer)
