"""The words that hidden spellings are compared with.

`words.txt` lists common words of tweets with their number of occurrences. It only helps to recognise that "n1ce" is a
spelling of "nice" and that "#niceday" is two words; what a word means is learned in training.
"""

import math
from collections.abc import Iterator
from importlib.resources import files  # which reads from a zip file too

from hate_speech_ai.text.caching import remember

_LONGEST = 20
_LONGEST_SPLIT = 200


def _load() -> Iterator[tuple[str, int]]:
    for line in (files(__package__) / "words.txt").read_text(encoding="utf-8").splitlines():
        word, _, count = line.partition(" ")
        yield word, int(count)


#: Each known word's number of occurrences.
WORDS: dict[str, int] = dict(_load())

_TOTAL = math.log(sum(WORDS.values()))
_COST = {word: _TOTAL - math.log(count) for word, count in WORDS.items()}
_UNKNOWN, _UNKNOWN_LETTER = 14.0, 4.0

# The words of each length, the most frequent first; and which of them have a letter at a place, a bit for each word.
_BY_LENGTH: dict[int, list[str]] = {}
_WITH_LETTER: dict[tuple[int, int, str], int] = {}
for _word in sorted(WORDS, key=lambda word: -WORDS[word]):
    _same_length = _BY_LENGTH.setdefault(len(_word), [])
    for _place, _letter in enumerate(_word):
        _at = (len(_word), _place, _letter)
        _WITH_LETTER[_at] = _WITH_LETTER.get(_at, 0) | 1 << len(_same_length)
    _same_length.append(_word)


def unmask(masked: str) -> str | None:
    """Return the most frequent known word that fits `masked`, with any letter for each `*`; None without one.

    >>> unmask("fr**nd")
    'friend'
    """
    if not masked or masked[0] == "*":
        return None
    fitting = -1
    for place, letter in enumerate(masked):
        if letter != "*":
            fitting &= _WITH_LETTER.get((len(masked), place, letter), 0)
    return _BY_LENGTH[len(masked)][(fitting & -fitting).bit_length() - 1] if fitting else None


@remember(megabytes=4)
def split(letters: str) -> tuple[str, ...]:
    """Return the most likely words that letters without spaces spell; unknown stretches stay in one piece.

    Dynamic programming over word probabilities, linear in the number of letters.

    >>> split("niceday")
    ('nice', 'day')
    """
    if len(letters) > _LONGEST_SPLIT:
        return split(letters[:_LONGEST_SPLIT]) + split(letters[_LONGEST_SPLIT:])
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(letters) + 1):
        options = []
        for begin in range(max(0, end - _LONGEST), end):
            word = letters[begin:end]
            cost = _COST.get(word, _UNKNOWN + _UNKNOWN_LETTER * len(word))
            options.append((best[begin][0] + cost, begin))
        best.append(min(options))
    words: list[str] = []
    end = len(letters)
    while end:
        begin = best[end][1]
        words.append(letters[begin:end])
        end = begin
    return tuple(reversed(words))
