"""Precision and recall of live traffic, from the random audit: computed by the worker, shown by every web process.

The queue hands drawn predictions out in the order of their rank, which is chance. So the draws that it has passed,
those below the rank at which it was at some later moment, are a random sample again, and all of them count, whoever
answered them and why. Draws that were answered before the queue came to them do not: those that somebody found worth
a look are too frequent among them.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from api.keys import trust
from api.lib import background
from api.models import ApiKey, LiveFigures, Promotion, QueueClaim, ReviewedTweet, SampleDraw, StoredPrediction
from hate_speech_ai.evaluation.bootstrap import Interval
from hate_speech_ai.evaluation.live_sample import SampledAnswer, estimate
from hate_speech_ai.labels import HATE_SPEECH, resolve

_REFRESH_SECONDS = 1.0
#: The figures change when so many more draws were answered or passed, or the last ones are a day old.
ANSWERS_AT_ONCE = 20
_SHOWN_FOR = timedelta(days=1)
# Their reviews say nothing: taken back, replaced by a newer one of the same key, or of a key that is not trusted.
NOT_ANSWERS = ("withdrawn", "superseded", "quarantined")

_shown: dict[str, Any] | None = None


class Drawn(NamedTuple):
    """A draw that the queue has passed."""

    fingerprint: str
    at: datetime
    version: int
    answer: bool
    inclusion_probability: float


def figures(version: int) -> dict[str, Any] | None:
    """Return the production figures of a version; None where storing is off or nothing is known yet."""
    if _shown is None or _shown["model_version"] != version or not settings.PREDICTION_SAMPLE_RATE:
        return None
    return _shown


def start_refreshing() -> None:
    """Keep the figures fresh in this process, in the background."""
    if settings.PREDICTION_SAMPLE_RATE:
        background.every("the refreshing of live figures", lambda: _REFRESH_SECONDS, refresh)


def refresh() -> None:
    """Take over what the worker found last."""
    global _shown
    champion = Promotion.champion()
    found = LiveFigures.objects.filter(version=champion).first() if champion else None
    _shown = found.figures if found else None


def compute() -> None:
    """Measure the version that serves, and all versions of the last `PREDICTION_RETENTION_DAYS` together."""
    champion = Promotion.champion()
    if champion is None or not settings.PREDICTION_SAMPLE_RATE:
        return
    _note_the_end()
    drawn, truth = _passed(), _truth()
    own = _measure([draw for draw in drawn if draw.version == champion.pk], truth)
    content = {"model_version": champion.pk, **own, "all_versions": _measure(drawn, truth)}
    shown = LiveFigures.objects.filter(version=champion).first()
    if shown and not _tells_nothing_of_one(shown, content):
        return
    LiveFigures.objects.update_or_create(version=champion, defaults={"at": timezone.now(), "figures": content})


def _tells_nothing_of_one(shown: LiveFigures, content: dict[str, Any]) -> bool:
    """Return whether new figures rest on so many more answers that none of them can be told.

    A control item is in no figure. If figures followed each answer, a reviewer could try which tweets move them.
    """
    if timezone.now() - shown.at >= _SHOWN_FOR:
        return True
    old, new = shown.figures["all_versions"], content["all_versions"]
    answered = new["audited"] - old["audited"]
    passed = answered + new["unanswered"] - old["unanswered"]
    return bool(max(abs(answered), abs(passed)) >= ANSWERS_AT_ONCE)


def answers() -> QuerySet[ReviewedTweet]:
    """Return the reviews that answer a queued tweet: believed ones of keys, about hate speech, and not withdrawn."""
    rows = ReviewedTweet.objects.believed().filter(key__isnull=False, labels__has_key=HATE_SPEECH)
    return rows.exclude(status__in=NOT_ANSWERS)


def answers_to_prediction() -> QuerySet[ReviewedTweet]:
    """In a query of `StoredPrediction`: the reviews that answer it, of the time since it was stored."""
    return answers().filter(fingerprint=OuterRef("fingerprint"), created_at__gte=OuterRef("first_seen"))


def _claims_that_count() -> QuerySet[QueueClaim]:
    """Return the claims of trusted keys, and the marks of ends: whom nobody trusts moves nothing by asking."""
    return QueueClaim.objects.filter(Q(key=None) | Q(key__trust=ApiKey.Trust.TRUSTED))


def _note_the_end() -> None:
    """If no drawn prediction is left to hand out, count all of them."""
    last = QueueClaim.objects.filter(key=None).aggregate(last=Max("at"))["last"]
    fresh = SampleDraw.objects.filter(at__gt=last) if last else SampleDraw.objects.all()
    handed_out = _claims_that_count().filter(prediction=OuterRef("pk"))
    waiting = StoredPrediction.objects.filter(
        ~Exists(answers_to_prediction()), ~Exists(handed_out), draws__isnull=False
    )
    if fresh.exists() and not waiting.exists():
        now = timezone.now()
        QueueClaim.objects.create(at=now, until=now, rank=1.0)


def _passed() -> list[Drawn]:
    """Return the draws up to the rank that the queue has reached since they were stored."""
    claims = list(_claims_that_count().filter(rank__isnull=False).order_by("at").values_list("at", "rank"))
    times = [at for at, _ in claims]
    # For each claim the highest rank of itself and of those after it; none after the last.
    reached = [-1.0]
    for _, rank in reversed(claims):
        reached.append(max(reached[-1], rank or 0.0))
    reached.reverse()
    fields = ("prediction__fingerprint", "at", "version_id", "answer", "inclusion_probability", "rank")
    rows = SampleDraw.objects.filter(rank__lte=reached[0]).order_by("pk").values_list(*fields).iterator()
    return [Drawn(*row) for *row, rank in rows if rank <= reached[bisect_left(times, row[1])]]


def _truth() -> dict[str, bool]:
    """Return the reviewers' answers to the drawn texts since these were stored, by fingerprint."""
    drawn = StoredPrediction.objects.filter(draws__isnull=False)
    first_seen = dict(drawn.values_list("fingerprint", "first_seen"))
    said: dict[str, dict[str, dict[str, float]]] = {}
    reviews = answers().filter(fingerprint__in=drawn.values("fingerprint")).order_by("pk")
    for text, source, labels, at in reviews.values_list("fingerprint", "source", "labels", "created_at"):
        if at >= first_seen.get(text, at):
            opinions = said.setdefault(text, {})
            opinions.pop(source, None)  # so that the newest stands last
            opinions[source] = labels
    weights = trust.weights()
    resolved = {
        text: resolve(opinions.values(), [weights.get(source, 1.0) for source in opinions]).get(HATE_SPEECH)
        for text, opinions in said.items()
    }
    return {text: answer for text, answer in resolved.items() if answer is not None}


def _measure(drawn: Sequence[Drawn], truth: dict[str, bool]) -> dict[str, Any]:
    sampled = [
        SampledAnswer(draw.fingerprint, draw.answer, truth[draw.fingerprint], draw.inclusion_probability)
        for draw in drawn
        if draw.fingerprint in truth
    ]
    live = estimate(sampled)
    since = min((draw.at for draw in drawn), default=None)
    return {
        "precision": _plain(live.precision),
        "recall": _plain(live.recall),
        "base_rate": _plain(live.base_rate),
        "reasons": live.reasons,
        "audited": live.audited,
        "unanswered": len(drawn) - live.audited,
        "since": since.isoformat().replace("+00:00", "Z") if since else None,
    }


def _plain(interval: Interval | None) -> dict[str, Any] | None:
    return asdict(interval) if interval else None
