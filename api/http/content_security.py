"""What a browser may load for the pages of this service: nothing from elsewhere."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# The page of /docs has a <style> element.
_DOCS = _STRICT.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give every HTML page a Content-Security-Policy."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            response["Content-Security-Policy"] = _DOCS if request.path_info.rstrip("/") == "/docs" else _STRICT
        return response

    return answer
