from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.http.throttling import parse_limit
from api.lib import audit_log
from api.models import ApiKey

_LONGEST_DAYS = 36_500
_LONGEST_NAME = 100


class Command(BaseCommand):
    help = "Create an API key and print it: the only time that it is shown."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="whose key it is")
        parser.add_argument(
            "--scope", action="append", choices=ApiKey.Scope.values, required=True, help="may be given several times"
        )
        parser.add_argument(
            "--trusted", action="store_true", help="what it reviews trains at once, and need not be approved"
        )
        parser.add_argument("--expires-in-days", type=int)
        parser.add_argument("--limit", default="", help="requests, such as 600/minute, instead of the default limits")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["expires_in_days"]
        if days is not None and not 1 <= days <= _LONGEST_DAYS:
            raise CommandError(f"--expires-in-days must be 1 to {_LONGEST_DAYS:,}")
        if len(options["name"]) > _LONGEST_NAME:
            raise CommandError(f"the name has {len(options['name'])} characters; at most {_LONGEST_NAME} are kept")
        try:
            parse_limit(options["limit"])
        except ValueError as error:
            raise CommandError(f"--limit: {error}") from None
        key, plain = ApiKey.issue(
            options["name"],
            sorted(set(options["scope"])),
            trust=ApiKey.Trust.TRUSTED if options["trusted"] else ApiKey.Trust.QUARANTINED,
            expires_in=timedelta(days=days) if days else None,
            limit=options["limit"],
        )
        audit_log.record("key.created", str(key), by=audit_log.current_operator(), scopes=key.scopes, trust=key.trust)
        self.stderr.write(f"key {key.prefix} for {key.name}: {', '.join(key.scopes)}. It is not shown again:")
        if key.allows(ApiKey.Scope.REVIEW) and not options["trusted"]:
            self.stderr.write(
                "What it reviews waits until somebody approves it, or trusts the key: "
                f"manage.py trust {key.prefix} --reason WHY"
            )
        self.stdout.write(plain)
