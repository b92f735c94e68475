"""What commands are given: keys and versions, or a message that says what there is."""

from django.core.management import CommandError

from api.models import ApiKey, ModelVersion, Promotion
from api.prediction import loading
from api.prediction.loading import LoadedModel
from hate_speech_ai.artifact import ArtifactError


def key_by_prefix(prefix: str) -> ApiKey:
    """Return a key.

    Raises:
        CommandError: there is no such key.
    """
    key = ApiKey.objects.filter(prefix=prefix[:15]).first()
    if key is None:
        raise CommandError(f"there is no key {prefix[:15]}; manage.py list_keys lists them")
    return key


def model_by_number(number: int | None) -> LoadedModel:
    """Load a version; the one that serves, where no number is given.

    Raises:
        CommandError: there is no such version, or it cannot be loaded.
    """
    try:
        version = ModelVersion.objects.get(pk=number) if number else Promotion.champion()
        if version is None:
            raise CommandError("no version serves yet; start the service once, or train")
        return loading.load(version)
    except ModelVersion.DoesNotExist:
        raise CommandError(f"there is no version {number}") from None
    except ArtifactError as error:
        raise CommandError(f"version {number} cannot be loaded: {error}") from None
