from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.operations import health


class Command(BaseCommand):
    help = "Whether the worker, beat or the stream has shown a sign of life lately: for container health checks."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("part", choices=["worker", "beat", "stream"])

    def handle(self, *args: Any, part: str, **options: Any) -> None:
        state = health.alive(part)
        if not state["ok"]:
            raise CommandError(state["problem"])
        self.stdout.write(f"last seen {state['last_seen_seconds']} s ago")
