from typing import Any

from django.core.management.base import BaseCommand

from api.keys.views import counted


class Command(BaseCommand):
    help = "List the API keys with their trust, their reviews and their standing."

    def handle(self, *args: Any, **options: Any) -> None:
        for key in counted().order_by("pk"):
            waits = f", {key.quarantined:,} reviews wait for approval" if key.quarantined else ""
            revoked = ", revoked" if key.revoked_at else ""
            self.stdout.write(f"{key.prefix}  {key.name}: {', '.join(key.scopes)}; {key.trust}{waits}{revoked}")
            if standing := key.standing:
                self.stdout.write(
                    f"    agrees on {standing['known_agreed']:,} of {standing['known']:,} known tweets "
                    f"and on {standing['peers_agreed']:,} of {standing['peers']:,} with other keys; "
                    f"{standing['contradicted']:,} of its last {standing['new']:,} new labels contradicted a sure "
                    f"model; its vote weighs {standing['weight']}"
                )
