"""API keys for operators: making them, trusting them, revoking them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from api.keys import issuing, trust
from api.keys.accounts import Role, by
from api.models import ApiKey
from api.pages.access import page, signed_in
from api.pages.operation import LONGEST_REASON

_SHOWN = 100
# What each action does, in the words of the page that asks to confirm it.
_ACTIONS = {
    "trust": "What this key says from now on is learned without asking. What waits does so, unless you approve it.",
    "quarantine": "What this key says waits for approval, with what no model has learned yet. Its open claims end.",
    "revoke": "Requests with this key are refused from now on, for good. What it reviewed stays.",
}


class NewKeyForm(forms.Form):
    """What a key may do, and for how long."""

    name = forms.CharField(max_length=issuing.LONGEST_NAME, help_text="whose key it is")
    scopes = forms.MultipleChoiceField(choices=ApiKey.Scope.choices, widget=forms.CheckboxSelectMultiple)
    trusted = forms.BooleanField(required=False, label="Trusted: what it reviews is learned without asking")
    days = forms.IntegerField(
        required=False, min_value=1, max_value=issuing.LONGEST_DAYS, label="Ends after so many days (empty: never)"
    )
    limit = forms.CharField(required=False, max_length=40, label="Limit, such as 600/minute (empty: the default)")


@page(Role.OPERATOR, "GET", "POST")
def keys(request: HttpRequest) -> HttpResponse:
    form = NewKeyForm(request.POST or None)
    plain = ""
    if request.method == "POST" and form.is_valid():
        try:
            key, plain = issuing.create(by=by(signed_in(request)), **form.cleaned_data)
        except issuing.InvalidKey as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            form = NewKeyForm()
            return render(request, "pages/keys.html", {"form": form, "plain": plain, "key": key, "keys": _keys()})
    return render(request, "pages/keys.html", {"form": form, "keys": _keys()})


@page(Role.OPERATOR, "GET", "POST")
def act(request: HttpRequest, prefix: str, action: str) -> HttpResponse:
    """Say what an action on a key does, and do it once it is confirmed with a reason."""
    if action not in _ACTIONS:
        raise Http404
    key = get_object_or_404(ApiKey, prefix=prefix)
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    if request.method != "POST" or not reason:
        shown: dict[str, Any] = {"key": key, "action": action, "does": _ACTIONS[action]}
        return render(request, "pages/key_action.html", {**shown, "missing": request.method == "POST"})
    who, also = by(signed_in(request)), request.POST.get("also") == "on"
    if action == "trust":
        count = trust.trust(key, by=who, reason=reason, approve_pending=also)
        said = f"{key} is trusted; {count:,} waiting reviews are approved."
    elif action == "quarantine":
        count = trust.quarantine(key, by=who, reason=reason, include_learned=also)
        said = f"{key} is quarantined, with {count:,} reviews."
    else:
        said = f"{key} is revoked." if issuing.revoke(prefix, by=who, reason=reason) else f"{key} was revoked before."
    messages.success(request, said)
    return redirect("pages-keys")


def _keys() -> Any:
    return ApiKey.objects.order_by("-pk")[:_SHOWN]
