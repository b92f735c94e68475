from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from api.keys import trust
from api.lib import audit_log
from api.management.lookup import key_by_prefix


class Command(BaseCommand):
    help = "Trust a key: what it reviews from now on trains at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", help="the key's first 15 characters, hs_...")
        parser.add_argument("--approve-pending", action="store_true", help="also what it has reviewed so far")
        parser.add_argument("--reason", required=True, help="for the audit log")

    def handle(self, *args: Any, prefix: str, approve_pending: bool, reason: str, **options: Any) -> None:
        key = key_by_prefix(prefix)
        count = trust.trust(key, by=audit_log.current_operator(), reason=reason, approve_pending=approve_pending)
        self.stdout.write(f"{key} is trusted; {count:,} of its reviews that waited are approved")
