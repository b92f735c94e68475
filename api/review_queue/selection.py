"""Tweets worth a person's time, handed out one person at a time.

Each place of an answer is given by chance to one of three lanes: the audit, in an order that is chance too; what is
worth most; and tweets of corpora, whose answer is known. Nobody can tell the last from the first.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from api.models import ApiKey, QueueClaim, SampleDraw, StoredPrediction
from api.prediction import active_model, predicting
from api.prediction.active_model import ModelNotReady
from api.prediction.loading import LoadedModel
from api.review_queue import controls, live_metrics
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.priority import IDENTITY_TERM, NEAR_THRESHOLD, UNKNOWN_WORDS, worth

MODEL_DISAGREEMENT = "model_disagreement"
RANDOM_AUDIT = "random_audit"
REASONS = (NEAR_THRESHOLD, MODEL_DISAGREEMENT, UNKNOWN_WORDS, IDENTITY_TERM, RANDOM_AUDIT)

#: Of the places, while both lanes have something: an audit that starved would measure nothing.
AUDIT_PLACES = 0.4

_DRAWN = "Chance picked it, to measure the model on what really comes."
_READ_AT_ONCE = 200
_TRIES = 3


@dataclass(frozen=True)
class Person:
    """Who asks: a key, and whom it speaks for, if it says so."""

    key: ApiKey
    reviewer: str = ""


@dataclass(frozen=True)
class Item:
    """A tweet that a person has been handed, and until when nobody else is."""

    prediction: StoredPrediction
    reasons: dict[str, str]
    until: datetime


@dataclass(frozen=True)
class _Candidate:
    """A tweet as it was read; `rank` where the audit brings it."""

    prediction: StoredPrediction
    rank: float | None = None


def take(person: Person, *, limit: int, reason: str = "", second_opinion: bool = False) -> list[Item]:
    """Claim up to `limit` tweets for a person, for `CLAIM_MINUTES`.

    A tweet that anybody has reviewed since it was stored is not among them, nor one that somebody else has claimed, nor
    one that this person was handed before. A key that is not trusted gets none: they are users' texts.

    Args:
        reason: only tweets with this one of `REASONS`.
        second_opinion: only tweets that exactly one other key has reviewed or claimed.
    """
    limit = min(limit, room_of(person))
    if limit <= 0:
        return []
    model = _served()
    until = timezone.now() + timedelta(minutes=settings.CLAIM_MINUTES)
    taken: list[StoredPrediction] = []
    for _ in range(_TRIES):
        found = _second_opinions(person, reason) if second_opinion else _mixture(person, reason)
        seen: set[UUID] = set()
        while len(taken) < limit and (candidate := next(found, None)):
            prediction = candidate.prediction
            if prediction.pk not in seen:
                _judge_again(prediction, model)
                if (second_opinion or _fits(candidate, reason)) and _claim(candidate, person, until):
                    taken.append(prediction)
            seen.add(prediction.pk)
        if len(taken) == limit or not seen:
            break  # else somebody else may have been faster with what was read
    drawn = set(SampleDraw.objects.filter(prediction__in=taken).values_list("prediction_id", flat=True))
    return [Item(one, _reasons(one, drawn=one.pk in drawn), until) for one in taken]


def room_of(person: Person) -> int:
    """Return how many more tweets a person may claim; 0 or less for none.

    What the key has answered is no open claim any more.
    """
    if person.key.trust != ApiKey.Trust.TRUSTED:
        return 0
    claims = _open_claims(person.key)
    of_person = claims.filter(reviewer=person.reviewer).count()
    return min(settings.MAX_CLAIMS_PER_PERSON - of_person, settings.MAX_CLAIMS_PER_KEY - claims.count())


def held(person: Person) -> list[Item]:
    """Return the tweets that a person has claimed and not answered, the oldest claim first."""
    claims = _open_claims(person.key).filter(reviewer=person.reviewer, prediction__isnull=False)
    rows = list(claims.select_related("prediction").order_by("pk")[: settings.MAX_CLAIMS_PER_PERSON])
    items = {claim.prediction_id: claim.until for claim in rows}
    drawn = set(SampleDraw.objects.filter(prediction__in=items).values_list("prediction_id", flat=True))
    by_id = {claim.prediction_id: claim.prediction for claim in rows if claim.prediction}
    return [Item(one, _reasons(one, drawn=pk in drawn), items[pk]) for pk, one in by_id.items()]


def _open_claims(key: ApiKey) -> QuerySet[QueueClaim]:
    """Return a key's claims that hold, and that it has not answered."""
    answered = live_metrics.answers().filter(
        key=OuterRef("key"), fingerprint=OuterRef("prediction__fingerprint"), created_at__gte=OuterRef("at")
    )
    return QueueClaim.objects.filter(~Exists(answered), key=key, until__gt=timezone.now())


