"""The parts of a long text that are read by themselves, besides the whole.

Hate in one sentence is hate, however many harmless sentences stand around it; in a text's average it disappears.
"""

import re
from collections.abc import Iterator, Sequence

from hate_speech_ai.text.tokens import Token, tokenize_with_offsets  # noqa: F401 (the example reads)

#: A text with more tokens than this is also read in parts: about 140 characters of English.
LONG = 24

_LONGEST_PART = 24
_SHORTEST_PART = 3
_END_OF_SENTENCE = re.compile(r"[.!?…。;\n]")

#: A range of token places, end exclusive.
Part = tuple[int, int]


def parts(text: str, tokens: Sequence[Token]) -> list[Part]:
    """Return the sentences of a long text, as ranges of its tokens; nothing where the text is not long.

    Very short sentences go with the next one. A very long one is read through windows that overlap by half, so that
    whoever writes without full stops gains nothing by it. All parts together have less than three times the tokens.

    >>> text = "the bus was late again. " * 8
    >>> parts(text, tokenize_with_offsets(text))[:2]
    [(0, 5), (5, 10)]
    """
    if len(tokens) <= LONG:
        return []
    return [window for sentence in _sentences(text, tokens) for window in _windows(*sentence)]


def _sentences(text: str, tokens: Sequence[Token]) -> list[Part]:
    found: list[Part] = []
    begin = 0
    for place in range(1, len(tokens)):
        between = text[tokens[place - 1].end : tokens[place].begin]
        if place - begin >= _SHORTEST_PART and between and _END_OF_SENTENCE.search(between):
            found.append((begin, place))
            begin = place
    if found and len(tokens) - begin < _SHORTEST_PART:
        begin, _ = found.pop()
    return [*found, (begin, len(tokens))]


def _windows(begin: int, end: int) -> Iterator[Part]:
    while end - begin > _LONGEST_PART:
        yield begin, begin + _LONGEST_PART
        begin += _LONGEST_PART // 2
    yield begin, end
