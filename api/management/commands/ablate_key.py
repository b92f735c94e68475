from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.management.lookup import key_by_prefix
from api.training import ablation
from hate_speech_ai.training.examples import NotEnoughData


class Command(BaseCommand):
    help = "Show what difference a key's reviews make: trains with and without them, and stores neither model."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", help="the key's first 15 characters, hs_...")

    def handle(self, *args: Any, prefix: str, **options: Any) -> None:
        key = key_by_prefix(prefix)
        try:
            found = ablation.without(key, progress=lambda step: self.stderr.write(step))
        except ablation.NoDifference:
            self.stdout.write(f"nothing that {key} says counts: the next training does without it as things are")
            return
        except NotEnoughData as error:
            raise CommandError(str(error)) from None
        for line in ablation.as_lines(found):
            self.stdout.write(line)
        command = f"manage.py quarantine {key.prefix} --include-learned --reason WHY"
        self.stdout.write(f"To do without it from the next training on: {command}")
