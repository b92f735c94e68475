from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.lib import audit_log
from api.models import ModelVersion
from api.versions import registry
from hate_speech_ai.artifact import ArtifactError


class Command(BaseCommand):
    help = "Promote a version, whatever the gate decided; or confirm the one that serves."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", type=int)
        parser.add_argument("--reason", required=True)

    def handle(self, *args: Any, version: int, reason: str, **options: Any) -> None:
        try:
            found = ModelVersion.objects.get(pk=version)
            registry.promote(found, by=audit_log.current_operator(), reason=reason)
        except ModelVersion.DoesNotExist:
            raise CommandError(f"there is no version {version}") from None
        except ArtifactError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"version {version} serves")
