"""Tokens to features. Training and scoring both look at what these functions return.

Two blocks, each weighted by TF-IDF and scaled on its own: terms, which are stemmed words and small patterns of them
(what is said), and character n-grams inside words (spellings and inflections that no vocabulary has). Each feature of a
text counts once, however often it stands there: nobody drowns an insult by repeating harmless words.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from itertools import pairwise

from stemming.porter2 import stem as porter2

from hate_speech_ai.groups import CLASSES
from hate_speech_ai.text import Token, Word, read, words  # noqa: F401 (the examples read)

#: Written into every artifact: another stemmer or another version of it may give another stem for the same word.
STEMMER = f"stemming {version('stemming')} porter2"

#: Written into every artifact. A model made with other features is refused, because they would not be found.
FEATURES_VERSION = 2

_MIN_CHARS, _MAX_CHARS = 3, 5
_LONGEST_WORD = 40


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The Porter2 stem of a lower-case word (at 15 microseconds a word, worth remembering).

    >>> stem("hating"), stem("hates")
    ('hate', 'hate')
    """
    return porter2(word) if len(word) <= _LONGEST_WORD else word


def names(tokens: Sequence[Token | Word]) -> list[str]:
    """The terms of a text, in no particular order, some more than once: those of `terms`, in half the time.

    >>> names(words("they l1ed"))
    ['they', 'lie', 'they lie', 'l1ed']
    """
    stems = [stem(token.text) for token in tokens]
    found = stems + [f"{left} {right}" for left, right in pairwise(stems)]
    found += [token.surface for token in tokens if token.surface != token.text and token.surface.isascii()]
    grouped = [place for place, token in enumerate(tokens) if token.text in CLASSES]
    if grouped:
        marked = _marked(tokens, stems)
        found += [pattern for place in grouped for pattern, _ in _patterns(marked, place)]
    return found


def terms(tokens: Sequence[Token | Word]) -> dict[str, list[int]]:
    """The distinct terms of a text, each with the places of the tokens that it is made of.

    Stemmed words, pairs of neighbouring stemmed words, and spellings that hide a word; but not those in letters of
    another script, which are chosen at random and met only in hate speech, so that they would count against whoever
    writes a harmless word so. Around each word that names a group, patterns in which it is replaced by its class, with
    up to two words on either side.

    >>> terms(read("they l1ed"))
    {'they': [0], 'they lie': [0, 1], 'lie': [1], 'l1ed': [1]}
    >>> list(terms(read("deport all jews")))[-5:]
    ['jew', '<group>', 'all <group>', 'deport _ <group>', 'deport all <group>']
    """
    found: defaultdict[str, list[int]] = defaultdict(list)
    stems = [stem(token.text) for token in tokens]
    for place, token in enumerate(tokens):
        found[stems[place]].append(place)
        if place + 1 < len(tokens):
            found[f"{stems[place]} {stems[place + 1]}"] += (place, place + 1)
        if token.surface != token.text and token.surface.isascii():
            found[token.surface].append(place)
    grouped = [place for place, token in enumerate(tokens) if token.text in CLASSES]
    if grouped:
        marked = _marked(tokens, stems)
        for place in grouped:
            for pattern, places in _patterns(marked, place):
                found[pattern] += places
    return dict(found)


def _marked(tokens: Sequence[Token | Word], stems: list[str]) -> list[str]:
    """The stems, with each word that names a group replaced by its class."""
    return [CLASSES.get(token.text) or word for token, word in zip(tokens, stems, strict=True)]


def _patterns(marked: list[str], place: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    mark = marked[place]
    before, after = marked[max(0, place - 2) : place], marked[place + 1 : place + 3]
    yield mark, (place,)
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


def ngrams(word: str) -> list[str]:
    """The distinct character 3- to 5-grams of a word with its borders.

    >>> ngrams("hi")
    [' hi', 'hi ', ' hi ']
    """
    padded = f" {word[:_LONGEST_WORD]} "
    return list(
        dict.fromkeys(
            padded[start : start + size]
            for size in range(_MIN_CHARS, _MAX_CHARS + 1)
            for start in range(len(padded) - size + 1)
        )
    )
