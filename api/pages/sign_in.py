"""Signing in and out, and another password."""

from typing import Any

from django.contrib.auth import views
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy

from api.keys.accounts import Role
from api.operations.login_limits import LimitedLoginForm
from api.pages.access import page

_sign_in = views.LoginView.as_view(
    template_name="pages/sign_in.html",
    authentication_form=LimitedLoginForm,
    next_page=reverse_lazy("pages-try"),
    redirect_authenticated_user=True,
)
_sign_out = views.LogoutView.as_view(next_page=reverse_lazy("pages-try"))
_password = views.PasswordChangeView.as_view(template_name="pages/password.html", success_url=reverse_lazy("pages-try"))


@page(Role.VISITOR, "GET", "POST")
def sign_in(request: HttpRequest) -> HttpResponseBase:
    return _sign_in(request)


@page(Role.VISITOR, "POST")
def sign_out(request: HttpRequest) -> HttpResponseBase:
    return _sign_out(request)


@page(Role.MODERATOR, "GET", "POST")
def password(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
    return _password(request)
