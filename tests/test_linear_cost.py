"""Nothing that a client writes costs more than linear work: to read, to score, and to explain for all labels.

Work is the number of functions called, so that a busy machine does not count. What goes on inside a regular expression
is not among them; `test_text.test_the_work_grows_no_faster_than_the_text` has its time.
"""

import random
import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from string import ascii_lowercase
from types import FrameType

import pytest

from hate_speech_ai import features
from hate_speech_ai.artifact import Artifact
from hate_speech_ai.cli.arguments import DATA
from hate_speech_ai.explain import explain_all
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import MAX_CHARS, characters, lexicon, obfuscation, tokenize
from hate_speech_ai.text.caching import Remembered

ARTIFACT = Artifact.from_bytes((DATA / "base" / "model.safetensors").read_bytes())


def distinct(template: str) -> str:
    """As many words as there is room for, each another one."""
    return "".join(template.format(*letters) for letters in product(ascii_lowercase, repeat=2))


def strong_words(length: int, sign: int = 1) -> str:
    """Words of n-grams that speak for the labels, or against them."""
    weights = ARTIFACT.weights.sum(axis=0)[-len(ARTIFACT.vocabulary.blocks[2]) :]
    strongest = sorted(zip(sign * weights, ARTIFACT.vocabulary.blocks[2], strict=True), reverse=True)[:2_000]
    ngrams = [ngram for _, ngram in strongest if ngram.isascii() and ngram.isalpha()]
    draw = random.Random(1)
    words = ["".join(draw.choices(ngrams, k=length))[:length] for _ in range(MAX_CHARS // length)]
    return " ".join(words)


HOSTILE = {
    "one word": "abcde",
    "one letter": "a",
    "long words": distinct("{0}{1}" * 20 + " "),
    "short words": distinct("{0}{1} "),
    "spaced letters": "a b c ",
    "spaced letters of many words": distinct("{0} {1}  "),
    "letters behind signs that end no word": "a~.b_.",
    "a hashtag of letters": "#" + "abcdefgh" * 700,
    "a hashtag of letters and digits": "#" + "a1b2c33" * 800,
    "hashtags": distinct("#{0}{1}Day4u "),
    "a masked word": "a" + "*" * MAX_CHARS,
    "masked words": distinct("{0}***{1}**s "),
    "words masked with another sign": distinct("{0}###{1}##s "),
    "words in pieces": distinct("{0}!{1}!{0}!{1}+ "),
    "words in brackets": distinct("{0}n(i)c{1} "),
    "digits for letters": distinct("{0}1{1}3r "),
    "stretched letters": distinct("{0}aaaaaaaa{1}bbbbbb "),
    "apostrophes": "a'",
    "combining marks": "e\u0301\u0323",
    "one letter under many marks": "e" + "\u0301" * MAX_CHARS,
    "hebrew points": "\u05b0\u05bd\u05b1\u05b9",
    "invisible characters": "a\u200b\u00ad",
    "shown from right to left": "\u202eab cd\u202c ",
    "HTML entities": "&amp;&#97;&#x62;",
    "unfinished HTML entities": "&CounterClockwiseContour",
    "tags": "<b>a</b>",
    "unfinished tags": '<b a="',
    "mojibake": "\u00c3\u00a9\u00e2\u20ac\u2122",
    "a ligature of many letters": "\ufdfa",
    "emoji": "\U0001f621\U0001f400",
    "flags": "\U0001f1ed\U0001f1e6",
    "names and links": "@ann https://t.co/x ",
    "strong n-grams": strong_words(24),
    "strong n-grams in short words": strong_words(7),
    "strong n-grams against": strong_words(24, -1),
    "the same strong word": "vermin ",
    "groups": "jews muslims deport ",
    "many short sentences": "kill all jews. ",
    "many very short sentences": distinct("{0}{1}. "),
}
# What the dearest search for a small set of tokens takes, however long the text: that in a tweet of 30 words.
SEARCH = 500_000

texts = pytest.mark.parametrize(
    "text", [pytest.param((piece * MAX_CHARS)[:MAX_CHARS], id=name) for name, piece in HOSTILE.items()]
)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(ARTIFACT)


def work(task: Callable[[str], object], text: str, scorer: Scorer | None = None) -> int:
    """Return how many functions are called for a text, when nothing is remembered."""
    for module in (characters, features, lexicon, obfuscation):
        for memory in vars(module).values():
            if isinstance(memory, Remembered):
                memory.clear()
    if scorer is not None:
        scorer._spellings.clear()
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        task(text)
    finally:
        sys.setprofile(None)
    return calls


def grows_linearly(task: Callable[[str], object], text: str, scorer: Scorer | None = None, *, constant: int) -> bool:
    """Return whether four times the text is about four times the work; quadratic work would be sixteen times."""
    return work(task, text, scorer) < 6 * work(task, text[: MAX_CHARS // 4], scorer) + constant


def score(scorer: Scorer, text: str) -> object:
    return scorer.score(text, scorer.labels)


def explain(scorer: Scorer, text: str) -> object:
    return explain_all(scorer, text, scorer.thresholds)


@texts
def test_reading_is_linear(text: str) -> None:
    assert grows_linearly(tokenize, text, constant=10_000)


@texts
def test_scoring_is_linear(scorer: Scorer, text: str) -> None:
    assert grows_linearly(partial(score, scorer), text, scorer, constant=10_000)


@texts
def test_explaining_is_linear(scorer: Scorer, text: str) -> None:
    assert grows_linearly(partial(explain, scorer), text, scorer, constant=SEARCH)


@pytest.mark.parametrize("words", [12, 24, 30, 31, 60, 120, 200])
@pytest.mark.parametrize("sign", [1, -1], ids=["for", "against"])
def test_a_search_is_bounded_however_long_the_text_is(scorer: Scorer, words: int, sign: int) -> None:
    text = " ".join(strong_words(24, sign).split()[:words])

    explained = work(partial(explain, scorer), text, scorer)

    assert explained < 20 * work(partial(score, scorer), text, scorer) + SEARCH


def test_more_labels_cost_little_more_of_the_search(scorer: Scorer) -> None:
    text = " ".join(strong_words(12).split()[:30])
    threshold = {"hate_speech": scorer.thresholds["hate_speech"]}

    one = work(lambda text: explain_all(scorer, text, threshold), text, scorer)

    assert work(partial(explain, scorer), text, scorer) < 2.5 * one


def test_a_masked_word_is_not_compared_with_each_known_one() -> None:
    text = distinct("{0}###{1}##s ")[: MAX_CHARS // 8]

    assert work(tokenize, text) < 25 * len(text)
