"""hate_speech_ai.tables: which rows are read of a file, and what is said of bad lines."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hate_speech_ai import tables

Rows = list[tuple[int, dict[str, Any] | str]]
HEADER = "tweet,label\n"


@pytest.fixture
def rows_of(tmp_path: Path) -> Callable[..., Rows]:
    """The rows of a file with this content."""

    def rows(content: str | bytes, name: str = "some.csv", **options: Any) -> Rows:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(tables.read(path, **options))

    return rows


RowsOf = Callable[..., Rows]


def good(rows: Rows) -> list[tuple[int, list[str]]]:
    return [(line, list(row.values())) for line, row in rows if isinstance(row, dict)]


def bad(rows: Rows) -> dict[int, str]:
    return {line: row for line, row in rows if isinstance(row, str)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("some.csv", HEADER + 'one,1\n"two, three",0\n'),
        ("SOME.TSV", "tweet\tlabel\none\t1\ntwo, three\t0\n"),
        ("some.jsonl", '{"tweet": "one", "label": "1"}\n{"tweet": "two, three", "label": "0"}\n'),
        ("some.ndjson", '{"tweet": "one", "label": "1"}\r\n{"tweet": "two, three", "label": "0"}\r\n'),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("packed", [False, True])
def test_it_works(rows_of: RowsOf, name: str, content: str, mark: str, packed: bool) -> None:
    first = 1 if "json" in name else 2
    data = (mark + content).encode()

    rows = rows_of(gzip.compress(data), f"{name}.gz") if packed else rows_of(data, name)

    assert rows == [(first, {"tweet": "one", "label": "1"}), (first + 1, {"tweet": "two, three", "label": "0"})]


# Quotes


def test_a_cell_may_have_several_lines(rows_of: RowsOf) -> None:
    rows = rows_of(HEADER + '"one\n\ntwo ""three""",1\nfour,0\n')

    assert rows == [(2, {"tweet": 'one\n\ntwo "three"', "label": "1"}), (5, {"tweet": "four", "label": "0"})]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ('"open,1\none,0\n"two",1\nthree,0\n', {2}),
        ('"open,1\none,0\ntwo,1\nthree,0\n', {2}),
        ('"open,1\none,0\n"two",1\n"open again,0\nthree,0\n', {2, 5}),
        ('one,0\n"open,1\n"two, and ""more""",1\nthree,0\n', {3}),
        ('one,0\n"open,1\n"two\nlines",1\nthree,0\n', {3}),
        ('"open\n"one",0\ntwo,1\nthree,0\n', {2}),
        ('"open,1\none,0\n"two,\n"two",1\nthree,0\n', {2, 4}),
    ],
)
def test_a_quote_that_is_never_closed_costs_its_own_line_alone(rows_of: RowsOf, content: str, lines: set[int]) -> None:
    rows = rows_of(HEADER + content)

    assert set(bad(rows)) == lines
    assert all("not readable as a table row" in said and "quote" in said for said in bad(rows).values())
    found = [(tweet.split()[0].strip(","), label) for _, (tweet, label) in good(rows)]
    assert found == [("one", "0"), ("two", "1"), ("three", "0")]


def test_a_quote_that_closes_rows_later_costs_those_two(rows_of: RowsOf) -> None:
    rows = rows_of(HEADER + '"open,1\none,0\ntwo,"\nthree,0\n')

    assert good(rows) == [(3, ["one", "0"]), (5, ["three", "0"])]
    assert list(bad(rows)) == [2, 4]
    assert bad(rows)[2] == '1 cells, but the header has 2; close every quote, and write "" for one in a cell'


def test_the_end_of_a_bad_cell_is_no_row(rows_of: RowsOf) -> None:
    """Else a part of a tweet would be stored as a tweet."""
    rows = rows_of(HEADER + '"one\nsaid "two" today",1\nthree,0\n')

    assert good(rows) == [(4, ["three", "0"])]
    assert list(bad(rows)) == [2, 3]
    assert "a quote closes here" in bad(rows)[3]


