"""manage.py import_reviews: a key's reviews out of a file."""

import gzip
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from api.models import ApiKey, AuditEntry, ReviewedTweet
from tests.conftest import AsKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> ApiKey:
    return ApiKey.issue("the team", ["review"], trust="trusted")[0]


def load(path: Path, key: ApiKey, *options: str) -> tuple[str, str]:
    out, errors = StringIO(), StringIO()
    call_command("import_reviews", str(path), "--key", key.prefix, *options, stdout=out, stderr=errors)
    return out.getvalue(), errors.getvalue()


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_json_lines(tmp_path: Path, key: ApiKey) -> None:
    lines = [
        {"tweet": "the bus is late", "is_hate_speech": False, "reviewer": "ann", "external_id": "7"},
        {"tweet": "the train, too", "labels": {"hate_speech": 0.8, "toxic": True}},
    ]
    path = write(tmp_path / "some.jsonl", "\n\n".join(map(json.dumps, lines)))

    out, _ = load(path, key)

    assert out == "2 reviews added, 0 known already, 0 refused\n"
    first, second = ReviewedTweet.objects.order_by("pk")
    assert (first.tweet, first.labels, first.reviewer, first.external_id) == (
        "the bus is late",
        {"hate_speech": False},
        "ann",
        "7",
    )
    assert (first.key, first.events.count()) == (key, 1)
    assert second.labels == {"hate_speech": 0.8, "toxic": True}


def test_a_spreadsheet(tmp_path: Path, key: ApiKey) -> None:
    text = (
        '\ufefftweet,is_hate_speech,labels,reviewer\n"the bus, \nis late",0,toxic=0.5;threat=0,ann\nthe train,TRUE,,\n'
    )

    assert load(write(tmp_path / "some.csv", text), key)[0].startswith("2 reviews added")

    first, second = ReviewedTweet.objects.order_by("pk")
    assert first.tweet == "the bus, \nis late"
    assert first.labels == {"hate_speech": False, "toxic": 0.5, "threat": False}
    assert second.labels == {"hate_speech": True}


def test_bad_rows_are_named_and_cost_only_themselves(tmp_path: Path, key: ApiKey) -> None:
    text = "tweet,is_hate_speech,mood\nthe bus is late,perhaps,\nthe train is late,0,\nthe tram,0,bad\n,1,\n"

    out, errors = load(write(tmp_path / "some.csv", text), key)

    assert out == "1 reviews added, 0 known already, 3 refused\n"
    assert "line 2: is_hate_speech: This must be true or false" in errors
    assert "line 4: mood: There is no such field" in errors
    assert "line 5: tweet: This field is required" in errors
    assert [row.tweet for row in ReviewedTweet.objects.all()] == ["the train is late"]


def test_a_quote_that_is_never_closed_takes_no_other_rows_label(tmp_path: Path, key: ApiKey) -> None:
    text = 'tweet,is_hate_speech\n"the bus is late,0\n"the train is late",1\nthe tram is late,0\n'

    out, errors = load(write(tmp_path / "some.csv", text), key)

    assert out == "2 reviews added, 0 known already, 1 refused\n"
    assert "line 2: not readable as a table row" in errors
    assert list(key.reviews.order_by("pk").values_list("tweet", "labels")) == [
        ("the train is late", {"hate_speech": True}),
        ("the tram is late", {"hate_speech": False}),
    ]


def test_a_comma_that_is_not_quoted_takes_no_other_cells_label(tmp_path: Path, key: ApiKey) -> None:
    text = "tweet,is_hate_speech\nthe years 0,1,0\nthe train is late,1\n"

    _, errors = load(write(tmp_path / "some.csv", text), key)

    assert "line 2: 3 cells, but the header has 2" in errors
    assert [row.tweet for row in key.reviews.all()] == ["the train is late"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("some.csv", b"tweet,is_hate_speech\nthe bus,0\nthe caf\xe9,1\nthe train,1\n"),
        (
            "some.jsonl",
            b'\n{"tweet": "the bus", "is_hate_speech": false}\n{"tweet": "the caf\xe9", "is_hate_speech": true}\n'
            b'{"tweet": "the train", "is_hate_speech": true}\n',
        ),
    ],
)
def test_a_byte_that_is_not_utf8_costs_its_own_line_alone(
    tmp_path: Path, key: ApiKey, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)

    out, errors = load(tmp_path / name, key)

    assert out == "2 reviews added, 0 known already, 1 refused\n"
    assert "not UTF-8" in next(line for line in errors.splitlines() if line.startswith("line 3: "))
    assert [row.tweet for row in key.reviews.order_by("pk")] == ["the bus", "the train"]


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        *((value, True) for value in ("1", "1.0", "TRUE", "Yes", " 1 ")),
        *((value, False) for value in ("0", "0.0", "false", "no")),
    ],
)
def test_ways_to_write_an_answer(tmp_path: Path, key: ApiKey, value: str, answer: bool) -> None:
    text = f"tweet,is_hate_speech,labels\nthe bus is late,{value},toxic={value}\n"

    load(write(tmp_path / "some.csv", text), key)

    assert key.reviews.get().labels == {"hate_speech": answer, "toxic": answer}


@pytest.mark.parametrize("value", ["2", "0.5", "nan", "hate", "10"])
def test_another_answer_is_refused(tmp_path: Path, key: ApiKey, value: str) -> None:
    text = f"tweet,is_hate_speech\nthe bus is late,{value}\n"

    assert "line 2: is_hate_speech: This must be true or false" in load(write(tmp_path / "some.csv", text), key)[1]


