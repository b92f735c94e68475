import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.lib import audit_log, suppression
from api.reviews import erasure


class Command(BaseCommand):
    help = "List what is kept from coming back since it was forgotten; export that list, or lift one entry of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--export", metavar="FILE", help="write the list, to be kept beside your backups; '-' writes it out"
        )
        parser.add_argument("--lift", type=UUID, metavar="ID", help="let it come back, where it is sent again")
        parser.add_argument("--reason", help="for the audit log, with --lift; do not name the person here")

    def handle(self, *args: Any, export: str | None, lift: UUID | None, reason: str | None, **options: Any) -> None:
        if export:
            self._export(export)
            return
        if lift:
            if not reason:
                raise CommandError("say why: --reason")
            if not erasure.lift(lift, by=audit_log.current_operator(), reason=reason):
                raise CommandError(f"there is no erasure {lift}; run forgotten without options for a list")
            self.stdout.write("it may come back")
            return
        acts = erasure.remembered()
        for act in acts:
            named = act["kind"].replace(",", " and ")
            self.stdout.write(f"{act['erasure']}  {act['at']:%Y-%m-%d %H:%M}  a {named}")
        self.stdout.write(f"{len(acts):,} acts of forgetting are remembered")
        if lost := suppression.number_without_key():
            self.stderr.write(
                f"{lost:,} fingerprints keep nothing away: they were made with another FORGET_KEY; "
                "put it into FORGET_KEY_FALLBACKS"
            )

    def _export(self, path: str) -> None:
        if path == "-":
            sys.stdout.writelines(suppression.export())
            return
        try:
            with Path(path).open("w", encoding="utf-8") as file:
                file.writelines(suppression.export())
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from None
