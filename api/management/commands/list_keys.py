from typing import Any

from django.core.management.base import BaseCommand

from api.keys.queries import counted


class Command(BaseCommand):
    help = "List the API keys with their trust, their reviews and their reliability."

    def handle(self, *args: Any, **options: Any) -> None:
        for key in counted().order_by("pk"):
            waits = f", {key.quarantined:,} reviews wait for approval" if key.quarantined else ""
            revoked = ", revoked" if key.revoked_at else ""
            self.stdout.write(f"{key.prefix}  {key.name}: {', '.join(key.scopes)}; {key.trust}{waits}{revoked}")
            if reliability := key.reliability:
                self.stdout.write(
                    f"    agrees on {reliability['gold_agreed']:,} of {reliability['gold']:,} known tweets "
                    f"and on {reliability['peers_agreed']:,} of {reliability['peers']:,} with other keys; "
                    f"{reliability['contradicted']:,} of its last {reliability['new_labels']:,} new labels "
                    f"contradicted a sure model; its vote weighs {reliability['weight']}"
                )
