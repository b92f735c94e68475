"""Tokens to features. Training and scoring both look at what these functions return.

Three blocks, each weighted by TF-IDF and scaled on its own: words, which are stems, pairs of them, and spellings that
hide a word (what is said); patterns around words that name groups of people (what is said about whom); and character
n-grams inside words (spellings and inflections that no vocabulary has). Each feature of a text counts once, however
often it stands there: nobody drowns an insult by repeating harmless words.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import pairwise
from typing import NamedTuple

from stemming.porter2 import stem as porter2

from hate_speech_ai.text import Token, Word, tokenize_with_offsets, words  # noqa: F401 (the examples read)
from hate_speech_ai.text.caching import remember
from hate_speech_ai.text.word_classes import IDENTITY, ROLES

#: Written into every artifact: another stemmer or another version of it may give another stem for the same word.
STEMMER = f"stemming {version('stemming')} porter2"

#: Written into every artifact. A model made with other features is refused, because they would not be found.
FEATURES_VERSION = 3

_SHORTEST_NGRAM, _LONGEST_NGRAM = 3, 5
#: Of a longer word, only so many characters have n-grams.
LONGEST_WORD = 40
# How far from a word that names a group another word still belongs to it.
_REACH = 7


class Pivots(NamedTuple):
    """What is added to the square of a block's length, so that a text of one word has no more weight than its share.

    About the square of five words, of two patterns, and of the n-grams of one word, all of average frequency.
    """

    words: float
    patterns: float
    ngrams: float


PIVOTS = Pivots(words=200.0, patterns=100.0, ngrams=400.0)

# A feature and the places of the tokens that it is made of.
Found = tuple[str, tuple[int, ...]]


@remember(megabytes=12)
def stem(word: str) -> str:
    """Return the Porter2 stem of a lower-case word (at 15 microseconds a word, worth remembering).

    >>> stem("hating"), stem("hates")
    ('hate', 'hate')
    """
    return porter2(word) if len(word) <= LONGEST_WORD else word


def word_features(tokens: Sequence[Token | Word]) -> list[str]:
    """Return the words of a text, in no particular order, some more than once: those of `words_with_places`, faster.

    >>> word_features(words("they l1ed"))
    ['they', 'lie', 'they lie', 'l1ed']
    """
    stems = [stem[token.text] for token in tokens]
    found = stems + [f"{left} {right}" for left, right in pairwise(stems)]
    found += [token.surface for token in tokens if token.surface != token.text and token.surface.isascii()]
    return found


def words_with_places(tokens: Sequence[Token | Word]) -> dict[str, list[int]]:
    """Return the distinct words of a text, each with the places of the tokens that it is made of.

    Stems, pairs of neighbouring stems, and spellings that hide a word; but not those in letters of another script,
    which are chosen at random and met only in hate speech, so that they would count against whoever writes a harmless
    word so.

    >>> words_with_places(tokenize_with_offsets("they l1ed"))
    {'they': [0], 'they lie': [0, 1], 'lie': [1], 'l1ed': [1]}
    """
    found: defaultdict[str, list[int]] = defaultdict(list)
    stems = [stem[token.text] for token in tokens]
    for place, token in enumerate(tokens):
        found[stems[place]].append(place)
        if place + 1 < len(tokens):
            found[f"{stems[place]} {stems[place + 1]}"] += (place, place + 1)
        if token.surface != token.text and token.surface.isascii():
            found[token.surface].append(place)
    return dict(found)


def pattern_features(tokens: Sequence[Token | Word]) -> list[str]:
    """Return the patterns of a text, some more than once."""
    return [pattern for pattern, _ in _patterns(tokens)]


def patterns_with_places(tokens: Sequence[Token | Word]) -> dict[str, list[int]]:
    """Return the distinct patterns of a text, each with the places of the tokens that it is made of.

    Each word of a class is its class. Around a word that names a group: the class with up to two words on either side;
    with each word near it, before or behind; and with two more classes.

    >>> list(patterns_with_places(tokenize_with_offsets("deport jews")))
    ['<exclude>', '<group>', 'deport <group>', 'deport .. <group>', '<exclude> .. <group>']
    """
    found: defaultdict[str, list[int]] = defaultdict(list)
    for pattern, places in _patterns(tokens):
        found[pattern] += places
    return dict(found)


def _patterns(tokens: Sequence[Token | Word]) -> Iterator[Found]:
    classes = [IDENTITY.get(token.text) or ROLES.get(token.text) for token in tokens]
    of_a_class = [place for place, name in enumerate(classes) if name]
    for place in of_a_class:
        yield classes[place] or "", (place,)
    groups = [place for place in of_a_class if tokens[place].text in IDENTITY]
    if not groups:
        return
    stems = [stem[token.text] for token in tokens]
    marked = [(classes[place] or "") if token.text in IDENTITY else stems[place] for place, token in enumerate(tokens)]
    for place in groups:
        yield from _beside(marked, place)
        yield from _near(marked, classes, place)
    yield from _in_a_row(classes, of_a_class, set(groups))


def _beside(marked: list[str], place: int) -> Iterator[Found]:
    """Yield a group with up to two words on either side."""
    mark = marked[place]
    before, after = marked[max(0, place - 2) : place], marked[place + 1 : place + 3]
    if before:
        yield f"{before[-1]} {mark}", (place - 1, place)
    if len(before) == 2:
        yield f"{before[0]} _ {mark}", (place - 2, place)
        yield f"{before[0]} {before[1]} {mark}", (place - 2, place - 1, place)
    if before and after:
        yield f"{before[-1]} {mark} {after[0]}", (place - 1, place, place + 1)
    if after:
        yield f"{mark} {after[0]}", (place, place + 1)
    if len(after) == 2:
        yield f"{mark} _ {after[1]}", (place, place + 2)
        yield f"{mark} {after[0]} {after[1]}", (place, place + 1, place + 2)


def _near(marked: list[str], classes: list[str | None], place: int) -> Iterator[Found]:
    """Yield a group with each word near it, and with that word's class."""
    mark = marked[place]
    for other in range(max(0, place - _REACH), place):
        yield f"{marked[other]} .. {mark}", (other, place)
        if (name := classes[other]) and name != marked[other]:
            yield f"{name} .. {mark}", (other, place)
    for other in range(place + 1, min(len(marked), place + _REACH + 1)):
        yield f"{mark} .. {marked[other]}", (place, other)
        if (name := classes[other]) and name != marked[other]:
            yield f"{mark} .. {name}", (place, other)


def _in_a_row(classes: list[str | None], places: list[int], groups: set[int]) -> Iterator[Found]:
    """Yield three classes that follow each other, a group among them, whatever stands between."""
    for three in zip(places, places[1:], places[2:], strict=False):
        if three[2] - three[0] <= _REACH + 1 and not groups.isdisjoint(three):
            yield " .. ".join(classes[place] or "" for place in three), three


def ngrams(word: str) -> list[str]:
    """Return the distinct character 3- to 5-grams of a word with its borders.

    >>> ngrams("hi")
    [' hi', 'hi ', ' hi ']
    """
    padded = f" {word[:LONGEST_WORD]} "
    return list(
        dict.fromkeys(
            padded[start : start + size]
            for size in range(_SHORTEST_NGRAM, _LONGEST_NGRAM + 1)
            for start in range(len(padded) - size + 1)
        )
    )
