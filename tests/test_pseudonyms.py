"""What is stored of an author's name."""

from django.utils.crypto import salted_hmac
from pytest_django import Settings

from api.lib.pseudonyms import pseudonym, pseudonyms


def test_stored_authors_are_found_after_every_update() -> None:
    """The salt is part of what is stored: it stays what it was at first."""
    assert pseudonym("ann") == salted_hmac("api.authors", "ann", algorithm="sha256").hexdigest()


def test_a_replaced_secret_key_still_finds_them(settings: Settings) -> None:
    before = pseudonym("ann")
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key"

    assert pseudonym("ann") != before
    assert before in pseudonyms("ann")
