"""Reading: from the text a person wrote to the tokens a model sees, each with its place in the original.

Training and serving call the same `read`, so a model never meets text that was prepared in another way than the text it
learned from. Whoever wants to get past a filter writes "n1ce", "n i c e", "niiice", "n*ce", "nice" with Cyrillic
letters, or "#niceday". Such a spelling is not repaired in place: its token keeps it as `surface` and gains the word
that is meant as `text`, and the model sees both. Numbers, prices and codes hide no letters and stay as they are.

Every step is linear in the text: no pattern can backtrack over what it has already read, and the work on one word is
bounded by the longest word that is looked at.
"""

import hashlib
import html
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import chain, pairwise
from typing import NamedTuple

from hate_speech_ai import lexicon

#: Written into every artifact. A model is refused where it does not match, because its words would not be found.
CLEANING_VERSION = 2

#: Only this many characters of a tweet are read.
MAX_CHARS = 5_000

USER = "_user_"
URL = "_url_"

_LONGEST_WORD = 40
# Characters of hashtags, spaced and masked words that are looked through in one text.
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


_CP1252 = "€‚ƒ„…†‡ˆ‰Š‹Œ\u017d‘’“”•–—˜™š›œ\u017eŸ"
_CONTINUED = f"[\u0080-\u00bf{_CP1252}]"
_ENTITY = r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?"
_LONG_MISREAD = rf"[\u00e0-\u00ef]{_CONTINUED}{{2}}|[\u00f0-\u00f4]{_CONTINUED}{{3}}"
# Two letters may be meant as they stand, as in "CAFÉ»", unless the whole text was misread.
_DAMAGED = re.compile(rf"{_ENTITY}|[\u00c2\u00c3]{_CONTINUED}|{_LONG_MISREAD}")
_DAMAGED_WHOLLY = re.compile(rf"{_ENTITY}|[\u00c2-\u00df]{_CONTINUED}|{_LONG_MISREAD}")

# Letters of other scripts that look like Latin ones.
_LOOKALIKES = str.maketrans(
    {
        **dict(zip("аӓбвгԁеёҽзиіїјкӏмнорԛгѕтуүвхһсцшщьыэ", "aabbrdeeezuiijklmhopqrstyyvxhcuwwbbe", strict=True)),
        **dict(zip("αβγδεζηθικλμνξοπρστυφχψω", "abydeznoiklmvxonpstyoxyw", strict=True)),
        **dict(
            zip(
                "ıȷɑɐɓɗəɛɡɠɦɨɩɪʟɫɱɲɴøɔɵɾɹʀɢʙʜʏꜱƭʈʉʊʋʌʍʐʒᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢđħłŧßæœþ",
                "ijaabdeegghiiiilmnnooorrrgbhysttuuvvwzzacdejkmoptuvwzdhltsaop",
                strict=True,
            )
        ),
        **dict(zip("աբգդեզթիլծհղճմյնոպջռսվտրցւփքօֆ", "wpqneqpphdhnauhnnujnuunngrpqob"[:30], strict=False)),
    }
)
_LEET = {
    "0": "o",
    "1": "i",
    "3": "e",
    "4": "a",
    "5": "s",
    "6": "g",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "i",
    "+": "t",
    "|": "i",
    "^": "a",
}
_LEET_TABLE = str.maketrans(_LEET)
_LEET_L = str.maketrans({**_LEET, "1": "l", "|": "l", "!": "l"})
_CURRENCIES = str.maketrans({"€": "e", "¢": "c", "£": "l"})
# 1st, 20th, 90s, 5pm, 4k, 10x, 3d, 2nite ...: a number with its unit, not a word in disguise.
_QUANTITY = re.compile(r"\d+[a-z]{1,3}|[a-z]\d+|[a-z]{1,2}\d{2,}")

