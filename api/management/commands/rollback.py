from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.lib import audit_log
from api.versions import registry
from hate_speech_ai.artifact import ArtifactError


class Command(BaseCommand):
    help = "Promote the version again that served before the present one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True)

    def handle(self, *args: Any, reason: str, **options: Any) -> None:
        try:
            promotion = registry.rollback(by=audit_log.current_operator(), reason=reason)
        except (registry.NothingToRollBackTo, ArtifactError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"version {promotion.version_id} serves")
