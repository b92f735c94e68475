"""Who wrote a tweet, without keeping the name."""

from django.conf import settings
from django.utils.crypto import salted_hmac

_SALT = "api.reviews.pseudonyms"


def digest(name: str) -> str:
    """What is stored of an author's name: HMAC-SHA256 in hex, keyed with the secret key; empty for no name.

    Without the secret key, nobody can try names on it. Whoever replaces the secret key makes strangers of all authors.
    """
    return salted_hmac(_SALT, name, algorithm="sha256").hexdigest() if name else ""


def digests(name: str) -> list[str]:
    """All that may be stored of a name, also from before the secret key was replaced (`SECRET_KEY_FALLBACKS`)."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [salted_hmac(_SALT, name, secret=secret, algorithm="sha256").hexdigest() for secret in secrets]
