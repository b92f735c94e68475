"""Texts with the scores that Perspective gave them, as a site has recorded them: `.jsonl`, `.csv` or `.tsv`."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hate_speech_ai import tables

#: Perspective's attributes that ask what a label of ours asks.
LABEL_OF = {
    "TOXICITY": "toxic",
    "SEVERE_TOXICITY": "severe_toxic",
    "IDENTITY_ATTACK": "identity_hate",
    "INSULT": "insult",
    "PROFANITY": "obscene",
    "THREAT": "threat",
}

_TEXT = ("text", "tweet", "comment", "comment_text")
_FORMATS = ".jsonl, .ndjson, .csv or .tsv"


class UnreadableFile(Exception):
    """Nothing can be read of a file; the message says why."""


@dataclass(frozen=True)
class Recorded:
    """A text and its scores, from 0 to 1, by attribute; of the attributes in `LABEL_OF` only."""

    line: int
    text: str
    scores: dict[str, float]


@dataclass(frozen=True)
class Bad:
    """A row that is left out, and why."""

    line: int
    reason: str


def read(path: Path) -> Iterator[Recorded | Bad]:
    """Yield the rows of a file, in its order; blank lines are passed over.

    JSON lines may have attributes as numbers (`{"text": "...", "TOXICITY": 0.8}`), Perspective's own answer beside the
    text (`{"text": "...", "attributeScores": {...}}`), or both sides of a call (`{"request": ..., "response": ...}`).

    Raises:
        UnreadableFile: it is missing, has another ending, or a first row without the column of the text.
    """
    columns: list[str] = []

    def check(header: list[str]) -> None:
        if not set(_TEXT) & {name.strip().lower() for name in header}:
            raise UnreadableFile(f"the first line has no column {' or '.join(_TEXT)}, only {', '.join(header)[:200]}")
        columns.extend(header)

    if not tables.ending(path):
        raise UnreadableFile(f"{path} ends in none of {_FORMATS}; rename it")
    try:
        for line, row in tables.read(path, header=check, exact=False):
            yield Bad(line, row) if isinstance(row, str) else _recorded(line, row, columns)
    except tables.Unreadable as error:
        raise UnreadableFile(str(error)) from error
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}") from error


def _recorded(line: int, row: tables.Row, columns: list[str]) -> Recorded | Bad:
    if missing := sum(name not in row for name in columns):
        return Bad(line, f"it has {len(columns) - missing} of {len(columns)} columns")
    request, response = row.get("request"), row.get("response")
    if isinstance(request, dict) and isinstance(response, dict):
        row = {**request, **response}
    row = {str(name).strip(): value for name, value in row.items()}
    text = _text(row)
    if not text:
        return Bad(line, f"there is no text in {', '.join(_TEXT)}")
    nested = row.get("attributeScores")
    given: Mapping[str, Any] = nested if isinstance(nested, dict) else row
    scores = {}
    for name, value in given.items():
        attribute = str(name).partition("@")[0].strip().upper()  # TOXICITY@5 names a version of Perspective's
        if attribute not in LABEL_OF or value in ("", None):
            continue
        score = _score(value)
        if score is None:
            return Bad(line, f"{attribute} is {str(value)[:40]!r}, and no number from 0 to 1")
        scores[attribute] = score
    return Recorded(line, text, scores) if scores else Bad(line, f"it has none of {', '.join(LABEL_OF)}")


def _text(row: Mapping[str, Any]) -> str:
    lower = {name.lower(): value for name, value in row.items()}
    for name in _TEXT:
        value = lower.get(name)
        if isinstance(value, dict):
            value = value.get("text")
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _score(value: Any) -> float | None:
    if isinstance(value, dict):
        summary = value.get("summaryScore", value)
        value = summary.get("value") if isinstance(summary, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        score = float(value)
    except (ValueError, OverflowError):
        return None
    return score if math.isfinite(score) and 0 <= score <= 1 else None
