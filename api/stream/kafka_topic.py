"""The topic in Kafka: how to reach it, what waits in it, and reading it again by time."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_END, Consumer, KafkaException, Message, TopicPartition
from django.conf import settings

from api.stream.sources import Received, SourceUnavailable, Waiting

logger = logging.getLogger(__name__)

_SECONDS = 5.0
_BATCH = 500
_looking = threading.Lock()


def consumer(**options: Any) -> Consumer:
    """Return a client that commits nothing by itself.

    Raises:
        SourceUnavailable: the options of KAFKA_PROPERTIES_FILE are none that librdkafka knows.
    """
    whole = {
        **settings.KAFKA_OPTIONS,
        "bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS,
        "group.id": settings.KAFKA_GROUP,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        # What is fetched ahead is in memory, for each partition: the default is 64 MB.
        "queued.max.messages.kbytes": 16_384,
        **options,
    }
    try:
        return Consumer(whole, logger=logger)
    except KafkaException as error:
        raise SourceUnavailable(f"the client refuses its options: {error.args[0].str()}") from None


class Taken(NamedTuple):
    """A message with its place."""

    partition: int
    offset: int
    received: Received


def take(client: Consumer, limit: int, seconds: float) -> list[Taken]:
    """Return what comes within some seconds.

    Raises:
        KafkaException: what comes is an error, and nothing else.
    """
    found = client.consume(limit, timeout=seconds)
    good = [taken(one) for one in found if one.error() is None]
    if found and not good:
        raise KafkaException(found[0].error())
    return good


def taken(message: Message) -> Taken:
    """Return a message that is no error."""
    now = int(time.time() * 1000)
    _, sent = message.timestamp()
    # Its producer may have said any time. One ahead of now would open hours that are not there yet.
    at = datetime.fromtimestamp((min(sent, now) if sent > 0 else now) / 1000, UTC)
    partition, offset = int(message.partition() or 0), int(message.offset() or 0)
    # With the time: a topic that is deleted and made again counts from 0.
    position = f"kafka:{message.topic()}/{partition}/{offset}@{sent}"
    return Taken(partition, offset, Received(position, message.value() or b"", at))


def waiting() -> Waiting:
    """Return what the group has not worked on yet.

    Raises:
        SourceUnavailable: Kafka does not answer, or there is no such topic.
    """
    with _looking:  # one at a time: it is one client
        client = _observer()
        client.poll(0)  # which passes on what the client has to log
        try:
            behind, number = [], 0
            for one in client.committed(partitions(client), timeout=_SECONDS):
                low, high = client.get_watermark_offsets(one, timeout=_SECONDS)
                at = max(one.offset, low)  # below 0 where nothing was ever committed
                if high > at:
                    behind.append(TopicPartition(one.topic, one.partition, at))
                    number += high - at
            return Waiting(number, _oldest(client, behind))
        except KafkaException as error:
            raise unavailable(error) from None


def partitions(client: Consumer, seconds: float = _SECONDS) -> list[TopicPartition]:
    """Return the topic's partitions.

    Raises:
        SourceUnavailable: Kafka does not answer, or there is no such topic.
    """
    name = settings.KAFKA_TOPIC
    try:
        topic = client.list_topics(name, timeout=seconds).topics[name]
    except KafkaException as error:
        raise unavailable(error) from None
    if topic.error is not None:
        raise SourceUnavailable(topic.error.name())
    return [TopicPartition(name, number) for number in sorted(topic.partitions)]


def again(since: datetime | None, until: datetime | None) -> Iterator[list[Received]]:
    """Read the topic once more, as far as it goes now, without taking anything from the group.

    Args:
        since: the messages that came from then on; None for all that the topic still has.
        until: those that came before.

    Raises:
        SourceUnavailable: Kafka does not answer, or there is no such topic.
    """
    client = consumer(**{"enable.partition.eof": False})
    try:
        starts, ends = _bounds(client, since)
        client.assign(starts)
        silent_since = time.monotonic()
        while ends:
            messages = take(client, _BATCH, 0.5)
            if messages:
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > 6 * _SECONDS:
                raise SourceUnavailable("nothing came for half a minute")
            found = [one.received for one in messages if one.offset < ends.get(one.partition, 0)]
            if wanted := [one for one in found if _is_between(one.received_at, since, until)]:
                yield wanted
            for one in client.position(starts):  # it also goes on over what is no message, such as a transaction's end
                if one.offset >= ends.get(one.partition, one.offset + 1):
                    ends.pop(one.partition)
    except KafkaException as error:
        raise unavailable(error) from None
    finally:
        client.close()


def unavailable(error: KafkaException) -> SourceUnavailable:
    """Return what Kafka said as every source says it: the error's name, for its text has addresses."""
    return SourceUnavailable(str(error.args[0].name()))


@cache
def _observer() -> Consumer:
    """Return a client that never joins the group."""
    return consumer(**{"fetch.wait.max.ms": 20, "log_level": 2})


def _bounds(client: Consumer, since: datetime | None) -> tuple[list[TopicPartition], dict[int, int]]:
    """Return where to begin, and for each partition where to end."""
    starts = partitions(client)
    if since is not None:
        asked = [TopicPartition(one.topic, one.partition, int(since.timestamp() * 1000)) for one in starts]
        starts = [one for one in client.offsets_for_times(asked, timeout=_SECONDS) if one.offset != OFFSET_END]
    begin, ends = [], {}
    for one in starts:
        low, high = client.get_watermark_offsets(one, timeout=_SECONDS)
        offset = low if since is None else max(low, one.offset)
        if offset < high:
            begin.append(TopicPartition(one.topic, one.partition, offset))
            ends[one.partition] = high
    return begin, ends


def _is_between(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or at >= since) and (until is None or at < until)


def _oldest(client: Consumer, behind: list[TopicPartition]) -> float | None:
    """Return when the oldest message came that the group has not worked on."""
    if not behind:
        return None
    came: dict[int, float] = {}
    client.assign(behind)
    try:
        end = time.monotonic() + 2
        while len(came) < len(behind) and time.monotonic() < end:
            for one in take(client, len(behind), 0.1):
                came.setdefault(one.partition, one.received.received_at.timestamp())
    finally:
        client.unassign()
    return min(came.values(), default=None)
