"""Rows say what the code says since: the words of the field."""

from django.db import migrations, models

FIGURES = {
    "anchor": "baseline",
    "against_champion": "vs_champion",
    "against_anchor": "vs_baseline",
    "said_yes": "positive_rate",
    "max_drop_from_anchor": "max_drop_from_baseline",
}
CHANGES = {"to_yes": "became_positive", "to_no": "became_negative", "for_the_better": "corrected"}
REASONS = {"versions_disagree": "model_disagreement"}


def renamed(content, words):
    """The same JSON with other names."""
    if isinstance(content, dict):
        return {words.get(name, name): renamed(value, words) for name, value in content.items()}
    return [renamed(value, words) for value in content] if isinstance(content, list) else content


def rename(apps, names, status):
    runs = apps.get_model("api", "TrainingRun").objects
    runs.filter(status=status[0]).update(status=status[1])
    for model, field, words in (
        ("TrainingRun", "figures", names(FIGURES)),
        ("Promotion", "change", names(CHANGES)),
        ("StoredPrediction", "reasons", names(REASONS)),
    ):
        rows = apps.get_model("api", model).objects
        for row in rows.only("pk", field).iterator():
            found = getattr(row, field)
            if (content := renamed(found, words)) != found:
                rows.filter(pk=row.pk).update(**{field: content})


def forwards(apps, schema_editor):
    rename(apps, dict, ("dead", "abandoned"))


def backwards(apps, schema_editor):
    rename(apps, lambda words: {new: old for old, new in words.items()}, ("abandoned", "dead"))


class Migration(migrations.Migration):
    dependencies = [("api", "0012_base_model")]

    operations = [
        migrations.RenameField("apikey", "standing", "reliability"),
        migrations.AlterField(
            "trainingrun",
            "status",
            models.CharField(
                choices=[
                    ("queued", "Queued"),
                    ("running", "Running"),
                    ("done", "Done"),
                    ("failed", "Failed"),
                    ("abandoned", "Abandoned"),
                ],
                default="queued",
                max_length=20,
            ),
        ),
        migrations.RunPython(forwards, backwards),
    ]