_SEPARATORS = r" .\-_·•|/\\,~"
# Vowel signs and points of Hebrew, Arabic, Devanagari ...: parts of words, which Python's \w leaves out.
_MARKS = "".join(chr(code) for code in range(0x0483, 0xABF0) if unicodedata.category(chr(code)) in ("Mn", "Mc"))


def _token_pattern(letter: str) -> str:
    """What may be a token, where `letter` matches one character of a word."""
    return (
        r"(?P<url>(?:https?:/|www\.)\S+)"
        r"|(?P<mark><\w{1,12}>)"
        rf"|(?P<user>@{letter}+)"
        rf"|(?P<hashtag>\#{letter}+)"
        rf"|(?P<spaced>(?<![\w@#*])[^\W\d_](?:[{_SEPARATORS}]{{1,3}}[^\W\d_])+(?![\w'*@$]))"
        rf"|(?P<word>\$?{letter}+(?:['`*@$!\#+|^€¢£]+{letter}+)*[*$]*)"
        r"|(?P<symbol>[\U0001F1E6-\U0001F1FF]{2}|[^\w\s\x00-\x7f])"
    )


_TOKEN = re.compile(_token_pattern(rf"[\w{_MARKS}]"))
_TOKEN_ASCII = re.compile(_token_pattern(r"\w"), re.ASCII)
_LINKS = {"url", "http", "https"}
_STRETCHED = re.compile(r"(.)\1{2,}")
_CAPITALS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_WORDS = re.compile(rf"(?:[^\W_]|[{_MARKS}])+(?:'(?:[^\W_]|[{_MARKS}])+)*")
_LETTERS_OR_DIGITS = re.compile(rf"(?:[^\W\d_]|[{_MARKS}])+|\d+")
_RUN = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")
_LETTER = re.compile(r"[^\W\d_]")


def read(text: str) -> list[Token]:
    """The tokens of the first 5,000 characters of a text, in order.

    Names and links become placeholders, so that no corpus is recognised by the way it masked them. Short words,
    negations and pronouns stay; emoji are tokens; other punctuation is passed over.

    >>> [token.text for token in read("They're NOT an1mals 😡! @ann")]
    ["they're", 'not', 'animals', '😡', '_user_']
    >>> read("so n.i.c.e")[1]
    Token(text='nice', begin=3, end=10, surface='n.i.c.e')
    """
    found, starts, ends = _scan(text)
    make = tuple.__new__  # half the time of calling Token, for what is done most
    if starts is None or ends is None:
        return [
            make(Token, (word, begin + first, begin + last, surface))
            for begin, pieces in found
            for word, first, last, surface in pieces
        ]
    return [
        make(Token, (word, starts[begin + first], ends[begin + last - 1], surface))
        for begin, pieces in found
        for word, first, last, surface in pieces
    ]


def words(text: str) -> list[Word]:
    """The tokens of `read(text)` without their places: what scoring needs, in less time.

    >>> words("so n.i.c.e")[1]
    Word(text='nice', surface='n.i.c.e')
    """
    make = tuple.__new__
    return [make(Word, (word, surface)) for _, pieces in _scan(text)[0] for word, _, _, surface in pieces]


Piece = tuple[str, int, int, str]


def _scan(text: str) -> tuple[list[tuple[int, tuple[Piece, ...]]], list[int] | None, list[int] | None]:
    """The pieces of each chunk with the chunk's place; where each character comes from, if that is not its place."""
    original = text[:MAX_CHARS]
    starts: list[int] | None = None
    ends: list[int] | None = None
    if original.isascii() and "&" not in original:
        string, pattern = original.lower(), _TOKEN_ASCII
    else:
        string, starts, ends = _normalise(original)
        pattern = _TOKEN
    found: list[tuple[int, tuple[Piece, ...]]] = []
    effort = _MAX_EFFORT
    for match in pattern.finditer(string):
        begin, kind, chunk = match.start(), match.lastgroup or "", match.group()
        if kind == "word" and chunk not in _LINKS and "*" not in chunk:
            found.append((begin, _word(chunk)))
            continue
        if kind in ("hashtag", "spaced") or "*" in chunk:
            effort -= len(chunk)
            if effort < 0:  # nobody hides a word in hundreds of others
                kind = "plain"
        found.append((begin, _resolve(kind, chunk, original, begin, starts)))
    return found, starts, ends


