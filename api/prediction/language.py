"""Which language a text is in. Where it is clearly not one that the models read, every format says so.

Whoever is refused or warned for nothing is served worse than whoever is judged in a language that the models read
badly: so in doubt it is English.
"""

import re

from hate_speech_ai.text import MAX_CHARS, URL, USER, lexicon, words

try:
    import pycld2
except ImportError:  # there is no wheel for this platform: only foreign scripts are noticed (docs/perspective.md)
    pycld2 = None

ENGLISH = "en"
#: What `POST /predict`, and whoever answers like it, notes of a text in another language.
NOT_SUPPORTED = "language_not_supported"
# Slangy English looks like Scots, and to refuse it would be worse than to judge some Scots.
_TAKEN_FOR_ENGLISH = {"en", "sco"}
_RENAMED = {"iw": "he", "jw": "jv"}  # since the detector was made

# Short English looks like anything ("banger" like Danish), and a name like its country. So it takes a few words that
# English has not, and most of the words have to be such.
_MIN_WORDS = 4
_MIN_FOREIGN = 3
_MAX_ENGLISH_SHARE = 0.4
# English words that are as frequent elsewhere: they speak neither for English nor against it.
_SHARED = """
    a al an co com con da dan dat de dem den des die do em en era ha hat i in is los me met no on par para per pour
    sin so son un van von ya yo
"""
_NEUTRAL = frozenset(_SHARED.split())

# Names, links, markup, and control characters, at which the detector stops.
_NO_WORDS = re.compile(r"@\w+|(?:https?://|www\.)\S+|&#?\w+;|</?\w{1,12}>|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LATIN = r"\u0000-\u02af\u1d00-\u1dbf\u1e00-\u1eff"
# Two letters in a row: a single one is part of a face, such as that of ¯\_(ツ)_/¯.
_OTHER_SCRIPT = re.compile(rf"[^\W\d_{_LATIN}][^\w\s]?[^\W\d_{_LATIN}]")
_LATIN_LETTER = re.compile(f"[{_LATIN}]")


def is_supported(language: str) -> bool:
    """Return whether the models read a language, by its BCP-47 code.

    >>> is_supported("en-US"), is_supported("hi-Latn")
    (True, False)
    """
    return language.replace("_", "-").partition("-")[0].lower() == ENGLISH


def detect(text: str) -> str | None:
    """Return a text's language as a code such as "de"; None where it is in another script and the language is unclear.

    >>> detect("lol wat"), detect("Du bist so ein Idiot, halt endlich die Klappe")
    ('en', 'de')
    """
    plain = _NO_WORDS.sub(" ", text[:MAX_CHARS])
    language = _identify(plain)
    other_script = _OTHER_SCRIPT.search(plain) is not None
    if language in (None, ENGLISH) and not other_script:
        return ENGLISH
    # It may only look foreign: by slang, by names, or by Cyrillic letters in English words, which are repaired here.
    read = [word.text for word in words(text) if word.text not in (USER, URL) and word.text[:1].isalpha()]
    if other_script and not _is_latin("".join(read)):
        return None if language == ENGLISH else language
    return ENGLISH if language is None or _may_be_english(read) else language


def _may_be_english(read: list[str]) -> bool:
    """Return whether words say too little, or too many of them are common English ones."""
    telling = [word for word in read if word not in _NEUTRAL]
    english = sum(word in lexicon.WORDS for word in telling)
    return (
        len(read) < _MIN_WORDS or len(telling) - english < _MIN_FOREIGN or english >= _MAX_ENGLISH_SHARE * len(telling)
    )


def _identify(text: str) -> str | None:
    """Return the language, if it is beyond doubt."""
    if pycld2 is None:
        return None
    try:
        reliable, _, found = pycld2.detect(text, isPlainText=True)
    except pycld2.error:  # it has characters that no text has
        return None
    code: str = found[0][1]
    if not reliable or code == "un":
        return None
    return ENGLISH if code in _TAKEN_FOR_ENGLISH else _RENAMED.get(code, code)


def _is_latin(text: str) -> bool:
    """Return whether at least half of the letters are Latin, or there is none."""
    letters = [letter for letter in text if letter.isalpha()]
    return len(_LATIN_LETTER.findall("".join(letters))) * 2 >= len(letters)
