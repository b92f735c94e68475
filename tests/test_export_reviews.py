"""manage.py export_reviews."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from api.models import ApiKey, ReviewedTweet
from hate_speech_ai.text import fingerprint
from tests.conftest import MakeVersion

Add = Callable[..., ReviewedTweet]


@pytest.fixture
def add(db: None) -> Add:
    """Store a review by a key, or with `corpus=True` a row of a corpus."""
    key, _ = ApiKey.issue("a test", ["review"])

    def review(tweet: str = "hello", corpus: bool = False, **fields: Any) -> ReviewedTweet:
        return ReviewedTweet.objects.create(
            **{
                "tweet": tweet,
                "labels": {"hate_speech": False},
                "source": "corpus:mine" if corpus else f"key:{key.pk}",
                "key": None if corpus else key,
                "fingerprint": fingerprint(tweet),
                "held_out": False,
                "opinion": ReviewedTweet.objects.count() + 1,
                **fields,
            }
        )

    return review


def export(path: Path, *options: str) -> str:
    call_command("export_reviews", str(path), *options, stderr=io.StringIO())
    return path.read_bytes().decode()


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n") if line]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_it_works(add: Add, tmp_path: Path) -> None:
    first = add("kill them", labels={"hate_speech": True, "spam": False}, external_id="007", reviewer="ann")
    second = add("hello")

    rows = json_lines(export(tmp_path / "reviews.jsonl"))

    assert [row["id"] for row in rows] == [str(first.receipt), str(second.receipt)]
    assert {key: rows[0][key] for key in ("tweet", "labels", "external_id", "reviewer", "held_out", "trained_in")} == {
        "tweet": "kill them",
        "labels": {"hate_speech": True, "spam": False},
        "external_id": "007",
        "reviewer": "ann",
        "held_out": False,
        "trained_in": None,
    }
    assert rows[0]["source"] == first.source
    assert rows[0]["created_at"].startswith(f"{first.created_at:%Y-%m-%dT%H:%M:%S}")


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "'quoted", 'say "hi"', "a,b;c\td", "two\nlines", "two\r\nlines", "a\rb", "\u2028", "é 😡 日本語"),
        *("nan", "null", "12", "\\n", " blanks ", "</script>", "\x7f\x01"),
    ],
)
def test_json_lines_are_lossless(add: Add, tmp_path: Path, text: str) -> None:
    add(text, external_id=text, reviewer=text)

    [row] = json_lines(export(tmp_path / "reviews.jsonl"))

    assert (row["tweet"], row["external_id"], row["reviewer"]) == (text, text, text)


def test_times_are_lossless(add: Add, tmp_path: Path) -> None:
    review = add()

    [row] = json_lines(export(tmp_path / "reviews.jsonl"))

    assert f"{review.created_at:%Y-%m-%dT%H:%M:%S.%f}" in row["created_at"]


@pytest.mark.parametrize("name", ["reviews.jsonl", "reviews.csv"])
def test_a_model_version_is_a_whole_number(add: Add, tmp_path: Path, make_version: MakeVersion, name: str) -> None:
    version = make_version()
    add("first", trained_in=version)
    add("second")

    text = export(tmp_path / name)

    rows = json_lines(text) if name.endswith("jsonl") else table(text)
    assert [str(row["trained_in"] or "") for row in rows] == [str(version.pk), ""]


@pytest.mark.parametrize("name", ["reviews.jsonl", "reviews.csv"])
def test_the_status_is_shown(add: Add, tmp_path: Path, name: str) -> None:
    add("first", status="withdrawn")
    add("second", corpus=True)

    text = export(tmp_path / name, "--corpora")

    rows = json_lines(text) if name.endswith("jsonl") else table(text)
    assert [row["status"] for row in rows] == ["withdrawn", ""]


def test_a_table(add: Add, tmp_path: Path) -> None:
    review = add("kill them, all", labels={"hate_speech": True, "spam": False}, external_id="007", reviewer="Zoë")

    [row] = table(export(tmp_path / "reviews.csv"))

    assert (row["id"], row["tweet"], row["external_id"]) == (str(review.receipt), "kill them, all", "007")
    assert (row["labels"], row["reviewer"], row["held_out"]) == ("hate_speech=1;spam=0", "Zoë", "False")


@pytest.mark.parametrize(
    "start",
    [
        *("=", "+", "-", "@", "\t", "\r", " =", "   @", "\uff1d", "\uff0b", "\uff0d", "\uff20"),
        *("\n=", "\u00a0=", "\u200b+", "\ufeff@", " \u00a0-"),
    ],
)
def test_no_cell_of_a_table_is_a_formula(add: Add, tmp_path: Path, start: str) -> None:
    cell = f"{start}HYPERLINK(A1)"
    add(cell, external_id=cell, reviewer=cell)

    [row] = table(export(tmp_path / "reviews.csv"))

    assert (row["tweet"], row["external_id"], row["reviewer"]) == (f"'{cell}", f"'{cell}", f"'{cell}")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_no_line_break_in_a_cell_starts_another_row(add: Add, tmp_path: Path, line_end: str) -> None:
    cell = f"hello{line_end}=HYPERLINK(A1)"
    add(cell, external_id=cell, reviewer=cell)

    [row] = table(export(tmp_path / "reviews.csv"))

    assert (row["tweet"], row["external_id"], row["reviewer"]) == (cell, cell, cell)


@pytest.mark.parametrize("text", ["hello", "a=b", "1-1", "me@example.com", "'=1", "😡"])
def test_a_harmless_cell_is_left_as_it_is(add: Add, tmp_path: Path, text: str) -> None:
    add(text)

    [row] = table(export(tmp_path / "reviews.csv"))

    assert row["tweet"] == text


@pytest.mark.parametrize("name", ["reviews.jsonl", "reviews.csv"])
def test_corpora_are_left_out_unless_asked_for(add: Add, tmp_path: Path, name: str) -> None:
    add("reviewed")
    add("imported", corpus=True)

    assert "imported" not in export(tmp_path / name)
    assert export(tmp_path / name, "--corpora").count("imported") == 1


@pytest.mark.parametrize("name", ["reviews.jsonl", "reviews.csv"])
def test_thousands_of_reviews_have_one_header_and_keep_their_order(add: Add, tmp_path: Path, name: str) -> None:
    first = add("number 0")
    ReviewedTweet.objects.bulk_create(
        ReviewedTweet(
            tweet=f"number {n}", labels={}, source=first.source, key=first.key, fingerprint=f"{n:064}", held_out=False
        )
        for n in range(1, 5_002)
    )

    text = export(tmp_path / name)

    rows = json_lines(text) if name.endswith("jsonl") else table(text)
    assert [row["tweet"] for row in rows] == [f"number {n}" for n in range(5_002)]


def test_a_dash_writes_json_lines_to_the_output(add: Add, capsys: pytest.CaptureFixture[str]) -> None:
    add("hello")

    call_command("export_reviews", "-")

    written = capsys.readouterr()
    assert [row["tweet"] for row in json_lines(written.out)] == ["hello"]
    assert written.err == "1 reviews written\n"


def test_an_older_export_is_replaced(add: Add, tmp_path: Path) -> None:
    (tmp_path / "reviews.jsonl").write_text("old\n" * 100)
    add("hello")

    assert [row["tweet"] for row in json_lines(export(tmp_path / "reviews.jsonl"))] == ["hello"]


@pytest.mark.parametrize("name", ["reviews.xlsx", "reviews", "reviews.json"])
def test_another_ending_is_refused(db: None, tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError, match=r"neither in \.jsonl nor in \.csv"):
        export(tmp_path / name)

    assert not (tmp_path / name).exists()


def test_a_path_that_cannot_be_written_is_refused(add: Add, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="reviews"):
        export(tmp_path / "nosuch" / "reviews.jsonl")
