"""The recipe of versions that are there already: it stands in their artifacts' headers."""

import json

from django.db import migrations


def fill(apps, schema_editor):
    versions = apps.get_model("api", "ModelVersion").objects.filter(recipe={})
    for pk in versions.values_list("pk", flat=True):
        content = versions.values_list("artifact", flat=True).get(pk=pk)  # one at a time: each has megabytes
        versions.filter(pk=pk).update(recipe=_recipe(bytes(content)))


def _recipe(content):
    """As the artifact says; nothing, where it is none that can be read. This is the safetensors format."""
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])["__metadata__"]["hate_speech_ai"]
        recipe = json.loads(header)["metadata"]["recipe"]
    except (ValueError, KeyError, TypeError):
        return {}
    return recipe if isinstance(recipe, dict) else {}


class Migration(migrations.Migration):
    dependencies = [("api", "0009_registry")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
