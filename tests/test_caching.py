"""hate_speech_ai.text.caching: what is remembered about strings that clients write."""

import random
import tracemalloc
from itertools import count

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.cli.arguments import DATA
from hate_speech_ai.features import stem
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import lexicon, obfuscation
from hate_speech_ai.text.caching import LONGEST_KEY, Remembered, remember


def counted(*, most_bytes: int = 1_000_000) -> Remembered[int]:
    """A function that returns how often it was called."""
    calls = count(1)
    return Remembered(lambda text: next(calls), most_bytes)


def test_it_works() -> None:
    @remember(megabytes=1)
    def letters(text: str) -> tuple[str, ...]:
        """Return them."""
        return tuple(text)

    assert letters("so") == ("s", "o")
    assert letters("so") is letters("so")
    assert letters.__doc__ == "Return them."


def test_a_long_string_is_not_remembered() -> None:
    function = counted()

    assert [function("a" * LONGEST_KEY), function("a" * LONGEST_KEY)] == [1, 1]
    assert [function("b" * (LONGEST_KEY + 1)), function("b" * (LONGEST_KEY + 1))] == [2, 3]
    assert list(function) == ["a" * LONGEST_KEY]


def test_what_it_remembers_takes_no_more_bytes_than_it_may() -> None:
    function = Remembered(lambda text: tuple((text[place:], place + 1_000) for place in range(20)), 1_000_000)
    tracemalloc.start()

    most = 0
    for number in range(2_000):
        function(f"{number:040}")
        most = max(most, function.bytes)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 900_000 < most <= 1_000_000
    assert held < 1_200_000


def test_when_it_is_full_it_forgets_and_goes_on() -> None:
    function = counted(most_bytes=1_000)
    first = function("first")

    for number in range(100):
        function(str(number))

    assert function("99") == 101
    assert function("first") > first


def test_a_result_that_alone_is_too_large_is_not_remembered() -> None:
    function = Remembered(lambda text: text * 1_000, most_bytes=1_000)

    assert function("ab") == "ab" * 1_000
    assert not function


def test_short_words_are_remembered() -> None:
    for function in (stem, lexicon.split, obfuscation.word):
        function("friends")
        assert "friends" in function


def test_no_tweet_makes_the_service_keep_much() -> None:
    """A hashtag of 790 pieces was kept for good, in 100 KB."""
    scorer = Scorer(Artifact.from_bytes((DATA / "base" / "model.safetensors").read_bytes()))
    draw = random.Random(1)

    def tweet() -> str:
        return "#" + "".join(draw.choice("abcde") + draw.choice("1234") for _ in range(395))

    scorer.score(tweet(), scorer.labels)
    tracemalloc.start()
    for _ in range(20):
        scorer.score(tweet(), scorer.labels)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 20 * 10_000
