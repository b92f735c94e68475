"""What commands are given: keys and versions, or a message that says what there is."""

from django.core.management import CommandError

from api.models import ApiKey


def key_by_prefix(prefix: str) -> ApiKey:
    """Return a key.

    Raises:
        CommandError: there is no such key.
    """
    key = ApiKey.objects.filter(prefix=prefix[:15]).first()
    if key is None:
        raise CommandError(f"there is no key {prefix[:15]}; manage.py list_keys lists them")
    return key
