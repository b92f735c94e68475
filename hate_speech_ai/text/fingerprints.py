"""Which texts are the same to a model, and which of them are kept for evaluation."""

import hashlib

from hate_speech_ai.text.tokens import tokenize


def fingerprint(text: str) -> str:
    """Return the SHA-256 (hex) of the tokens: equal for tweets that differ only in what reading sees through.

    >>> fingerprint("Late again!") == fingerprint("l4te  agaiiin")
    True
    """
    return fingerprint_of(tokenize(text))


def fingerprint_of(tokens: list[str]) -> str:
    """Return the `fingerprint` of a text whose tokens are known."""
    return hashlib.sha256(" ".join(tokens).encode("utf-8", "surrogatepass")).hexdigest()


def is_held_out(text_fingerprint: str) -> bool:
    """Return whether tweets with this `fingerprint` are kept for evaluation: one in ten, for ever on the same side."""
    return int(text_fingerprint[:8], 16) % 10 == 0
