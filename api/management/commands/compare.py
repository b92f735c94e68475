from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.models import ModelVersion
from api.prediction import loading
from api.prediction.loading import LoadedModel
from api.versions import comparison
from hate_speech_ai.artifact import ArtifactError

_FIGURES = ("f1", "precision", "recall", "roc_auc", "pr_auc", "threshold")


class Command(BaseCommand):
    help = "Say what changes from one version to another: figures, decisions on held-out tweets, and words."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("old", type=int)
        parser.add_argument("new", type=int)

    def handle(self, *args: Any, old: int, new: int, **options: Any) -> None:
        found = comparison.compare(_load(old), _load(new))
        for figure in _FIGURES:
            before, after = (found["metrics"][which][figure] for which in ("old", "new"))
            self.stdout.write(f"{figure:>9}: {before:.4f} -> {after:.4f}")
        changed = found["changed"]
        self.stdout.write(
            f"{found['rows']:,} held-out tweets: {changed['became_positive']} become hate speech, "
            f"{changed['became_negative']} become none; {changed['corrected']} of these for the better"
        )
        for one in changed["examples"]:
            self.stdout.write(f"  {one['old']:.3f} -> {one['new']:.3f}  {one['id']}")
        for change in found["changed_words"]:
            self.stdout.write(f"  {change['old']:+.2f} -> {change['new']:+.2f}  {change['word']}")


def _load(version: int) -> LoadedModel:
    try:
        return loading.load(ModelVersion.objects.get(pk=version))
    except ModelVersion.DoesNotExist:
        raise CommandError(f"there is no version {version}") from None
    except ArtifactError as error:
        raise CommandError(f"version {version} cannot be loaded: {error}") from None
