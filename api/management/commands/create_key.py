from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.models import ApiKey
from api.throttling import parse_limit


class Command(BaseCommand):
    help = "Create an API key and print it: the only time that it is shown."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="whose key it is")
        parser.add_argument(
            "--scope", action="append", choices=ApiKey.Scope.values, required=True, help="may be given several times"
        )
        parser.add_argument("--expires-in-days", type=int)
        parser.add_argument("--limit", default="", help="requests, such as 600/minute, instead of the default limits")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["expires_in_days"]
        if days is not None and days < 1:
            raise CommandError("--expires-in-days must be 1 or more")
        try:
            parse_limit(options["limit"])
        except ValueError as error:
            raise CommandError(f"--limit: {error}") from None
        key, plain = ApiKey.issue(
            options["name"],
            sorted(set(options["scope"])),
            expires_in=timedelta(days=days) if days else None,
            limit=options["limit"],
        )
        self.stderr.write(f"key {key.prefix} for {key.name}: {', '.join(key.scopes)}. It is not shown again:")
        self.stdout.write(plain)
