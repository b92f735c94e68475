"""What a training is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Called with the name of a step and the share of the work done, 0 to 1.
Progress = Callable[[str, float], None]


class NotEnoughData(ValueError):
    """The rows cannot teach `hate_speech`; the message says what is missing."""


@dataclass(frozen=True)
class Example:
    """A tweet and the labels that somebody answered for it.

    Attributes:
        source: where it comes from. What makes a source's tweets more often hateful than another's, besides their
            words, is learned apart and not served.
        in_domain: whether it says what this service is to learn, as the starter corpus and its own reviews do, and not
            only what others called hateful. Such rows count more than others.
        known: whether the base model has learned these answers. Then they hold it where it is, and teach nothing new.
        weight: how much it counts, besides.
        claimed_by: the one source that answers it, where no other does and no person has approved it. What such rows
            teach is bounded (`training/influence.py`).
    """

    tweet: str
    labels: Mapping[str, bool]
    source: str = ""
    in_domain: bool = False
    author: str = ""
    known: bool = False
    weight: float = 1.0
    claimed_by: str = ""
