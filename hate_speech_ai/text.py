"""Cleaning: from the text a person wrote to the tokens a model reads.

Training and serving call the same `tokenize`, so a model never meets text that was prepared in another way than the
text it learned from. Every pattern here is linear in its input: none can backtrack over what it has already read.
"""

import hashlib
import html
import re
import unicodedata
from functools import lru_cache

#: Written into every artifact. A model is refused where it does not match, because its words would not be found.
CLEANING_VERSION = 1

#: Only this many characters of a tweet are read.
MAX_CHARS = 5_000

USER = "_user_"
URL = "_url_"

_URL = re.compile(r"(?:https?://|www\.)\S+")
_USER = re.compile(r"@\w+")
_STRETCHED = re.compile(r"([^\W\d_]|[^\w])\1{2,}")
_ENDLESS_NUMBER = re.compile(r"(&#\d{8})\d+")  # of a character; Python refuses to read thousands of digits
_SPACES = re.compile(r"\s+")
# Words (with inner apostrophes) and symbols such as emoji; ASCII punctuation is dropped.
_TOKEN = re.compile(r"\w+(?:'\w+)*|[^\w\s!-/:-@\[-`{-~]")
# Format characters (zero-width, soft hyphen, direction marks) and the combining marks and variation selectors that are
# stacked on Latin letters. The marks of other scripts are letters of words there and stay.
_INVISIBLE = dict.fromkeys(
    [
        code
        for code in (*range(0x80, 0x2070), 0xFEFF, *range(0xE0000, 0xE0080))
        if unicodedata.category(chr(code)) == "Cf"
    ]
    + [*range(0x300, 0x370), *range(0x1AB0, 0x1B00), *range(0x1DC0, 0x1E00), *range(0x20D0, 0x2100)]
    + [*range(0xFE00, 0xFE10), *range(0xFE20, 0xFE30), *range(0xE0100, 0xE01F0)]
)
_QUOTES = {ord("\u2019"): "'", ord("\u2018"): "'", ord("\u02bc"): "'"}
_MOJIBAKE = re.compile("[\u00c2-\u00f4][\u0080-\u00bf]")


def repair(text: str) -> str:
    """Undo two accidents of transport: HTML entities, and UTF-8 that was read as Latin-1 ("mojibake").

    >>> repair("love &amp; cafÃ©")
    'love & café'
    """
    if "&" in text:
        text = html.unescape(_ENDLESS_NUMBER.sub(r"\1", text))
    if _MOJIBAKE.search(text):
        try:
            return text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return text
    return text


def clean(text: str) -> str:
    """The text in the one spelling that is compared, hashed and read by a model.

    Names and links become placeholders, so that no corpus is recognised by the way it masked them.

    >>> clean("@ann  LOOK:   https://t.co/x  sooooo   good")
    '_user_ look: _url_ soo good'
    """
    text = repair(text[:MAX_CHARS])
    if not text.isascii():
        # Marks and invisible characters go: "h\u00e4te" and "ha\u00adte" are read as "hate". Some characters expand
        # eighteenfold, so the limit is applied once more.
        text = "".join([_compatible(character) for character in text])[:MAX_CHARS]
    text = text.lower()
    text = _URL.sub(f" {URL} ", text)
    text = _USER.sub(f" {USER} ", text)
    text = _STRETCHED.sub(r"\1\1", text)
    return _SPACES.sub(" ", text).strip()


@lru_cache(maxsize=20_000)
def _compatible(character: str) -> str:
    # One by one: ordering a long run of marks, as a whole text's normalisation does, takes quadratic time.
    return unicodedata.normalize("NFKD", character).translate(_INVISIBLE).translate(_QUOTES)


def tokenize(text: str) -> list[str]:
    """The tokens of `clean(text)`: words, placeholders and emoji, in order.

    >>> tokenize("They're NOT animals 😡!")
    ["they're", 'not', 'animals', '😡']
    """
    return _TOKEN.findall(clean(text))


def is_readable(tokens: list[str]) -> bool:
    """Whether there is more in a tweet than names and links.

    >>> is_readable(tokenize("@ann https://t.co/x"))
    False
    """
    return any(token not in (USER, URL) for token in tokens)


def fingerprint(text: str) -> str:
    """SHA-256 (hex) of the tokens: equal for tweets that differ only in what cleaning removes.

    >>> fingerprint("Late again!") == fingerprint("late  again")
    True
    """
    return hashlib.sha256(" ".join(tokenize(text)).encode("utf-8", "surrogatepass")).hexdigest()


def is_held_out(text_fingerprint: str) -> bool:
    """Whether tweets with this `fingerprint` are kept for evaluation: one in ten, for ever on the same side."""
    return int(text_fingerprint[:8], 16) % 10 == 0
