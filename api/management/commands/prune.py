from typing import Any

from django.core.management.base import BaseCommand

from api.lib import audit_log
from api.versions import registry


class Command(BaseCommand):
    help = "Retire what is older than the newest KEEP_VERSIONS versions, as every training run does."

    def handle(self, *args: Any, **options: Any) -> None:
        pruned = registry.prune(by=audit_log.current_operator())
        self.stdout.write(f"retired: {', '.join(map(str, pruned))}" if pruned else "nothing to retire")