def why_none(person: Person) -> str:
    """Return a sentence where a person gets nothing because of who they are; empty where there is nothing to get."""
    if person.key.trust != ApiKey.Trust.TRUSTED:
        return "This key is not trusted, and the queue hands out users' texts. An administrator can trust the key."
    if room_of(person) <= 0:
        return (
            f"A person may have {settings.MAX_CLAIMS_PER_PERSON} tweets claimed, and a key "
            f"{settings.MAX_CLAIMS_PER_KEY} for all its reviewers. Review some, or give some back."
        )
    return ""


def release(item: UUID, key: ApiKey) -> bool:
    """Give a claim back, so that somebody else is handed the tweet; whether the key held one."""
    now = timezone.now()
    return bool(QueueClaim.objects.filter(prediction_id=item, key=key, until__gt=now).update(until=now))


def _open(person: Person) -> QuerySet[StoredPrediction]:
    """Return the predictions that nobody has answered or claimed, and this person has not been handed."""
    held = QueueClaim.objects.filter(prediction=OuterRef("pk"), until__gt=timezone.now())
    return StoredPrediction.objects.filter(
        ~Exists(live_metrics.answers_to_prediction()), ~Exists(held), ~Exists(_handed_to(person))
    )


def _handed_to(person: Person) -> QuerySet[QueueClaim]:
    """Return a person's earlier claims; a key's claims without a reviewer count for each of its reviewers."""
    same = Q(key=person.key)
    if person.reviewer:
        same &= Q(reviewer__in=["", person.reviewer])
    return QueueClaim.objects.filter(same, prediction=OuterRef("pk"))


def _served() -> LoadedModel | None:
    try:
        return active_model.get()
    except ModelNotReady:
        return None


def _judge_again(prediction: StoredPrediction, model: LoadedModel | None) -> None:
    """Have the version that serves judge a tweet that another has judged.

    A control item is judged when it is made. Nobody may tell by the version which ones are none.
    """
    if model is None or prediction.version_id == model.version:
        return
    score = predicting.score(model, prediction.tweet, (HATE_SPEECH,))
    found = worth(model.scorer, prediction.tweet, score.probabilities[HATE_SPEECH])
    prediction.version_id, prediction.probability = model.version, score.probabilities[HATE_SPEECH]
    prediction.threshold, prediction.warnings = model.scorer.thresholds[HATE_SPEECH], list(score.warnings)
    prediction.reasons, prediction.worth = found.reasons, found.score + bool(prediction.disagreement)
    prediction.save(update_fields=["version", "probability", "threshold", "warnings", "reasons", "worth"])


def _fits(candidate: _Candidate, reason: str) -> bool:
    """Return whether a tweet is still worth what it was chosen for, now that it may have been judged again."""
    prediction = candidate.prediction
    if reason in (RANDOM_AUDIT, MODEL_DISAGREEMENT) or (prediction.is_control and not reason):
        return True
    return reason in prediction.reasons if reason else candidate.rank is not None or prediction.worth > 0


def _mixture(person: Person, reason: str) -> Iterator[_Candidate]:
    """Candidates in the order in which to claim them."""
    audits, most = _audits(person), _most_worth(person, reason)
    while True:
        lanes = [audits, most] if random.random() < AUDIT_PLACES else [most, audits]  # noqa: S311
        if reason:
            lanes = [audits] if reason == RANDOM_AUDIT else [most]
        found = next((one for lane in lanes if (one := next(lane, None))), None)
        if found is None:
            return
        # Before another, so that a queue never has them alone; and of the same lane, so that none is without them.
        while random.random() < settings.CONTROL_SHARE and (control := _control(person, found, reason)):  # noqa: S311
            yield _Candidate(control)
        yield found


