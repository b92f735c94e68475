"""What becomes of reviews when a version that was made of them serves."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from api.models import LEARNED, ModelVersion, ReviewedTweet, ReviewEvent
from hate_speech_ai.labels import HATE_SPEECH, Vote, decide, rounded_answer, votes

Status = ReviewedTweet.Status


_BATCH = 500
SUPERSEDED = "The same key said something newer about what is the same text once it is cleaned."
HELD_OUT = "Its text is now one of those that models are measured on, so none is trained on it."
TRAINED = "Version {version} learned it, and serves since."
OUTVOTED = "Version {version}, which serves since, learned the opposite, for which {others} of {all} votes are."
TIED = "Version {version}, which serves since, learned the opposite: it is a tie, and the newest opinion says so."
UNDECIDED = "Version {version} learned nothing about hate_speech from it: the votes are even, and none leans to a side."


class Stored(NamedTuple):
    """What a training reads of a row; the status is empty in those of a corpus."""

    pk: int
    tweet: str
    labels: dict[str, float]
    status: str
    approved: bool
    reviewer: str
    author: str
    is_control: bool


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


def learned(rows: Sequence[Stored], weights: Sequence[float]) -> Iterator[Change]:
    """For the rows that count of a text that is trained on, oldest first, with the weights of their votes."""
    if not any(row.status for row in rows):
        return
    answers = votes((row.labels for row in rows), weights).get(HATE_SPEECH, [])
    for row in rows:
        status, reason = _verdict(row.labels.get(HATE_SPEECH), answers)
        if row.status not in (status, ""):
            yield Change(row.pk, row.tweet, row.status, status, reason)


def apply_outcomes(changes: Sequence[Change], probabilities: Sequence[float], version: ModelVersion) -> None:
    """Store what became of reviews with a version that now serves; to be called in the transaction that promotes it.

    A review that has changed in the meantime, by its key or by a withdrawal, is left as it is.

    Args:
        probabilities: of hate_speech in the changes' tweets, by the version.
    """
    # In the order of their rows, as everybody locks them.
    steps = sorted(zip(changes, probabilities, strict=True), key=lambda step: step[0].pk)
    for start in range(0, len(steps), _BATCH):
        _settle(steps[start : start + _BATCH], version)


def _verdict(grade: float | None, found: list[Vote]) -> tuple[str, str]:
    if grade is None:
        return Status.TRAINED, TRAINED
    decision = decide(found)
    if decision.answer is None:
        return Status.TRAINED, UNDECIDED
    if rounded_answer(grade) in (None, decision.answer):
        return Status.TRAINED, TRAINED
    if decision.by == "newest":
        return Status.CONFLICT, TIED
    others = decision.yes if decision.answer else decision.no
    reason = OUTVOTED.replace("{others}", f"{others:.3g}").replace("{all}", f"{decision.yes + decision.no:.3g}")
    return Status.CONFLICT, reason


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
