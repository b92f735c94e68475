import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from rest_framework.serializers import ValidationError
from tqdm import tqdm

from api import audit, reviews, trust
from api.exceptions import flatten
from api.keys import by_prefix
from api.models import ApiKey, ReviewedTweet
from api.reviews import Opinion
from api.serializers import ReviewRequest, to_opinion
from api.spreadsheets import as_it_was

_CHUNK = 1_000
_SHOWN = 20
# What `export_reviews` writes besides what a review says.
_PASSED_OVER = {"id", "source", "licence", "created_at", "held_out", "status", "trained_in"}
_ANSWERS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Command(BaseCommand):
    help = (
        "Load a key's reviews from a .csv or .jsonl file, such as export_reviews writes: tweet, is_hate_speech or "
        "labels, external_id, reviewer. Safe to run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--key", required=True, metavar="PREFIX", help="whose reviews they are")
        parser.add_argument("--approve", action="store_true", help="let them count, whatever the key's trust is")

    def handle(self, *args: Any, path: Path, key: str, approve: bool, **options: Any) -> None:
        who = by_prefix(key)
        read = {".csv": _read_csv, ".jsonl": _read_lines}.get(path.suffix)
        if read is None:
            raise CommandError(f"{path} ends neither in .csv nor in .jsonl")
        reason = f"imported from {path.name}" if approve else ""
        read_rows = added = 0
        refused: list[str] = []
        try:
            with path.open(encoding="utf-8-sig", newline="") as file, tqdm(desc=path.name, unit=" rows") as bar:
                rows = read(file)
                while chunk := list(islice(rows, _CHUNK)):
                    opinions, problems = _validate(chunk)
                    added += _store(opinions, who, approve_because=reason)
                    refused += problems
                    read_rows += len(chunk)
                    bar.update(len(chunk))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise CommandError(f"{path} cannot be read: {error}") from None
        for line in refused[:_SHOWN]:
            self.stderr.write(line)
        if len(refused) > _SHOWN:
            self.stderr.write(f"... and {len(refused) - _SHOWN:,} more")
        known = read_rows - added - len(refused)
        self.stdout.write(f"{added:,} reviews added, {known:,} known already, {len(refused):,} refused")


def _validate(rows: list[tuple[int, Any]]) -> tuple[list[Opinion], list[str]]:
    fields = ReviewRequest()
    opinions, problems = [], []
    for number, row in rows:
        try:
            opinions.append(to_opinion(fields.run_validation(_as_request(row))))
        except ValidationError as error:
            wrong = "; ".join(f"{name}: {' '.join(why)}" for name, why in flatten(error.detail).items())
            problems.append(f"line {number}: {wrong}")
    return opinions, problems


def _store(opinions: list[Opinion], key: ApiKey, *, approve_because: str) -> int:
    """Store a piece of the file, all or none of it; how many of the reviews are new."""
    with transaction.atomic():
        stored = reviews.add_all(opinions, source=key.source, key=key)
        if approve_because:
            rows = ReviewedTweet.objects.filter(receipt__in=[review.receipt for review, _ in stored])
            trust.approve(rows, by=audit.operator(), reason=approve_because)
    return sum(new for _, new in stored)


def _as_request(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    row = {name: value for name, value in row.items() if name not in _PASSED_OVER}
    grade = row["labels"].get("hate_speech") if isinstance(row.get("labels"), dict) else None
    if "is_hate_speech" not in row and isinstance(grade, bool | int | float):
        row["is_hate_speech"] = grade > 0.5
    return row


def _read_lines(file: IO[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(file, start=1):
        if line.strip():
            try:
                yield number, orjson.loads(line)
            except orjson.JSONDecodeError:
                yield number, None


def _read_csv(file: IO[str]) -> Iterator[tuple[int, Any]]:
    """Empty cells are left out; answers are 0 or 1, true or false; labels are written `threat=0;toxic=0.8`."""
    reader = csv.DictReader(file)
    for row in reader:
        found: dict[str, Any] = {name: as_it_was(cell) for name, cell in row.items() if name and cell}
        if "is_hate_speech" in found:
            found["is_hate_speech"] = _ANSWERS.get(found["is_hate_speech"].lower(), found["is_hate_speech"])
        if "labels" in found:
            found["labels"] = dict(_label(pair) for pair in found["labels"].split(";"))
        yield reader.line_num, found


def _label(pair: str) -> tuple[str, Any]:
    name, _, value = pair.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        return name.strip(), value
