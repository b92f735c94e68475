"""Characters as they are compared: lower case, plain and visible, each with its place in the original text.

What a reader does not see is dropped: default-ignorable characters, control characters, markup inside a word. What
looks like a plain letter becomes one: full-width, mathematical, enclosed and turned forms. Mojibake and HTML entities
are repaired first. Every step is linear in the text: no pattern can backtrack over what it has already read.
"""

import html
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from hate_speech_ai.text import lexicon

#: Only this many characters of a tweet are read.
MAX_CHARS = 5_000


class Normalised(NamedTuple):
    """A text as it is compared.

    Attributes:
        string: lower case, plain and visible characters.
        starts, ends: for each of them, the place in the original text that it comes from, end exclusive.
    """

    string: str
    starts: list[int]
    ends: list[int]


# Printable ASCII and white space, without the signs that begin an entity, a tag or an escape: nothing to normalise.
_PLAIN = re.compile(r"[\t\n\r -%'-;=-\[\]-~]*+")

_CP1252 = "€‚ƒ„…†‡ˆ‰Š‹Œ\u017d‘’“”•–—˜™š›œ\u017eŸ"
_CONTINUED = f"[\u0080-\u00bf{_CP1252}]"
_ENTITY = r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?"
_LONG_MISREAD = rf"[\u00e0-\u00ef]{_CONTINUED}{{2}}|[\u00f0-\u00f4]{_CONTINUED}{{3}}"
# Only tags that are known to format text: anything else between angle brackets may be what somebody wrote.
_BLOCK_TAGS = "br|p|div|li|ul|ol|hr|h[1-6]|blockquote|tr|td|table"
_INLINE_TAGS = "b|i|u|s|em|strong|span|a|font|wbr|sub|sup|small|big|mark|del|ins|code|tt|img|center|strike|kbd|q|cite"
_ATTRIBUTES = r"(?:\s++[\w-]{1,20}\s*+=\s*+(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s<>\"']++))*+"
_MARKUP = (
    rf"(?P<block></?(?:{_BLOCK_TAGS}){_ATTRIBUTES}\s*+/?+>)"
    rf"|(?P<inline></?(?:{_INLINE_TAGS}){_ATTRIBUTES}\s*+/?+>|<!--[^<>]{{0,20}}-->|\\(?=[*_~`#|\[\]()<>@!$+^-]))"
)
# Two letters may be meant as they stand, as in "CAFÉ»", unless the whole text was misread.
_SPECIAL = re.compile(rf"(?i:{_MARKUP})|{_ENTITY}|[\u00c2\u00c3]{_CONTINUED}|{_LONG_MISREAD}")
_SPECIAL_IF_MISREAD = re.compile(rf"(?i:{_MARKUP})|{_ENTITY}|[\u00c2-\u00df]{_CONTINUED}|{_LONG_MISREAD}")

_RUN = re.compile(r"(?P<plain>[\t\n\r -~]+)|[^\t\n\r -~]+")
_LETTERS = re.compile(r"[^\W\d_]+")
# What stands behind U+202E is shown from right to left.
_OVERRIDDEN = re.compile("\u202e([^\u202c\n]*)")
# Unicode's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt 15.1), and control characters.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]"
)
# Marks that are stacked on Latin letters; those of other scripts belong to words.
_DECORATION = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\U0001f3fb-\U0001f3ff]")


def normalise(text: str) -> Normalised | None:
    """Make the characters of a text comparable.

    Args:
        text: at most `MAX_CHARS` characters.

    Returns:
        None where lower case is all that there is to do, as in most tweets: each character keeps its place.

    >>> normalise("n<b>i</b>ce")
    Normalised(string='nice', starts=[0, 4, 9, 10], ends=[4, 9, 10, 11])
    """
    if _PLAIN.fullmatch(text):
        return None
    fold = _Folding(text)
    position = 0
    for match in _OVERRIDDEN.finditer(text):
        fold.add_all(position, match.start(1))
        fold.add_overridden(*match.span(1))
        position = match.end(1)
    fold.add_all(position, len(text))
    return Normalised("".join(fold.parts)[:MAX_CHARS], fold.starts, fold.ends)  # some characters unfold into eighteen


