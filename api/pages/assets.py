"""URLs of the pages' static files. They change with the content, so a browser keeps a file for a year."""

import hashlib
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.templatetags.static import static


@cache
def url(name: str) -> str:
    """Return the URL of a file in `static/pages/`, such as `pages.css`, with the hash of its content.

    Raises:
        FileNotFoundError: there is no such file.
    """
    found = finders.find(f"pages/{name}")
    if found is None:
        raise FileNotFoundError(f"api/pages/static/pages/{name}")
    digest = hashlib.sha256(Path(str(found)).read_bytes()).hexdigest()[:12]
    return f"{static(f'pages/{name}')}?v={digest}"
