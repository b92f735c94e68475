from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.keys import issuing
from api.lib import audit_log
from api.models import ApiKey


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
        try:
            key, plain = issuing.create(
                options["name"],
                options["scope"],
                by=audit_log.current_operator(),
                trusted=options["trusted"],
                days=options["expires_in_days"],
                limit=options["limit"],
            )
        except issuing.InvalidKey as error:
            if error.field == "name":
                raise CommandError(f"the name {error}") from None
            problem = f" {error}" if error.field == "expires-in-days" else f": {error}"
            raise CommandError(f"--{error.field}{problem}") from None
        self.stderr.write(f"key {key.prefix} for {key.name}: {', '.join(key.scopes)}. It is not shown again:")
        if key.allows(ApiKey.Scope.REVIEW) and not options["trusted"]:
            self.stderr.write(
                "What it reviews waits until somebody approves it, or trusts the key: "
                f"manage.py trust {key.prefix} --reason WHY"
            )
        self.stdout.write(plain)