@pytest.mark.parametrize(("value", "answer"), [("1", True), ("0.0", False), ('"1.0"', True), ("true", True)])
def test_answers_in_json_lines(tmp_path: Path, key: ApiKey, value: str, answer: bool) -> None:
    load(write(tmp_path / "some.jsonl", f'{{"tweet": "the bus is late", "is_hate_speech": {value}}}'), key)

    assert key.reviews.get().labels == {"hate_speech": answer}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{bad", "not valid JSON"),
        ("[1]", "not a JSON object"),
        ('{"tweet": "the bus \\ud83d", "is_hate_speech": true}', "tweet is not UTF-8"),
        ('{"tweet": "the bus \\u0000", "is_hate_speech": true}', "NUL"),
    ],
)
def test_a_bad_json_line_says_what_is_wrong_with_it(tmp_path: Path, key: ApiKey, line: str, reason: str) -> None:
    path = write(tmp_path / "some.jsonl", f'{line}\n{{"tweet": "the train", "is_hate_speech": true}}\n')

    _, errors = load(path, key)

    assert reason in next(said for said in errors.splitlines() if said.startswith("line 1: "))
    assert [row.tweet for row in key.reviews.all()] == ["the train"]


@pytest.mark.parametrize("name", ["some.tsv", "some.csv.gz"])
def test_other_tables(tmp_path: Path, key: ApiKey, name: str) -> None:
    content = b"tweet\tis_hate_speech\nthe bus\t1\n"
    (tmp_path / name).write_bytes(content if name == "some.tsv" else gzip.compress(content.replace(b"\t", b",")))

    load(tmp_path / name, key)

    assert key.reviews.get().labels == {"hate_speech": True}


def test_running_again_adds_nothing(tmp_path: Path, key: ApiKey) -> None:
    path = write(tmp_path / "some.csv", "tweet,is_hate_speech\nthe bus,0\nthe train,1\n")
    load(path, key)

    assert load(path, key)[0] == "0 reviews added, 2 known already, 0 refused\n"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_what_was_exported_can_be_imported(tmp_path: Path, key: ApiKey, as_key: AsKey, suffix: str) -> None:
    client = as_key("review")
    for tweet in ("=the bus is late", "'tis the train", "-1 for 'the' \"tram\""):
        client.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": True, "labels": {"toxic": 0.25}})
    path = tmp_path / f"all{suffix}"
    call_command("export_reviews", str(path), stdout=StringIO(), stderr=StringIO())

    assert load(path, key)[0] == "3 reviews added, 0 known already, 0 refused\n"

    mine, theirs = (
        list(rows.order_by("pk").values_list("tweet", "labels"))
        for rows in (key.reviews, ReviewedTweet.objects.exclude(key=key))
    )
    assert mine == theirs


def test_what_did_not_count_is_not_imported(tmp_path: Path, key: ApiKey) -> None:
    statuses = ["pending", "trained", "withdrawn", "superseded", "quarantined"]
    lines = [
        {"tweet": f"bus number {number} is late", "labels": {"hate_speech": False}, "status": status}
        for number, status in enumerate(statuses)
    ]
    path = write(tmp_path / "some.jsonl", "\n".join(map(json.dumps, lines)))

    out, _ = load(path, key, "--approve")

    assert out.splitlines() == [
        "2 reviews added, 0 known already, 0 refused",
        "3 passed over: quarantined, superseded or withdrawn where they come from",
    ]
    assert [row.tweet for row in key.reviews.order_by("pk")] == ["bus number 0 is late", "bus number 1 is late"]


def test_running_again_adds_nothing_also_of_several_opinions_about_a_text(tmp_path: Path, key: ApiKey) -> None:
    text = "tweet,is_hate_speech,reviewer\nthe bus,0,ann\nthe bus,1,bob\nthe bus,0,ann\n"
    path = write(tmp_path / "some.csv", text)
    assert load(path, key)[0].startswith("3 reviews added")

    assert load(path, key)[0] == "0 reviews added, 3 known already, 0 refused\n"


def test_a_line_may_say_nothing_about_hate_speech(tmp_path: Path, key: ApiKey) -> None:
    """As a score that was suggested for another of Perspective's attributes, once it is exported."""
    path = write(tmp_path / "some.jsonl", json.dumps({"tweet": "what a fool", "labels": {"toxic": 0.9}}))

    assert load(path, key)[0].startswith("1 reviews added")
    assert key.reviews.get().labels == {"toxic": 0.9}


def test_an_operator_may_approve_them_at_once(tmp_path: Path) -> None:
    stranger, _ = ApiKey.issue("a stranger", ["review"])
    path = write(tmp_path / "some.csv", "tweet,is_hate_speech\nthe bus is late,0\nthe train is late,1\n")

    load(path, stranger)
    assert {row.status for row in stranger.reviews.all()} == {"quarantined"}
    load(path, stranger, "--approve")

    assert {row.status for row in stranger.reviews.all()} <= {"pending", "held_out"}
    assert AuditEntry.objects.order_by("-pk")[0].action == "reviews.approved"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.txt", b""),
        ("x.csv", None),
        ("x.csv", "tweet,is_hate_speech\nthe bus,1\n".encode("utf-16")),
        ("x.csv", b"tweet,is_hate_speech,is_hate_speech\nthe bus,1,0\n"),
        ("x.csv.gz", b"tweet,is_hate_speech\nthe bus,1\n"),
        ("x.jsonl", None),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, key: ApiKey, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError):
        load(path, key)
    assert not ReviewedTweet.objects.exists()


def test_a_key_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no key"):
        call_command("import_reviews", str(tmp_path / "x.csv"), "--key", "hs_0")
