"""Who may see a page, and who may act in it: decided here, on the server, for every page and every action."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control

from api.keys.accounts import Role, key_of_account, role_of
from api.lib import database
from api.models import ApiKey

logger = logging.getLogger(__name__)
View = Callable[..., HttpResponseBase]


class Refused(Exception):
    """Somebody may not do this; the message is for them."""


def page(role: Role, *methods: str) -> Callable[[View], View]:
    """Make a view a page: for people with a role, for some methods, and kept by no cache.

    Args:
        methods: `GET` by default, which brings `HEAD` along.
    """
    allowed = {*(methods or ("GET",))}
    allowed |= {"HEAD"} if "GET" in allowed else set()

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                if request.method not in allowed:
                    response: HttpResponseBase = HttpResponse(status=405, headers={"Allow": ", ".join(sorted(allowed))})
                elif role and not request.user.is_authenticated:
                    response = _sign_in_first(request)
                elif role > role_of(request.user):
                    raise Refused(f"This is for people with the role {role.name.lower()}.")
                else:
                    response = view(request, *args, **kwargs)
            except Refused as refused:
                response = render(request, "pages/refused.html", {"why": refused}, status=403)
            except (OperationalError, InterfaceError) as error:
                logger.error("database: %s", database.message(error))
                database.note_lock(error)
                response = render(None, "pages/unavailable.html", status=503)  # type: ignore[arg-type]
            patch_cache_control(response, no_store=True, private=True)
            return response

        answer.role = role  # type: ignore[attr-defined]
        return answer

    return decorate


def signed_in(request: HttpRequest) -> User:
    """Return the account of a request that `page` has let pass."""
    return cast(User, request.user)


def reviewing_key(request: HttpRequest) -> ApiKey:
    """Return the key under which a signed-in person reviews.

    Raises:
        Refused: an operator has revoked it.
    """
    key = key_of_account(signed_in(request))
    if not key.is_valid(timezone.now()):
        raise Refused("An operator has revoked the key of your account, so it cannot review any more.")
    return key


def wants_page(request: HttpRequest) -> bool:
    """Return whether a request comes from a browser that shows pages, and not from a client of the API."""
    return "text/html" in request.headers.get("Accept", "")


def is_part(request: HttpRequest) -> bool:
    """Return whether htmx asks, which puts a part into the page that is shown."""
    return request.headers.get("HX-Request") == "true"


def _sign_in_first(request: HttpRequest) -> HttpResponseBase:
    if request.method in ("GET", "HEAD") and not is_part(request):
        return redirect_to_login(request.get_full_path(), reverse("pages-sign-in"))
    raise Refused("Your session has ended. Sign in again.")
