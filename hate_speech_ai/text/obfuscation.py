"""Spellings that hide a word: "n1ce", "n i c e", "niiice", "n*ce", "n**i**ce", "#niceday", letters of other scripts.

Each function takes a chunk of a text, in lower case, and returns its pieces: the word that is meant, where it stands in
the chunk, and what stands there. Numbers, prices and codes hide no letters and stay as they are. The work on one chunk
is bounded by the longest word that is looked at.
"""

import re
from collections import Counter
from importlib.resources import files
from itertools import chain, pairwise

from hate_speech_ai.text import lexicon
from hate_speech_ai.text.caching import remember
from hate_speech_ai.text.characters import lookalikes

#: The word that is meant, its begin and end in the chunk, and its spelling.
Piece = tuple[str, int, int, str]

_LONGEST_WORD = 40

# What we see besides Unicode's table, which looks at single signs and not at how words are respelt with them.
_MORE_LOOKALIKES = {
    **dict(zip("аӓбвгԁеёҽзиіїјкӏмнорԛгѕтуүвхһсцшщьыэ", "aabbrdeeezuiijklmhopqrstyyvxhcuwwbbe", strict=True)),
    **dict(zip("αβγδεζηθικλμνξοπρστυφχψω", "abydeznoiklmvxonpstuoxww", strict=True)),
    **dict(
        zip(
            "ıȷɑɐɓɗəɛɡɠɦɨɩɪʟɫɱɲɴøɔɵɾɹʀɢʙʜʏꜱƭʈʉʊʋʌʍʐʒᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢđħłŧßæœþ",
            "ijaabdeegghiiiilmnnooorrrgbhysttuuvvwzzacdejkmoptuvwzdhltsaop",
            strict=True,
        )
    ),
}
_LOOKALIKES = str.maketrans(
    lookalikes((files(__package__) / "confusables.txt").read_text(encoding="utf-8").splitlines()) | _MORE_LOOKALIKES
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

_LONG_RUN = re.compile(r"(.)\1{3,}")
_STRETCHED = re.compile(r"(.)\1{2,}")
_DOUBLED = re.compile(r"([a-z])\1")
_MARKUP = re.compile(r"[*~_`]+")
_CAPITALS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LETTER = re.compile(r"[^\W\d_]")
_SPACE = re.compile(r"\s+")
#: The first of the 26 regional indicators, pairs of which are flags.
FIRST_INDICATOR = 0x1F1E6


def marks() -> str:
    """Return the vowel signs and points of Hebrew, Arabic, Devanagari ...: parts of words, which `\\w` leaves out."""
    import unicodedata

    return "".join(chr(code) for code in range(0x0483, 0xABF0) if unicodedata.category(chr(code)) in ("Mn", "Mc"))


_MARKS = marks()
_WORDS = re.compile(rf"(?:[^\W_]|[{_MARKS}])+(?:'(?:[^\W_]|[{_MARKS}])+)*")
_LETTERS_OR_DIGITS = re.compile(rf"(?:[^\W\d_]|[{_MARKS}])+|\d+")


@remember(megabytes=16)
def word(chunk: str) -> tuple[Piece, ...]:
    """Read a run of letters, digits and the signs that hide letters."""
    short = _LONG_RUN.sub(r"\1\1\1", chunk) if len(chunk) > _LONGEST_WORD else chunk
    if len(short) > _LONGEST_WORD:
        return ((short[:_LONGEST_WORD], 0, len(chunk), short[:_LONGEST_WORD]),)
    meant = _decode(short)
    if meant is not None:
        return ((meant, 0, len(chunk), short),)
    return plain(chunk)


@remember(megabytes=4)
def plain(chunk: str) -> tuple[Piece, ...]:
    """Read the words of a chunk that hides nothing."""
    return tuple(
        (_shorten(match.group()), match.start(), match.end(), match.group()[:_LONGEST_WORD])
        for match in _WORDS.finditer(chunk)
    )


def hashtag(found: str, original: str) -> tuple[Piece, ...]:
    """Read a hashtag's words: by its capitals, and by the words that are known.

    Args:
        original: the hashtag with its capitals.
    """
    name = found[1:]
    parts = _CAPITALS.findall(original[1:])
    if "".join(parts).lower() != name or not all(part.isdigit() or part.lower() in lexicon.WORDS for part in parts):
        parts = _LETTERS_OR_DIGITS.findall(name)
    pieces: list[Piece] = []
    at = 1
    for part in chain.from_iterable(_split(part.lower()) for part in parts):
        at = found.find(part, at)
        for text, first, last, surface in word(part):
            pieces.append((text, at + first, at + last, surface))
        at += len(part)
    return tuple(pieces)


@remember(megabytes=4)
def spaced(found: str) -> tuple[Piece, ...]:
    """Read letters with spaces or dots between them: the words that they spell.

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
        if len(words) == 1 and len(spelt) == 2 and (found[1].isspace() or spelt not in lexicon.WORDS):
            return tuple((found[place], place, place + 1, found[place]) for place in places)  # "i a" is two words
        at = 0
        for part in _split(spelt):
            begin, end = places[at], places[at + len(part) - 1] + 1
            pieces.append((_shorten(part), begin, end, _SPACE.sub(" ", found[begin:end])[:_LONGEST_WORD]))
            at += len(part)
    return tuple(pieces)


@remember(megabytes=4)
def bracketed(found: str) -> tuple[Piece, ...]:
    """Read a word with some of its letters in brackets, as "n(i)ce" and "word(s)"; else what stands in it."""
    letters = "".join(_LETTER.findall(found))
    if 3 <= len(letters) <= _LONGEST_WORD and (meant := _known(letters)):
        return ((meant, 0, len(found), found),)
    return plain(found)


@remember(megabytes=4)
def indicators(found: str) -> tuple[Piece, ...]:
    """Read regional indicators: a word that they spell, or flags."""
    places = [place for place, sign in enumerate(found) if ord(sign) >= FIRST_INDICATOR]
    letters = "".join(chr(ord("a") + ord(found[place]) - FIRST_INDICATOR) for place in places)
    if len(letters) >= 3 and (meant := _known(letters)):
        return ((meant, 0, len(found), found[:_LONGEST_WORD]),)
    flags = [
        (found[first] + found[last], first, last + 1) for first, last in zip(places[::2], places[1::2], strict=False)
    ]
    return tuple((flag, first, last, flag) for flag, first, last in flags)


def _decode(chunk: str) -> str | None:
    """Return the word that a chunk stands for, if it is one word; itself where it hides nothing."""
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
    if not any(c.isalpha() for c in plain):
        return None
    if _MARKUP.search(chunk) and (meant := _without_markup(chunk)):
        return meant
    if "_" in plain:
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


def _without_markup(chunk: str) -> str | None:
    """Return the known word that is left of "n**i**ce" or "n_i_ce" without its Markdown; None where none is."""
    parts = [part for part in _MARKUP.split(chunk.translate(_LOOKALIKES)) if part]
    single = all(len(part) == 1 for part in parts)
    paired = len(_MARKUP.findall(chunk)) % 2 == 0
    if not single and not (paired and any(len(part) == 1 for part in parts)) and not (paired and "**" in chunk):
        return None
    joined = "".join(parts).translate(_LEET_TABLE)
    return _known(joined) if len(joined) >= 3 and joined.isalpha() else None


def _inside(plain: str) -> bool:
    """Return whether the digits stand among the letters, as in a disguise, and not behind them as in a name."""
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
    single = _DOUBLED.sub(r"\1", word) if len(word) > 3 else word
    if single != word and single in lexicon.WORDS:
        return single
    return word


def _split(letters: str) -> tuple[str, ...]:
    return lexicon.split(letters) if letters.isascii() and letters.isalpha() else (letters,)
