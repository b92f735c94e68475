"""Tokens to n-grams. Training and scoring both count what these functions return.

Two blocks of features, each weighted by TF-IDF and scaled to length one on its own: stemmed words and pairs of words
(what is said), and character n-grams inside words (spelling variants and inflections that no vocabulary has).
"""

from functools import lru_cache
from importlib.metadata import version
from itertools import pairwise

from stemming.porter2 import stem as porter2

from hate_speech_ai.text import Token, read  # noqa: F401 (the examples read)

#: Written into every artifact: another stemmer or another version of it may give another stem for the same word.
STEMMER = f"stemming {version('stemming')} porter2"

_MIN_CHARS, _MAX_CHARS = 3, 5
_LONGEST_WORD = 40


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The Porter2 stem of a lower-case word (at 15 microseconds a word, worth remembering).

    >>> stem("hating"), stem("hates")
    ('hate', 'hate')
    """
    return porter2(word) if len(word) <= _LONGEST_WORD else word


def word_ngrams(tokens: list[Token]) -> list[str]:
    """Stemmed words, pairs of neighbouring stemmed words, and spellings that hide a word.

    >>> word_ngrams(read("they l1ed"))
    ['they', 'lie', 'they lie', 'l1ed']
    """
    stems = [stem(token.text) for token in tokens]
    pairs = [f"{left} {right}" for left, right in pairwise(stems)]
    return stems + pairs + [token.surface for token in tokens if token.surface != token.text]


def char_ngrams(tokens: list[Token]) -> list[str]:
    """Character 3- to 5-grams of each word with its borders; they never cross from one word into the next.

    >>> char_ngrams(read("hi"))
    [' hi', 'hi ', ' hi ']
    """
    return [ngram for token in tokens for ngram in ngrams_of_word(token.text)]


def ngrams_of_word(word: str) -> list[str]:
    """The n-grams of one token; `char_ngrams` of several is those of each."""
    padded = f" {word[:_LONGEST_WORD]} "
    return [
        padded[start : start + size]
        for size in range(_MIN_CHARS, _MAX_CHARS + 1)
        for start in range(len(padded) - size + 1)
    ]
