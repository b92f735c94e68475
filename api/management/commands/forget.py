from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import audit
from api.forgetting import forget


class Command(BaseCommand):
    help = "Delete reviewed tweets for good: a text's, a post's or a reviewer's. The next training does without them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--text", default="", help="every row with this text, as it is after cleaning")
        parser.add_argument("--external-id", default="", help="as the client sent it")
        parser.add_argument("--reviewer", default="", help="as the client sent it")
        parser.add_argument("--reason", required=True, help="for the audit log; do not name the person here")

    def handle(self, *args: Any, reason: str, **options: Any) -> None:
        named = {name: options[name] for name in ("text", "external_id", "reviewer")}
        try:
            forgotten = forget(by=audit.operator(), reason=reason, **named)
        except ValueError as error:
            raise CommandError(f"{error}: --text, --external-id or --reviewer") from None
        self.stdout.write(f"{forgotten.rows:,} reviewed tweets are deleted")
        if forgotten.versions:
            versions = ", ".join(map(str, forgotten.versions))
            self.stdout.write(
                f"these versions may have learned from them: {versions}; run train, so that another serves"
            )
