"""Removing a person's or a tweet's rows for good."""

from dataclasses import dataclass

from django.db import transaction

from api import audit, predictions
from api.models import AuditEntry, ModelVersion, ReviewedTweet
from hate_speech_ai.text import fingerprint

_ACTION = "rows.forgotten"


@dataclass(frozen=True)
class Forgotten:
    """What was removed.

    Attributes:
        rows: how many reviewed tweets.
        versions: of the kept model versions, those that may have learned from one of them, oldest first.
    """

    rows: int
    versions: list[int]


def forget(*, by: str, reason: str, text: str = "", external_id: str = "", reviewer: str = "") -> Forgotten:
    """Delete the reviewed tweets that agree with all that is given, with their histories.

    Stored predictions of the same texts go with them. The next training does without them, also where nothing else has
    changed since an earlier one. The audit log keeps that rows were removed and why, and nothing that says which.

    Args:
        text: every row whose cleaned text is this one's, corpora included.
        external_id, reviewer: as clients sent them.

    Raises:
        ValueError: nothing is given.
    """
    if not (text or external_id or reviewer):
        raise ValueError("say what to forget: a text, an external id or a reviewer")
    named = {"external_id": external_id, "reviewer": reviewer, "fingerprint": fingerprint(text) if text else ""}
    found = ReviewedTweet.objects.filter(**{field: value for field, value in named.items() if value})
    with transaction.atomic():
        rows = list(found.select_for_update().values_list("pk", "created_at", "held_out", "fingerprint"))
        learned = min((at for _, at, held_out, _ in rows if not held_out), default=None)
        versions = (
            list(ModelVersion.objects.filter(created_at__gte=learned).order_by("pk").values_list("pk", flat=True))
            if learned
            else []
        )
        texts = {row[-1] for row in rows} | ({fingerprint(text)} if text and not (external_id or reviewer) else set())
        predictions.forget(texts, reviewer, by=by, reason=reason)
        if rows:
            found.delete()
            audit.record(_ACTION, f"{len(rows)} reviewed tweets", by=by, reason=reason, versions=versions)
    return Forgotten(len(rows), versions)


def count() -> int:
    """How often rows were removed. It is part of a training's fingerprint: rows that are as they once were, because one
    was removed, are trained on again, since the model that serves may have learned from it."""
    return AuditEntry.objects.filter(action=_ACTION).count()
