import csv
import sys
from pathlib import Path
from typing import Any

import pandas
from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.lib.csv_safety import escape_formula
from api.models import ReviewedTweet
from hate_speech_ai.labels import in_order

_CHUNK = 5_000
_FIELDS = (
    "receipt",
    "tweet",
    "labels",
    "source",
    "licence",
    "external_id",
    "reviewer",
    "created_at",
    "held_out",
    "status",
    "trained_in",
)


class Command(BaseCommand):
    help = "Write all reviews to a .jsonl file (lossless) or a .csv file (for spreadsheets); '-' writes JSON lines out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path")
        parser.add_argument("--corpora", action="store_true", help="imported corpora too")

    def handle(self, *args: Any, path: str, corpora: bool, **options: Any) -> None:
        target = Path(path)
        if path != "-" and target.suffix not in (".jsonl", ".csv"):
            raise CommandError(f"{path} ends neither in .jsonl nor in .csv")
        rows = ReviewedTweet.objects.order_by("pk")
        if not corpora:
            rows = rows.filter(key__isnull=False)
        try:
            file = sys.stdout if path == "-" else target.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from None
        written = 0
        try:
            for chunk in _chunks(rows.values(*_FIELDS)):
                frame = _frame(chunk, spreadsheet=target.suffix == ".csv")
                if target.suffix == ".csv":
                    frame.to_csv(file, index=False, header=written == 0, quoting=csv.QUOTE_ALL)
                else:
                    frame.to_json(file, orient="records", lines=True, force_ascii=False)
                written += len(chunk)
        finally:
            if path != "-":
                file.close()
        self.stderr.write(f"{written:,} reviews written")


def _chunks(rows: Any) -> Any:
    chunk = []
    for row in rows.iterator(_CHUNK):
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _frame(rows: list[dict[str, Any]], *, spreadsheet: bool) -> pandas.DataFrame:
    """Return a line for each review; for spreadsheets, all labels in one cell and formulas escaped."""
    frame = pandas.DataFrame.from_records(rows).rename(columns={"receipt": "id"})
    frame["id"] = frame["id"].astype(str)
    frame["created_at"] = [row["created_at"].isoformat() for row in rows]
    frame["trained_in"] = frame["trained_in"].astype("Int64")
    if spreadsheet:
        frame["labels"] = [
            ";".join(f"{name}={_number(row['labels'][name])}" for name in in_order(row["labels"])) for row in rows
        ]
        for column in ("tweet", "source", "external_id", "reviewer"):
            frame[column] = [escape_formula(cell) for cell in frame[column]]
    return frame


def _number(grade: float) -> str:
    return f"{float(grade):g}"
