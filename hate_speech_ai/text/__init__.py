"""Reading: from the text a person wrote to what a model sees of it."""

from hate_speech_ai.text.characters import MAX_CHARS, repair
from hate_speech_ai.text.fingerprints import fingerprint, fingerprint_of, is_held_out
from hate_speech_ai.text.long_texts import LONG, Part, parts
from hate_speech_ai.text.tokens import (
    URL,
    USER,
    Token,
    Word,
    is_readable,
    tokenize,
    tokenize_with_offsets,
    without,
    words,
)

#: Written into every artifact. A model is refused where it does not match, because its words would not be found.
CLEANING_VERSION = 3

__all__ = [
    "CLEANING_VERSION",
    "LONG",
    "MAX_CHARS",
    "URL",
    "USER",
    "Part",
    "Token",
    "Word",
    "fingerprint",
    "fingerprint_of",
    "is_held_out",
    "is_readable",
    "parts",
    "repair",
    "tokenize",
    "tokenize_with_offsets",
    "without",
    "words",
]
