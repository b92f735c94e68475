from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.lib import audit_log
from api.models import ModelVersion
from api.versions import registry


class Command(BaseCommand):
    help = "Delete a version's model for good: it can be promoted and asked no more. Its figures stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", type=int)
        parser.add_argument("--reason", required=True)

    def handle(self, *args: Any, version: int, reason: str, **options: Any) -> None:
        try:
            registry.retire(ModelVersion.objects.get(pk=version), by=audit_log.current_operator(), reason=reason)
        except ModelVersion.DoesNotExist:
            raise CommandError(f"there is no version {version}") from None
        except registry.RegistryError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"version {version} is retired")
