"""Compression of pages and of their static files. Answers of the API stay as they are."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

_COMPRESSED = ("text/html", "text/css", "text/javascript", "application/javascript")


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Send HTML, CSS and scripts with gzip to who accepts it."""
    gzip = GZipMiddleware(get_response)  # type: ignore[arg-type]

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        kind = response.get("Content-Type", "").partition(";")[0]
        if request.method == "HEAD" or response.status_code != 200 or kind not in _COMPRESSED:
            return response
        return gzip.process_response(request, response)

    return answer
