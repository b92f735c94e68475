import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from api.lib import audit_log
from api.training import queue


class Command(BaseCommand):
    help = "Ask for a training run and follow it to its end."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-wait", action="store_true", help="only queue it")

    def handle(self, *args: Any, **options: Any) -> None:
        run, new = queue.enqueue(queue.Kind.MANUAL, requested_by=audit_log.current_operator())
        self.stdout.write(f"run {run.pk} is {'queued' if new else 'queued already'}")
        if options["no_wait"]:
            return
        shown = ""
        while run.status in (queue.Status.QUEUED, queue.Status.RUNNING):
            if run.step != shown:
                shown = run.step
                self.stdout.write(f"  {run.progress:4.0%} {shown}")
                self.stdout.flush()
            time.sleep(0.3)
            run.refresh_from_db()
        self.stdout.write(f"{run.status} {run.outcome} {'; '.join(run.reasons)}")
        for model in ("candidate", "champion", "baseline"):
            if model in run.figures:
                self.stdout.write(f"  {model}: {run.figures[model]}")
