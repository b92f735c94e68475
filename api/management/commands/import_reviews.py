from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import Max
from rest_framework.serializers import ValidationError
from tqdm import tqdm

from api.http.problems import flatten
from api.keys import trust
from api.lib import audit_log
from api.lib.csv_safety import unescape_formula
from api.management.lookup import key_by_prefix
from api.models import ApiKey, ReviewedTweet
from api.reviews import intake
from api.reviews.intake import Annotation
from api.reviews.serializers import ReviewRequestSerializer, to_annotation
from hate_speech_ai import tables
from hate_speech_ai.labels import HATE_SPEECH, answer_of
from hate_speech_ai.text import fingerprint

Status = ReviewedTweet.Status
_CHUNK = 1_000
_SHOWN = 20
# What `export_reviews` writes besides what a review says.
_PASSED_OVER = {"id", "source", "licence", "created_at", "held_out", "status", "trained_in"}
_OUT_OF_COUNT = {Status.QUARANTINED, Status.SUPERSEDED, Status.WITHDRAWN}


class Command(BaseCommand):
    help = (
        "Load a key's reviews from a .csv, .tsv or .jsonl file, such as export_reviews writes: tweet, is_hate_speech "
        "or labels, external_id, reviewer. Passes over what did not count where it was exported. Safe to run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--key", required=True, metavar="PREFIX", help="whose reviews they are")
        parser.add_argument("--approve", action="store_true", help="let them count, whatever the key's trust is")

    def handle(self, *args: Any, path: Path, key: str, approve: bool, **options: Any) -> None:
        who = key_by_prefix(key)
        as_request = _of_object if tables.ending(path) == ".jsonl" else _of_cells
        reason = f"imported from {path.name}" if approve else ""
        before = who.reviews.aggregate(last=Max("pk"))["last"] or 0
        read_rows = added = passed_over = forgotten = 0
        refused: list[str] = []
        try:
            with tqdm(desc=path.name, unit=" rows") as bar:
                rows = tables.read(path)
                while chunk := list(islice(rows, _CHUNK)):
                    counting = [(number, row) for number, row in chunk if not _is_out_of_count(row)]
                    opinions, problems = _validate(counting, as_request)
                    gone = intake.forgotten(opinions)
                    opinions = [one for place, one in enumerate(opinions) if place not in gone]
                    forgotten += len(gone)
                    added += _store(opinions, who, before, approve_because=reason)
                    refused += problems
                    read_rows += len(counting)
                    passed_over += len(chunk) - len(counting)
                    bar.update(len(chunk))
        except tables.Unreadable as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from None
        for line in refused[:_SHOWN]:
            self.stderr.write(line)
        if len(refused) > _SHOWN:
            self.stderr.write(f"... and {len(refused) - _SHOWN:,} more")
        known = read_rows - added - len(refused) - forgotten
        self.stdout.write(f"{added:,} reviews added, {known:,} known already, {len(refused):,} refused")
        if forgotten:
            self.stdout.write(f"{forgotten:,} passed over: they were forgotten, and stay so")
        if passed_over:
            self.stdout.write(f"{passed_over:,} passed over: quarantined, superseded or withdrawn where they come from")


def _validate(
    rows: list[tuple[int, tables.Row | str]], as_request: Callable[[tables.Row], tables.Row]
) -> tuple[list[Annotation], list[str]]:
    fields = ReviewRequestSerializer()
    opinions, problems = [], []
    for number, row in rows:
        if isinstance(row, str):
            problems.append(f"line {number}: {row}")
            continue
        try:
            opinions.append(_read(fields, as_request(row)))
        except ValidationError as error:
            wrong = "; ".join(f"{name}: {' '.join(why)}" for name, why in flatten(error.detail).items())
            problems.append(f"line {number}: {wrong}")
    return opinions, problems


def _read(fields: ReviewRequestSerializer, request: tables.Row) -> Annotation:
    """Over HTTP, a review answers hate_speech; a suggested Perspective score, and so an exported line, need not."""
    others_alone = bool(request.get("labels")) and "is_hate_speech" not in request
    opinion = to_annotation(fields.run_validation({**request, "is_hate_speech": False} if others_alone else request))
    if others_alone:
        del opinion.labels[HATE_SPEECH]
    return opinion


def _store(opinions: list[Annotation], key: ApiKey, before: int, *, approve_because: str) -> int:
    """Store a piece of the file, all or none of it; how many of the reviews are new.

    Args:
        before: the key's last review before this import. What it said until then is known: in a file with several
            opinions about a text, also those that are not its last.
    """
    with transaction.atomic():
        texts = {fingerprint(opinion.tweet) for opinion in opinions}
        said = key.reviews.filter(pk__lte=before, fingerprint__in=texts).exclude(status=Status.WITHDRAWN)
        known = {_content(row): row for row in said}
        new = [one for one in opinions if _content(one) not in known]
        stored = intake.add_all(new, source=key.source, key=key, by_operator=True)
        if approve_because:
            again = [known[_content(one)] for one in opinions if _content(one) in known]
            receipts = [row.receipt for row in [*again, *(review for review, _ in stored)]]
            rows = ReviewedTweet.objects.filter(receipt__in=receipts)
            trust.approve(rows, by=audit_log.current_operator(), reason=approve_because)
    return sum(new for _, new in stored)


def _content(said: Annotation | ReviewedTweet) -> tuple[str, str, frozenset[tuple[str, float]]]:
    return said.tweet, said.reviewer, frozenset(said.labels.items())


def _is_out_of_count(row: tables.Row | str) -> bool:
    return isinstance(row, dict) and str(row.get("status")) in _OUT_OF_COUNT


def _of_cells(row: tables.Row) -> tables.Row:
    """Return the request of a row of cells: empty ones are left out, labels are written `threat=0;toxic=0.8`."""
    found: tables.Row = {name: unescape_formula(cell) for name, cell in row.items() if name and cell}
    if "labels" in found:
        found["labels"] = dict(_label(pair) for pair in found["labels"].split(";"))
    return _of_object(found)


def _of_object(row: tables.Row) -> tables.Row:
    row = {name: value for name, value in row.items() if name not in _PASSED_OVER}
    grade = row["labels"].get("hate_speech") if isinstance(row.get("labels"), dict) else None
    if "is_hate_speech" not in row and isinstance(grade, bool | int | float):
        row["is_hate_speech"] = grade > 0.5
    answer = answer_of(str(row.get("is_hate_speech")))
    return row if answer is None else {**row, "is_hate_speech": answer}


def _label(pair: str) -> tuple[str, Any]:
    name, _, value = pair.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        answer = answer_of(value)
        return name.strip(), value if answer is None else answer
