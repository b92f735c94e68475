"""Versions over time, and the training runs that make them."""

from typing import Any

from django.db.models import OuterRef, Prefetch, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.keys.accounts import Role, role_of
from api.models import ModelVersion, Promotion, TrainingRun
from api.pages import tables
from api.pages.access import is_part, page
from api.pages.operation import runs_shown
from api.pages.versions import figures
from api.versions import registry

_SHOWN = 25
_RUNS = 5
#: Of one version: somebody may have rolled back and forth.
_MOST_PROMOTIONS = 200


@page(Role.MODERATOR)
def versions(request: HttpRequest) -> HttpResponse:
    runs = runs_shown(reverse("pages-models"), _RUNS)
    if is_part(request):
        return render(request, "pages/runs.html", runs)
    rows = ModelVersion.objects.order_by("-pk").prefetch_related(made_by())
    before = request.GET.get("before", "")
    before = before if before.isascii() and before.isdigit() and len(before) < 10 else ""
    if before:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: _SHOWN + 1])
    shown = found[:_SHOWN]
    scores = _scores(shown)
    if file := tables.as_csv(request, scores):
        return file
    champion = Promotion.champion()
    served = times_served([version.pk for version in shown])
    shown_rows = [
        {"version": one, "f1": figures.f1_of(one), "served": served.get(one.pk, []), "run": run_of(one)}
        for one in shown
    ]
    answer = {
        "versions": shown_rows,
        "champion": champion,
        "champion_f1": figures.f1_of(champion) if champion else None,
        "target": registry.rollback_target(),
        "scores": scores,
        "before": shown[-1].pk if len(found) > _SHOWN else None,
        "page": f"before={before}" if before else "",
        "role": role_of(request.user),
        **runs,
    }
    return render(request, "pages/versions/overview.html", answer)


def made_by() -> "Prefetch[Any]":
    """Look up the run that made each version, and what it measured."""
    return Prefetch("runs", TrainingRun.objects.order_by("created_at"))


def run_of(version: ModelVersion) -> TrainingRun | None:
    """Return the run that made a version; None of the base model."""
    return next(iter(version.runs.all()), None)


def times_served(versions: list[int]) -> dict[int, list[Promotion]]:
    """Return the promotions of each version, newest first; each with `until`, None where it has not ended."""
    following = Promotion.objects.filter(pk__gt=OuterRef("pk")).order_by("pk").values("at")[:1]
    rows = Promotion.objects.filter(version__in=versions).defer("change").annotate(until=Subquery(following))
    found: dict[int, list[Promotion]] = {}
    for promotion in rows.order_by("-pk")[:_MOST_PROMOTIONS]:
        found.setdefault(promotion.version_id, []).append(promotion)
    return found


def _scores(shown: list[ModelVersion]) -> tables.Table:
    rows = []
    for version in reversed(shown):
        f1 = figures.f1_of(version)
        rows.append([f"v{version.pk}", f1["f1"], f1["low"], f1["high"], f1["rows"]])
    drawn = {"F1": "line", "low": "low", "high": "high"}
    return tables.Table(
        "versions", "F1 of hate speech, with its 95 % interval", ["version", "F1", "low", "high", "tweets"], rows, drawn
    )
