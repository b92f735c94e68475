from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from api.lib import database
from api.models import Promotion
from api.operations import bootstrap
from api.training import queue
from hate_speech_ai.artifact import ArtifactError


class Command(BaseCommand):
    help = "Before the worker is started: let a model serve, and free the runs that a stopped worker left."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if Promotion.newest() is None:  # whether an old version can still be served, `bootstrap` looks
            try:
                bootstrap.serve_base_model()
            except (OSError, ArtifactError) as error:
                raise CommandError(str(error)) from None
        # SQLite is on this machine and `up` holds its folder, so nobody can still be working on them.
        if connection.vendor == "sqlite":
            try:
                queue.release_abandoned()
            except DatabaseError as error:  # the sweep does it later, and /health says what is wrong
                self.stderr.write(f"the runs that a stopped worker left stay as they are: {database.message(error)}")
