"""Predictions that are kept for the review queue, where the operator has turned that on.

A request only puts its prediction into a buffer in memory; a background thread of the web process writes what is there
every second. Nothing waits for the database: what does not fit, or cannot be written, is dropped and counted."""

import logging
import random
import threading
from collections import deque
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from multiprocessing.util import Finalize
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from api.lib import audit_log, background, suppression
from api.models import ApiKey, QueueClaim, SampleDraw, StoredPrediction
from api.prediction.loading import LoadedModel
from hate_speech_ai.evaluation.live_sample import inclusion_probability
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.priority import worth
from hate_speech_ai.scorer import EMPTY
from hate_speech_ai.text import CLEANING_VERSION, MAX_CHARS, fingerprint

logger = logging.getLogger(__name__)
_MAX_BUFFERED = 4_000
_BATCH = 500
_WRITE_SECONDS = 1.0
# Of `PREDICTION_MAX_STORED`: after so many new rows of this process it is looked whether there are too many.
_COUNT_SHARE = 0.01
# All of a text's row that a newer prediction of it changes.
_RENEWED = (
    *("tweet", "last_seen", "key", "version", "probability", "threshold", "warnings", "reasons"),
    *("worth", "disagreement", "compared_for", "is_control"),
)


class Offered(NamedTuple):
    """A prediction, as a request left it."""

    at: datetime
    model: LoadedModel
    tweet: str
    probability: float
    warnings: list[str]
    key: int | None


_buffer: deque[Offered] = deque()
_writing = threading.Lock()
_counting = threading.Lock()
_stored = _dropped = _uncounted = 0
_problem = ""


def is_on() -> bool:
    """Return whether predictions are recorded at all."""
    return bool(settings.PREDICTION_SAMPLE_RATE)


def record(
    model: LoadedModel, tweet: str, probability: float, warnings: Sequence[str] = (), key: ApiKey | None = None
) -> None:
    """Record a prediction with probability `PREDICTION_SAMPLE_RATE`. Never wait, and never fail.

    `predicting.predict` decides which predictions may be recorded.

    Args:
        probability: of hate_speech, by this model.
        warnings: what weakens the answer; a text without anything to read is not kept.
    """
    one = pick(model, tweet, probability, warnings, key.pk if key else None)
    if one is None:
        return
    if len(_buffer) >= _MAX_BUFFERED:
        _drop(1, "the buffer is full")
        return
    _buffer.append(one)


def pick(
    model: LoadedModel, tweet: str, probability: float, warnings: Sequence[str] = (), key: int | None = None
) -> Offered | None:
    """Return a prediction with probability `PREDICTION_SAMPLE_RATE`, to be stored; else None.

    Args:
        probability: of hate_speech, by this model.
        warnings: what weakens the answer; a text without anything to read is not kept.
        key: the number of the key that sent the text.
    """
    share = settings.PREDICTION_SAMPLE_RATE
    if not share or random.random() >= share or EMPTY in warnings:  # noqa: S311
        return None
    return Offered(timezone.now(), model, tweet[:MAX_CHARS], probability, list(warnings), key)


def store(picked: list[Offered]) -> None:
    """Write picked predictions now, in the caller's transaction; the caller leaves out what was forgotten.

    Raises:
        DatabaseError: the database does not take them.
    """
    if picked:
        _write(picked)


def flush() -> int:
    """Write what is in the buffer, and return how many predictions that were. Errors of the database cost these."""
    global _stored, _problem
    written = 0
    with _writing:
        while _buffer:
            batch = [_buffer.popleft() for _ in range(min(len(_buffer), _BATCH))]
            try:
                with transaction.atomic():
                    _write(_not_forgotten(batch))
            except DatabaseError as error:
                _drop(len(batch), f"the database does not take them: {type(error).__name__}")
                break
            except Exception as error:  # a text that nobody foresaw must not stop the others for good
                logger.exception("predictions were not stored")
                _drop(len(batch), type(error).__name__)
            else:
                written += len(batch)
        _stored += written
        if written and not _buffer:
            _problem = ""
    return written


def state() -> dict[str, Any]:
    """For `/health`: what this process has stored and dropped since its start. To drop is no illness of the service."""
    return {
        "ok": True,
        "share": settings.PREDICTION_SAMPLE_RATE,
        "buffered": len(_buffer),
        "stored": _stored,
        "dropped": _dropped,
        "problem": _problem,
    }


def start_writing() -> None:
    """Write in the background, and once more when the process ends."""
    if is_on():
        background.every("the writing of predictions", lambda: _WRITE_SECONDS, lambda: _count(flush()))
        Finalize(None, flush, exitpriority=0)  # granian's workers are multiprocessing's, which do not heed atexit


def forget(fingerprints: Collection[str], reviewers: Collection[str] = (), *, by: str, reason: str) -> None:
    """Delete the stored predictions of texts, and reviewers' claims, for good; in a transaction."""
    QueueClaim.objects.filter(reviewer__in=list(reviewers)).delete()
    texts, number = list(fingerprints), 0
    for start in range(0, len(texts), _BATCH):
        _, deleted = StoredPrediction.objects.filter(fingerprint__in=texts[start : start + _BATCH]).delete()
        number += deleted.get("api.StoredPrediction", 0)
    if number:
        audit_log.record("predictions.forgotten", f"{number} stored predictions", by=by, reason=reason)