def test_a_quote_within_a_cell_is_a_character(rows_of: RowsOf) -> None:
    assert good(rows_of(HEADER + '5" of rain,1\nsay "hi",0\n')) == [(2, ['5" of rain', "1"]), (3, ['say "hi"', "0"])]


def test_a_file_without_quoting(rows_of: RowsOf) -> None:
    rows = rows_of('tweet\tlabel\n"one\t1\ntwo"\t0\n', "some.tsv", quoted=False)

    assert good(rows) == [(2, ['"one', "1"]), (3, ['two"', "0"])]


def test_a_long_file_of_open_quotes_is_read_in_one_go(rows_of: RowsOf) -> None:
    rows = rows_of(HEADER + '"open,1\n' + "x,1\n" * 50_000 + '"\n' * 2_000)

    assert len(good(rows)) == 50_000


@given(st.lists(st.tuples(st.text(st.characters(exclude_characters="\0", codec="utf-8")), st.sampled_from("01"))))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, written: list[tuple[str, str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("tweet", "label"), *written])
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(file.getvalue().encode())

    rows = list(tables.read(path))

    assert bad(rows) == {}
    assert [tuple(cells) for _, cells in good(rows)] == written


@given(st.lists(st.sampled_from(['"', "a", ",", "\n", "\r\n", '""', '"\n', ",1\n", "\xe9"]), max_size=60).map("".join))
def test_no_line_begins_two_rows(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(HEADER + content, encoding="utf-8", newline="")

    rows = list(tables.read(path))

    numbers = [line for line, _ in rows]
    assert numbers == sorted(set(numbers))


# Cells


def test_a_row_must_have_as_many_cells_as_the_header(rows_of: RowsOf) -> None:
    rows = rows_of(HEADER + "one\ntwo,and,1\n\nthree,0\n")

    assert bad(rows) == {2: "1 cells, but the header has 2", 3: "3 cells, but the header has 2"}
    assert good(rows) == [(5, ["three", "0"])]


def test_or_it_may_have_others(rows_of: RowsOf) -> None:
    rows = rows_of(HEADER + "one\ntwo,1,and\n", exact=False)

    assert rows == [(2, {"tweet": "one"}), (3, {"tweet": "two", "label": "1"})]


def test_a_cell_that_is_too_long_costs_its_own_line_alone(rows_of: RowsOf) -> None:
    rows = rows_of(HEADER + "x" * 200_000 + ",1\none,0\n")

    assert "field larger than field limit" in bad(rows)[2]
    assert good(rows) == [(3, ["one", "0"])]


BAD_BYTES = [
    (b"caf\xe9", "tweet is not UTF-8; save the file as UTF-8"),
    (b"ca\0fe", "tweet contains a NUL character; remove it"),
]


@pytest.mark.parametrize(("tweet", "said"), BAD_BYTES)
def test_a_bad_byte_costs_its_own_line_alone(rows_of: RowsOf, tweet: bytes, said: str) -> None:
    rows = rows_of(HEADER.encode() + b"one,1\n" + tweet + b",1\ncaf\xc3\xa9,0\n")

    assert bad(rows) == {3: said}
    assert good(rows) == [(2, ["one", "1"]), (4, ["caf\u00e9", "0"])]


@pytest.mark.parametrize(("errors", "tweet"), [("replace", "caf\ufffd"), ("surrogateescape", "caf\udce9")])
def test_a_bad_byte_may_be_kept(rows_of: RowsOf, errors: str, tweet: str) -> None:
    assert good(rows_of(HEADER.encode() + b"caf\xe9,1\n", errors=errors)) == [(2, [tweet, "1"])]


# Headers


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("tweet,label,tweet\none,1,two\n", r"some\.csv, line 1: the column tweet stands there twice; rename one"),
        (HEADER.encode("utf-16"), r"some\.csv, line 1: the header is not UTF-8; save the file as UTF-8"),
        ("x" * 200_000 + ",label\none,1\n", r"some\.csv, line 1: the header is not readable: field larger"),
        ('"tweet,label\none,1\n', r"some\.csv, line 1: the header is not readable: unexpected end of data"),
    ],
)
def test_a_bad_header_is_refused(rows_of: RowsOf, content: str | bytes, said: str) -> None:
    with pytest.raises(tables.Unreadable, match=said):
        rows_of(content)


