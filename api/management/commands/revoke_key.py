from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from api.lib import audit_log
from api.models import ApiKey


class Command(BaseCommand):
    help = "Revoke an API key. What it reviewed stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", help="the key's first 15 characters, hs_...")

    def handle(self, *args: Any, prefix: str, **options: Any) -> None:
        with transaction.atomic():
            if not ApiKey.objects.filter(prefix=prefix[:15], revoked_at=None).update(revoked_at=timezone.now()):
                raise CommandError(f"there is no valid key {prefix[:15]}")
            audit_log.record(
                "key.revoked", str(ApiKey.objects.get(prefix=prefix[:15])), by=audit_log.current_operator()
            )
        self.stdout.write(f"key {prefix[:15]} is revoked")
