"""How each part is, what runs, what waits for a decision, and the settings in force."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from api.keys.accounts import Role, by
from api.lib import audit_log
from api.models import ApprovalRequest, AuditEntry, TrainingRun
from api.operations import health
from api.pages.access import is_part, page, signed_in
from api.training import queue
from api.training.claims import approvals

_RUNS = 15
_APPROVALS = 50
_EXAMPLES = 3
_ENTRIES = 50
LONGEST_REASON = 500

# What to do about a part that is not well.
_ADVICE = {
    "model": "Run manage.py bootstrap, or promote another version.",
    "redis": "Start Redis again. Predictions and reviews go on; training starts with the next sweep.",
    "database": "Free its disk or start it again. Predictions go on; nothing is stored.",
    "worker": "Start the worker again: manage.py start worker.",
    "beat": "Start beat again: manage.py start beat.",
    "queue": "Look at the worker: runs wait too long.",
    "training": "Read the reasons of the failed runs below.",
    "web": "Look at the log of the web processes.",
    "predictions": "Look at the database: predictions cannot be stored.",
}


@page(Role.OPERATOR)
def operation(request: HttpRequest) -> HttpResponse:
    runs = runs_shown(reverse("pages-operation"), _RUNS)
    if is_part(request):
        return render(request, "pages/runs.html", runs)
    well, report = health.report()
    entry = audit_log.newest("settings.changed", "settings")
    shown = {
        "well": well,
        "parts": [_part(name, state) for name, state in report.items() if isinstance(state, dict)],
        "program": report["version"],
        "approvals": _open_approvals(),
        "settings": sorted(entry.details["settings"].items()) if entry else [],
        **runs,
    }
    return render(request, "pages/operation.html", shown)


@page(Role.OPERATOR, "POST")
def train(request: HttpRequest) -> HttpResponse:
    _, new = queue.enqueue(TrainingRun.Kind.MANUAL, requested_by=by(signed_in(request)))
    messages.success(
        request, "A training run is queued." if new else "A run is queued already; it reads the same rows."
    )
    return redirect("pages-models" if request.POST.get("from") == "models" else "pages-operation")


@page(Role.OPERATOR, "POST")
def decide(request: HttpRequest, run: UUID) -> HttpResponse:
    """Answer what a training run asks about one key's reviews."""
    found = get_object_or_404(TrainingRun, pk=run)
    said, reason = request.POST.get("approve", ""), request.POST.get("reason", "").strip()[:LONGEST_REASON]
    ids = [int(pk) for pk in request.POST.getlist("ids") if pk.isascii() and pk.isdigit() and len(pk) < 16]
    if said not in ("yes", "no") or not reason or not ids:
        messages.error(request, "Nothing is decided: choose yes or no, and give a reason.")
        return redirect("pages-operation")
    try:
        approvals.decide(found, approve=said == "yes", by=by(signed_in(request)), reason=reason, ids=ids)
    except approvals.NothingToDecide:
        messages.error(request, "That is decided already, or a later run has asked anew.")
    else:
        messages.success(request, "Decided. A training run is queued.")
    return redirect("pages-operation")


@page(Role.OPERATOR)
def audit(request: HttpRequest) -> HttpResponse:
    filters = {name: request.GET.get(name, "").replace("\0", "")[:120] for name in ("action", "target", "by")}
    rows = AuditEntry.objects.filter(**{name: value for name, value in filters.items() if value})
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 16:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.order_by("-pk")[: _ENTRIES + 1])
    shown = {
        "entries": found[:_ENTRIES],
        "before": found[_ENTRIES - 1].pk if len(found) > _ENTRIES else None,
        "actions": AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct(),
        **filters,
    }
    return render(request, "pages/audit.html", shown)


def runs_shown(path: str, most: int) -> dict[str, Any]:
    """Return what `runs.html` shows: the newest runs, and whether one goes on, which is then asked for at a path."""
    waiting = (TrainingRun.Status.QUEUED, TrainingRun.Status.RUNNING)
    return {
        "runs": TrainingRun.objects.order_by("-created_at").defer("figures")[:most],
        "works": TrainingRun.objects.filter(status__in=waiting).exists(),
        "runs_at": path,
    }


def _part(name: str, state: dict[str, Any]) -> dict[str, Any]:
    is_well = bool(state.get("ok", True))
    rest = {key: value for key, value in state.items() if key not in ("ok", "problem") and value not in (None, "", [])}
    return {
        "name": name,
        "ok": is_well,
        "problem": state.get("problem", ""),
        "advice": "" if is_well else _ADVICE.get(name, ""),
        "rest": rest,
    }


def _open_approvals() -> list[dict[str, Any]]:
    rows = ApprovalRequest.objects.filter(decision="").select_related("key", "run").order_by("pk")
    return [
        {"asked": row, "number": row.reviews.count(), "examples": list(row.reviews.order_by("pk")[:_EXAMPLES])}
        for row in rows[:_APPROVALS]
    ]
