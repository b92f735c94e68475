"""The page to try a sentence on."""

import json
import shlex
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from rest_framework.exceptions import APIException

from api.http.fields import text_problem
from api.http.problems import flatten
from api.http.throttling import address, count
from api.keys.accounts import Role, role_of
from api.pages.access import Refused, is_part, page, reviewing_key
from api.pages.marked_text import Piece, cut
from api.prediction import predicting
from api.prediction.active_model import ModelNotReady
from api.reviews import intake
from api.reviews.serializers import ReviewRequestSerializer
from hate_speech_ai.labels import HATE_SPEECH

#: Characters that the field takes; the model reads 5,000.
MAX_TEXT = 5_000
# They show what the model finds hard, and none is crueller than it must be.
_EXAMPLES = (
    "have a lovely day, everyone",
    "The referee was blind tonight, worst match of the season",
    "I am a proud gay man and I love my city",
    "Women should not be allowed to vote",
    "They are all thieves. Send them back where they came from",
    "Muslims are welcome in our street, come and have tea with us",
    "these 1mmigr4nts are v3rmin",
    "He said that immigrants are vermin, and that is a disgrace",
    "shut up, you idiot",
    "Nobody should be attacked for their religion",
)

_WARNINGS = {
    "empty_after_cleaning": "There was nothing to read in this text.",
    "no_known_words": "The model knows none of these words, so its answer says little.",
    "truncated": "Only the first 5,000 characters were read.",
    "language_not_supported": "This is clearly not English, and the model reads English only.",
}


@page(Role.VISITOR, "GET", "POST")
def try_it(request: HttpRequest) -> HttpResponse:
    if not settings.PUBLIC_PREDICT and role_of(request.user) < Role.MODERATOR:
        raise Refused("Predictions are not public here. Sign in to try one.")
    text = request.POST.get("tweet", "")
    shown = _answer(request, text) if request.method == "POST" and text.strip() else {}
    if is_part(request):
        return render(request, "pages/try_answer.html", shown)
    return render(request, "pages/try.html", {"examples": _EXAMPLES, "text": text, "max": MAX_TEXT, **shown})


@page(Role.MODERATOR, "POST")
def wrong(request: HttpRequest) -> HttpResponse:
    """Store a review that says the opposite of the answer shown."""
    answer = request.POST.get("is_hate_speech", "")
    said = {"tweet": request.POST.get("tweet", ""), "is_hate_speech": {"true": True, "false": False}.get(answer)}
    key = reviewing_key(request)
    try:
        fields = ReviewRequestSerializer.read(said)
        review, new = intake.add(tweet=fields["tweet"], labels=fields["labels"], source=key.source, key=key)
    except APIException as refusal:
        problem = "; ".join(message for messages in flatten(refusal.detail).values() for message in messages)
        return render(request, "pages/try_thanks.html", {"problem": problem})
    return render(request, "pages/try_thanks.html", {"review": review, "new": new, "answer": answer})


def _answer(request: HttpRequest, text: str) -> dict[str, Any]:
    """Return what the page shows about a text. It is a try and no traffic, so it is never stored."""
    wait = count(settings.LIMITS["predict"], f"predict:{address(request)}")
    if problem := f"Too many tries. Go on in {wait:.0f} s." if wait else _problem(text):
        return {"problem": problem}
    try:
        chosen = predicting.serving()
    except ModelNotReady:
        return {"problem": "No model serves yet. The first one takes about a minute; try again then."}
    model = chosen.model
    others = [label for label in model.scorer.labels if label != HATE_SPEECH]
    found = predicting.predict(chosen, text, (HATE_SPEECH, *others), key=None, store=False)
    answer = predicting.as_answer(found, model, others)
    labels = answer.pop("labels", {})
    predicting.add_explanations(answer, model, text)
    pieces = cut(text, answer["explanation"])
    return {
        "text": text,
        "answer": answer,
        "labels": sorted(labels.items(), key=lambda item: -item[1]["probability"]),
        "pieces": pieces,
        "strongest": sorted((piece for piece in pieces if piece.level), key=lambda piece: -abs(piece.value)),
        "read_as": _read_as(pieces),
        "flips": [pieces[place].text for place in _places(pieces, answer["explanation"])],
        "warnings": [_WARNINGS.get(code, code) for code in answer["warnings"]],
        "version": model.version,
        "curl": _curl(request, text),
        "may_review": role_of(request.user) >= Role.MODERATOR,
    }


def _problem(text: str) -> str:
    if len(text) > MAX_TEXT:
        return f"At most {MAX_TEXT:,} characters; this has {len(text):,}."
    return text_problem(text) or ""


def _places(pieces: list[Piece], explanation: dict[str, Any]) -> list[int]:
    """Return the pieces without which the decision is the opposite."""
    wanted = set(explanation["counterfactual_tokens"])
    return [place for place, piece in enumerate(pieces) if piece.token in wanted]


def _read_as(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces that the model reads as another word than is written: an evasion that it saw through."""
    found = {(piece.text.casefold(), piece.word): piece for piece in pieces if piece.is_evasion}
    return list(found.values())


def _curl(request: HttpRequest, text: str) -> str:
    address_of_call = settings.PUBLIC_URL.rstrip("/") + "/predict" if settings.PUBLIC_URL else ""
    url = address_of_call or request.build_absolute_uri(reverse("predict"))
    body = json.dumps({"tweet": text, "explain": True}, ensure_ascii=False)
    return f"curl {shlex.quote(url)} -H 'Content-Type: application/json' -d {shlex.quote(body)}"
