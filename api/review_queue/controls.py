"""Control items: tweets of corpora with a known answer, put between clients' tweets to measure the reviewers.

Nothing that a reviewer is told may tell them apart: they come with every reason, from both lanes, judged by the version
that serves; and reviews of them get the statuses that reviews of other tweets get (api/training/dataset.py).
"""

import random
from uuid import UUID, uuid4

from django.db.models import Max, Min, QuerySet
from django.utils.crypto import salted_hmac

from api.models import ReviewedTweet, StoredPrediction
from api.prediction import active_model, predicting
from api.prediction.active_model import ModelNotReady
from api.prediction.loading import LoadedModel
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.priority import worth
from hate_speech_ai.text import MAX_CHARS, is_held_out

_ROWS = 25
_SALT = "api.review_queue.controls"


def take(
    open_items: QuerySet[StoredPrediction], *, drawn: bool, reason: str, disagree: bool
) -> StoredPrediction | None:
    """Return a control item that can stand beside a client's tweet: one left over, or a new one.

    Args:
        open_items: what the person may be handed.
        drawn: to stand among those that chance picked.
        reason: it must have this one, if any; `disagree` where that is that two versions disagree.
    """
    for left in open_items.filter(is_control=True).order_by("pk"):
        if is_drawn(left) == drawn and (left.disagreement if disagree else not reason or reason in left.reasons):
            return left
    if disagree:  # which only the worker can find out
        return None
    try:
        model = active_model.get()
    except ModelNotReady:
        return None
    best, most = None, -1.0
    for row in random_rows():
        tweet = row.tweet[:MAX_CHARS]
        found = worth(model.scorer, tweet, model.scorer.probabilities([tweet])[0])
        if (not drawn and not found.score) or (reason and reason not in found.reasons):
            continue
        if found.score > most and _is_beyond_doubt(row) and not _is_stored(row):
            best, most = row, found.score
        if best and drawn and not reason:
            break  # chance picks among all
    return store(best, model, drawn=drawn) if best else None


def is_drawn(control: StoredPrediction) -> bool:
    """Return whether a control item is shown as one that chance picked: always the same, and nobody can work it out."""
    return not control.worth or _is_even(control.pk)


def random_rows() -> list[ReviewedTweet]:
    """Return some rows of corpora, one behind the other from a random place on.

    Texts that are held out by their hash are among them, as among clients' texts; those that the authors of a corpus
    test with are not: a review of them would be held out for a reason that no other text of the queue has.
    """
    rows = ReviewedTweet.objects.filter(key=None, labels__has_key=HATE_SPEECH)
    span = rows.aggregate(first=Min("pk"), last=Max("pk"))
    if span["first"] is None:
        return []
    begin = random.randint(span["first"], span["last"])  # noqa: S311
    return list(rows.filter(pk__gte=begin).order_by("pk")[:_ROWS])


def store(
    row: ReviewedTweet, model: LoadedModel, disagreement: str = "", *, drawn: bool | None = None
) -> StoredPrediction | None:
    """Store a row as a control item that looks like a tweet predicted just now.

    Returns:
        None where the text is stored already, as a client's or as a control item, or its answer is in doubt.
    """
    if not _is_beyond_doubt(row):
        return None
    tweet = row.tweet[:MAX_CHARS]
    score = predicting.score(model, tweet, (HATE_SPEECH,))
    found = worth(model.scorer, tweet, score.probabilities[HATE_SPEECH])
    fields = {
        "pk": _number(drawn),
        "tweet": tweet,
        "version_id": model.version,
        "probability": score.probabilities[HATE_SPEECH],
        "threshold": model.scorer.thresholds[HATE_SPEECH],
        "warnings": score.warnings,
        "reasons": found.reasons,
        "worth": found.score + bool(disagreement),
        "disagreement": disagreement,
        "compared_for": model.version if disagreement else None,
        "is_control": True,
    }
    control, new = StoredPrediction.objects.get_or_create(fingerprint=row.fingerprint, defaults=fields)
    return control if new else None


def _is_beyond_doubt(row: ReviewedTweet) -> bool:
    """Return whether all who are believed and ever said something about this text are corpora, and of one mind."""
    rows = ReviewedTweet.objects.believed().filter(fingerprint=row.fingerprint, is_control=False)
    said = list(rows.values_list("key", "labels", "held_out"))
    answers = {labels.get(HATE_SPEECH) for _, labels, _ in said}
    by_hash = is_held_out(row.fingerprint)
    return (
        len(answers) == 1
        and isinstance(answers.pop(), bool)
        and all(not key and held_out == by_hash for key, _, held_out in said)
    )


def _is_stored(row: ReviewedTweet) -> bool:
    return StoredPrediction.objects.filter(fingerprint=row.fingerprint).exists()


def _number(drawn: bool | None) -> UUID:
    """Return a new number that says, to those who know the secret key, how the control item is shown."""
    number = uuid4()
    while drawn is not None and _is_even(number) != drawn:
        number = uuid4()
    return number


def _is_even(number: UUID) -> bool:
    return int(salted_hmac(_SALT, str(number), algorithm="sha256").hexdigest()[0], 16) % 2 == 0
