"""What the rooms' `urls.py` share."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path, register_converter
from django.urls.converters import IntConverter


class VersionConverter(IntConverter):
    """A version number that the database can hold."""

    regex = "[0-9]{1,9}"


register_converter(VersionConverter, "version")


def both(route: str, view: Callable[..., HttpResponse], name: str | None = None) -> list[URLPattern]:
    """Return a path, and the same with a trailing slash: redirecting there would lose a POST's body."""
    return [path(route, view, name=name), path(f"{route}/", view)]
