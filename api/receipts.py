"""What becomes of reviews, and what there is to say about it."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from api.models import ModelVersion, ReviewedTweet, ReviewEvent
from hate_speech_ai.labels import HATE_SPEECH, decide, in_order, votes

Status = ReviewedTweet.Status
LEARNED = (Status.TRAINED, Status.CONFLICT)
_BATCH = 500

SUPERSEDED = "The same key said something newer about what is the same text once it is cleaned."
HELD_OUT = "Its text is now one of those that models are measured on, so none is trained on it."
TRAINED = "Version {version} learned it, and serves since."
OUTVOTED = "Version {version}, which serves since, learned the opposite: {others} of {all} sources say so."
TIED = "Version {version}, which serves since, learned the opposite: the newest of {all} sources says so."


class Stored(NamedTuple):
    """What a training reads of a row; the status is empty in those of a corpus."""

    pk: int
    tweet: str
    labels: dict[str, bool]
    status: str
    author: str = ""


class Change(NamedTuple):
    """A review's next status, should a version serve that was made of what it was found with."""

    pk: int
    tweet: str
    before: str
    status: str
    reason: str


def superseded(row: Stored) -> Iterator[Change]:
    """For a row that is not its source's last about a text, as when an update of the cleaning made texts equal."""
    if row.status not in (Status.SUPERSEDED, ""):
        yield Change(row.pk, row.tweet, row.status, Status.SUPERSEDED, SUPERSEDED)


def held_out(rows: Sequence[Stored]) -> Iterator[Change]:
    """For the rows that count of a text that is held out: a corpus that was imported later may say so, too."""
    for row in rows:
        if row.status not in (Status.HELD_OUT, ""):
            yield Change(row.pk, row.tweet, row.status, Status.HELD_OUT, HELD_OUT)


def learned(rows: Sequence[Stored]) -> Iterator[Change]:
    """For the rows that count of a text that is trained on, oldest first."""
    if not any(row.status for row in rows):
        return
    answers = votes(row.labels for row in rows).get(HATE_SPEECH, [])
    for row in rows:
        status, reason = _verdict(row.labels.get(HATE_SPEECH), answers)
        if row.status not in (status, ""):
            yield Change(row.pk, row.tweet, row.status, status, reason)


def settle(changes: Sequence[Change], probabilities: Sequence[float], version: ModelVersion) -> None:
    """Store what became of reviews with a version that now serves; to be called in the transaction that promotes it.

    A review that has changed in the meantime, by its key or by a withdrawal, is left as it is.

    Args:
        probabilities: of hate_speech in the changes' tweets, by the version.
    """
    steps = list(zip(changes, probabilities, strict=True))
    for start in range(0, len(steps), _BATCH):
        _settle(steps[start : start + _BATCH], version)


def resolution(review: ReviewedTweet) -> dict[str, dict[str, Any]]:
    """What counts about a review's text, for each label: how many sources say yes and no, and what decides."""
    newest: dict[str, dict[str, bool]] = {}
    same = ReviewedTweet.objects.filter(fingerprint=review.fingerprint).order_by("pk")
    for source, labels, status in same.values_list("source", "labels", "status"):
        newest.pop(source, None)
        if status != Status.WITHDRAWN:
            newest[source] = labels
    answers = votes(newest.values())
    return {label: _count(answers[label]) for label in in_order(answers)}


def _count(answers: list[bool]) -> dict[str, Any]:
    yes = sum(answers)
    no = len(answers) - yes
    return {"yes": yes, "no": no, "counts": decide(answers), "decided_by": "newest" if yes == no else "majority"}


def _verdict(answer: bool | None, answers: list[bool]) -> tuple[str, str]:
    if answer is None or answer == decide(answers):
        return Status.TRAINED, TRAINED
    others = sum(other != answer for other in answers)
    reason = TIED if 2 * others == len(answers) else OUTVOTED
    return Status.CONFLICT, reason.replace("{others}", str(others)).replace("{all}", str(len(answers)))


def _settle(steps: Sequence[tuple[Change, float]], version: ModelVersion) -> None:
    rows = ReviewedTweet.objects.filter(pk__in=[change.pk for change, _ in steps]).order_by("pk")
    now = dict(rows.select_for_update().values_list("pk", "status"))
    valid = [(change, probability) for change, probability in steps if now.get(change.pk) == change.before]
    for status in Status:
        ids = [change.pk for change, _ in valid if change.status == status]
        if not ids:
            continue
        if status in LEARNED:
            ReviewedTweet.objects.filter(pk__in=ids).update(status=status, trained_in=version)
        else:
            ReviewedTweet.objects.filter(pk__in=ids).update(status=status)
    ReviewEvent.objects.bulk_create(_event(change, probability, version) for change, probability in valid)


def _event(change: Change, probability: float, version: ModelVersion) -> ReviewEvent:
    event = ReviewEvent(review_id=change.pk, status=change.status, reason=change.reason)
    if change.status in LEARNED:
        event.reason = change.reason.replace("{version}", str(version.pk))
        event.version, event.probability = version, probability
    return event
