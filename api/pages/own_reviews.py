"""What became of one's own reviews."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from api.keys.accounts import Role, by
from api.models import LEARNED, ReviewedTweet
from api.pages.access import Refused, page, reviewing_key, signed_in
from api.reviews import intake
from api.reviews.refusals import KeyNotTrusted
from hate_speech_ai.labels import HATE_SPEECH, rounded_answer

_SHOWN = 25


@page(Role.MODERATOR)
def mine(request: HttpRequest) -> HttpResponse:
    rows = ReviewedTweet.objects.filter(key=reviewing_key(request))
    status, before = request.GET.get("status", ""), request.GET.get("before", "")
    if status in ReviewedTweet.Status.values:
        rows = rows.filter(status=status)
    if before.isascii() and before.isdigit() and len(before) < 16:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.order_by("-pk").prefetch_related("events")[: _SHOWN + 1])
    shown = {
        "reviews": [_shown(review) for review in found[:_SHOWN]],
        "before": found[_SHOWN - 1].pk if len(found) > _SHOWN else None,
        "status": status,
        "statuses": ReviewedTweet.Status.values,
    }
    return render(request, "pages/own_reviews.html", shown)


@page(Role.MODERATOR, "POST")
def withdraw(request: HttpRequest, review: Any) -> HttpResponse:
    take_back(request, get_object_or_404(ReviewedTweet, key=reviewing_key(request), receipt=review))
    return redirect("pages-mine")


def take_back(request: HttpRequest, review: ReviewedTweet) -> None:
    """Withdraw a review of the account.

    Raises:
        Refused: the account is not trusted, and the review counts.
    """
    try:
        intake.withdraw(review, key=reviewing_key(request), by=by(signed_in(request)))
    except KeyNotTrusted as error:
        raise Refused("This account is not trusted, and this review counts: an operator can withdraw it.") from error


def _shown(review: ReviewedTweet) -> dict[str, Any]:
    events = list(review.events.all())
    learned = [event for event in events if event.status in LEARNED]
    answer = rounded_answer(review.labels.get(HATE_SPEECH, 0.5))
    return {
        "review": review,
        "answer": "unsure" if answer is None else "yes" if answer else "no",
        "others": [label for label, grade in review.labels.items() if label != HATE_SPEECH and grade],
        "last": events[-1] if events else None,
        "before": events[0].probability if events else None,
        "after": learned[-1].probability if learned else None,
        "may_withdraw": review.status != ReviewedTweet.Status.WITHDRAWN,
    }