def _resolve(kind: str, found: str, original: str, begin: int, starts: list[int] | None) -> tuple[Piece, ...]:
    if kind == "word":
        if found in _LINKS:
            at = begin if starts is None else starts[begin]
            return ((URL, 0, len(found), URL),) if found != "url" or original.startswith("URL", at) else _word(found)
        return _word(found)
    if kind in ("url", "user"):
        mask = URL if kind == "url" else USER
        return ((mask, 0, len(found), mask),)
    if kind == "mark":
        mask = {"<user>": USER, "<url>": URL}.get(found, "")
        return ((mask, 0, len(found), mask),) if mask else _word(found[1:-1])
    if kind == "hashtag":
        at = begin if starts is None else starts[begin]
        return _hashtag(found, original[at : at + len(found)])
    if kind == "plain":
        return _plain(found)
    if kind == "spaced":
        return _spaced(found)
    category = unicodedata.category(found[0])
    return ((found, 0, len(found), found),) if category[0] == "S" else ()


@lru_cache(maxsize=50_000)
def _word(chunk: str) -> tuple[Piece, ...]:
    """A run of letters, digits and the signs that hide letters."""
    if len(chunk) > _LONGEST_WORD:
        return ((chunk[:_LONGEST_WORD], 0, len(chunk), chunk[:_LONGEST_WORD]),)
    meant = _decode(chunk)
    if meant is not None:
        return ((meant, 0, len(chunk), chunk),)
    return _plain(chunk)


def _plain(chunk: str) -> tuple[Piece, ...]:
    return tuple(
        (_shorten(match.group()), match.start(), match.end(), match.group()) for match in _WORDS.finditer(chunk)
    )


def _decode(chunk: str) -> str | None:
    """The word that a chunk stands for, if it is one word; itself where it hides nothing."""
    plain = chunk.replace("`", "'").rstrip("_'")
    if not plain.isascii():
        latin = plain.translate(_LOOKALIKES).translate(_CURRENCIES)
        if not latin.isascii() or not (any(c.isascii() and c.isalpha() for c in plain) or latin in lexicon.WORDS):
            return _shorten(plain) if plain.replace("'", "").isalpha() else None
        plain = latin
    if plain.replace("'", "").isalpha():
        return _shorten(plain)
    if plain.isdigit():
        return plain
    if "_" in plain or not any(c.isalpha() for c in plain):
        return None
    for table in (_LEET_TABLE, _LEET_L):
        guess = plain.translate(table)
        found = _known(guess) if guess.replace("'", "").isalpha() else None
        # "1am" and "3rd" are what they say; a longer word is more than a number with its unit.
        if found and (len(found) >= 4 or not _QUANTITY.fullmatch(plain)):
            return found
    if _QUANTITY.fullmatch(plain):
        return plain
    if "*" in plain or "#" in plain:
        return lexicon.unmask(plain.replace("#", "*").translate(_LEET_TABLE))
    guess = plain.translate(_LEET_TABLE)
    signs = sum(not c.isalnum() for c in plain)
    if guess.isalpha() and not signs and sum(c.isalpha() for c in plain) >= 2 and _inside(plain):
        return _shorten(guess)
    return None


def _inside(plain: str) -> bool:
    """Whether the digits stand among the letters, as in a disguise, and not behind them, as in a name or a code."""
    return plain[0].isdigit() or not plain.rstrip("0123456789").isalpha()


def _known(guess: str) -> str | None:
    if guess in lexicon.WORDS:
        return guess
    short = _shorten(guess)
    return short if short in lexicon.WORDS else None


