"""What changes from one version to another: figures, decisions and words."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from rest_framework.exceptions import APIException

from api.http.problems import flatten
from api.keys.accounts import Role
from api.models import ModelVersion
from api.pages import tables
from api.pages.access import is_part, page
from api.pages.versions.figures import short
from api.prediction import predicting
from api.versions.comparison import compare

_FIGURES = {
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "threshold": "threshold",
    "rows": "tweets",
}


@page(Role.MODERATOR)
def changes(request: HttpRequest, number: int, other: int) -> HttpResponse:
    """Compare a version with an `other`, which is taken for the one before it."""
    new, old = get_object_or_404(ModelVersion, pk=number), get_object_or_404(ModelVersion, pk=other)
    shown: dict[str, Any] = {"new": new, "old": old, "at": reverse("pages-changes", args=[number, other])}
    try:
        found = compare(predicting.asked_for(old.pk).model, predicting.asked_for(new.pk).model)
    except APIException as refusal:
        problem = "; ".join(message for messages in flatten(refusal.detail).values() for message in messages)
        shown["problem"] = problem
    else:
        made = {"words": _words(found["changed_words"]), "figures": _figures(found["metrics"])}
        if file := tables.as_csv(request, *made.values()):
            return file
        shown |= {"found": found, **made}
    return render(
        request, "pages/versions/changes_part.html" if is_part(request) else "pages/versions/changes.html", shown
    )


def _words(found: list[dict[str, Any]]) -> tables.Table:
    """Return the words whose strength changed most; those that now say more for hate speech come first."""
    rows = [
        [one["word"], round(one["old"], 4), round(one["new"], 4), round(one["new"] - one["old"], 4)]
        for one in sorted(found, key=lambda one: one["old"] - one["new"])
    ]
    columns = ["word", "before", "now", "difference"]
    return tables.Table("words", "Words that gained and lost", columns, rows, is_blurred=True)


def _figures(metrics: dict[str, dict[str, Any]]) -> tables.Table:
    rows = [[title, *(short(metrics[which].get(name)) for which in ("old", "new"))] for name, title in _FIGURES.items()]
    title = "Each on the held-out tweets of its own training"
    return tables.Table("figures", title, ["figure", "before", "now"], rows)
