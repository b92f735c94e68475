from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.keys import issuing
from api.lib import audit_log


class Command(BaseCommand):
    help = "Revoke an API key. What it reviewed stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", help="the key's first 15 characters, hs_...")

    def handle(self, *args: Any, prefix: str, **options: Any) -> None:
        if issuing.revoke(prefix[:15], by=audit_log.current_operator()) is None:
            raise CommandError(f"there is no valid key {prefix[:15]}")
        self.stdout.write(f"key {prefix[:15]} is revoked")
