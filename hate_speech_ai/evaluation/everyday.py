"""Everyday tweets: what most people post, and what a detector must leave in peace."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hate_speech_ai import tables
from hate_speech_ai.operating_points import MOST_EVERYDAY
from hate_speech_ai.text import fingerprint

_COLUMNS = ["id", "kind", "tweet", "obscene"]


@dataclass(frozen=True)
class Everyday:
    """An everyday tweet, which was written for this project.

    Attributes:
        labels: the labels that it has: `obscene` where it swears, none of the others.
    """

    id: str
    kind: str
    tweet: str
    labels: frozenset[str] = frozenset()


def read_everyday(path: Path) -> list[Everyday]:
    """Read the everyday tweets of a CSV file, in its order.

    Raises:
        ValueError: a row is malformed; the message names the file and the line.
    """
    return tables.read_all(path, _COLUMNS, _parse)


def halves(everyday: Sequence[Everyday]) -> tuple[list[Everyday], list[Everyday]]:
    """Return those that thresholds are chosen with, and those that a model is examined with: by the cleaned text."""
    chosen = {one.id: int(fingerprint(one.tweet)[:8], 16) % 2 == 0 for one in everyday}
    return [one for one in everyday if chosen[one.id]], [one for one in everyday if not chosen[one.id]]


def tweets_without(everyday: Sequence[Everyday], labels: Iterable[str]) -> dict[str, list[str]]:
    """Return, for each of the labels that few everyday tweets may have, the tweets that do not have it.

    Others they may have without our knowing. A label is left out where no tweet is left for it.
    """
    tweets = {
        label: [one.tweet for one in everyday if label not in one.labels] for label in labels if label in MOST_EVERYDAY
    }
    return {label: found for label, found in tweets.items() if found}


def _parse(row: tables.Row) -> Everyday:
    name, kind, tweet, obscene = row.values()
    if not name or not kind or not tweet.strip():
        raise ValueError("id, kind or tweet is empty")
    if obscene not in ("0", "1"):
        raise ValueError(f"obscene is {obscene[:60]!r}, not 0 or 1")
    return Everyday(name, kind, tweet, frozenset({"obscene"} if obscene == "1" else ()))
