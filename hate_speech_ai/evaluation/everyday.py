"""Everyday tweets: what most people post, and what a detector must leave in peace."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            if (header := next(reader, [])) != _COLUMNS:
                raise ValueError(f"the header is {','.join(header)!r}, not {','.join(_COLUMNS)!r}")
            return [_row(cells) for cells in reader]
        except (csv.Error, ValueError) as error:
            raise ValueError(f"{path.name}, line {reader.line_num}: {error}") from error


def halves(everyday: Sequence[Everyday]) -> tuple[list[Everyday], list[Everyday]]:
    """Return those that thresholds are chosen with, and those that a model is examined with: by the cleaned text."""
    chosen = {one.id: int(fingerprint(one.tweet)[:8], 16) % 2 == 0 for one in everyday}
    return [one for one in everyday if chosen[one.id]], [one for one in everyday if not chosen[one.id]]


def _row(cells: list[str]) -> Everyday:
    if len(cells) != len(_COLUMNS):
        raise ValueError(f"there are {len(cells)} cells, not {len(_COLUMNS)}")
    name, kind, tweet, obscene = cells
    if not name or not kind or not tweet.strip():
        raise ValueError("id, kind or tweet is empty")
    if obscene not in ("0", "1"):
        raise ValueError(f"obscene is {obscene[:60]!r}, not 0 or 1")
    return Everyday(name, kind, tweet, frozenset({"obscene"} if obscene == "1" else ()))
