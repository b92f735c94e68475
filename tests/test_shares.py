"""How much of a model's score one key may make."""

import pytest

from hate_speech_ai.evaluation.shares import capped
from hate_speech_ai.training.examples import Example


def said(number: int, source: str = "") -> list[Example]:
    return [Example(f"{source} {place}", {"hate_speech": True}, claimed_by=source) for place in range(number)]


def of(rows: list[Example], source: str) -> int:
    return sum(row.claimed_by == source for row in rows)


@pytest.mark.parametrize(
    ("others", "theirs", "kept"), [(2_000, 1_500, 200), (2_000, 200, 200), (100, 80, 50), (0, 80, 80)]
)
def test_a_key_alone_has_a_share(others: int, theirs: int, kept: int) -> None:
    found = capped(said(others) + said(theirs, "key:1"))

    assert (of(found, "key:1"), of(found, "")) == (kept, others)


def test_the_same_ones_stay_whatever_their_order() -> None:
    rows = said(100) + said(80, "key:1")

    assert {row.tweet for row in capped(rows)} == {row.tweet for row in capped(rows[::-1])}


def test_several_keys_have_a_share_each() -> None:
    found = capped(said(400, "key:1") + said(400, "key:2") + said(400, "key:3"))

    assert [of(found, f"key:{number}") for number in (1, 2, 3)] == [80, 80, 80]
