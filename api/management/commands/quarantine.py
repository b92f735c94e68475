from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from api.keys import trust
from api.lib import audit_log
from api.management.lookup import key_by_prefix


class Command(BaseCommand):
    help = "Quarantine a key: its reviews wait until somebody approves them, with those that no model has learned yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", help="the key's first 15 characters, hs_...")
        parser.add_argument(
            "--include-learned", action="store_true", help="also what models have learned: the next does without it"
        )
        parser.add_argument("--reason", required=True, help="for the audit log")

    def handle(self, *args: Any, prefix: str, include_learned: bool, reason: str, **options: Any) -> None:
        key = key_by_prefix(prefix)
        count = trust.quarantine(key, by=audit_log.current_operator(), reason=reason, include_learned=include_learned)
        self.stdout.write(f"{key} is quarantined; {count:,} of its reviews wait for approval")
