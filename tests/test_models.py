"""GET /models, POST /models/<id>/promote, and the commands `promote` and `rollback`."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from api.lib import redis_client
from api.models import ApiKey, ModelVersion, Promotion
from api.prediction import active_model
from tests.conftest import METRICS, AsKey, JSONClient, MakeVersion, rewrite


def champion() -> int | None:
    version = Promotion.champion()
    return version.pk if version else None


def roll_back(reason: str = "too strict") -> str:
    output = StringIO()
    call_command("rollback", reason=reason, stdout=output)
    return output.getvalue()


def spoil(version: ModelVersion) -> None:
    redis_client.call("FLUSHALL")
    rewrite(version, artifact=b"no model")


def test_versions_are_listed_newest_first(client: JSONClient, served: ModelVersion, make_version: MakeVersion) -> None:
    newer = make_version()

    answer = client.get("/models").json()

    assert [(version["id"], version["serving"]) for version in answer["results"]] == [
        (newer.pk, False),
        (served.pk, True),
    ]
    assert answer["count"] == 2


def test_versions_come_in_pages(client: JSONClient, make_version: MakeVersion) -> None:
    ids = [make_version(b"x").pk for _ in range(3)]

    first = client.get("/models/?limit=2").json()
    second = client.get(first["next"]).json()

    assert [[version["id"] for version in page["results"]] for page in (first, second)] == [[ids[2], ids[1]], [ids[0]]]


def test_pages_lead_to_the_public_address(client: JSONClient, make_version: MakeVersion, settings: Settings) -> None:
    for _ in range(3):
        make_version(b"x")
    settings.PUBLIC_URL = "https://hate.example.org"

    page = client.get("/models/?limit=1&offset=1").json()

    assert page["next"] == "https://hate.example.org/models/?limit=1&offset=2"
    assert page["previous"] == "https://hate.example.org/models/?limit=1"


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_version_tells_its_story(as_key: AsKey, served: ModelVersion, slash: str) -> None:
    answer = as_key("predict").get(f"/models/{served.pk}{slash}").json()

    assert answer.pop("created_at").endswith("Z")
    [promotion] = answer.pop("promotions")
    assert (promotion["version"], promotion["by"], promotion["reason"]) == (served.pk, "test", "test")
    assert answer == {
        "id": served.pk,
        "sha256": served.sha256,
        "parent": None,
        "serving": True,
        "data_fingerprint": served.data_fingerprint,
        "trained_on": 1000,
        "evaluated_on": 100,
        "metrics": METRICS,
        "recipe": {},
        "base": "",
        "learned_from": {},
        "views": ["words"],
        "kept_reason": "",
        "retired_reason": "",
        "retire_when_replaced_reason": "",
    }


def test_who_has_no_key_does_not_read_what_people_wrote(
    client: JSONClient, as_key: AsKey, served: ModelVersion, make_version: MakeVersion
) -> None:
    newer, admin, reason = make_version(), as_key("admin"), "customer Smith complained"
    for version, action in ((newer, "promote"), (newer, "keep"), (served, "retire")):
        assert admin.post(f"/models/{version.pk}/{action}", {"reason": reason}).status_code == 200

    for path in (f"/models/{newer.pk}", f"/models/{served.pk}", "/models"):
        assert reason in str(admin.get(path).json())
        open_to_all = str(client.get(path).json())
        assert reason not in open_to_all
        assert str(ApiKey.objects.get()) not in open_to_all


@pytest.mark.parametrize("number", ["0", "77", "999999999", "99999999999999999999", "-1", "abc"])
def test_there_is_no_such_version(client: JSONClient, as_key: AsKey, served: ModelVersion, number: str) -> None:
    assert client.get(f"/models/{number}").status_code == 404
    assert as_key("admin").post(f"/models/{number}/promote", {"reason": "test"}).status_code == 404


def test_they_can_be_closed_to_the_public(client: JSONClient, served: ModelVersion, settings: Settings) -> None:
    settings.PUBLIC_PREDICT = False

    assert [client.get(path).status_code for path in ("/models", f"/models/{served.pk}")] == [401, 401]


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_admin_promotes(
    client: JSONClient, as_key: AsKey, served: ModelVersion, make_version: MakeVersion, slash: str
) -> None:
    newer, admin = make_version(), as_key("admin")

    response = admin.post(f"/models/{newer.pk}/promote{slash}", {"reason": "better at sarcasm"})
    active_model.refresh()

    assert response.status_code == 200
    answer = response.json()
    assert answer.pop("at").endswith("Z")
    assert answer.pop("change")["previous_version"] == served.pk
    assert answer == {
        "version": newer.pk,
        "by": str(ApiKey.objects.get()),
        "reason": "better at sarcasm",
        "confirmed": True,
    }
    assert client.post("/predict", {"tweet": "hello"}).json()["model_version"] == newer.pk
    assert client.get(f"/models/{newer.pk}").json()["serving"] is True


def test_an_older_version_can_be_promoted_again(as_key: AsKey, served: ModelVersion, make_version: MakeVersion) -> None:
    newer, admin = make_version(), as_key("admin")

    for version in (newer, served):
        admin.post(f"/models/{version.pk}/promote", {"reason": "test"})

    assert champion() == served.pk
    assert len(admin.get(f"/models/{served.pk}").json()["promotions"]) == 2


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": 7}, {"reason": "x" * 501}, {"raeson": "x"}])
def test_a_reason_is_needed(as_key: AsKey, served: ModelVersion, make_version: MakeVersion, body: Any) -> None:
    newer = make_version()

    response = as_key("admin").post(f"/models/{newer.pk}/promote", body)

    assert response.status_code == 400
    assert set(response.json()["errors"]) <= {"reason", "raeson"}
    assert champion() == served.pk


@pytest.mark.parametrize("scopes", [(), ("predict", "review", "train")])
def test_only_an_admin_promotes(
    client: JSONClient, as_key: AsKey, served: ModelVersion, make_version: MakeVersion, scopes: tuple[str, ...]
) -> None:
    newer = make_version()
    caller = as_key(*scopes) if scopes else client

    response = caller.post(f"/models/{newer.pk}/promote", {"reason": "test"})

    assert response.status_code == (403 if scopes else 401)
    assert champion() == served.pk


def test_a_version_that_cannot_be_loaded_is_refused(
    as_key: AsKey, served: ModelVersion, make_version: MakeVersion
) -> None:
    broken = make_version(b"no model")

    response = as_key("admin").post(f"/models/{broken.pk}/promote", {"reason": "test"})

    assert response.status_code == 400
    assert "cannot be loaded" in response.json()["errors"]["id"][0]
    assert champion() == served.pk


def test_an_idempotency_key_promotes_once(as_key: AsKey, served: ModelVersion, make_version: MakeVersion) -> None:
    newer, admin = make_version(), as_key("admin")
    answers = [admin.post(f"/models/{newer.pk}/promote", {"reason": "x"}, Idempotency_Key="a") for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert Promotion.objects.filter(version=newer).count() == 1


def test_the_command_promotes_and_confirms(served: ModelVersion, make_version: MakeVersion) -> None:
    newer, output = make_version(), StringIO()
    assert Promotion.baseline() == served

    call_command("promote", str(newer.pk), reason="better at sarcasm", stdout=output)

    assert output.getvalue() == f"version {newer.pk} serves\n"
    newest = Promotion.objects.latest("pk")
    assert (newest.version_id, newest.reason, newest.confirmed) == (newer.pk, "better at sarcasm", True)
    assert newest.by.endswith("(command)")
    assert Promotion.baseline() == newer


def test_the_command_refuses_what_cannot_serve(served: ModelVersion, make_version: MakeVersion) -> None:
    broken = make_version(b"no model")

    with pytest.raises(CommandError, match="there is no version 77"):
        call_command("promote", "77", reason="test")
    with pytest.raises(CommandError, match="not an artifact"):
        call_command("promote", str(broken.pk), reason="test")

    assert champion() == served.pk


def test_rollback_serves_the_version_before(served: ModelVersion, make_version: MakeVersion) -> None:
    newer = make_version()
    Promotion.objects.create(version=newer, by="test", reason="test")

    output = roll_back("too strict")

    assert output == f"version {served.pk} serves\n"
    newest = Promotion.objects.latest("pk")
    assert (newest.version_id, newest.reason) == (served.pk, "too strict")
    assert newest.by.endswith("(command)")


def test_there_is_nothing_to_roll_back_to(served: ModelVersion) -> None:
    with pytest.raises(CommandError, match="no other version"):
        roll_back()

    assert champion() == served.pk


def test_rollback_to_a_spoilt_version_is_refused(served: ModelVersion, make_version: MakeVersion) -> None:
    newer = make_version()
    Promotion.objects.create(version=newer, by="test", reason="test")
    spoil(served)

    with pytest.raises(CommandError, match="do not have its hash"):
        roll_back()

    assert champion() == newer.pk
