"""The review queue for people: one tweet at a time, answered by a key of the keyboard."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from rest_framework.exceptions import APIException

from api.http.problems import flatten
from api.http.throttling import count
from api.keys.accounts import Role
from api.models import ApiKey, QueueClaim, ReviewedTweet, ReviewerAgreement, StoredPrediction
from api.pages.access import Refused, is_part, page, reviewing_key
from api.pages.own_reviews import take_back
from api.prediction import active_model
from api.prediction.active_model import ModelNotReady
from api.review_queue import selection
from api.review_queue.selection import Person
from api.reviews import intake
from api.reviews.serializers import ReviewRequestSerializer
from hate_speech_ai.labels import HATE_SPEECH, LABELS
from hate_speech_ai.priority import IDENTITY_TERM, NEAR_THRESHOLD, UNKNOWN_WORDS

_GRADES = {"yes": 1.0, "no": 0.0, "unsure": 0.5}
# Why a tweet is handed out, in words that do not say what the model thinks of it.
_WHY = {
    NEAR_THRESHOLD: "The model is unsure of it.",
    selection.MODEL_DISAGREEMENT: "Two versions of the model disagree about it.",
    UNKNOWN_WORDS: "It has words that the model does not know.",
    IDENTITY_TERM: "It names a group of people.",
    selection.RANDOM_AUDIT: "Chance picked it, to measure the model on what really comes.",
}
_OTHERS = [label for label in LABELS if label != HATE_SPEECH]


@page(Role.MODERATOR)
def queue(request: HttpRequest) -> HttpResponse:
    return _desk(request, reviewing_key(request))


@page(Role.MODERATOR, "POST")
def answer(request: HttpRequest) -> HttpResponse:
    """Store what a person says about a tweet that was handed to them, and hand out the next one."""
    key = reviewing_key(request)
    _limit(key)
    prediction, said = _claimed(request, key), request.POST.get("answer", "")
    if said not in _GRADES:
        raise Refused("Answer yes, no or unsure.")
    if prediction is None:
        return _desk(request, key, note="That tweet is not in the queue any more, so the answer was not stored.")
    grade = _GRADES[said]
    labels: dict[str, Any] = {label: True for label in request.POST.getlist("label") if label in _OTHERS}
    try:
        fields = ReviewRequestSerializer.read(
            {"tweet": prediction.tweet, "is_hate_speech": grade == 1, "labels": labels | {HATE_SPEECH: grade}}
        )
        review, _ = intake.add(tweet=fields["tweet"], labels=fields["labels"], source=key.source, key=key)
    except APIException as refusal:
        selection.release(prediction.pk, key)
        return _desk(request, key, note=f"Not stored: {_in_words(refusal)}")
    return _desk(request, key, last={"said": said, "review": review, "prediction": prediction})


@page(Role.MODERATOR, "POST")
def skip(request: HttpRequest) -> HttpResponse:
    """Give a tweet back for somebody else, and hand out the next one."""
    key = reviewing_key(request)
    if prediction := _claimed(request, key):
        selection.release(prediction.pk, key)
    return _desk(request, key, note="Given back, for somebody else.")


@page(Role.MODERATOR, "POST")
def undo(request: HttpRequest) -> HttpResponse:
    """Take an answer back, and show its tweet again."""
    key = reviewing_key(request)
    receipt = _uuid(request.POST.get("review"))
    review = ReviewedTweet.objects.filter(key=key, receipt=receipt).first() if receipt else None
    if review is None:
        raise Refused("There is no such review of this account.")
    take_back(request, review)
    return _desk(request, key, note="Taken back. Answer again.", first=review.fingerprint)


def _desk(
    request: HttpRequest, key: ApiKey, *, last: dict[str, Any] | None = None, note: str = "", first: str = ""
) -> HttpResponse:
    """Show the tweet to review now, below what became of the last one.

    Args:
        first: the fingerprint of the text to show, where that is one of this person's.
    """
    if not is_part(request) and request.method == "POST":
        return redirect("pages-review")
    person = Person(key)
    held = selection.held(person)
    held.sort(key=lambda item: item.prediction.fingerprint != first)
    items = held or selection.take(person, limit=1)
    shown = {
        "item": items[0] if items else None,
        "why": [_WHY[code] for code in items[0].reasons] if items else [],
        "last": last,
        "note": note,
        "why_none": "" if items else selection.why_none(person),
        "storing": settings.PREDICTION_SAMPLE_RATE > 0,
        "labels": _labels(),
        "today": _today(key),
    }
    if is_part(request):
        return render(request, "pages/review_desk.html", shown)
    agreement = ReviewerAgreement.objects.filter(key=key, label=HATE_SPEECH, reviewer="").first()
    return render(request, "pages/review.html", {**shown, "agreement": agreement})


def _claimed(request: HttpRequest, key: ApiKey) -> StoredPrediction | None:
    """Return the tweet that a form is about, if it was handed to this person; also after the claim has ended."""
    claims = QueueClaim.objects.filter(key=key, prediction_id=_uuid(request.POST.get("item")))
    claim = claims.select_related("prediction").order_by("-pk").first()
    return claim.prediction if claim else None


def _labels() -> list[str]:
    """Return the labels that a reviewer may add: those of the model that serves."""
    try:
        known = active_model.get().scorer.labels
    except ModelNotReady:
        return []
    return [label for label in _OTHERS if label in known]


def _today(key: ApiKey) -> int:
    since = timezone.now() - timedelta(hours=12)
    rows = ReviewedTweet.objects.filter(key=key, created_at__gte=since)
    return rows.exclude(status=ReviewedTweet.Status.WITHDRAWN).count()


def _limit(key: ApiKey) -> None:
    """Count the answer as the API counts a review.

    Raises:
        Refused: there were too many.
    """
    if (wait := count(settings.LIMITS["review"], f"review:key{key.pk}")) is not None:
        raise Refused(f"Too many answers. Go on in {wait:.0f} s.")


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _in_words(refusal: APIException) -> str:
    return " ".join(message for messages in flatten(refusal.detail).values() for message in messages)
