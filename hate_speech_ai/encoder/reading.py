"""What the encoder reads of a text. Fine-tuning, training and serving call the same function."""

import re
import unicodedata
from collections.abc import Sequence

from hate_speech_ai.text import URL, USER, Token, tokenize_with_offsets

#: A vector is only remembered for texts that were read in this way.
READING_VERSION = 1

_PLACEHOLDERS = {USER: "@user", URL: "http"}
_MARKS = ".,!?;:'\"()\\-…“”‘’"  # noqa: RUF001 (they stand in texts)
_OTHERS = re.compile(rf"[^\s{_MARKS}]+")
_SPACES = re.compile(r"\s+")
_REPEATED = re.compile(r"(\S)\1{3,}")
_OPENING = re.compile(r"[\"'(“‘]$")  # noqa: RUF001
_CLOSING = re.compile(rf"[{_MARKS}]{{0,3}}")


def encoder_text(text: str, tokens: Sequence[Token] | None = None) -> str:
    """Return a text as the encoder reads it: the words that are meant, with the punctuation between them.

    A spelling that hides a word is seen through, as for the words themselves; names and links are placeholders. Unlike
    the words, a sentence keeps its marks: a quote is not an insult. Emoji become their Unicode names, because those are
    words that an encoder knows.

    Args:
        tokens: of the text, or of a part of it; all of them, if they are left out.

    >>> encoder_text('@ann They said: "you are an1mals"!!! #GoHome')
    '@user they said: "you are animals"!!! go home'
    >>> encoder_text("so they are 🐀🐀")
    'so they are (rat) (rat)'
    """
    tokens = tokenize_with_offsets(text) if tokens is None else tokens
    if not tokens:
        return ""
    first, last = tokens[0].begin, tokens[-1].end
    found = _OPENING.findall(text[max(0, first - 1) : first])
    end = first
    for number, token in enumerate(tokens):
        if number:
            found.append(_between(text[end : token.begin]))
        found.append(_PLACEHOLDERS.get(token.text) or _named(token.text))
        end = token.end
    closing = _CLOSING.match(text, last)
    return "".join([*found, closing.group() if closing else ""])


def _named(token: str) -> str:
    if len(token) > 1 or token.isascii() or token.isalnum():
        return token
    return f"({unicodedata.name(token, token).lower()})"


def _between(gap: str) -> str:
    if gap == " ":
        return gap
    return _REPEATED.sub(r"\1\1\1", _SPACES.sub(" ", _OTHERS.sub("", gap))) or " "
