from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from api.lib import audit_log
from api.management.lookup import model_by_number
from api.stream import rescoring
from api.stream.sources import Received, SourceUnavailable
from hate_speech_ai import tables

_EVERY = 100_000


class Command(BaseCommand):
    help = "Judge posts of the stream again: the events that are there get the answers of another version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "files",
            nargs="*",
            type=Path,
            metavar="FILE",
            help="messages as .jsonl, .csv or .tsv, also .gz; without one, the topic in Kafka is read again",
        )
        parser.add_argument("--since", metavar="TIME", help="of the topic, what came from then on")
        parser.add_argument("--until", metavar="TIME", help="of the topic, what came before")
        parser.add_argument("--model-version", type=int, metavar="N", help="another one than the one that serves")

    def handle(
        self,
        *args: Any,
        files: list[Path],
        since: str | None,
        until: str | None,
        model_version: int | None,
        **options: Any,
    ) -> None:
        if files and (since or until):
            raise CommandError("--since and --until are about the topic; a file is read whole")
        batches = self._of_files(files) if files else _of_topic(_time(since, "--since"), _time(until, "--until"))
        model = model_by_number(model_version)
        done = rescoring.Rescored()
        try:
            for batch in batches:
                before = done.messages
                done.add(rescoring.rescore(batch, model))
                if done.messages // _EVERY > before // _EVERY:
                    self.stdout.write(f"{done.messages:,} messages")
        except SourceUnavailable as error:
            raise CommandError(f"the topic cannot be read: {error}. What was done is stored: run it again") from None
        finally:
            if done.changed:
                by = audit_log.current_operator()
                audit_log.record("stream.rescored", f"{done.changed} events", by=by, version=model.version)
        self.stdout.write(
            f"{done.messages:,} messages: {done.changed:,} events have the answers of version {model.version} now, "
            f"{done.same:,} had them already; {done.without_event:,} have no event, {done.bad:,} cannot be read"
        )

    def _of_files(self, files: list[Path]) -> Iterator[list[Received]]:
        for path in files:
            try:
                yield from rescoring.read_file(path)
            except tables.Unreadable as error:
                raise CommandError(str(error)) from None
            except OSError as error:
                raise CommandError(f"{path} cannot be read: {error.strerror}") from None


def _of_topic(since: datetime | None, until: datetime | None) -> Iterator[list[Received]]:
    if settings.STREAM != "kafka":
        raise CommandError("the stream keeps nothing that was worked on: name files with the messages")
    from api.stream import kafka_topic  # whose package may not be installed

    return kafka_topic.again(since, until)


def _time(given: str | None, option: str) -> datetime | None:
    if given is None:
        return None
    try:
        at = parse_datetime(given)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise CommandError(f"{option} must be a time with its zone, such as 2026-11-21T07:00:00Z")
    return at
