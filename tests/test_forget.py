"""manage.py forget: a person's or a tweet's rows, for good."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from api import queue, retraining
from api.models import AuditEntry, ModelVersion, ReviewedTweet, ReviewEvent, TrainingRun
from api.retraining import read_dataset
from api.reviews import add
from hate_speech_ai.artifact import Artifact
from tests.conftest import JSONClient, starter_rows

AsKey = Callable[..., JSONClient]


def forget(*arguments: str) -> str:
    out = StringIO()
    call_command("forget", *arguments, "--reason", "asked to", stdout=out)
    return out.getvalue()


def review(client: JSONClient, tweet: str, **fields: Any) -> None:
    answer = client.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": False, **fields})
    assert answer.status_code == 201


def train() -> TrainingRun:
    run, _ = queue.enqueue(queue.Kind.MANUAL, requested_by="test")
    retraining.execute(str(run.pk))
    run.refresh_from_db()
    return run


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


def test_the_log_says_that_and_why_but_not_what(as_key: AsKey) -> None:
    review(as_key("review"), "my neighbour zanzibar", reviewer="ann")

    forget("--text", "my neighbour zanzibar", "--reviewer", "ann")

    entry = AuditEntry.objects.get(action="rows.forgotten")
    assert (entry.target, entry.reason) == ("1 reviewed tweets", "asked to")
    assert not any(word in str(vars(entry)) for word in ("zanzibar", "ann'"))


def test_what_is_not_there_is_not_noted(db: None) -> None:
    assert forget("--text", "never seen") == "0 reviewed tweets are deleted\n"
    assert not AuditEntry.objects.exists()


def test_something_must_be_named(db: None) -> None:
    with pytest.raises(CommandError, match="--text, --external-id, --reviewer or --author"):
        forget()


def test_the_next_model_does_not_know_it_though_all_else_is_as_before(as_key: AsKey) -> None:
    for row in starter_rows()[::40]:
        add(tweet=row["tweet"], labels={"hate_speech": row["hate_speech"] == "1"}, source="corpus:starter")
    before = read_dataset().fingerprint
    first = train()
    for number in range(40):
        review(as_key("review"), f"qwyxbl is here {number}", reviewer="ann")
    second = train()
    assert second.version is not None
    assert "qwyxbl" in terms(second.version)

    said = forget("--reviewer", "ann")

    assert first.version_id not in named(said)
    assert second.version_id in named(said)
    assert read_dataset().fingerprint != before
    third = train()
    assert third.version is not None
    assert third.version not in (first.version, second.version)
    assert "qwyxbl" not in terms(third.version)


def named(said: str) -> list[int]:
    return [int(number) for number in said.split("from them: ")[1].split(";")[0].split(", ")]


def terms(version: ModelVersion) -> list[str]:
    return Artifact.from_bytes(bytes(ModelVersion.objects.get(pk=version.pk).artifact)).terms
