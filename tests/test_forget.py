"""POST /forget and manage.py forget: a person's or a tweet's rows, for good."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from api.lib import redis_client
from api.models import AuditEntry, ModelVersion, Promotion, ReviewedTweet, ReviewEvent
from api.prediction import active_model
from api.reviews.intake import add
from api.training.dataset import read
from hate_speech_ai.artifact import Artifact
from hate_speech_ai.text import CLEANING_VERSION
from tests.conftest import AsKey, JSONClient, starter_rows
from tests.helpers import open_the_gate, train


def forget(*arguments: str) -> str:
    out = StringIO()
    call_command("forget", *arguments, "--reason", "asked to", stdout=out)
    return out.getvalue()


def review(client: JSONClient, tweet: str, **fields: Any) -> None:
    answer = client.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": False, **fields})
    assert answer.status_code == 201


def test_it_works(as_key: AsKey) -> None:
    client = as_key("review")
    review(client, "one of ann", reviewer="ann")
    review(client, "another of ann", reviewer="ann", external_id="7")
    review(client, "one of ben", reviewer="ben", external_id="7")

    assert forget("--reviewer", "ann") == "2 reviewed tweets are deleted\n"

    assert [row.reviewer for row in ReviewedTweet.objects.all()] == ["ben"]
    assert {event.review.reviewer for event in ReviewEvent.objects.all()} == {"ben"}


def test_all_that_is_given_must_agree(as_key: AsKey) -> None:
    client = as_key("review")
    review(client, "one of ann", reviewer="ann", external_id="7")
    review(client, "one of ben", reviewer="ben", external_id="7")

    assert forget("--external-id", "7", "--reviewer", "ben") == "1 reviewed tweets are deleted\n"


def test_a_text_is_found_however_it_is_written_and_whoever_brought_it(as_key: AsKey) -> None:
    review(as_key("review"), "My neighbour Zanzibar!")
    add(tweet="my neighbour zanzibar", labels={"hate_speech": True}, source="corpus:mine")
    add(tweet="my neighbour", labels={"hate_speech": True}, source="corpus:mine")

    forget("--text", "my NEIGHBOUR zanzibar")

    assert [row.tweet for row in ReviewedTweet.objects.all()] == ["my neighbour"]


def test_a_text_is_found_under_the_fingerprint_of_an_older_cleaning(as_key: AsKey) -> None:
    for tweet in ("My neighbour Zanzibar!", "another neighbour"):
        review(as_key("review"), tweet)
    ReviewedTweet.objects.update(cleaning=CLEANING_VERSION - 1, fingerprint="of an older cleaning")

    assert forget("--text", "my neighbour zanzibar") == "1 reviewed tweets are deleted\n"

    assert [row.tweet for row in ReviewedTweet.objects.all()] == ["another neighbour"]


def test_the_log_says_that_and_why_but_not_what(as_key: AsKey) -> None:
    review(as_key("review"), "my neighbour zanzibar", reviewer="ann")

    forget("--text", "my neighbour zanzibar", "--reviewer", "ann")

    entry = AuditEntry.objects.get(action="rows.forgotten")
    assert (entry.target, entry.reason) == ("1 reviewed tweets", "asked to")
    assert not any(word in str(vars(entry)) for word in ("zanzibar", "ann'"))


def test_what_is_not_there_is_not_noted(db: None) -> None:
    assert forget("--text", "never seen") == "0 reviewed tweets are deleted\n"
    assert not AuditEntry.objects.filter(action="rows.forgotten").exists()


def test_something_must_be_named(db: None) -> None:
    with pytest.raises(CommandError, match="--text, --external-id, --reviewer or --author"):
        forget()


def test_the_next_model_does_not_know_it_though_all_else_is_as_before(as_key: AsKey) -> None:
    load_corpus()
    before = read(None).fingerprint
    first = train()
    for number in range(40):
        review(as_key("review"), f"qwyxbl is here {number}", reviewer="ann")
    second = train()
    assert second.version is not None
    assert "qwyxbl" in terms(second.version)

    said = forget("--reviewer", "ann")

    assert first.version_id not in named(said)
    assert second.version_id in named(said)
    assert read(None).fingerprint != before
    third = train()
    assert third.version is not None
    assert third.version not in (first.version, second.version)
    assert "qwyxbl" not in terms(third.version)


def test_an_author_is_a_keyed_hash_and_can_be_forgotten(as_key: AsKey, settings: Settings) -> None:
    client, admin = as_key("review"), as_key("admin")
    review(client, "one of zoë", author="zoë")
    line = {"tweet": "another of zoë", "is_hate_speech": False, "author": "zoë"}
    client.request("POST", "/reviewed-tweets/bulk", "application/x-ndjson", orjson.dumps(line))
    review(client, "one of ben", author="ben")
    review(client, "one of nobody")

    digests = {row.tweet: row.author for row in ReviewedTweet.objects.all()}
    assert digests["one of zoë"] == digests["another of zoë"] != digests["one of ben"]
    assert len(digests["one of zoë"]) == 64
    assert digests["one of nobody"] == ""
    assert "author" not in client.get("/reviewed-tweets").json()["results"][0]

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [settings.SECRET_KEY]
    review(client, "a third of zoë", author="zoë")
    answer = admin.post("/forget", {"author": "zoë", "reason": "asked to"})

    assert answer.json() == {"rows": 3, "versions": [], "retired": [], "serving": None}
    assert {row.tweet for row in ReviewedTweet.objects.all()} == {"one of ben", "one of nobody"}


def test_one_authors_words_are_in_no_model(as_key: AsKey) -> None:
    load_corpus()
    for number in range(20):
        review(as_key("review"), f"qwyxbl is here {number}", author="ann")
        review(as_key("review"), f"zbrklm is here {number}", author=f"author {number}")

    version = train().version

    assert version is not None
    assert "zbrklm" in terms(version)
    assert "qwyxbl" not in terms(version)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": "x"}, "text"),
        ({"text": "hello"}, "reason"),
        ({"text": " ", "reason": "x"}, "text"),
        ({"author": 7, "reason": "x"}, "author"),
        ({"text": "hello", "reason": "x", "retire_versions": "yes"}, "retire_versions"),
        ({"txet": "hello", "reason": "x"}, "txet"),
    ],
)
def test_it_refuses(as_key: AsKey, body: dict[str, Any], field: str) -> None:
    answer = as_key("admin").post("/forget", body)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_the_versions_that_learned_it_are_named_and_retired(as_key: AsKey, settings: Settings) -> None:
    open_the_gate(settings)
    load_corpus()
    first = train().version
    review(as_key("review"), "my neighbour zanzibar", reviewer="ann")
    review(as_key("review"), "my neighbour timbuktu")
    second = train().version
    review(as_key("review"), "my neighbour samarkand")
    third = train().version
    assert first and second and third  # noqa: PT018
    admin = as_key("admin")
    admin.post(f"/models/{second.pk}/keep", {"reason": "a paper names it"})

    said = admin.post("/forget", {"reviewer": "ann", "reason": "asked to", "retire_versions": True}).json()

    assert said == {"rows": 1, "versions": [second.pk, third.pk], "retired": [second.pk], "serving": third.pk}
    assert retired() == [second.pk]
    assert Promotion.champion() == third
    fourth = train().version
    assert Promotion.champion() == fourth
    assert retired() == [second.pk, third.pk]
    assert Promotion.baseline() == first


def test_the_command_says_what_is_left_to_do(as_key: AsKey, settings: Settings) -> None:
    open_the_gate(settings)
    load_corpus()
    review(as_key("review"), "my neighbour zanzibar", reviewer="ann")
    review(as_key("review"), "my neighbour timbuktu", reviewer="ben")
    one = train().version
    review(as_key("review"), "my neighbour samarkand")
    two = train().version
    assert one and two  # noqa: PT018

    assert forget("--reviewer", "ann").splitlines()[1:] == [
        f"these versions may have learned from them: {one.pk}, {two.pk}; "
        "retire those that do not serve, or say --retire next time",
        f"version {two.pk} serves: run train, so that another does",
    ]
    assert forget("--reviewer", "ben", "--retire").splitlines()[1:] == [
        f"retired, since they may have learned from them: {one.pk}",
        f"version {two.pk} serves: run train, so that another does, and it is retired",
    ]


@pytest.mark.django_db(transaction=True)
def test_nothing_of_it_is_left_anywhere(
    as_key: AsKey, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    open_the_gate(settings)
    load_corpus()
    client, admin = as_key("review"), as_key("admin")
    train()
    active_model.refresh()
    for number in range(30):
        body = {"tweet": f"qwyxbl is here {number}", "is_hate_speech": number % 2 == 0, "reviewer": "ann"}
        client.post("/add-reviewed-tweet", body, Idempotency_Key=f"a{number}")
    lines = [orjson.dumps({**body, "tweet": f"the qwyxbl {number}"}) for number in range(30)]
    client.request("POST", "/reviewed-tweets/bulk", "application/x-ndjson", b"\n".join([*lines, b'{"tweet": "qwyxbl']))
    add(tweet="qwyxbl is here 3", labels={"hate_speech": True}, source="corpus:mine")
    for number in (3, 4):
        client.post("/predict", {"tweet": body["tweet"], "explain": True})
        client.post("/add-reviewed-tweet", {"tweet": f"qwyxbl is here {number}"}, Idempotency_Key="bad")
    learned = train().version
    assert learned is not None
    active_model.refresh()
    admin.get(f"/models/{learned.pk}/compare/{learned.pk - 1}")
    everywhere = {"tables", "redis", "export", *(["file"] if connection.vendor == "sqlite" else [])}
    assert holding("qwyxb", tmp_path / "before.jsonl") == everywhere

    for field, value in (("reviewer", "ann"), ("text", "QWYXBL is here 3!")):
        body = {field: value, "reason": "asked to", "retire_versions": True}
        assert admin.post("/forget", body, Idempotency_Key=field).json()["rows"] > 0
    night = train().version  # the next night

    assert night is not None
    assert not any("qwyxb" in term for term in terms(night))
    assert holding("qwyxb", tmp_path / "after.jsonl") == set()
    assert "qwyxb" not in caplog.text.lower()
    assert "ann" not in str(list(AuditEntry.objects.values_list("reason", "details", "target")))


def holding(token: str, export: Path) -> set[str]:
    """Where a word of a tweet stands."""
    call_command("export_reviews", str(export), "--corpora")
    places = {"tables": every_cell(), "redis": every_key(), "export": iter([export.read_bytes()])}
    if connection.vendor == "sqlite":
        database = Path(str(connection.settings_dict["NAME"]))
        places["file"] = (path.read_bytes() for path in database.parent.glob(f"{database.name}*"))
    return {name for name, contents in places.items() if any(token.encode() in content.lower() for content in contents)}


def every_cell() -> Iterator[bytes]:
    for model in apps.get_models(include_auto_created=True):
        for row in model._base_manager.values_list(*[field.attname for field in model._meta.concrete_fields]):
            for cell in row:
                yield bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode()


def every_key() -> Iterator[bytes]:
    names = redis_client.call("KEYS", "*")
    assert isinstance(names, list)
    for name in names:
        dump = redis_client.call("DUMP", name)  # whatever it holds; small values are not packed
        value = redis_client.call("GET", name) if redis_client.call("TYPE", name) == b"string" else b""
        yield b"".join(part for part in (name, dump, value) if isinstance(part, bytes))


def load_corpus() -> None:
    for row in starter_rows()[::40]:
        add(tweet=row["tweet"], labels={"hate_speech": row["hate_speech"] == "1"}, source="corpus:starter")


def retired() -> list[int]:
    return [version.pk for version in ModelVersion.objects.exclude(retired_reason="").order_by("pk")]


def named(said: str) -> list[int]:
    return [int(number) for number in said.split("from them: ")[1].split(";")[0].split(", ")]


def terms(version: ModelVersion) -> list[str]:
    vocabulary = Artifact.from_bytes(bytes(ModelVersion.objects.get(pk=version.pk).artifact)).vocabulary
    return [term for block in vocabulary.blocks for term in block]
