from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.keys import trust
from api.lib import audit_log
from api.management.lookup import key_by_prefix
from api.models import ReviewedTweet


class Command(BaseCommand):
    help = "Let quarantined reviews count: some by their receipts, or all that wait of a key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("receipts", nargs="*", type=UUID)
        parser.add_argument("--key", default="", metavar="PREFIX", help="all that wait of this key")
        parser.add_argument("--reason", default="", help="for the audit log")

    def handle(self, *args: Any, receipts: list[UUID], key: str, reason: str, **options: Any) -> None:
        if bool(receipts) == bool(key):
            raise CommandError("name either receipts, or a key with --key")
        rows = (
            key_by_prefix(key).reviews.all()
            if key
            else ReviewedTweet.objects.filter(receipt__in=receipts, key__isnull=False)
        )
        count = trust.approve(rows, by=audit_log.current_operator(), reason=reason)
        self.stdout.write(f"{count:,} reviews are approved; the next training learns from them")
