"""A text in pieces, each with what it adds to the model's answer."""

from dataclasses import dataclass
from typing import Any

# From which contribution to the logit on a word is marked faintly, plainly and strongly.
_LEVELS = (0.15, 0.5, 1.0)


@dataclass(frozen=True)
class Piece:
    """A stretch of a text.

    Attributes:
        text: as it stands there.
        token: its place among the model's tokens; None for what stands between them.
        word: as the model reads it; empty between tokens.
        value: what it adds to the logit: above 0 for hate speech, below 0 against it.
    """

    text: str
    token: int | None = None
    word: str = ""
    value: float = 0.0

    @property
    def level(self) -> int:
        """How strongly it speaks: 0 for hardly, to 3."""
        return sum(abs(self.value) >= least for least in _LEVELS)

    @property
    def side(self) -> str:
        return "for" if self.value > 0 else "against"

    @property
    def is_evasion(self) -> bool:
        """Whether the model reads a word that is not written there letter by letter."""
        is_sign = self.word.startswith("_") and self.word.endswith("_")  # such as a name or a link
        return bool(self.word) and not is_sign and self.word != self.text.casefold()


def cut(text: str, explanation: dict[str, Any]) -> list[Piece]:
    """Cut a text into pieces that together are the text.

    Args:
        explanation: as `POST /predict` with `explain` has it.
    """
    pieces: list[Piece] = []
    end = 0
    for place, token in enumerate(explanation["tokens"]):
        if token["begin"] < end:  # a token inside of one that is shown already
            continue
        if token["begin"] > end:
            pieces.append(Piece(text[end : token["begin"]]))
        end = token["end"]
        pieces.append(Piece(text[token["begin"] : end], place, token["word"], token["contribution"]))
    if end < len(text):
        pieces.append(Piece(text[end:]))
    return pieces
