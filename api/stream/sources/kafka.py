"""Reading the topic in Kafka as one of a group."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from django.conf import settings

from api.stream import kafka_topic
from api.stream.kafka_topic import Taken
from api.stream.sources import ALONE_FROM, Received, SourceUnavailable

logger = logging.getLogger(__name__)

_WAIT_SECONDS = 0.5
_LONGEST_BATCH_SECONDS = 60.0


class _Mark(NamedTuple):
    """What stands beside a partition's offset in Kafka, for the reader that comes after one that ended.

    Attributes:
        begun: how often what begins there was handed out, and not acknowledged.
        alone_until: up to this offset, messages are handed out one by one.
    """

    begun: int = 0
    alone_until: int = 0

    def encode(self) -> str:
        return f"{self.begun}:{self.alone_until}" if any(self) else ""

    @classmethod
    def decode(cls, text: str | None) -> "_Mark":
        begun, _, until = (text or "").partition(":")
        return cls(int(begun), int(until)) if begun.isdigit() and until.isdigit() else cls()


class KafkaSource:
    """A reader of the topic. What a reader that ended had in its hands comes to another after `lease_seconds`.

    Kafka does not count how often it handed a message out. So a reader says, beside the offset, that it begins there.
    """

    def __init__(self, *, lease_seconds: float) -> None:
        lease = int(lease_seconds * 1000)
        self._trouble = False
        self._paused = False
        self._early: list[Taken] = []  # read, and not handed out yet
        self._marks: dict[int, _Mark] = {}
        self._proven: set[int] = set()  # partitions of which something was acknowledged since they came here
        self._begins: dict[int, int] = {}  # what is handed out: its first offset by partition
        self._ends: dict[int, int] = {}  # and the one behind its last
        self._consumer: Consumer = kafka_topic.consumer(
            **{
                "partition.assignment.strategy": "cooperative-sticky",  # the others stop all readers for each new one
                "session.timeout.ms": lease,
                "heartbeat.interval.ms": min(3000, lease // 6),
                "max.poll.interval.ms": max(lease, int(_LONGEST_BATCH_SECONDS * 1000)),
                "error_cb": self._note,
            }
        )
        self._consumer.subscribe([settings.KAFKA_TOPIC], on_revoke=self._leave, on_lost=self._leave)

    def read(self, limit: int) -> Sequence[Received]:
        messages = self._early
        try:
            if messages:
                self._serve()
                messages = self._early
            else:
                messages = self._take(limit)
            if messages:
                return self._hand_out(messages, limit)
        except (KafkaException, SourceUnavailable) as error:
            self._early = messages  # the client will not give them again
            self._trouble = True  # the client says it once
            raise kafka_topic.unavailable(error) if isinstance(error, KafkaException) else error from None
        if self._trouble:
            kafka_topic.partitions(self._consumer)
            self._trouble = False
        return []

    def done(self, received: Sequence[Received]) -> None:
        here = {one.partition for one in self._consumer.assignment()}
        ends = {number: end for number, end in self._ends.items() if number in here}  # the others are another reader's
        self._begins, self._ends = {}, {}
        for number, end in ends.items():
            until = self._marks.get(number, _Mark()).alone_until
            self._marks[number] = _Mark(0, until) if end < until else _Mark()
            self._proven.add(number)
        self._commit(ends, self._marks)

    def keep(self) -> None:
        """Say that this reader lives; a client that does not ask for messages is thrown out of its group."""
        with suppress(KafkaException):
            self._consumer.pause(self._consumer.assignment())
            self._paused = True
            self._serve()

    def close(self) -> None:
        with suppress(SourceUnavailable):  # what was begun and is given back is nobody's fault
            here = {number: offset for number, offset in self._begins.items() if number in self._marks}
            self._commit(here, self._marks)
        self._consumer.close()

    def _hand_out(self, messages: list[Taken], limit: int) -> list[Received]:
        first: dict[int, Taken] = {}
        for one in messages:
            first.setdefault(one.partition, one)
        for number, one in first.items():
            if number not in self._marks:
                self._marks[number] = self._mark_before(one, limit)
        alone = next((one for one in first.values() if one.offset < self._marks[one.partition].alone_until), None)
        later: list[Taken] = []
        if alone is not None:
            later = [one for one in messages if one is not alone]
            messages, first = [alone], {alone.partition: alone}
        begins = {number: one.offset for number, one in first.items()}
        begun = {number: self._marks[number]._replace(begun=self._marks[number].begun + 1) for number in begins}
        said = {number for number in begins if alone is not None or number not in self._proven}
        self._commit({number: begins[number] for number in said}, begun)
        self._early, self._begins = later, begins
        self._ends = {one.partition: one.offset + 1 for one in messages}
        times = begun[alone.partition].begun if alone is not None else 1
        return [one.received._replace(deliveries=times) for one in messages]

    def _mark_before(self, one: Taken, limit: int) -> _Mark:
        """Return what the reader before left at a partition's offset; beyond it, nothing."""
        [committed] = self._consumer.committed([TopicPartition(settings.KAFKA_TOPIC, one.partition)], timeout=5)
        mark = _Mark.decode(committed.metadata) if 0 <= committed.offset <= one.offset else _Mark()
        if mark.begun >= ALONE_FROM and not mark.alone_until:
            logger.warning("%s readers ended with what begins at %s", mark.begun, one.received.position)
            mark = mark._replace(alone_until=one.offset + limit)
        return mark

    def _commit(self, offsets: dict[int, int], marks: dict[int, _Mark]) -> None:
        if not offsets:
            return
        wanted = [
            TopicPartition(settings.KAFKA_TOPIC, number, offset, marks[number].encode())
            for number, offset in offsets.items()
        ]
        try:
            answers = self._consumer.commit(offsets=wanted, asynchronous=False) or []
        except KafkaException as error:
            raise kafka_topic.unavailable(error) from None
        if refused := [one.error.name() for one in answers if one.error is not None]:
            raise SourceUnavailable(refused[0])

    def _take(self, limit: int) -> list[Taken]:
        if self._paused:
            self._consumer.resume(self._consumer.assignment())
            self._paused = False
        return kafka_topic.take(self._consumer, limit, _WAIT_SECONDS)

    def _serve(self) -> None:
        """Let the client do what it does while it is asked for messages, such as taking part in its group."""
        if (one := self._consumer.poll(0)) and one.error() is None:
            self._early.append(kafka_topic.taken(one))

    def _note(self, error: KafkaError) -> None:
        """Remember that something is wrong; the client tries again by itself, and does not say when it is well."""
        self._trouble = True

    def _leave(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for one in partitions:
            self._marks.pop(one.partition, None)
            self._proven.discard(one.partition)
        left = {one.partition for one in partitions}
        self._early = [one for one in self._early if one.partition not in left]
