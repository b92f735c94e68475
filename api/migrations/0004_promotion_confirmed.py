from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def confirm_what_people_promoted(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """The gate has always given this one reason."""
    apps.get_model("api", "Promotion").objects.exclude(reason="passed the gate").update(confirmed=True)


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0003_audit_entry"),
    ]

    operations = [
        migrations.AddField(
            model_name="promotion",
            name="confirmed",
            field=models.BooleanField(default=False, help_text="by a person, and not by the gate alone"),
        ),
        migrations.RunPython(confirm_what_people_promoted, migrations.RunPython.noop),
    ]