def test_columns_without_a_name_are_no_matter(rows_of: RowsOf) -> None:
    assert rows_of(",tweet,\n1,one,\n") == [(2, {"": "", "tweet": "one"})]


@pytest.mark.parametrize(("content", "columns"), [(HEADER, ["tweet", "label"]), ("", []), ("\n", [])])
def test_who_reads_sees_the_header(rows_of: RowsOf, content: str, columns: list[str]) -> None:
    seen: list[list[str]] = []

    assert rows_of(content, header=seen.append) == []
    assert seen == [columns]


# JSON lines


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"tweet": ', "this is not valid JSON: Expecting value"),
        (b"[" * 100_000, "this is not valid JSON: "),
        (b"[1]", "this is not a JSON object"),
        (b'"text"', "this is not a JSON object"),
        (b'{"tweet": "caf\xe9"}', "the line is not UTF-8"),
        (b'{"tweet": "caf\\ud83d"}', "tweet is not UTF-8"),
        (b'{"tweet": "ca\\u0000fe"}', "tweet contains a NUL character"),
    ],
)
def test_a_bad_json_line_costs_itself_alone(rows_of: RowsOf, content: bytes, said: str) -> None:
    rows = rows_of(b'{"tweet": "one"}\n\n' + content + b'\n{"tweet": "two"}\n', "some.jsonl")

    assert said in bad(rows)[3]
    assert good(rows) == [(1, ["one"]), (4, ["two"])]


def test_a_json_line_may_be_a_string(rows_of: RowsOf) -> None:
    rows = rows_of('"one"\n7\n', "some.jsonl", bare="tweet")

    assert rows == [(1, {"tweet": "one"}), (2, "this is not a JSON object")]


# Files


@pytest.mark.parametrize("name", ["some.xlsx", "some", "some.gz", "some.json", "csv"])
def test_another_ending_is_refused(rows_of: RowsOf, name: str) -> None:
    with pytest.raises(tables.Unreadable, match=r"ends neither in \.csv, \.tsv nor \.jsonl"):
        rows_of(HEADER, name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"plain", "Not a gzipped file"),
        (gzip.compress(json.dumps([*range(10_000)]).encode())[:-50], "ended before"),
    ],
)
def test_a_damaged_file_says_why(rows_of: RowsOf, content: bytes, said: str) -> None:
    with pytest.raises(OSError, match=said) as refused:
        rows_of(content, "some.csv.gz")

    assert said in str(refused.value.strerror)


def test_a_file_that_must_have_no_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text(HEADER + "one,1\n\ntwo,2\n", encoding="utf-8")

    assert tables.read_all(path, ["tweet", "label"], lambda row: int(row["label"])) == [1, 2]
    with pytest.raises(ValueError, match=r"some\.csv, line 2: invalid literal"):
        tables.read_all(path, ["tweet", "label"], lambda row: int(row["tweet"]))
    with pytest.raises(ValueError, match=r"some\.csv, line 1: the header is 'tweet,label', not 'tweet'"):
        tables.read_all(path, ["tweet"], dict)
    with pytest.raises(ValueError, match=r"some\.jsonl ends neither"):
        tables.read_all(tmp_path / "some.jsonl", ["tweet"], dict)


def test_a_header_below_blank_lines_is_found(rows_of: RowsOf) -> None:
    assert good(rows_of("\n\n" + HEADER + "hello,1\n")) == [(4, ["hello", "1"])]
