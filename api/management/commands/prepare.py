from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from api import queue


class Command(BaseCommand):
    help = "Before the parts are started: migrate, and free the runs that a stopped worker left. Used by `up`."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        # SQLite is on this machine and `up` holds its folder, so nobody can still be working on them.
        if connection.vendor == "sqlite":
            queue.release_abandoned()
