"""What operators do to versions. Each says on a page of its own what will happen, and wants a reason."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from api.keys.accounts import Role, by
from api.models import ModelVersion, Promotion
from api.pages.access import page, signed_in
from api.pages.operation import LONGEST_REASON
from api.pages.versions import figures
from api.versions import registry
from hate_speech_ai.artifact import ArtifactError


@dataclass(frozen=True)
class Action:
    """Something to do to a version.

    Attributes:
        act: does it, given the version, who does it and why.
        done: what is said then.
        is_grave: whether it cannot be undone.
    """

    title: str
    act: Callable[..., Any]
    done: str
    is_grave: bool = False


_ACTIONS = {
    "promote": Action("Promote", registry.promote, "serves now"),
    "protect": Action("Protect", registry.keep, "is never deleted by itself now"),
    "release": Action("Release", registry.release, "may be deleted by itself again"),
    "retire": Action("Retire", registry.retire, "is retired; its model is deleted", is_grave=True),
}


def actions_on(version: ModelVersion, champion: ModelVersion | None, role: Role) -> list[tuple[str, Action]]:
    """Return the actions that somebody with a role can do to a version, by name."""
    if role < Role.OPERATOR or version.retired_reason:
        return []
    names = ["promote", "release" if version.kept_reason else "protect"]
    if version != champion and not version.kept_reason:
        names.append("retire")
    return [(name, _ACTIONS[name]) for name in names]


@page(Role.OPERATOR, "GET", "POST")
def act(request: HttpRequest, number: int, action: str) -> HttpResponse:
    """Say what an action on a version does, and do it once it is confirmed with a reason."""
    if action not in _ACTIONS:
        raise Http404
    version, champion = get_object_or_404(ModelVersion, pk=number), Promotion.champion()
    chosen = _ACTIONS[action]
    reason = _reason(request)
    if not reason:
        shown = {"version": version, "title": f"{chosen.title} {version}", "does": _does(action, version, champion)}
        return _confirm(request, chosen, shown)
    return _do(request, version, chosen, reason)


@page(Role.OPERATOR, "GET", "POST")
def roll_back(request: HttpRequest) -> HttpResponse:
    """Say to which version a rollback goes, and promote it, unless it would be another one by now."""
    target, champion = registry.rollback_target(), Promotion.champion()
    if target is None:
        messages.error(request, "There is no other version to roll back to that has served and is not retired.")
        return redirect("pages-models")
    chosen, reason = _ACTIONS["promote"], _reason(request)
    if not reason or request.POST.get("to") != str(target.pk):
        shown = {"version": target, "title": f"Roll back to {target}", "does": _does("promote", target, champion)}
        return _confirm(request, chosen, {**shown, "moved": bool(reason)})
    return _do(request, target, chosen, reason)


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()[:LONGEST_REASON] if request.method == "POST" else ""


def _confirm(request: HttpRequest, action: Action, shown: dict[str, Any]) -> HttpResponse:
    missing = request.method == "POST" and not shown.get("moved")
    return render(request, "pages/versions/action.html", {**shown, "action": action, "missing": missing})


def _do(request: HttpRequest, version: ModelVersion, action: Action, reason: str) -> HttpResponse:
    try:
        action.act(version, by=by(signed_in(request)), reason=reason)
    except (registry.RegistryError, ArtifactError) as error:
        messages.error(request, f"Nothing is done: {error}.")
    else:
        messages.success(request, f"{str(version).capitalize()} {action.done}.")
    return redirect("pages-version", version.pk)


def _does(action: str, version: ModelVersion, champion: ModelVersion | None) -> list[str]:
    """Return what will happen, in sentences."""
    if action == "promote":
        return _promoting(version, champion)
    if action == "protect":
        return [
            f"{_name(version)} is never deleted by itself, however many versions come after it.",
            "Until you release it, nobody can retire it. An erasure of what it learned still deletes it.",
        ]
    if action == "release":
        kept = settings.KEEP_VERSIONS
        when = f"when it is older than the newest {kept} versions and not needed" if kept else "by a person alone"
        return [f"{_name(version)} may be deleted again: {when}."]
    return [
        f"The model of {version} is deleted for good. Nobody can promote it, roll back to it, or ask it any more.",
        "Requests that name it get an error. Its figures and its history stay.",
    ]


def _promoting(version: ModelVersion, champion: ModelVersion | None) -> list[str]:
    if version == champion:
        return [f"{_name(version)} serves. This confirms it: the gate measures candidates against it from now on, too."]
    said = [
        f"From about a second after this, {version} answers every request that names no version.",
        "The gate is not asked. From now on, it measures candidates against this version.",
    ]
    if champion:
        said.insert(1, f"{_name(champion)} serves no more. You can promote it again.")
        said.append(f"F1: {_f1(champion)} now, {_f1(version)} then, each on the held-out tweets of its own training.")
        if champion.retire_when_replaced_reason:
            said.append(f"{_name(champion)} is then deleted for good ({champion.retire_when_replaced_reason}).")
    return said


def _name(version: ModelVersion) -> str:
    return str(version).capitalize()


def _f1(version: ModelVersion) -> str:
    found = figures.f1_of(version)
    if found["f1"] is None:
        return "unknown"
    interval = f" ({found['low']:.3f} to {found['high']:.3f})" if found["low"] is not None else ""
    return f"{found['f1']:.3f}{interval}"
