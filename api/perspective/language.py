"""Which language a comment is in. Where it is clearly not one that the models read, we say so and do not guess."""

from hate_speech_ai.text import URL, USER, lexicon, words

try:
    import pycld2
except ImportError:  # there is no wheel for this platform: only foreign scripts are noticed (docs/perspective.md)
    pycld2 = None

ENGLISH = "en"
# Slangy English looks like Scots, and to refuse it would be worse than to judge some Scots.
_TAKEN_FOR_ENGLISH = {"en", "sco"}
_RENAMED = {"iw": "he", "jw": "jv"}  # since the detector was made


def is_supported(language: str) -> bool:
    """Whether the models read a language, by its BCP-47 code.

    >>> is_supported("en-US"), is_supported("hi-Latn")
    (True, False)
    """
    return language.replace("_", "-").partition("-")[0].lower() == ENGLISH


def detect(text: str) -> str | None:
    """A text's language as a code such as "de"; None where it is in another script and the language is unclear.

    >>> detect("lol wat"), detect("Du bist so ein Idiot, halt endlich die Klappe")
    ('en', 'de')
    """
    language = _identify(text)
    if language == ENGLISH or (language is None and text.isascii()):
        return ENGLISH
    # It may only look foreign: by its names and links, by slang, or by Cyrillic letters in English words.
    read = [word.text for word in words(text) if word.text not in (USER, URL)]
    if 2 * sum(word in lexicon.WORDS for word in read) >= len(read):
        return ENGLISH
    language = _identify(" ".join(read))
    if language is None and _is_latin("".join(read)):
        return ENGLISH
    return language


def _identify(text: str) -> str | None:
    """A language that is beyond doubt."""
    if pycld2 is None:
        return None
    try:
        reliable, _, found = pycld2.detect(text, isPlainText=True)
    except pycld2.error:  # it has control characters
        return None
    code: str = found[0][1]
    if not reliable or code == "un":
        return None
    return ENGLISH if code in _TAKEN_FOR_ENGLISH else _RENAMED.get(code, code)


def _is_latin(text: str) -> bool:
    """Whether at least half of the letters are Latin, or there is none."""
    letters = [letter for letter in text if letter.isalpha()]
    return sum(letter <= "\u024f" or "\u1e00" <= letter <= "\u1eff" for letter in letters) * 2 >= len(letters)
