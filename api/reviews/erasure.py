"""Removing a person's or a tweet's rows for good."""

import logging
from dataclasses import dataclass, field

from django.db import DatabaseError, connection, transaction
from django.db.models import Q, QuerySet

from api.lib import audit_log
from api.models import (
    ApprovalRequest,
    AuditEntry,
    ModelVersion,
    Promotion,
    ReviewedTweet,
    ReviewerAgreement,
    TrainingRun,
)
from api.prediction import recorder
from api.reviews import pseudonyms
from api.versions import registry
from hate_speech_ai.text import CLEANING_VERSION, fingerprint

logger = logging.getLogger(__name__)

_ACTION = "rows.forgotten"
_PATIENCE_SECONDS = 2
_BATCH = 500


@dataclass(frozen=True)
class Forgotten:
    """What was removed.

    Attributes:
        rows: how many reviewed tweets.
        versions: of the versions that were not retired, those that may have learned from one of them, oldest first.
        retired: those of them that are retired now.
        serving: the one of them that serves, None where it is none of them.
    """

    rows: int
    versions: list[int] = field(default_factory=list)
    retired: list[int] = field(default_factory=list)
    serving: int | None = None


def forget(
    *,
    by: str,
    reason: str,
    text: str = "",
    external_id: str = "",
    reviewer: str = "",
    author: str = "",
    retire_versions: bool = False,
) -> Forgotten:
    """Delete the reviewed tweets that agree with all that is given, with their histories.

    Stored predictions of the same texts go with them. The next training does without them, also where nothing else has
    changed since an earlier one. The audit log keeps that rows were removed and why, and nothing that says which.

    Args:
        text: every row whose cleaned text is this one's, corpora included.
        external_id, reviewer, author: as clients sent them.
        retire_versions: also retire the versions that may have learned from them; the one that serves as soon as
            another does.

    Raises:
        ValueError: nothing is given.
    """
    if not (text or external_id or reviewer or author):
        raise ValueError("say what to forget: a text, an external id, a reviewer or an author")
    found = _rows(text=text, external_id=external_id, reviewer=reviewer, author=author)
    with transaction.atomic():
        TrainingRun.objects.lock_running()
        rows = list(found.select_for_update().order_by("pk").values_list("pk", "created_at", "held_out", "fingerprint"))
        texts = {row[-1] for row in rows}
        if text and not (external_id or reviewer or author):
            texts.add(fingerprint(text))
        recorder.forget(texts, reviewer, by=by, reason=reason)
        transaction.on_commit(checkpoint_wal)
        if not rows:
            return Forgotten(0)
        learned = min((at for _, at, held_out, _ in rows if not held_out), default=None)
        kept = ModelVersion.objects.filter(retired_reason="").order_by("pk")
        versions = list(kept.filter(created_at__gte=learned).values_list("pk", flat=True)) if learned else []
        numbers = [row[0] for row in rows]
        for start in range(0, len(numbers), _BATCH):  # what comes in meanwhile is not locked, and stays
            some = numbers[start : start + _BATCH]
            # Its words may be those of what is forgotten. The next training asks about the others again.
            ApprovalRequest.objects.filter(reviews__in=some).delete()
            ReviewedTweet.objects.filter(pk__in=some).delete()
        if reviewer:
            ReviewerAgreement.objects.filter(reviewer=reviewer).delete()
        retired = registry.retire_learned(versions, reason="it learned what was forgotten") if retire_versions else []
        details = {"versions": versions, "retired": retired}
        audit_log.record(_ACTION, f"{len(rows)} reviewed tweets", by=by, reason=reason, **details)
    champion = Promotion.champion()
    return Forgotten(len(rows), versions, retired, champion.pk if champion and champion.pk in versions else None)


def _rows(*, text: str, external_id: str, reviewer: str, author: str) -> QuerySet[ReviewedTweet]:
    rows = ReviewedTweet.objects.all()
    if text:
        rows = rows.filter(Q(fingerprint=fingerprint(text)) | Q(pk__in=_of_older_cleanings(text)))
    if external_id:
        rows = rows.filter(external_id=external_id)
    if reviewer:
        rows = rows.filter(reviewer=reviewer)
    if author:
        rows = rows.filter(author__in=pseudonyms.pseudonyms(author))
    return rows


def _of_older_cleanings(text: str) -> list[int]:
    """Find a text among the rows whose fingerprint is another cleaning's: after an update, until the next training."""
    rows = ReviewedTweet.objects.exclude(cleaning=CLEANING_VERSION).values_list("pk", "tweet")
    wanted = fingerprint(text)
    return [pk for pk, tweet in rows.iterator() if fingerprint(tweet) == wanted]


def checkpoint_wal() -> None:
    """Let SQLite's write-ahead log not keep what was deleted; in its database file, `secure_delete` has zeroed it.

    While somebody reads for longer than two seconds, the log stays until the next time.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            [usual] = cursor.fetchone()
            cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE_SECONDS * 1000}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            [busy, *_] = cursor.fetchone()
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
    except DatabaseError:
        busy = True
    if busy:
        logger.warning("somebody reads the database: its write-ahead log is emptied after the next training")


def number_of_erasures() -> int:
    """Return how often rows were removed.

    It is part of the data fingerprint. After an erasure we retrain even if the remaining rows equal an earlier set,
    because the serving model may have learned the erased row.
    """
    return AuditEntry.objects.filter(action=_ACTION).count()