def _shorten(word: str) -> str:
    """Undo stretching: "haaaate" to "hate", and "soooo" to "so", but "good" stays.

    >>> _shorten("niiiice"), _shorten("goooood"), _shorten("zzzorg")
    ('nice', 'good', 'zorg')
    """
    if word in lexicon.WORDS:
        return word
    if _STRETCHED.search(word):
        twice = _STRETCHED.sub(r"\1\1", word)
        once = _STRETCHED.sub(r"\1", word)
        candidates = [once, twice]
        for match in list(_STRETCHED.finditer(word))[:3]:  # one run may be a double letter, the others not
            head, tail = word[: match.start()], word[match.end() :]
            candidates.append(_STRETCHED.sub(r"\1", head) + match[1] * 2 + _STRETCHED.sub(r"\1", tail))
        best = max(candidates, key=lambda candidate: lexicon.WORDS.get(candidate, 0))
        if best in lexicon.WORDS:
            return best
        word = once
    single = re.sub(r"([a-z])\1", r"\1", word) if len(word) > 3 else word
    if single != word and single in lexicon.WORDS:
        return single
    return word


@lru_cache(maxsize=20_000)
def _hashtag(found: str, original: str) -> tuple[Piece, ...]:
    """A hashtag's words: by its capitals, and by the words that are known."""
    name = found[1:]
    parts = _CAPITALS.findall(original[1:])
    if "".join(parts).lower() != name or not all(part.isdigit() or part.lower() in lexicon.WORDS for part in parts):
        parts = _LETTERS_OR_DIGITS.findall(name)
    pieces: list[Piece] = []
    at = 1
    for part in chain.from_iterable(_split(part.lower()) for part in parts):
        at = found.find(part, at)
        for text, first, last, surface in _word(part):
            pieces.append((text, at + first, at + last, surface))
        at += len(part)
    return tuple(pieces)


def _split(letters: str) -> tuple[str, ...]:
    return lexicon.split(letters) if letters.isascii() and letters.isalpha() else (letters,)


@lru_cache(maxsize=20_000)
def _spaced(found: str) -> tuple[Piece, ...]:
    """Letters with spaces or dots between them: the words that they spell.

    A gap unlike its neighbours and unlike the usual one is between words; where all gaps are the same, the known words
    say where one ends.
    """
    letters = [match.start() for match in _LETTER.finditer(found)]
    gaps = [found[left + 1 : right] for left, right in pairwise(letters)]
    usual = Counter(gaps).most_common(1)[0][0]
    words: list[list[int]] = [[letters[0]]]
    for number, (place, gap) in enumerate(zip(letters[1:], gaps, strict=True)):
        if gap not in (usual, *gaps[max(0, number - 1) : number], *gaps[number + 1 : number + 2]):
            words.append([])
        words[-1].append(place)
    pieces: list[Piece] = []
    for places in words:
        spelt = "".join(found[place] for place in places)
        if len(words) == 1 and len(spelt) == 2 and (found[1] == " " or spelt not in lexicon.WORDS):
            return tuple((found[place], place, place + 1, found[place]) for place in places)  # "i a" is two words
        at = 0
        for word in _split(spelt):
            begin, end = places[at], places[at + len(word) - 1] + 1
            pieces.append((_shorten(word), begin, end, found[begin:end]))
            at += len(word)
    return tuple(pieces)


