"""data/everyday.csv: what most people post, and how it is read."""

import re
from collections import Counter
from pathlib import Path

import pytest

from hate_speech_ai.cli.arguments import DATA
from hate_speech_ai.evaluation.everyday import Everyday, halves, read_everyday
from hate_speech_ai.evaluation.metrics import read_checks
from hate_speech_ai.text import MAX_CHARS, fingerprint
from tests.conftest import SHARED, starter_rows
from tests.helpers import PUBLIC_TEXTS, letters, texts_of

HEADER = "id,kind,tweet,obscene\n"
FILE = DATA / "everyday.csv"


@pytest.fixture(scope="module")
def everyday() -> list[Everyday]:
    return read_everyday(FILE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "everyday.csv"


def test_it_works(path: Path) -> None:
    path.write_text(HEADER + 'e-1,chat,"lol, no",0\ne-2,swearing,what the fuck,1\n', encoding="utf-8")

    assert read_everyday(path) == [
        Everyday("e-1", "chat", "lol, no", frozenset()),
        Everyday("e-2", "swearing", "what the fuck", frozenset({"obscene"})),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("e-2,chat,hello", "3 cells, but the header has 4"),
        ("e-2,chat,hello, you,0", "5 cells, but the header has 4"),
        (",chat,hello,0", "id, kind or tweet is empty"),
        ("e-2,,hello,0", "id, kind or tweet is empty"),
        ("e-2,chat, ,0", "id, kind or tweet is empty"),
        ("e-2,chat,hello,", "obscene is '', not 0 or 1"),
        ("e-2,chat,hello,no", "obscene is 'no', not 0 or 1"),
        ('e-2,chat,"hel"lo,0', "expected after"),
        ('e-2,chat,"hello,0', "unexpected end of data"),
    ],
)
def test_a_malformed_row_is_named(path: Path, row: str, problem: str) -> None:
    path.write_text(f"{HEADER}e-1,chat,hello,0\n{row}\n", encoding="utf-8")

    with pytest.raises(ValueError, match=rf"everyday\.csv, line 3: .*{problem}"):
        read_everyday(path)


@pytest.mark.parametrize("content", ["", "\n", "e-1,chat,hello,0\n", "id,tweet,kind,obscene\n"])
def test_another_header_is_refused(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")

    with pytest.raises(ValueError, match=r"line [01]: the header is '.*', not 'id,kind,tweet,obscene'"):
        read_everyday(path)


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        read_everyday(path)


def test_bytes_that_are_not_utf_8_are_refused(path: Path) -> None:
    path.write_bytes(HEADER.encode() + b"e-1,chat,hello,0\ne-2,chat,caf\xe9,0\n")

    with pytest.raises(ValueError, match=r"everyday\.csv"):
        read_everyday(path)


# The halves


def test_each_tweet_is_in_one_half(everyday: list[Everyday]) -> None:
    to_choose_with, to_examine_with = halves(everyday)

    assert sorted([*to_choose_with, *to_examine_with], key=lambda one: one.id) == sorted(
        everyday, key=lambda one: one.id
    )
    assert 0.45 < len(to_choose_with) / len(everyday) < 0.55


def test_the_half_depends_on_the_cleaned_text_alone() -> None:
    texts = [f"tweet number {number}" for number in range(40)]
    said = [Everyday(str(number), "chat", text) for number, text in enumerate(texts)]
    shouted = [Everyday(f"x{number}", "other", f"{text.upper()}!!") for number, text in enumerate(reversed(texts))]

    chosen, again = ({one.tweet.strip("!").lower() for one in halves(each)[0]} for each in (said, shouted))

    assert chosen == again
    assert 10 < len(chosen) < 30


def test_the_halves_keep_the_order(everyday: list[Everyday]) -> None:
    places = {one.id: place for place, one in enumerate(everyday)}

    for half in halves(everyday):
        assert [places[one.id] for one in half] == sorted(places[one.id] for one in half)


def test_a_tweet_never_changes_sides() -> None:
    # If this fails, thresholds are chosen with tweets that older models were examined with.
    said = [Everyday(str(number), "chat", f"tweet number {number}") for number in range(12)]

    assert [one.id for one in halves(said)[0]] == ["0", "1", "2", "5", "6", "7"]


# The file


def test_there_are_enough_of_many_kinds(everyday: list[Everyday]) -> None:
    counts = Counter(one.kind for one in everyday)

    assert all(len(half) >= 2_500 for half in halves(everyday))
    assert len(counts) >= 40
    assert max(counts.values()) < 0.1 * len(everyday)


def test_every_tweet_has_an_id_of_its_own(everyday: list[Everyday]) -> None:
    counts = Counter(one.id for one in everyday)

    assert [name for name, count in counts.items() if count > 1 or not re.fullmatch(r"[a-z]+-\d+", name)] == []


def test_no_two_tweets_have_the_same_cleaned_text(everyday: list[Everyday]) -> None:
    counts = Counter(fingerprint(one.tweet) for one in everyday)

    assert [one.id for one in everyday if counts[fingerprint(one.tweet)] > 1] == []


def test_texts_are_clean(everyday: list[Everyday]) -> None:
    assert [one.id for one in everyday if len(one.tweet) > MAX_CHARS or one.tweet != one.tweet.strip()] == []


def test_nothing_is_trained_on_them_and_no_check_is_one(everyday: list[Everyday]) -> None:
    others = {fingerprint(row["tweet"]) for row in starter_rows()}
    others |= {fingerprint(check.tweet) for check in read_checks(DATA / "checks.csv")}

    assert [one.id for one in everyday if fingerprint(one.tweet) in others] == []


@pytest.mark.skipif(not SHARED.exists(), reason="needs the folder with the public corpora")
def test_none_is_copied_from_a_public_corpus(everyday: list[Everyday]) -> None:
    ours = {text: one.id for one in everyday if len(text := letters(one.tweet)) > 30}

    copies = {
        (ours[text], file)
        for file, columns in PUBLIC_TEXTS.items()
        for text in texts_of(SHARED / "datasets" / file, columns)
        if text in ours
    }

    assert sorted(copies) == []


def test_the_readme_tells_how_many_there_are(everyday: list[Everyday]) -> None:
    text = FILE.with_name("README.md").read_text(encoding="utf-8")

    to_choose_with, to_examine_with = halves(everyday)
    assert f"{len(everyday):,} tweets" in text
    assert f"{len({one.kind for one in everyday})} kinds" in text
    assert f"{sum('obscene' in one.labels for one in everyday)} tweets that swear" in text
    assert f"one half ({len(to_choose_with):,}) chooses thresholds" in text
    assert f"other half ({len(to_examine_with):,}) examines" in text


def test_lines_end_as_everywhere_else() -> None:
    content = FILE.read_bytes()

    assert b"\r" not in content
    assert content.endswith(b"\n")
