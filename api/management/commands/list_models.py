from typing import Any

from django.core.management.base import BaseCommand

from api.models import ModelVersion, Promotion
from hate_speech_ai.labels import HATE_SPEECH


class Command(BaseCommand):
    help = "List the model versions, newest first: when they were made, of how many tweets, how good, and which serves."

    def handle(self, *args: Any, **options: Any) -> None:
        champion, baseline = Promotion.champion(), Promotion.baseline()
        self.stdout.write(f"{'version':>7}  {'made (UTC)':16}  {'trained on':>10}  {'F1':>5}  notes")
        for version in ModelVersion.objects.order_by("-pk"):
            notes = ["serves"] if version == champion else []
            notes += ["baseline"] if version == baseline else []
            notes += [
                f"{name.removesuffix('_reason')}: {why}"
                for name in ("kept_reason", "retired_reason", "retire_when_replaced_reason")
                if (why := getattr(version, name))
            ]
            self.stdout.write(
                f"{version.pk:>7}  {version.created_at:%Y-%m-%d %H:%M}  {version.trained_on:>10,}"
                f"  {version.metrics[HATE_SPEECH]['f1']:>5.3f}  {'; '.join(notes)}".rstrip()
            )
