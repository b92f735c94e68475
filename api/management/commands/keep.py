from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.lib import audit_log
from api.models import ModelVersion
from api.versions import registry


class Command(BaseCommand):
    help = "Mark a version as kept, so that it is never pruned; or take the mark away."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", type=int)
        choice = parser.add_mutually_exclusive_group(required=True)
        choice.add_argument("--reason", help="why it is kept")
        choice.add_argument("--release", action="store_true", help="keep it no longer")

    def handle(self, *args: Any, version: int, reason: str | None, **options: Any) -> None:
        try:
            found = ModelVersion.objects.get(pk=version)
            if reason is None:
                registry.release(found, by=audit_log.current_operator())
            else:
                registry.keep(found, by=audit_log.current_operator(), reason=reason)
        except ModelVersion.DoesNotExist:
            raise CommandError(f"there is no version {version}") from None
        except registry.RegistryError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"version {version} is {'kept' if reason else 'not kept any longer'}")
