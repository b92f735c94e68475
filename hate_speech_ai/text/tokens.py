"""From the text a person wrote to the tokens a model sees, each with its place in the original.

Training and serving call the same scan, so a model never meets text that was prepared in another way than the text it
learned from. A spelling that hides a word is not repaired in place: its token keeps it as `surface` and gains the word
that is meant as `text`, and the model sees both.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from hate_speech_ai.text.characters import MAX_CHARS, Normalised, normalise
from hate_speech_ai.text.obfuscation import Piece, bracketed, hashtag, indicators, marks, plain, spaced, word

USER = "_user_"
URL = "_url_"

# Characters of hashtags, spaced, masked and bracketed words that are looked through in one text.
_MAX_EFFORT = 800


class Token(NamedTuple):
    """A word as the model reads it.

    Attributes:
        text: the word that is meant, in lower case; or an emoji, a number, a placeholder.
        begin, end: its place in the original text, in code points, end exclusive.
        surface: what stands there, in lower case. Differs from `text` where the spelling hides the word.
    """

    text: str
    begin: int
    end: int
    surface: str


class Word(NamedTuple):
    """A token without its place."""

    text: str
    surface: str


_SEPARATORS = r"\s.\-_·•|/\\,~"
# A letter with spaces before it, of those that spell a word. The last one may not stand before one of some signs, and
# "_" and "~" are among them that are separators too: of letters before those, only so many are looked through for one
# that may be the last, or each of them would be compared with all that follow.
_NEXT = rf"[{_SEPARATORS}]++[^\W\d_]"
_MOST_UNFINISHED = 50
_INDICATOR = "[\U0001f1e6-\U0001f1ff]"


def _token_pattern(letter: str, *, brackets: bool = False) -> str:
    """Return what may be a token, where `letter` matches one character of a word."""
    bracket = r"(?P<bracketed>[^\W\d_]*+(?:[(\[{][^\W\d_]{1,2}[)\]}][^\W\d_]*+)++)|" if brackets else ""
    return (
        r"(?P<url>(?:https?:/|www\.)\S+)"
        r"|(?P<mark><\w{1,12}>)"
        rf"|(?P<user>@{letter}+)"
        rf"|(?P<hashtag>\#{letter}+)"
        rf"|(?P<spaced>(?<![\w@#*])[^\W\d_](?:(?:{_NEXT}(?=[_~])){{0,{_MOST_UNFINISHED}}}+{_NEXT}(?![\w'*@$~(\[{{]))++)"
        rf"|{bracket}(?P<word>\$?{letter}+(?:['`*@$!\#+|^~€¢£]+{letter}+)*[*$]*)"
        rf"|(?P<indicators>{_INDICATOR}(?:\s?{_INDICATOR})+)"
        r"|(?P<symbol>[^\w\s\x00-\x7f])"
    )


_LETTER = rf"[\w{marks()}]"
_TOKEN = re.compile(_token_pattern(_LETTER))
_TOKEN_WITH_BRACKETS = re.compile(_token_pattern(_LETTER, brackets=True))
_TOKEN_ASCII = re.compile(_token_pattern(r"\w"), re.ASCII)
_TOKEN_ASCII_WITH_BRACKETS = re.compile(_token_pattern(r"\w", brackets=True), re.ASCII)
_BRACKETED = re.compile(r"[(\[{][^\W\d_]{1,2}[)\]}]")
_LINKS = {"url", "http", "https"}
_EFFORTFUL = {"hashtag", "spaced", "bracketed", "indicators"}

_Found = list[tuple[int, tuple[Piece, ...]]]


def tokenize_with_offsets(text: str) -> list[Token]:
    """Return the tokens of the first 5,000 characters of a text, in order.

    Names and links become placeholders, so that no corpus is recognised by the way it masked them. Short words,
    negations and pronouns stay; emoji are tokens; other punctuation is passed over.

    >>> [token.text for token in tokenize_with_offsets("They're NOT an1mals 😡! @ann")]
    ["they're", 'not', 'animals', '😡', '_user_']
    >>> tokenize_with_offsets("so n.i.c.e")[1]
    Token(text='nice', begin=3, end=10, surface='n.i.c.e')
    """
    found, normalised = _scan(text)
    make = tuple.__new__  # half the time of calling Token, for what is done most
    if normalised is None:
        return [
            make(Token, (text, begin + first, begin + last, surface))
            for begin, pieces in found
            for text, first, last, surface in pieces
        ]
    _, starts, ends = normalised
    return [
        make(Token, (text, starts[begin + first], ends[begin + last - 1], surface))
        for begin, pieces in found
        for text, first, last, surface in pieces
    ]


def words(text: str) -> list[Word]:
    """Return the tokens of `tokenize_with_offsets(text)` without their places: what scoring needs, in less time.

    >>> words("so n.i.c.e")[1]
    Word(text='nice', surface='n.i.c.e')
    """
    make = tuple.__new__
    return [make(Word, (text, surface)) for _, pieces in _scan(text)[0] for text, _, _, surface in pieces]


def tokenize(text: str) -> list[str]:
    """Return the texts of the tokens of `tokenize_with_offsets(text)`.

    >>> tokenize("@ann  LOOK:   https://t.co/x  sooo   g00d")
    ['_user_', 'look', '_url_', 'so', 'good']
    """
    return [word.text for word in words(text)]


def without(text: str, tokens: Iterable[Token]) -> str:
    """Return a text with spaces in place of some tokens: the dots of a removed link end no sentence."""
    characters = list(text)
    for token in tokens:
        characters[token.begin : token.end] = " " * (token.end - token.begin)
    return "".join(characters)


def is_readable(tokens: list[str]) -> bool:
    """Return whether there is more in a tweet than names and links.

    >>> is_readable(tokenize("@ann https://t.co/x"))
    False
    """
    return any(token not in (USER, URL) for token in tokens)


def _scan(text: str) -> tuple[_Found, Normalised | None]:
    """Return the pieces of each chunk with the chunk's place; and where each character comes from, if not its place."""
    original = text[:MAX_CHARS]
    normalised = normalise(original)
    string = original.lower() if normalised is None else normalised.string
    brackets = _BRACKETED.search(string) is not None
    if normalised is None:
        pattern = _TOKEN_ASCII_WITH_BRACKETS if brackets else _TOKEN_ASCII
    else:
        pattern = _TOKEN_WITH_BRACKETS if brackets else _TOKEN
    found: _Found = []
    effort = _MAX_EFFORT
    for match in pattern.finditer(string):
        begin, kind, chunk = match.start(), match.lastgroup or "", match.group()
        if kind == "word" and chunk not in _LINKS and "*" not in chunk:
            found.append((begin, word[chunk]))
            continue
        if kind in _EFFORTFUL or "*" in chunk:
            effort -= len(chunk)
            if effort < 0:  # nobody hides a word in hundreds of others
                kind = "plain"
        found.append((begin, _resolve(kind, chunk, original, begin, normalised)))
    return found, normalised


def _resolve(kind: str, found: str, original: str, begin: int, normalised: Normalised | None) -> tuple[Piece, ...]:
    at = begin if normalised is None else normalised.starts[begin]
    match kind:
        case "word":
            is_link = found in _LINKS and (found != "url" or original.startswith("URL", at))
            return ((URL, 0, len(found), URL),) if is_link else word(found)
        case "url" | "user":
            placeholder = URL if kind == "url" else USER
            return ((placeholder, 0, len(found), placeholder),)
        case "mark":
            placeholder = {"<user>": USER, "<url>": URL}.get(found, "")
            if placeholder:
                return ((placeholder, 0, len(found), placeholder),)
            return tuple((text, first + 1, last + 1, surface) for text, first, last, surface in word(found[1:-1]))
        case "hashtag":
            return hashtag(found, original[at : at + len(found)])
        case "plain":
            return plain(found)
        case "spaced":
            return spaced(found)
        case "bracketed":
            return bracketed(found)
        case "indicators":
            return indicators(found)
        case _:
            return ((found, 0, len(found), found),) if unicodedata.category(found[0])[0] == "S" else ()
