"""hate_speech_ai.text.long_texts: the parts of a long text that are read by themselves."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hate_speech_ai.text import LONG, parts, tokenize_with_offsets

SENTENCE = "the bus was late again"
TEXTS = st.lists(
    st.sampled_from(
        ["the", "bus", "late", "i", "😡", ".", "!", "?", "\n", "…", "。", ";", ",", "3.14", "@ann", "n.i.c.e"]
    ),
    max_size=200,
).map(" ".join) | st.text(st.characters())


def sentences(text: str) -> list[str]:
    """The parts as they stand in the text."""
    tokens = tokenize_with_offsets(text)
    return [text[tokens[begin].begin : tokens[end - 1].end] for begin, end in parts(text, tokens)]


def test_it_works() -> None:
    text = ". ".join([SENTENCE] * 6) + "."

    assert parts(text, tokenize_with_offsets(text)) == [(0, 5), (5, 10), (10, 15), (15, 20), (20, 25), (25, 30)]
    assert sentences(text) == [SENTENCE] * 6


@pytest.mark.parametrize("words", [0, 1, LONG - 1, LONG])
def test_a_text_that_is_not_long_has_no_parts(words: int) -> None:
    assert sentences("so. " * words) == []


def test_a_text_with_one_token_more_is_long() -> None:
    assert sentences("so it is. " * 8) == []
    assert len(sentences("so it is. " * 8 + "yes")) == 8


@pytest.mark.parametrize("end", [". ", "! ", "?! ", "... ", "… ", "。", "; ", "\n", "\r\n", " .\n", ") . ("])
def test_a_sentence_ends_with_a_stop_or_a_line(end: str) -> None:
    assert sentences(end.join([SENTENCE] * 6)) == [SENTENCE] * 6


@pytest.mark.parametrize("between", [", ", " - ", ": ", " 😡 ", " ", "\t"])
def test_nothing_else_ends_a_sentence(between: str) -> None:
    text = between.join([SENTENCE] * 6)

    assert all(first.count("bus") > 2 for first in sentences(text)[:2])


def test_a_dot_inside_a_token_ends_no_sentence() -> None:
    text = "they are all so v.e.r.y n.i.c.e to me today and to you. " * 3

    assert sentences(text) == ["they are all so v.e.r.y n.i.c.e to me today and to you"] * 3


def test_a_very_short_sentence_goes_with_the_next_one() -> None:
    text = f"{SENTENCE}. no! {SENTENCE}. oh well. {SENTENCE}. {SENTENCE}. {SENTENCE}."

    assert sentences(text) == [SENTENCE, f"no! {SENTENCE}", f"oh well. {SENTENCE}", SENTENCE, SENTENCE]


def test_a_very_short_last_sentence_goes_with_the_one_before() -> None:
    assert sentences(f"{SENTENCE}. " * 5 + "oh no.")[-1] == f"{SENTENCE}. oh no"


def test_a_long_sentence_is_read_through_windows_that_overlap_by_half() -> None:
    text = " ".join(f"word{number}x" for number in range(60))

    assert parts(text, tokenize_with_offsets(text)) == [(0, 24), (12, 36), (24, 48), (36, 60)]


def test_a_long_sentence_among_others_has_windows_of_its_own() -> None:
    text = f"{SENTENCE}. {'so late ' * 15}. {SENTENCE}."

    assert parts(text, tokenize_with_offsets(text)) == [(0, 5), (5, 29), (17, 35), (35, 40)]


def test_tokens_that_are_left_out_do_not_join_two_sentences() -> None:
    """To explain an answer, words are left out, also those beside a full stop."""
    text = f"{SENTENCE}. " * 7
    kept = [token for token in tokenize_with_offsets(text) if token.text != "again"]

    assert parts(text, kept) == [(begin, begin + 4) for begin in range(0, 28, 4)]


@given(TEXTS)
def test_the_parts_of_a_long_text_cover_it_in_order(text: str) -> None:
    tokens = tokenize_with_offsets(text)

    found = parts(text, tokens)

    if len(tokens) <= LONG:
        assert found == []
        return
    assert found[0][0] == 0
    assert found[-1][1] == len(tokens)
    assert all(left[0] < right[0] <= left[1] < right[1] for left, right in pairwise(found))
    assert all(3 <= end - begin <= 24 for begin, end in found)
    assert sum(end - begin for begin, end in found) < 3 * len(tokens)