def repair(text: str) -> str:
    """Undo HTML entities and mojibake.

    >>> repair("love &amp; cafÃ©")
    'love & café'
    """
    return _special(text).sub(lambda match: _repair(match.group()) or match.group(), text)


class _Folding:
    """The characters that were made comparable so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.special = _special(text)
        self.parts: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add_all(self, begin: int, end: int) -> None:
        """Add a part of the text, repaired and without markup."""
        position = begin
        for match in self.special.finditer(self.text, begin, end):
            first, last = match.span()
            if match.lastgroup == "inline":
                self._add_visible(position, first)
                self._skip(last)
            elif match.lastgroup == "block":
                self._add_visible(position, first)
                self._add(" ", first, last)
            else:
                repaired = _repair(match.group())
                if repaired is None:
                    continue
                self._add_visible(position, first)
                for character in repaired:
                    self._add(character, first, last)
            position = last
        self._add_visible(position, end)

    def add_overridden(self, begin: int, end: int) -> None:
        """Add a part that is shown from right to left: in that order, where it makes more words."""
        place = len(self.parts)
        at = len(self.starts)
        self.add_all(begin, end)
        written = "".join(self.parts[place:])
        shown = written[::-1]
        if _known(shown) > _known(written):
            self.parts[place:] = [shown]
            self.starts[at:] = [begin] * len(shown)
            self.ends[at:] = [end] * len(shown)

    def _add_visible(self, begin: int, end: int) -> None:
        for run in _RUN.finditer(self.text, begin, end):
            first, last = run.span()
            if run.lastgroup:
                self.parts.append(run.group().lower())
                self.starts.extend(range(first, last))
                self.ends.extend(range(first + 1, last + 1))
            else:
                for index in range(first, last):
                    self._add(self.text[index], index, index + 1)

    def _add(self, character: str, begin: int, end: int) -> None:
        folded = _fold(character)
        if folded:
            self.parts.append(folded)
            self.starts.extend([begin] * len(folded))
            self.ends.extend([end] * len(folded))
        else:
            self._skip(end)

    def _skip(self, end: int) -> None:
        if self.ends:  # what is invisible belongs to the visible character before it
            self.ends[-1] = end


def _known(text: str) -> int:
    return sum(len(word) for word in _LETTERS.findall(text) if word in lexicon.WORDS)


def _special(text: str) -> re.Pattern[str]:
    """Return what to look for: more, where the whole text is UTF-8 that was read as Latin-1."""
    try:
        text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return _SPECIAL
    return _SPECIAL_IF_MISREAD


def _repair(damaged: str) -> str | None:
    """Return what an HTML entity or a sequence of mojibake was before its accident; None where it is neither."""
    if damaged[0] == "&":
        repaired = html.unescape(damaged)
        return repaired if repaired != damaged else None
    try:
        return b"".join(c.encode("latin-1") if ord(c) < 256 else c.encode("cp1252") for c in damaged).decode("utf-8")
    except UnicodeError:
        return None


@lru_cache(maxsize=20_000)  # each key is one character, so each entry is small
def _fold(character: str) -> str:
    """Return a character in lower case, without marks, in the plain form of its variants; "" if it is invisible."""
    if _IGNORABLE.match(character) or _DECORATION.match(character):
        return ""
    if character.isascii():
        return character.lower()
    if character in "’‘ʼ`´":
        return "'"
    if letter := _enclosed(ord(character)):
        return letter
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.digit(character))
    folded = unicodedata.normalize("NFKD", character)
    kept = [part for part in folded if not _DECORATION.match(part) and not _IGNORABLE.match(part)]
    return "".join(kept).lower()[:18]


def _enclosed(code: int) -> str:
    """Return the letter of a character such as a white A on a black square, which NFKD leaves as it is."""
    for first in (0x1F150, 0x1F170):
        if first <= code < first + 26:
            return chr(ord("a") + code - first)
    return ""


def lookalikes(path: Sequence[str]) -> dict[str, str]:
    """Read lines of a plain letter and those that look like it."""
    pairs = (line.split() for line in path if not line.startswith("#"))
    return {other: plain for plain, others in pairs for other in others.lower()}