def _normalise(text: str) -> tuple[str, list[int], list[int]]:
    """The text in lower case and compatible characters, and each character's place in the original."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def add(character: str, begin: int, end: int) -> None:
        folded = _fold(character)
        if folded:
            parts.append(folded)
            starts.extend([begin] * len(folded))
            ends.extend([end] * len(folded))
        elif ends:  # an invisible character belongs to the visible one before it
            ends[-1] = end

    def add_all(begin: int, end: int) -> None:
        for run in _RUN.finditer(text, begin, end):
            first, last = run.span()
            if run.group().isascii():
                parts.append(run.group().lower())
                starts.extend(range(first, last))
                ends.extend(range(first + 1, last + 1))
            else:
                for index in range(first, last):
                    add(text[index], index, index + 1)

    position = 0
    for match in _damaged(text).finditer(text):
        repaired = _repair(match.group())
        if repaired is None:
            continue
        add_all(position, match.start())
        for character in repaired:
            add(character, match.start(), match.end())
        position = match.end()
    add_all(position, len(text))
    return "".join(parts)[:MAX_CHARS], starts, ends  # some characters unfold into eighteen


def _damaged(text: str) -> re.Pattern[str]:
    """What to look for: more, where the whole text is UTF-8 that was read as Latin-1."""
    try:
        text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return _DAMAGED
    return _DAMAGED_WHOLLY


def _repair(damaged: str) -> str | None:
    """What an HTML entity or a sequence of mojibake was before its accident; None where it is neither."""
    if damaged[0] == "&":
        repaired = html.unescape(damaged)
        return repaired if repaired != damaged else None
    try:
        return b"".join(c.encode("latin-1") if ord(c) < 256 else c.encode("cp1252") for c in damaged).decode("utf-8")
    except UnicodeError:
        return None


@lru_cache(maxsize=20_000)
def _fold(character: str) -> str:
    """A character as it is compared: lower case, without marks, the plain form of its variants; "" if invisible."""
    if character.isascii():
        return character.lower()
    if character in "’‘ʼ`´":
        return "'"
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me") or "\ufe00" <= character <= "\ufe0f" or "🏻" <= character <= "🏿":
        return "" if _is_decoration(character, category) else character
    folded = unicodedata.normalize("NFKD", character)
    kept = [c for c in folded if not _is_decoration(c, unicodedata.category(c))]
    return "".join(kept).lower()[:18]


def _is_decoration(character: str, category: str) -> bool:
    """Invisible characters and the marks that are stacked on Latin letters; marks of other scripts belong to words."""
    return category == "Cf" or (
        category in ("Mn", "Me", "Sk")
        and (
            "\u0300" <= character <= "\u036f"
            or "\u1ab0" <= character <= "\u1aff"
            or "\u1dc0" <= character <= "\u1dff"
            or "\u20d0" <= character <= "\u20ff"
            or "\ufe00" <= character <= "\ufe2f"
            or "🏻" <= character <= "🏿"
            or "\U000e0100" <= character <= "\U000e01ef"
        )
    )


def tokenize(text: str) -> list[str]:
    """The texts of the tokens of `read(text)`.

    >>> tokenize("@ann  LOOK:   https://t.co/x  sooo   g00d")
    ['_user_', 'look', '_url_', 'so', 'good']
    """
    return [word.text for word in words(text)]


def is_readable(tokens: list[str]) -> bool:
    """Whether there is more in a tweet than names and links.

    >>> is_readable(tokenize("@ann https://t.co/x"))
    False
    """
    return any(token not in (USER, URL) for token in tokens)


def repair(text: str) -> str:
    """The text without HTML entities and mojibake.

    >>> repair("love &amp; cafÃ©")
    'love & café'
    """
    return _damaged(text).sub(lambda match: _repair(match.group()) or match.group(), text)


def fingerprint(text: str) -> str:
    """SHA-256 (hex) of the tokens: equal for tweets that differ only in what reading removes or sees through.

    >>> fingerprint("Late again!") == fingerprint("l4te  agaiiin")
    True
    """
    return hashlib.sha256(" ".join(tokenize(text)).encode("utf-8", "surrogatepass")).hexdigest()


def is_held_out(text_fingerprint: str) -> bool:
    """Whether tweets with this `fingerprint` are kept for evaluation: one in ten, for ever on the same side."""
    return int(text_fingerprint[:8], 16) % 10 == 0
