"""How much work one request may ask for. Whoever reads texts counts first, and so a refusal costs nothing.

Bodies are bounded in bytes, but a few bytes can ask for much: a batch for a hundred texts, and each of these for a list
of words for each of its attributes.
"""

from collections.abc import Iterable
from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException

from hate_speech_ai.text import MAX_CHARS

#: Characters that one request reads, over all its texts: as often as they are read.
MAX_CHARACTERS = 300_000
#: Words with a score in one answer, over all its parts: about 90 bytes each.
MAX_WORDS = 50_000


class TooMuchWork(APIException):
    """More work than one request may ask for."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_much_work"


class Budget:
    """What is left to one request."""

    def __init__(self) -> None:
        self._characters = MAX_CHARACTERS
        self._words = MAX_WORDS

    def read(self, text: str, times: int = 1) -> None:
        """Count a text that is about to be read.

        Raises:
            TooMuchWork: nothing is left for it. What was asked before may still be answered.
        """
        characters = characters_of(text) * times
        if characters > self._characters:
            raise TooMuchWork(
                f"The request asks for too much: at most {MAX_CHARACTERS:,} characters are read for one request, and "
                f"{self._characters:,} are left for this text, which needs {characters:,}. Send it in another request."
            )
        self._characters -= characters

    def answer(self, words: int) -> None:
        """Count the words that are about to get a score.

        Raises:
            TooMuchWork: the answer would be too long.
        """
        if words > self._words:
            raise TooMuchWork(
                f"The request asks for too much: at most {MAX_WORDS:,} words with a score are in one answer, and "
                f"{self._words:,} are left for this text, which needs {words:,}. Ask for fewer attributes or texts."
            )
        self._words -= words


def read_list(texts: Iterable[Any]) -> None:
    """Count the texts of a list that is about to be read.

    Raises:
        TooMuchWork: they have too many characters together.
    """
    characters = sum(characters_of(text) for text in texts if isinstance(text, str))
    if characters > MAX_CHARACTERS:
        raise TooMuchWork(
            f"The texts have {characters:,} characters; at most {MAX_CHARACTERS:,} are read for one request. Send "
            f"fewer at once. A text counts with at most {MAX_CHARS:,}."
        )


def characters_of(text: str) -> int:
    """Return how many characters of a text are read."""
    return min(len(text), MAX_CHARS)
