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
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from api.models import ApiKey, Promotion, QueueClaim, ReviewedTweet, SampleDraw, StoredPrediction
from api.prediction import active_model, predicting
from api.prediction.active_model import ModelNotReady
from api.prediction.loading import LoadedModel
from api.review_queue import live_metrics
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.priority import IDENTITY_TERM, NEAR_THRESHOLD, UNKNOWN_WORDS, worth
from hate_speech_ai.text import MAX_CHARS

MODEL_DISAGREEMENT = "model_disagreement"
RANDOM_AUDIT = "random_audit"
REASONS = (NEAR_THRESHOLD, MODEL_DISAGREEMENT, UNKNOWN_WORDS, IDENTITY_TERM, RANDOM_AUDIT)

#: Of the places, while both lanes have something: an audit that starved would measure nothing.
AUDIT_PLACES = 0.4

_DRAWN = "Chance picked it, to measure the model on what really comes."
_COMPARED_AT_ONCE = 2_000
_READ_AT_ONCE = 200
_TRIES = 3
_PLANTING_TRIES = 10


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
    one that this person was handed before.

    Args:
        reason: only tweets with this one of `REASONS`.
        second_opinion: only tweets that exactly one other key has reviewed or claimed.
    """
    until = timezone.now() + timedelta(minutes=settings.CLAIM_MINUTES)
    taken: list[StoredPrediction] = []
    for _ in range(_TRIES):
        found = _second_opinions(person, reason) if second_opinion else _mixture(person, reason)
        seen: set[UUID] = set()
        while len(taken) < limit and (candidate := next(found, None)):
            if candidate.prediction.pk not in seen and _claim(candidate, person, until):
                taken.append(candidate.prediction)
            seen.add(candidate.prediction.pk)
        if len(taken) == limit or not seen:
            break  # else somebody else may have been faster with what was read
    drawn = set(SampleDraw.objects.filter(prediction__in=taken).values_list("prediction_id", flat=True))
    return [Item(one, _reasons(one, drawn=one.pk in drawn), until) for one in taken]


def release(item: UUID, key: ApiKey) -> bool:
    """Give a claim back, so that somebody else is handed the tweet; whether the key held one."""
    now = timezone.now()
    return bool(QueueClaim.objects.filter(prediction_id=item, key=key, until__gt=now).update(until=now))


def compare_versions() -> None:
    """Have the version that serves and the one before it judge the stored texts, a few thousand at a time."""
    champion = Promotion.champion()
    before = Promotion.objects.exclude(version=champion).order_by("-pk").first() if champion else None
    if champion is None or before is None:
        return
    due = StoredPrediction.objects.exclude(compared_for=champion.pk).order_by("-last_seen")
    rows = list(due.values_list("pk", "tweet", "disagreement")[:_COMPARED_AT_ONCE])
    if not rows:
        return
    try:
        new, old = active_model.pinned(champion.pk), active_model.pinned(before.version_id)
    except ArtifactError:
        return  # said where it is to serve; nothing to compare with
    tweets = [tweet for _, tweet, _ in rows]
    scores = zip(old.scorer.probabilities(tweets), new.scorer.probabilities(tweets), strict=True)
    for (pk, _, said), (was, now) in zip(rows, scores, strict=True):
        says = _disagreement(old, was, new, now)
        if says != said:
            row = StoredPrediction.objects.filter(pk=pk, disagreement=said)  # unless it was predicted again meanwhile
            row.update(disagreement=says, worth=F("worth") + (bool(says) - bool(said)))
    StoredPrediction.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(compared_for=champion.pk)


def _disagreement(old: LoadedModel, was: float, new: LoadedModel, now: float) -> str:
    said, says = (
        probability >= model.scorer.thresholds[HATE_SPEECH] for model, probability in ((old, was), (new, now))
    )
    if said == says:
        return ""
    answers = {True: "yes", False: "no"}
    return (
        f"Version {old.version} says {answers[said]}, with {was:.2f}; "
        f"version {new.version} says {answers[says]}, with {now:.2f}."
    )


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
        # Before another, so that a queue never has them alone.
        share = settings.CONTROL_SHARE if reason in ("", RANDOM_AUDIT) else 0.0
        while random.random() < share and (control := _control(person)):  # noqa: S311
            yield _Candidate(control)
        yield found


def _audits(person: Person) -> Iterator[_Candidate]:
    draws = SampleDraw.objects.filter(prediction__in=_open(person)).select_related("prediction").order_by("rank")
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
        return rows.filter(Q(is_control=True) | Exists(SampleDraw.objects.filter(prediction=OuterRef("pk"))))
    return rows.filter(reasons__has_key=reason)


def _claim(candidate: _Candidate, person: Person, until: datetime) -> bool:
    """Return whether the tweet is the person's now: nobody has claimed it since it was read."""
    prediction = candidate.prediction
    with transaction.atomic():
        rows = StoredPrediction.objects.filter(pk=prediction.pk, claims=prediction.claims)
        if not rows.update(claims=F("claims") + 1):
            return False
        QueueClaim.objects.create(
            prediction=prediction, key=person.key, reviewer=person.reviewer, until=until, rank=candidate.rank
        )
    return True


