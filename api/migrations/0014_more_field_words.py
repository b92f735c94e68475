"""Rows say what the code says since: versions' reasons, control items, and what JSON calls a run's and a key's figures."""

from django.db import migrations

FIGURES = {"frozen": "corpora", "others": "other_labels", "flipped": "changed", "max_flipped": "max_changed"}
RELIABILITY = {
    "known": "gold",
    "known_agreed": "gold_agreed",
    "share": "smoothed_agreement",
    "new": "new_labels",
    "sure": "confident",
    "waiting": "deferred",
}
CHANGES = {"before": "previous_version", "flipped": "changed"}


def renamed(content, words):
    """The same JSON with other names."""
    if isinstance(content, dict):
        return {words.get(name, name): renamed(value, words) for name, value in content.items()}
    return [renamed(value, words) for value in content] if isinstance(content, list) else content


def figures(content, names):
    # A metric's change has an `old` and a `new`, which are not a key's new labels.
    keys = renamed(content.get("keys", {}), names(RELIABILITY))
    rest = renamed({name: value for name, value in content.items() if name != "keys"}, names(FIGURES))
    return {**rest, "keys": keys} if "keys" in content else rest


def rename(apps, names):
    for model, field, change in (
        ("TrainingRun", "figures", figures),
        ("ApiKey", "reliability", lambda content, names: renamed(content, names(RELIABILITY))),
        ("Promotion", "change", lambda content, names: renamed(content, names(CHANGES))),
    ):
        rows = apps.get_model("api", model).objects
        for row in rows.only("pk", field).iterator():
            found = getattr(row, field)
            if (content := change(found, names)) != found:
                rows.filter(pk=row.pk).update(**{field: content})


def forwards(apps, schema_editor):
    rename(apps, dict)


def backwards(apps, schema_editor):
    rename(apps, lambda words: {new: old for old, new in words.items()})


class Migration(migrations.Migration):
    dependencies = [("api", "0013_field_words")]

    operations = [
        migrations.RenameField("modelversion", "kept", "kept_reason"),
        migrations.RenameField("modelversion", "retired", "retired_reason"),
        migrations.RenameField("modelversion", "to_retire", "retire_when_replaced_reason"),
        migrations.RenameField("storedprediction", "notes", "warnings"),
        migrations.RenameField("storedprediction", "planted", "is_control"),
        migrations.RenameModel("AuditDraw", "SampleDraw"),
        migrations.RenameField("sampledraw", "inclusion", "inclusion_probability"),
        migrations.RunPython(forwards, backwards),
    ]
