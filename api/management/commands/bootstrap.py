import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api.lib import audit_log
from api.models import TrainingRun
from api.operations import bootstrap
from api.reviews import erasure
from api.training import queue
from hate_speech_ai.artifact import ArtifactError

_PATIENCE_SECONDS = 1800.0


class Command(BaseCommand):
    help = "Make ready: let the base model serve, load the starter corpus, make a key and an operator. Repeatable."

    def handle(self, *args: Any, **options: Any) -> None:
        audit_log.record_settings_change()
        has_model = bootstrap.has_model()
        try:
            version = None if has_model else bootstrap.serve_base_model()
        except (OSError, ArtifactError) as error:
            raise CommandError(str(error)) from None
        if version:
            self.stdout.write(f"{version} serves: the base model, trained on {version.trained_on:,} tweets")
        if gone := erasure.catch_up().rows:
            self.stdout.write(f"{gone:,} reviewed tweets are deleted again: the database is older than their erasure")
        added = bootstrap.load_starter_corpus()
        if added:
            self.stdout.write(f"starter corpus: {added:,} tweets loaded")
        if bootstrap.make_first_key():
            self.stdout.write(f"API key for all scopes: written to {bootstrap.key_file()}")
        if said := bootstrap.make_first_operator():
            self.stdout.write(said)
        if not (has_model or version):
            self._wait(bootstrap.request_first_model())

    def _wait(self, run: TrainingRun) -> None:
        self.stdout.write("training the first model")
        end = time.monotonic() + _PATIENCE_SECONDS
        shown = ""
        while run.status in (queue.Status.QUEUED, queue.Status.RUNNING):
            if time.monotonic() > end:
                raise CommandError("the first model is still not trained; is the worker running?")
            if run.step and run.step != shown:
                shown = run.step
                self.stdout.write(f"  {run.progress:4.0%} {shown}")
                sys.stdout.flush()
            time.sleep(0.2)
            run.refresh_from_db()
        if run.outcome != TrainingRun.Outcome.PROMOTED:
            raise CommandError(f"no first model: the run is {run.status}: {'; '.join(run.reasons)}")
        figures = run.figures["candidate"]
        self.stdout.write(
            f"  model version {run.version_id}: F1 {figures['f1']}, ROC-AUC {figures['roc_auc']}, held out"
        )