def _control(person: Person, before: _Candidate, reason: str) -> StoredPrediction | None:
    """Return a control item to stand before a client's tweet, and to look as that one does."""
    drawn = before.rank is not None or SampleDraw.objects.filter(prediction=before.prediction).exists()
    wanted = "" if reason == RANDOM_AUDIT else reason
    return controls.take(_open(person), drawn=drawn, reason=wanted, disagree=wanted == MODEL_DISAGREEMENT)


def _audits(person: Person) -> Iterator[_Candidate]:
    # Asked of each draw in their order: as a list, `IN` would first go through all predictions.
    is_open = Exists(_open(person).filter(pk=OuterRef("prediction_id")))
    draws = SampleDraw.objects.filter(is_open).select_related("prediction").order_by("rank")
    return (_Candidate(draw.prediction, draw.rank) for draw in draws[:_READ_AT_ONCE])


def _most_worth(person: Person, reason: str) -> Iterator[_Candidate]:
    rows = _with(reason, _open(person).filter(is_control=False, worth__gt=0)).order_by("-worth", "pk")
    return map(_Candidate, rows[:_READ_AT_ONCE])


def _second_opinions(person: Person, reason: str) -> Iterator[_Candidate]:
    """Yield the predictions that exactly one other key has answered or claimed."""
    key = person.key
    held = QueueClaim.objects.filter(prediction=OuterRef("pk"), until__gt=timezone.now()).exclude(key=key)
    answered = (
        live_metrics.answers_to_prediction()
        .order_by()
        .values("fingerprint")
        .annotate(keys=Count("key", distinct=True))
        .values("keys")
    )
    second = (
        StoredPrediction.objects.annotate(keys=Coalesce(Subquery(answered), 0))
        .filter(Q(keys=1) | Q(Exists(held), keys=0))
        .exclude(Exists(live_metrics.answers_to_prediction().filter(key=key)))
        .exclude(Exists(_handed_to(Person(key))))
    )
    rows = list(_with(reason, second).order_by("-worth", "pk")[:_READ_AT_ONCE])
    keys: dict[UUID, set[int]] = {row.pk: set() for row in rows}
    claims = QueueClaim.objects.filter(prediction__in=rows, until__gt=timezone.now())
    for pk, other in claims.values_list("prediction_id", "key_id"):
        keys[pk].add(other)
    by_text = {row.fingerprint: row for row in rows}
    reviews = live_metrics.answers().filter(fingerprint__in=by_text, key__isnull=False)
    for text, other, at in reviews.values_list("fingerprint", "key", "created_at"):
        if at >= by_text[text].first_seen:
            keys[by_text[text].pk].add(other)
    return (_Candidate(row) for row in rows if len(keys[row.pk]) == 1)


def _with(reason: str, rows: QuerySet[StoredPrediction]) -> QuerySet[StoredPrediction]:
    if not reason:
        return rows
    if reason == MODEL_DISAGREEMENT:
        return rows.exclude(disagreement="")
    if reason == RANDOM_AUDIT:
        drawn = [one.pk for one in StoredPrediction.objects.filter(is_control=True) if controls.is_drawn(one)]
        return rows.filter(Q(pk__in=drawn) | Exists(SampleDraw.objects.filter(prediction=OuterRef("pk"))))
    return rows.filter(reasons__has_key=reason)


def _claim(candidate: _Candidate, person: Person, until: datetime) -> bool:
    """Return whether the tweet is the person's now: nobody has claimed it since it was read."""
    prediction = candidate.prediction
    with transaction.atomic():
        rows = StoredPrediction.objects.filter(pk=prediction.pk, claims=prediction.claims)
        if not rows.update(claims=F("claims") + 1):
            return False
        QueueClaim.objects.create(
            prediction=prediction,
            key=person.key,
            reviewer=person.reviewer,
            until=until,
            rank=candidate.rank,
            is_control=prediction.is_control,
        )
    return True


def _reasons(prediction: StoredPrediction, *, drawn: bool) -> dict[str, str]:
    found = {code: prediction.reasons[code] for code in REASONS if code in prediction.reasons}
    if prediction.disagreement:
        found[MODEL_DISAGREEMENT] = prediction.disagreement
    if drawn or (prediction.is_control and controls.is_drawn(prediction)):
        found[RANDOM_AUDIT] = _DRAWN
    return found
