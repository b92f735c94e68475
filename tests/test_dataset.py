"""hate_speech_ai.corpora.dataset: from corpora on disk to examples."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.corpora.catalogue import CORPORA
from hate_speech_ai.corpora.corpus import CorpusError
from hate_speech_ai.corpora.dataset import data_fingerprint, load
from hate_speech_ai.text import fingerprint, is_held_out

# On the training side, by their hash.
KEPT, TESTED = "one quiet morning", "two long evenings"


@pytest.fixture(scope="module", autouse=True)
def known_sides() -> None:
    assert not is_held_out(fingerprint(KEPT))
    assert not is_held_out(fingerprint(TESTED))


def starter(folder: Path, *rows: str) -> Path:
    path = folder / "starter.csv"
    header = "tweet,hate_speech,toxic,severe_toxic,obscene,threat,insult,identity_hate"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def hatexplain(folder: Path, *rows: str) -> Path:
    path = folder / "hatexplain.csv"
    path.write_text("\n".join(["text,label,split", *rows]) + "\n", encoding="utf-8")
    return path


def davidson(folder: Path, *rows: str) -> Path:
    path = folder / "labeled_data.csv"
    path.write_text("\n".join(["tweet,class", *rows]) + "\n", encoding="utf-8")
    return path


def test_it_works(tmp_path: Path) -> None:
    split = load(
        {
            "starter": starter(tmp_path, f"{KEPT},0,1,,,,,"),
            "hatexplain": hatexplain(tmp_path, f"{TESTED},hatespeech,test"),
        }
    )

    assert [(one.tweet, one.labels, one.source) for one in split.training] == [
        (KEPT, {"hate_speech": False, "toxic": True}, "starter")
    ]
    assert [(one.tweet, one.labels, one.source) for one in split.held_out] == [
        (TESTED, {"hate_speech": True, "toxic": True}, "hatexplain")
    ]


def test_one_text_in_ten_is_held_out_by_its_hash(tmp_path: Path) -> None:
    tweets = [f"the {number} of spades" for number in range(300)]

    split = load({"starter": starter(tmp_path, *(f"{tweet},0,0,0,0,0,0,0" for tweet in tweets))})

    assert [one.tweet for one in split.held_out] == [t for t in tweets if is_held_out(fingerprint(t))]
    assert 15 <= len(split.held_out) <= 45
    assert len(split.training) + len(split.held_out) == 300


def test_what_authors_test_with_is_held_out_wherever_it_stands(tmp_path: Path) -> None:
    split = load(
        {
            "starter": starter(tmp_path, f"{KEPT},0,0,0,0,0,0,0"),
            "hatexplain": hatexplain(tmp_path, f"{KEPT.upper()}!!,normal,train", f"{KEPT},normal,test"),
        }
    )

    assert split.training == []
    assert [(one.tweet, one.source) for one in split.held_out] == [(KEPT, "starter")]


def test_of_a_text_that_a_corpus_repeats_the_first_row_counts(tmp_path: Path) -> None:
    split = load({"davidson2017": davidson(tmp_path, f"{KEPT},0", f"{KEPT}!,2", f"{KEPT}?,2")})

    assert [one.labels["hate_speech"] for one in split.training] == [True]
    assert split.counts["davidson2017"].repeated == 2


def test_several_corpora_vote_and_the_last_one_breaks_a_tie(tmp_path: Path) -> None:
    sources = {
        "davidson2017": davidson(tmp_path, f"{KEPT},0"),
        "hatexplain": hatexplain(tmp_path, f"{KEPT},normal,train"),
    }

    first, second = load(sources), load(dict(reversed(sources.items())))

    assert [one.labels["hate_speech"] for one in first.training] == [False]
    assert [one.labels["hate_speech"] for one in second.training] == [True]
    assert [one.source for one in second.training] == ["hatexplain"]


def test_core_is_what_the_starter_corpus_has(tmp_path: Path) -> None:
    split = load(
        {
            "davidson2017": davidson(tmp_path, f"{KEPT},0", f"{TESTED},0"),
            "starter": starter(tmp_path, f"{KEPT},0,1,,,,,"),
        }
    )

    assert [(one.tweet, one.source, one.in_domain) for one in split.training] == [
        (KEPT, "davidson2017", True),
        (TESTED, "davidson2017", False),
    ]


@pytest.fixture(scope="module")
def learned(artifact_bytes: bytes) -> Any:
    """A base model that has learned these corpora."""
    artifact = Artifact.from_bytes(artifact_bytes)
    return lambda *names: replace(artifact, metadata={"corpora": dict.fromkeys(names, 100)})


def test_a_base_knows_what_only_the_starter_corpus_says(tmp_path: Path, learned: Any) -> None:
    sources = {
        "starter": starter(tmp_path, f"{KEPT},0,1,,,,,", f"{TESTED},0,1,,,,,"),
        "davidson2017": davidson(tmp_path, f"{TESTED},0", "a third morning,0"),
    }

    split = load(sources, base=learned("starter", "davidson2017"))

    assert {one.tweet: one.known for one in split.training} == {KEPT: True, TESTED: False, "a third morning": False}


@pytest.mark.parametrize("names", [None, [], ["davidson2017"]])
def test_without_a_base_that_has_learned_it_the_starter_corpus_is_new(
    tmp_path: Path, learned: Any, names: list[str] | None
) -> None:
    base = None if names is None else learned(*names)

    split = load({"starter": starter(tmp_path, f"{KEPT},0,1,,,,,")}, base=base)

    assert [one.known for one in split.training] == [False]


def test_a_row_counts_as_much_as_its_corpus_says(tmp_path: Path) -> None:
    split = load(
        {
            "davidson2017": davidson(tmp_path, f"{KEPT},0"),
            "hatexplain": hatexplain(tmp_path, f"{KEPT},normal,train", f"{TESTED},normal,train"),
        }
    )

    assert CORPORA["hatexplain"].weight > CORPORA["davidson2017"].weight == 1.0
    assert [one.weight for one in split.training] == [1.0, CORPORA["hatexplain"].weight]


def test_rows_that_are_not_used_are_counted(tmp_path: Path) -> None:
    path = hatexplain(tmp_path, f"{KEPT},normal,train", "unsure,undecided,train", "odd,maybe,train", "???,normal,train")

    count = load({"hatexplain": path}).counts["hatexplain"]

    assert (count.rows, count.left_out, count.rejected) == (4, 1, 2)
    assert count.first_rejected is not None
    assert count.first_rejected.line == 4


def test_progress_tells_the_rows_that_were_read(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []
    rows = [f"number {number},0,0,0,0,0,0,0" for number in range(1200)]

    load({"starter": starter(tmp_path, *rows)}, lambda name, count: seen.append((name, count)))

    assert seen == [("starter", 500), ("starter", 1000), ("starter", 1200)]


def test_an_unreadable_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"^starter: .*missing\.csv"):
        load({"starter": tmp_path / "missing.csv"})


def test_the_fingerprint_belongs_to_the_rows(tmp_path: Path) -> None:
    def print_of(*rows: str) -> str:
        return data_fingerprint(load({"davidson2017": davidson(tmp_path, *rows)}).training)

    assert print_of(f"{KEPT},0") == print_of(f"{KEPT},0")
    # What a model knows of the rows is no part of them.
    rows = load({"davidson2017": davidson(tmp_path, f"{KEPT},0")}).training
    assert data_fingerprint([replace(row, known=True) for row in rows]) == data_fingerprint(rows)
    assert len({print_of(f"{KEPT},0"), print_of(f"{KEPT},2"), print_of(f"{KEPT} again,0")}) == 3