def _reasons(prediction: StoredPrediction, *, drawn: bool) -> dict[str, str]:
    found = {code: prediction.reasons[code] for code in REASONS if code in prediction.reasons}
    if prediction.disagreement:
        found[MODEL_DISAGREEMENT] = prediction.disagreement
    if drawn or prediction.is_control:
        found[RANDOM_AUDIT] = _DRAWN
    return found


def _control(person: Person) -> StoredPrediction | None:
    """Return a control item that looks like a tweet predicted just now: one left over, or a new one.

    Its answer is beyond doubt: no corpus says otherwise. It is one that models are trained on: what they are measured
    on must not change with reviews, and nobody should get to see it.
    """
    left = _open(person).filter(is_control=True).order_by("pk").first()
    if left is not None:
        return left
    try:
        model = active_model.get()
    except ModelNotReady:
        return None
    rows = ReviewedTweet.objects.filter(key=None, held_out=False, labels__has_key=HATE_SPEECH)
    span = rows.aggregate(first=Min("pk"), last=Max("pk"))
    if span["first"] is None:
        return None
    begin = random.randint(span["first"], span["last"])  # noqa: S311
    for row in rows.filter(pk__gte=begin).order_by("pk")[:_PLANTING_TRIES]:
        if _is_beyond_doubt(row) and (control := _store_control(row, model)):
            return control
    return None


def _is_beyond_doubt(row: ReviewedTweet) -> bool:
    """Return whether all who ever said something about this text are corpora, and of one mind."""
    said = ReviewedTweet.objects.filter(fingerprint=row.fingerprint).values_list("key", "labels", "held_out")
    answers = {labels.get(HATE_SPEECH) for _, labels, _ in said}
    return len(answers) == 1 and isinstance(answers.pop(), bool) and all(not key and not out for key, _, out in said)


def _store_control(row: ReviewedTweet, model: LoadedModel) -> StoredPrediction | None:
    """None where the text is stored already, as a client's or as one that was planted before."""
    tweet = row.tweet[:MAX_CHARS]
    score = predicting.score(model, tweet, (HATE_SPEECH,))
    found = worth(model.scorer, tweet, score.probabilities[HATE_SPEECH])
    fields = {
        "tweet": tweet,
        "version_id": model.version,
        "probability": score.probabilities[HATE_SPEECH],
        "threshold": model.scorer.thresholds[HATE_SPEECH],
        "warnings": score.warnings,
        "reasons": found.reasons,
        "worth": found.score,
        "is_control": True,
    }
    control, new = StoredPrediction.objects.get_or_create(fingerprint=row.fingerprint, defaults=fields)
    return control if new else None
