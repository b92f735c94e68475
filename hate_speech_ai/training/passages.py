"""The passage that the texts around a word share."""

from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from hate_speech_ai.features import stem

#: In nearly all texts: what stands there in so many belongs together.
ALWAYS_TOGETHER = 0.8

# Fewer texts share by chance.
_FEWEST = 3
_LONGEST_PASSAGE = 10


def distinct(text: Sequence[str], names: tuple[str, ...]) -> list[str]:
    """Return the words of a text that have these stems, each stem once."""
    return list({stem[token]: token for token in text if stem[token] in names}.values())


def passage(texts: Sequence[Sequence[str]], name: str) -> list[str]:
    """Return a word with those that stand before and behind it in nearly all texts that have it."""
    stems = [[stem[token] for token in text] for text in texts]
    places = [(text, own.index(name)) for text, own in zip(texts, stems, strict=True) if name in own]

    def most_frequent(offset: int) -> tuple[str, int]:
        """Return the word that stands so far behind it in most texts, and in how many."""
        found = Counter(text[place + offset] for text, place in places if 0 <= place + offset < len(text))
        return found.most_common(1)[0] if found else ("", 0)

    def beside(step: int) -> list[str]:
        found = map(most_frequent, range(step, step * _LONGEST_PASSAGE, step))
        return [token for token, _ in takewhile(lambda one: one[1] >= ALWAYS_TOGETHER * len(places), found)]

    return [*reversed(beside(-1)), most_frequent(0)[0], *beside(1)] if len(places) >= _FEWEST else []
