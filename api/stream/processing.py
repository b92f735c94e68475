"""From messages to rows: judge them, then write events, hours and dead letters in one transaction."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import DataError, IntegrityError, transaction
from django.db.models import F

from api.lib import database, pseudonyms, suppression
from api.models import DeadLetter, StreamEvent, StreamHour
from api.prediction import predicting, recorder
from api.prediction.loading import LoadedModel
from api.prediction.recorder import Offered
from api.stream.messages import BadMessage, Message, decode
from api.stream.sources import Received
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.text import MAX_CHARS, fingerprint

logger = logging.getLogger(__name__)

#: A message whose readers ended so often is not tried again.
MOST_DELIVERIES = 6
#: Of `database.lock_alone`: whoever forgets waits for what is just being written.
FORGETTING = 0x68735F73
_MAX_PAYLOAD = 64 * 1024


@dataclass(frozen=True)
class Judged:
    """A message with its answers.

    Attributes:
        scores: for each label, the probability and the answer at the balanced point.
        sample: the prediction, where chance picked it for the review queue.
    """

    received: Received
    message: Message
    version: int
    fingerprint: str
    scores: dict[str, tuple[float, bool]]
    sample: Offered | None


class Counted(NamedTuple):
    """What an event adds to its hour.

    Attributes:
        times: 1; -1 takes away what it has added.
    """

    at: datetime
    channel: str
    version: int
    scores: dict[str, tuple[float, bool]]
    times: int = 1


class Dead(NamedTuple):
    """A message that cannot be worked on, and why."""

    received: Received
    error: str


@dataclass
class Outcome:
    """What became of messages: how many new events, repeated ones, forgotten ones and dead letters."""

    events: int = 0
    duplicates: int = 0
    forgotten: int = 0
    dead: int = 0

    def add(self, other: "Outcome") -> None:
        self.events += other.events
        self.duplicates += other.duplicates
        self.forgotten += other.forgotten
        self.dead += other.dead


@dataclass
class Work:
    """Messages that were judged, and those that cannot be."""

    judged: list[Judged] = field(default_factory=list)
    dead: list[Dead] = field(default_factory=list)


def judge(batch: Iterable[Received], model: LoadedModel) -> Work:
    """Judge messages. One that fails costs the others nothing."""
    work = Work()
    labels = [HATE_SPEECH, *(one for one in settings.STREAM_LABELS if one in model.scorer.labels)]
    labels = list(dict.fromkeys(labels))
    for received in batch:
        if received.deliveries > MOST_DELIVERIES:
            work.dead.append(Dead(received, f"{received.deliveries - 1} processes ended while they had it"))
            continue
        try:
            work.judged.append(_judge(received, model, labels))
        except BadMessage as error:
            work.dead.append(Dead(received, str(error)))
        except Exception as error:  # a text that nobody foresaw must not stop the stream
            logger.exception("a message cannot be judged")
            work.dead.append(Dead(received, f"it cannot be judged: {type(error).__name__}"))
    return work


def store(work: Work) -> Outcome:
    """Write everything in one transaction; where the database refuses a row, all others without it.

    What was stored before changes nothing. What was forgotten is not stored.

    Raises:
        DatabaseError: the database is away, or does not write now. Nothing of this call may be acknowledged.
    """
    try:
        with transaction.atomic():
            return _write(work)
    except (DataError, IntegrityError, ValueError) as error:
        # It is about a row. Which one? Half of them, and half of that.
        logger.warning("the database refuses some of %s messages: %s", len(work.judged), database.message(error))
        if not work.judged:
            raise
        if len(work.judged) == 1:
            [one] = work.judged
            reason = f"the database refuses it: {type(error).__name__}"
            return store(Work(dead=[*work.dead, Dead(one.received, reason)]))
        middle = len(work.judged) // 2
        outcome = store(Work(work.judged[:middle], work.dead))
        outcome.add(store(Work(work.judged[middle:])))
        return outcome


def _judge(received: Received, model: LoadedModel, labels: Sequence[str]) -> Judged:
    message = decode(received.payload, received_at=received.received_at)
    is_offered = recorder.is_on() and not message.do_not_store
    # Whoever reviews a text wants to know its language; finding it takes a tenth of the work on a message.
    found = predicting.score(model, message.tweet, labels) if is_offered else model.scorer.score(message.tweet, labels)
    thresholds = model.scorer.thresholds
    probability, sample = found.probabilities[HATE_SPEECH], None
    if is_offered:
        sample = recorder.pick(model, message.tweet, probability, found.warnings, received.key)
    return Judged(
        received,
        message,
        model.version,
        fingerprint(message.tweet[:MAX_CHARS]),
        {label: (chance, chance >= thresholds[label]) for label, chance in found.probabilities.items()},
        sample,
    )


def _write(work: Work) -> Outcome:
    database.lock_together(FORGETTING)
    kept = _without_forgotten(work.judged)
    # In one order, so that two processes with the same posts do not wait for each other.
    posts: dict[tuple[str, str], Judged] = {}
    for one in kept:
        posts.setdefault((one.message.channel, one.message.external_id), one)
    new = database.insert_new([_event(posts[post]) for post in sorted(posts)], ["channel", "external_id"])
    fresh = [posts[post] for post in sorted(new)]
    count(Counted(one.message.at, one.message.channel, one.version, one.scores) for one in fresh)
    recorder.store([one.sample for one in fresh if one.sample])
    letters = [_letter(one) for one in work.dead]
    DeadLetter.objects.bulk_create(letters, ignore_conflicts=True)
    forgotten = len(work.judged) - len(kept)
    return Outcome(len(fresh), len(kept) - len(fresh), forgotten, len(letters))


def _without_forgotten(judged: Sequence[Judged]) -> list[Judged]:
    if not suppression.is_needed():
        return list(judged)
    forgotten = suppression.find([names_of(one.message) for one in judged])
    return [one for place, one in enumerate(judged) if place not in forgotten]


def names_of(message: Message) -> dict[str, list[str]]:
    """Return what a message could have been forgotten by, as `suppression.find` takes it."""
    return {
        "text": suppression.forms_of_text(message.tweet[:MAX_CHARS]),
        "external_id": [message.external_id],
        "author": pseudonyms.forms(message.author),
    }


def _event(one: Judged) -> StreamEvent:
    event = StreamEvent(
        channel=one.message.channel,
        external_id=one.message.external_id,
        at=one.message.at,
        fingerprint=one.fingerprint,
        author=pseudonyms.pseudonym(one.message.author),
    )
    answer(event, one)
    return event


def answer(event: StreamEvent, one: Judged) -> None:
    """Give an event the answers about its text, and the version that gave them."""
    event.version_id = one.version
    event.probability, event.flagged = one.scores[HATE_SPEECH]
    event.others = {label: list(score) for label, score in one.scores.items() if label != HATE_SPEECH}


def count(counted: Iterable[Counted]) -> None:
    """Change the counts of hours, and delete an hour that nothing is left of."""
    sums: dict[tuple[datetime, str, str, int], list[float]] = defaultdict(lambda: [0, 0.0, 0.0, 0])
    for one in counted:
        for label, (probability, flagged) in one.scores.items():
            cell = sums[hour_of(one.at), one.channel, label, one.version]
            cell[0] += one.times
            cell[1] += one.times * probability
            cell[2] += one.times * probability * probability
            cell[3] += one.times * flagged
    keys = sorted(sums)  # in one order, so that two processes do not wait for each other
    rows = [
        StreamHour(hour=hour, channel=channel, label=label, version_id=version)
        for hour, channel, label, version in keys
    ]
    StreamHour.objects.bulk_create(rows, ignore_conflicts=True)
    for key in keys:
        number, total, squares, yes = sums[key]
        hour, channel, label, version = key
        rows_of_it = StreamHour.objects.filter(hour=hour, channel=channel, label=label, version=version)
        rows_of_it.update(
            count=F("count") + number,
            total=F("total") + total,
            squares=F("squares") + squares,
            flagged=F("flagged") + yes,
        )
        if number < 0:
            rows_of_it.filter(count__lte=0).delete()


def hour_of(at: datetime) -> datetime:
    """Return the beginning of an hour in UTC; those of other time zones are two, or none, twice a year."""
    return at.replace(minute=0, second=0, microsecond=0)


def _letter(dead: Dead) -> DeadLetter:
    text = dead.received.payload[:_MAX_PAYLOAD].decode("utf-8", errors="replace").replace("\0", "\ufffd")
    return DeadLetter(
        position=dead.received.position,
        received_at=dead.received.received_at,
        payload=text,
        error=dead.error.replace("\0", "\ufffd")[:500],
        tries=dead.received.deliveries,
    )
