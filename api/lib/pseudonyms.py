"""Who wrote a tweet, without keeping the name."""

from django.conf import settings
from django.utils.crypto import salted_hmac

# Never change it: another salt makes strangers of all authors.
_SALT = "api.authors"


def pseudonym(name: str) -> str:
    """Return what is stored of an author's name: HMAC-SHA256 in hex, keyed with the secret key; empty for no name.

    Without the secret key, nobody can try names on it. Whoever replaces the secret key makes strangers of all authors.
    """
    return salted_hmac(_SALT, name, algorithm="sha256").hexdigest() if name else ""


def forms(name: str) -> list[str]:
    """Return what a name is remembered by where it is forgotten: itself, and all that may be stored of it."""
    return [name, *pseudonyms(name)] if name else []


def pseudonyms(name: str) -> list[str]:
    """Return all that may be stored of a name, also with earlier secret keys (`SECRET_KEY_FALLBACKS`)."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [salted_hmac(_SALT, name, secret=secret, algorithm="sha256").hexdigest() for secret in secrets]