def purge() -> None:
    """Delete what is older than `PREDICTION_RETENTION_DAYS`, and what another version of the cleaning stored.

    The fingerprints of another cleaning lead to no review.
    """
    old = timezone.now() - timedelta(days=settings.PREDICTION_RETENTION_DAYS)
    _delete(StoredPrediction.objects.filter(last_seen__lt=old))
    _delete(StoredPrediction.objects.exclude(cleaning=CLEANING_VERSION))
    _delete(SampleDraw.objects.filter(at__lt=old))
    _delete(QueueClaim.objects.filter(at__lt=old, until__lt=timezone.now()))
    make_room()


def make_room() -> None:
    """Delete the oldest predictions and draws beyond `PREDICTION_MAX_STORED`.

    What somebody has claimed stays until the claim ends, and control items do: they are few, and whoever answers one is
    known by its row.
    """
    most = settings.PREDICTION_MAX_STORED
    if not most:
        return
    claimed = QueueClaim.objects.filter(prediction=OuterRef("pk"), until__gt=timezone.now())
    deleted = 0
    if last_seen := _oldest_kept(StoredPrediction.objects.all(), "last_seen", most):
        old = StoredPrediction.objects.filter(last_seen__lt=last_seen, is_control=False)
        deleted += _delete(old.exclude(Exists(claimed)))
    if at := _oldest_kept(SampleDraw.objects.all(), "at", most):
        deleted += _delete(SampleDraw.objects.filter(at__lt=at))
    if deleted:
        logger.warning("more than %s predictions were stored; the oldest are deleted before their time", f"{most:,}")


def _oldest_kept(rows: QuerySet[Any], field: str, most: int) -> datetime | None:
    """Return the moment of the oldest of the newest `most` rows; None where there are no more."""
    return rows.order_by(f"-{field}").values_list(field, flat=True)[most - 1 : most].first()


def _count(written: int) -> None:
    """Make room from time to time: counting the rows takes longer than writing some."""
    global _uncounted
    _uncounted += written
    if _uncounted >= settings.PREDICTION_MAX_STORED * _COUNT_SHARE:
        _uncounted = 0
        make_room()


def _delete(rows: QuerySet[Any]) -> int:
    number = 0
    while some := list(rows.values_list("pk", flat=True)[:_BATCH]):  # no long transaction
        rows.model.objects.filter(pk__in=some).delete()
        number += len(some)
    return number


def _not_forgotten(batch: list[Offered]) -> list[Offered]:
    forgotten = suppression.find([{"text": suppression.forms_of_text(one.tweet)} for one in batch])
    return [one for place, one in enumerate(batch) if place not in forgotten]


def _write(batch: list[Offered]) -> None:
    rows: dict[str, StoredPrediction] = {}
    draws: list[tuple[str, SampleDraw]] = []
    for one in batch:
        text, threshold = fingerprint(one.tweet), one.model.scorer.thresholds[HATE_SPEECH]
        rows[text] = _row(one, text, threshold)
        chance = inclusion_probability(one.probability, threshold, settings.RANDOM_SAMPLE_SHARE)
        if random.random() < chance:  # noqa: S311
            draw = SampleDraw(
                at=one.at,
                version_id=one.model.version,
                answer=one.probability >= threshold,
                inclusion_probability=chance * settings.PREDICTION_SAMPLE_RATE,
                rank=random.random(),  # noqa: S311
            )
            draws.append((text, draw))
    # In one order, so that two processes with the same texts do not wait for each other.
    StoredPrediction.objects.bulk_create(
        [rows[text] for text in sorted(rows)],
        update_conflicts=True,
        unique_fields=["fingerprint"],
        update_fields=_RENEWED,
    )
    stored = StoredPrediction.objects.filter(fingerprint__in=[text for text, _ in draws])
    keys = dict(stored.values_list("fingerprint", "pk"))
    for text, draw in draws:
        draw.prediction_id = keys[text]
    SampleDraw.objects.bulk_create(draw for _, draw in draws)


def _row(one: Offered, text: str, threshold: float) -> StoredPrediction:
    found = worth(one.model.scorer, one.tweet, one.probability)
    return StoredPrediction(
        fingerprint=text,
        tweet=one.tweet,
        first_seen=one.at,
        last_seen=one.at,
        key_id=one.key,
        version_id=one.model.version,
        probability=one.probability,
        threshold=threshold,
        warnings=one.warnings,
        reasons=found.reasons,
        worth=found.score,
    )


def _drop(number: int, problem: str) -> None:
    global _dropped, _problem
    with _counting:
        first = problem != _problem
        _dropped, _problem = _dropped + number, problem
    if first:
        logger.warning("predictions are not stored, since %s; /health counts them", problem)
