"""Django's own error pages, in the format of the path that was asked for; a page where a browser asks."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api.http.problems import respond
from api.integrations.openai.errors import no_such_path, refuse
from api.pages.access import wants_page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    detail = "The request cannot be understood. Is the host name in its URL one of ALLOWED_HOSTS?"
    if request.path_info.startswith("/v1/"):
        return refuse(400, detail, "bad_request")
    return respond(400, "bad_request", detail)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(403, "permission_denied", "This request is not allowed.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path_info.startswith("/v1/"):
        return no_such_path(request)
    if wants_page(request):
        return render(request, "pages/not_found.html", status=404)
    return respond(404, "not_found", "There is nothing at this path. GET /docs lists the paths that exist.")


def server_error(request: HttpRequest) -> HttpResponse:
    return respond(500, "server_error", "The service failed on this request. The cause is in its log.")


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that does not come from a page of this service, or from one that is too old."""
    why = "This form is too old, or the browser sent no cookie. Reload the page it was on, and send it again."
    return render(request, "pages/refused.html", {"why": why}, status=403)
