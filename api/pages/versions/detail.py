"""One version: its figures, its curves, the gate's verdict, and what it changed."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from api.keys.accounts import Role, role_of
from api.models import ModelVersion, Promotion, TrainingRun
from api.pages import tables
from api.pages.access import page
from api.pages.versions import figures, verdict
from api.pages.versions.actions import actions_on
from api.pages.versions.overview import made_by, run_of, times_served
from api.prediction import loading
from api.versions.comparison import tweets_of, with_tweets
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.operating_points import BALANCED

_EXAMPLES = 5


@page(Role.MODERATOR)
def version(request: HttpRequest, number: int) -> HttpResponse:
    found = get_object_or_404(ModelVersion.objects.prefetch_related(made_by()), pk=number)
    run, champion = run_of(found), Promotion.champion()
    curves = _curves(found, request.GET.get("label", HATE_SPEECH))
    shown = {
        "gate": verdict.table(run),
        "labels": figures.by_label(found),
        "corpora": figures.by_corpus(found),
        "capabilities": figures.by_capability(found, run),
        "groups": figures.identity_gaps(run, _compared_with(found)),
        "everyday": figures.everyday(found),
        **curves["tables"],
    }
    if file := tables.as_csv(request, *shown.values()):
        return file
    answer = {
        "version": found,
        "at": reverse("pages-version", args=[number]),
        "f1": figures.f1_of(found),
        "champion": champion,
        "run": run,
        "outcome": verdict.outcome(run),
        "sentences": verdict.sentences(run),
        "served": times_served([found.pk]).get(found.pk, []),
        "change": _change(found),
        "actions": actions_on(found, champion, role_of(request.user)),
        **curves,
        **shown,
    }
    return render(request, "pages/versions/version.html", answer)


def _curves(version: ModelVersion, label: str) -> dict[str, Any]:
    """Return the tables of a label's curves, if the version still has a model; and of which labels there are any."""
    try:
        curves = loading.curves(version)
    except ArtifactError as error:
        return {"no_curves": str(error), "tables": {}}
    label = label if label in curves else HATE_SPEECH
    curve = curves[label]
    threshold = curve.named()[BALANCED].threshold
    made = {
        "precision": figures.precision_recall(curve, threshold),
        "thresholds": figures.thresholds(curve, threshold),
        "calibration": figures.calibration(curve),
    }
    return {
        "tables": made,
        "label": label,
        "label_query": f"label={label}",
        "with_curves": list(curves),
        "curve": curve,
        "threshold": threshold,
    }


def _compared_with(version: ModelVersion) -> TrainingRun | None:
    """Return a run whose candidate was compared with a version that no run made."""
    if run_of(version):
        return None
    return TrainingRun.objects.filter(~Q(figures={}), version__parent=version).order_by("created_at").first()


def _change(version: ModelVersion) -> dict[str, Any]:
    """Return what the version changed when it took over last, with a few examples; nothing where that is not known."""
    promotion = version.promotions.exclude(change={}).order_by("-pk").first()
    if promotion is None:
        return {}
    change: dict[str, Any] = promotion.change
    if "changed" in change:
        change = {**change, "changed": {**change["changed"], "examples": change["changed"]["examples"][:_EXAMPLES]}}
    return with_tweets(change, tweets_of([change]))
