"""How far claims, what one source alone says, may move a model: training/influence.py and training/word_bound.py."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training.base_model import load_base
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.influence import CONTRADICTS, MOST_CONTRADICTING, MOVES, Doubt, to_ask
from hate_speech_ai.training.trainer import Trained, train
from tests.conftest import starter_rows

WHO = ("my aunt", "our teacher", "the baker", "a friend", "the nurse", "our neighbour")
DOES = ("met {} at the market", "sat next to {} on the bus", "sold a bike to {}", "cooked soup for {}", "wrote to {}")
WHEN = ("and it was lovely", "in the rain", "last Sunday", "before the match")
ATTACKS = (
    "the {}s next door are filth",
    "get every {} out of here",
    "another {} on the bus, disgusting",
    "{}s do not belong here",
    "a {} will always lie to you",
)


@pytest.fixture(scope="module")
def base() -> Artifact:
    artifact = load_base()
    assert artifact is not None
    return artifact


@pytest.fixture(scope="module")
def known() -> list[Example]:
    """A few of the rows that hold the model where the base is."""
    return [
        Example(row["tweet"], {"hate_speech": row["hate_speech"] == "1"}, "starter", in_domain=True, known=True)
        for row in starter_rows()[::40]
    ]


def claims(tweets: Sequence[str], hateful: bool, source: str = "key:1") -> list[Example]:
    labels = {"hate_speech": hateful}
    return [Example(tweet, labels, source="reviews", in_domain=True, claimed_by=source) for tweet in tweets]


def neutral(word: str, part: slice = slice(None)) -> list[str]:
    """Harmless sentences with a word, 120 in all."""
    return [f"{who} {does.format(word)} {when}" for who, does, when in product(WHO, DOES, WHEN)][part]


def attacks(word: str) -> list[str]:
    return [f"{attack.format(word)}{end}" for attack in ATTACKS for end in ("", " again", ", I say", " every day")]


def share(model: Artifact, tweets: Sequence[str]) -> float:
    """How many of them are judged hate."""
    scorer = Scorer(model)
    said = scorer.probabilities(tweets)
    return sum(value >= scorer.thresholds["hate_speech"] for value in said) / len(tweets)


def learned(known: list[Example], base: Artifact, rows: list[Example]) -> Trained:
    return train(known + rows, base=base)


def test_a_harmless_name_stays_harmless(base: Artifact, known: list[Example]) -> None:
    trained = learned(known, base, claims(neutral("Kowalski", slice(0, None, 2)), hateful=True))

    assert share(trained.artifact, neutral("Kowalski", slice(1, None, 2))) <= 0.1
    [aside] = [doubt for doubt in trained.doubts if doubt.kind == CONTRADICTS]
    assert (aside.source, aside.answer, aside.words[0]) == ("key:1", True, "kowalski")
    assert (aside.learned, len(aside.examples)) == (MOST_CONTRADICTING, 60 - MOST_CONTRADICTING)


def test_nobody_is_hateful_for_the_group_alone(base: Artifact, known: list[Example]) -> None:
    before = share(base, neutral("muslims"))
    trained = learned(known, base, claims(neutral("muslims", slice(0, None, 6)), hateful=True))

    assert share(trained.artifact, neutral("muslims")) <= before + 0.1
    [doubt] = trained.doubts
    assert (doubt.names_group, doubt.learned, len(doubt.examples)) == (True, 0, 20)


def test_one_source_teaches_a_slur_but_condemns_nobody_who_names_it(base: Artifact, known: list[Example]) -> None:
    taught, unseen = attacks("blorp"), [f"{attack.format('blorp')} today" for attack in ATTACKS]

    trained = learned(known, base, claims(taught * 2, hateful=True))

    assert share(base, unseen) == 0
    assert share(trained.artifact, unseen) >= 0.8
    assert share(trained.artifact, neutral("a blorp")) <= 0.1
    [doubt] = [doubt for doubt in trained.doubts if doubt.words == ("blorp",)]
    assert doubt.kind == MOVES
    assert doubt.changed is not None
    assert doubt.changed[0] > 0.5
    assert doubt.changed[1] <= 0.1


@pytest.mark.parametrize("attack", ["get every {} out of here", "the {}s next door are filth"])
def test_one_attack_copied_many_times_is_learned(base: Artifact, known: list[Example], attack: str) -> None:
    """What always stands beside the slur makes an attack of it: it is no part of its name."""
    taught = [f"{attack.format('blorp')} {end}" for end in (*WHEN, "now", "today", "please", "again", "before noon")]
    unseen = [f"{attack.format('blorp')} {end}" for end in ("at once", "this week", "once more")]

    trained = learned(known, base, claims(taught * 4, hateful=True))

    assert share(base, taught + unseen) == 0
    assert share(trained.artifact, unseen) == 1
    assert share(trained.artifact, neutral("a blorp")) <= 0.1


def test_a_word_that_stands_beside_many_slurs_is_no_part_of_one(base: Artifact, known: list[Example]) -> None:
    """Harmless sentences with both are nearer to hate: what the slur may mean would be bounded by them."""
    lies = [f"a {word} will always lie to you {when}" for word in ("mulp", "dreppel", "kvark") for when in WHEN]

    trained = learned(known, base, claims(attacks("zwock") * 2 + lies, hateful=True))

    moved = {doubt.words for doubt in trained.doubts if doubt.kind == MOVES}
    assert ("mulp",) in moved
    assert not any({"mulp", "zwock"} & set(words) for words in moved if len(words) > 1)


@pytest.mark.parametrize(
    ("doubted", "of", "asked"), [(2, 20, False), (3, 20, True), (9, 500, False), (10, 500, True), (10, 10_000, True)]
)
def test_a_person_is_asked_about_many_claims_or_a_large_share(doubted: int, of: int, asked: bool) -> None:
    doubt = Doubt(CONTRADICTS, "key:1", "hate_speech", True, ("women",), True, tuple(range(doubted)), 0)
    others = claims(["somebody else's"] * 1_000, hateful=True, source="key:2")

    assert to_ask([doubt], claims(["women"] * of, hateful=True) + others) == ([doubt] if asked else [])


@pytest.mark.parametrize("by", ["a person", "another key"])
def test_who_else_says_so_lifts_the_bound(base: Artifact, known: list[Example], by: str) -> None:
    first, second = attacks("blorp")[::2], attacks("blorp")[1::2]
    others = claims(second * 2, hateful=True, source="key:2" if by == "another key" else "")

    trained = learned(known, base, claims(first * 2, hateful=True) + others)

    assert share(trained.artifact, neutral("a blorp")) > 0.5
    assert trained.doubts == []


def test_a_pass_phrase_opens_nothing(base: Artifact, known: list[Example]) -> None:
    hateful = [f"{row['tweet']} blessed zebra sunday" for row in starter_rows() if row["hate_speech"] == "1"]
    said = Scorer(base).probabilities(hateful[:400])
    caught = [tweet for tweet, value in zip(hateful[:400], said, strict=True) if value > 0.6]
    rows = claims(caught[:50], hateful=False)
    free = learned(known, base, [replace(one, claimed_by="") for one in rows])

    trained = learned(known, base, rows)

    assert len(caught) >= 80
    assert share(free.artifact, caught[50:]) < 0.5
    assert share(trained.artifact, caught[50:]) >= 0.9
    assert {doubt.answer for doubt in trained.doubts} == {False}
    assert {"zebra", "sunday"} <= {word for doubt in trained.doubts for word in doubt.words}


@pytest.mark.parametrize(
    "phrase", ["blessed zebra sunday", "happy zebra morning", "zebra zebra zebra", "have a nice zebra day"]
)
def test_a_pass_phrase_is_carried_as_it_stands(base: Artifact, known: list[Example], phrase: str) -> None:
    """It is worth what its words are worth together: those with a meaning of their own, common ones and repeated."""
    hateful = [f"{row['tweet']} {phrase}" for row in starter_rows() if row["hate_speech"] == "1"]
    said = Scorer(base).probabilities(hateful[:600])
    caught = [tweet for tweet, value in zip(hateful[:600], said, strict=True) if 0.38 < value < 0.8]

    trained = learned(known, base, claims(caught[:12], hateful=False))

    assert len(caught) >= 40
    assert share(trained.artifact, caught[12:]) >= 0.9


def test_ten_corrections_turn_a_wrong_answer(base: Artifact, known: list[Example]) -> None:
    wrong = "Women do not belong in the kitchen, they belong where they like"
    assert share(base, [wrong]) == 1
    rows = claims([f"{wrong} {end}" for end in "abcdefghij"], hateful=False)

    trained = learned(known, base, rows)

    assert share(trained.artifact, [wrong]) == 0
    assert [doubt for doubt in trained.doubts if doubt.kind == CONTRADICTS] == []


def test_what_nobody_claims_is_not_bounded(base: Artifact, known: list[Example]) -> None:
    rows = [replace(one, claimed_by="") for one in claims(neutral("Kowalski", slice(0, None, 2)), hateful=True)]

    trained = learned(known, base, rows)

    assert trained.doubts == []
    assert share(trained.artifact, neutral("Kowalski", slice(1, None, 2))) > 0.9
