from typing import Any

from django.core.management.base import BaseCommand

from api.models import DeadLetter
from api.prediction import active_model
from api.stream import dead_letters


class Command(BaseCommand):
    help = "Work again on the messages of the stream that could not be worked on."

    def handle(self, *args: Any, **options: Any) -> None:
        active_model.refresh()
        letters = DeadLetter.objects.filter(resolved_at=None).order_by("pk")
        done = [dead_letters.retry(letter) for letter in letters.iterator()]
        resolved = sum(letter.resolved_at is not None for letter in done)
        self.stdout.write(f"{resolved} of {len(done)} dead letters are resolved")
