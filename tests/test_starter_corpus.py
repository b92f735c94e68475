"""data/train.csv: the corpus that the first model learns from."""

import re
from collections import Counter, defaultdict

import pytest
from django.conf import settings

from hate_speech_ai.corpora.catalogue import STARTER
from hate_speech_ai.corpora.corpus import Rejected
from hate_speech_ai.corpora.reader import read
from hate_speech_ai.labels import LABELS
from hate_speech_ai.text import MAX_CHARS, fingerprint, is_held_out, repair
from hate_speech_ai.training.trainer import MIN_EXAMPLES
from tests.conftest import SHARED, starter_rows
from tests.helpers import PUBLIC_TEXTS, letters, texts_of


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return starter_rows()


def test_it_works() -> None:
    rejected = [row for row in read(STARTER, settings.STARTER_CORPUS) if isinstance(row, Rejected)]

    assert rejected == []


def test_the_header(rows: list[dict[str, str]]) -> None:
    assert list(rows[0]) == ["id", "tweet", *LABELS]


def test_every_row_has_as_many_cells_as_the_header(rows: list[dict[str, str]]) -> None:
    assert [row["id"] for row in rows if None in row or None in row.values()] == []


def test_it_is_large_enough(rows: list[dict[str, str]]) -> None:
    assert len(rows) >= 20_000


def test_every_row_has_an_id_of_its_own(rows: list[dict[str, str]]) -> None:
    counts = Counter(row["id"] for row in rows)

    assert [name for name, count in counts.items() if count > 1 or not re.fullmatch(r"[a-z]+-\d+", name)] == []


def test_no_two_rows_have_the_same_cleaned_text(rows: list[dict[str, str]]) -> None:
    ids = defaultdict(list)
    for row in rows:
        ids[fingerprint(row["tweet"])].append(row["id"])

    assert [same for same in ids.values() if len(same) > 1] == []


def test_answers_are_0_1_or_empty(rows: list[dict[str, str]]) -> None:
    assert [row["id"] for row in rows if not {row[label] for label in LABELS} <= {"0", "1", ""}] == []


def test_every_row_answers_hate_speech(rows: list[dict[str, str]]) -> None:
    assert [row["id"] for row in rows if not row["hate_speech"]] == []


@pytest.mark.parametrize("label", LABELS)
def test_every_label_has_enough_examples_to_be_learned(rows: list[dict[str, str]], label: str) -> None:
    counts = Counter(row[label] for row in rows if not is_held_out(fingerprint(row["tweet"])))

    assert counts["1"] >= MIN_EXAMPLES
    assert counts["0"] >= MIN_EXAMPLES


def test_the_share_of_hate_speech(rows: list[dict[str, str]]) -> None:
    assert 0.25 <= sum(row["hate_speech"] == "1" for row in rows) / len(rows) <= 0.55


def test_texts_are_clean(rows: list[dict[str, str]]) -> None:
    def is_clean(tweet: str) -> bool:
        return (
            tweet == repair(tweet).strip() and len(tweet) <= MAX_CHARS and not re.search(r"[\0-\x1f\x7f-\x9f]", tweet)
        )

    assert [row["id"] for row in rows if not is_clean(row["tweet"])] == []


@pytest.mark.skipif(not SHARED.exists(), reason="needs the folder with the public corpora")
def test_no_row_is_copied_from_a_public_corpus(rows: list[dict[str, str]]) -> None:
    # Those who measure a model on a public corpus must not meet a tweet that it was trained on. Short remarks such as
    # "can't wait!!" are everybody's.
    ours = {text: row["id"] for row in rows if len(text := letters(row["tweet"])) > 30}

    copies = {
        (ours[text], file)
        for file, columns in PUBLIC_TEXTS.items()
        for text in texts_of(SHARED / "datasets" / file, columns)
        if text in ours
    }

    assert sorted(copies) == []
