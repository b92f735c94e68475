"""Judging posts again with another version: their events change, and their hours with them.

Only events that are there change, so that twice is as once: one that was deleted for its age stays in its hours, and
would be counted again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
from django.db import transaction
from django.utils import timezone

from api.lib import database
from api.models import StreamEvent
from api.prediction.loading import LoadedModel
from api.stream import processing
from api.stream.processing import Counted, Judged
from api.stream.sources import Received
from hate_speech_ai import tables
from hate_speech_ai.labels import HATE_SPEECH

_BATCH = 500
_LOCK_SECONDS = 20
#: Channel, the platform's id, and the text's fingerprint.
_Post = tuple[str, str, str]


@dataclass
class Rescored:
    """What became of messages.

    Attributes:
        changed: events that have new answers.
        same: events that had these answers already.
        without_event: posts that have no event, or whose event is of another text.
        bad: messages that cannot be read or judged.
    """

    changed: int = 0
    same: int = 0
    without_event: int = 0
    bad: int = 0

    def add(self, other: "Rescored") -> None:
        self.changed += other.changed
        self.same += other.same
        self.without_event += other.without_event
        self.bad += other.bad

    @property
    def messages(self) -> int:
        return self.changed + self.same + self.without_event + self.bad


def rescore(batch: Iterable[Received], model: LoadedModel) -> Rescored:
    """Give the events of messages the answers of a model, in one transaction.

    An event moves from its hour under the version before to the same hour under this one.

    Raises:
        DatabaseError: nothing of this call is stored.
    """
    work = processing.judge(batch, model)
    posts = {_post(one): one for one in work.judged}
    found: set[_Post] = set()
    changed: list[StreamEvent] = []
    counted: list[Counted] = []
    with transaction.atomic():
        database.wait_for_locks(_LOCK_SECONDS)
        rows = StreamEvent.objects.filter(external_id__in={external_id for _, external_id, _ in posts})
        for event in rows.select_for_update().order_by("channel", "external_id"):
            post = event.channel, event.external_id, event.fingerprint
            new = posts.get(post)
            if new is None:
                continue
            found.add(post)
            before = Counted(event.at, event.channel, event.version_id, _scores(event), times=-1)
            if (before.version, before.scores) != (new.version, new.scores):
                processing.answer(event, new)
                counted += [before, Counted(event.at, event.channel, new.version, new.scores)]
                changed.append(event)
        StreamEvent.objects.bulk_update(changed, ["version_id", "probability", "flagged", "others"])
        processing.count(counted)
    without = sum(_post(one) not in found for one in work.judged)
    same = len(work.judged) - without - len(changed)
    return Rescored(len(changed), same, without, len(work.dead))


def read_file(path: Path) -> Iterator[list[Received]]:
    """Read messages as JSON lines or CSV, by the fields that a message of the stream has; 500 at once.

    Raises:
        Unreadable: the file has another ending, or a header that is not readable.
        OSError: it cannot be read.
    """
    now, batch = timezone.now(), []
    for line, row in tables.read(path):
        if isinstance(row, dict):
            row = {name: value for name, value in row.items() if value != "" and name != "do_not_store"}
        batch.append(Received(f"{path.name}:{line}", _encoded(row), now))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _encoded(row: tables.Row | str) -> bytes:
    try:
        return orjson.dumps(row)  # of a bad line, the sentence that says so: it is no message
    except TypeError:  # such as a number that JSON has and orjson has not
        return b""


def _post(one: Judged) -> _Post:
    """Return what an event is found by: with the text, for the first text of a post counts."""
    return one.message.channel, one.message.external_id, one.fingerprint


def _scores(event: StreamEvent) -> dict[str, tuple[float, bool]]:
    others = {label: (float(chance), bool(yes)) for label, (chance, yes) in event.others.items()}
    return {HATE_SPEECH: (event.probability, event.flagged), **others}
