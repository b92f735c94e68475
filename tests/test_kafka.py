"""Reading the stream from Kafka, of librdkafka's own broker: what is handed out, what waits, and reading it again."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from api.models import ModelVersion
from api.stream import kafka_topic
from api.stream.processing import MOST_DELIVERIES
from api.stream.sources import ALONE_FROM, Received, SourceUnavailable, Waiting
from api.stream.sources.kafka import KafkaSource
from config import kafka_options
from tests.conftest import AsKey, reload_urls

AT = 1_795_244_400_000  # 2026-11-21T07:00:00Z, in ms
HOUR = datetime.fromtimestamp(AT / 1000, UTC)


@pytest.fixture(scope="module")
def producer() -> Producer:
    """A producer that is a broker too; each topic has four partitions."""
    return Producer({"test.mock.num.brokers": 1})


@pytest.fixture
def topic(producer: Producer, settings: Settings, request: pytest.FixtureRequest) -> Iterator[str]:
    [broker] = producer.list_topics(timeout=10).brokers.values()
    settings.STREAM = "kafka"
    settings.KAFKA_BOOTSTRAP_SERVERS = f"{broker.host}:{broker.port}"
    settings.KAFKA_TOPIC = settings.KAFKA_GROUP = request.node.name[:60]
    kafka_topic._observer.cache_clear()
    reload_urls()
    yield settings.KAFKA_TOPIC
    kafka_topic._observer.cache_clear()
    settings.STREAM = ""
    reload_urls()


def produce(producer: Producer, topic: str, numbers: range, partition: int = 0, minutes: int = 0) -> None:
    for number in numbers:
        producer.produce(topic, f"{number}", partition=partition, timestamp=AT + minutes * 60_000)
    assert producer.flush(10) == 0


def read(source: KafkaSource, limit: int = 500) -> list[Received]:
    """What comes next; a group takes some seconds to begin."""
    end = time.monotonic() + 30
    while not (found := list(source.read(limit))):
        assert time.monotonic() < end
    return found


def said(received: list[Received]) -> list[str]:
    return [one.payload.decode() for one in received]


def marks(client: Consumer, topic: str) -> list[tuple[int, str]]:
    found = client.committed([TopicPartition(topic, number) for number in range(4)], timeout=10)
    return [(one.offset, one.metadata or "") for one in found if one.offset >= 0]


def test_what_readers_ended_with_is_handed_out_alone_and_nothing_is_lost(producer: Producer, topic: str) -> None:
    produce(producer, topic, range(8))
    client = kafka_topic.consumer()
    # Readers ended with what begins at 2 until it was alone, and then with it alone.
    before = TopicPartition(topic, 0, 2, f"{MOST_DELIVERIES}:6")
    client.commit(offsets=[before], asynchronous=False)
    source = KafkaSource(lease_seconds=6)

    first = read(source)
    source.keep()  # the database is away; the client is told to fetch nothing, and lives
    assert (said(first), first[0].deliveries) == (["2"], MOST_DELIVERIES + 1)
    assert marks(client, topic) == [(2, f"{MOST_DELIVERIES + 1}:6")]
    source.done(first)
    assert marks(client, topic) == [(3, "0:6")]

    second = read(source)
    assert (said(second), second[0].deliveries) == (["3"], 1)
    source.done(second)
    for _ in range(2):
        source.done(read(source))
    assert said(read(source)) == ["6", "7"]
    source.close()  # without having acknowledged it

    assert marks(client, topic) == [(6, "")]
    client.close()


def test_a_reader_says_where_it_begins_and_how_often_that_was(producer: Producer, topic: str) -> None:
    produce(producer, topic, range(3))
    client = kafka_topic.consumer()
    client.commit(offsets=[TopicPartition(topic, 0, 1, f"{ALONE_FROM}:0")], asynchronous=False)
    source = KafkaSource(lease_seconds=6)

    found = read(source, limit=2)

    assert (said(found), found[0].deliveries) == (["1"], ALONE_FROM + 1)
    assert marks(client, topic) == [(1, f"{ALONE_FROM + 1}:3")]
    source.done(found)
    source.done(read(source))
    assert marks(client, topic) == [(3, "")]
    source.close()
    client.close()


def test_what_waits_is_what_the_group_has_not_acknowledged(
    producer: Producer, topic: str, served: ModelVersion, as_key: AsKey
) -> None:
    with pytest.raises(SourceUnavailable, match="UNKNOWN_TOPIC_OR_PART"):
        kafka_topic.waiting()
    produce(producer, topic, range(5), partition=0)
    produce(producer, topic, range(7), partition=2, minutes=-3)
    client = kafka_topic.consumer()
    client.commit(offsets=[TopicPartition(topic, 0, 3)], asynchronous=False)

    assert kafka_topic.waiting() == Waiting(9, AT / 1000 - 180)
    assert as_key("predict").get("/health").json()["stream"]["waiting"] == 9

    client.commit(offsets=[TopicPartition(topic, 0, 5), TopicPartition(topic, 2, 7)], asynchronous=False)
    assert kafka_topic.waiting() == Waiting(0, None)
    client.close()


def test_it_is_read_again_without_taking_anything_from_the_group(producer: Producer, topic: str) -> None:
    for minutes in range(4):
        produce(producer, topic, range(10 * minutes, 10 * minutes + 5), partition=minutes % 2, minutes=minutes)

    whole = [one for batch in kafka_topic.again(None, None) for one in batch]
    early = [one for batch in kafka_topic.again(None, HOUR + timedelta(minutes=2)) for one in batch]

    assert sorted(map(int, said(whole))) == [*range(5), *range(10, 15), *range(20, 25), *range(30, 35)]
    assert sorted(map(int, said(early))) == [*range(5), *range(10, 15)]
    assert len({one.position for one in whole}) == 20
    assert kafka_topic.waiting().number == 20


def test_a_message_from_the_future_counts_as_one_of_now(producer: Producer, topic: str) -> None:
    produce(producer, topic, range(1), minutes=60 * 24 * 365 * 500)

    [[found]] = kafka_topic.again(None, None)

    assert found.received_at <= datetime.now(UTC)


def test_tweets_are_produced_to_kafka_and_not_posted(topic: str, as_key: AsKey) -> None:
    response = as_key("predict").post("/stream/tweets", {"tweets": [{"external_id": "1", "tweet": "hello"}]})

    assert (response.status_code, response.json()["code"]) == (405, "produce_to_kafka")
    assert "POST" not in response.headers["Allow"]
    assert "post" not in as_key("predict").get("/schema").json()["paths"]["/stream/tweets"]


def test_an_address_where_no_broker_is(settings: Settings) -> None:
    settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:1"
    client = kafka_topic.consumer()

    with pytest.raises(SourceUnavailable, match=r"^(_TRANSPORT|_ALL_BROKERS_DOWN|_TIMED_OUT)$"):
        kafka_topic.partitions(client, seconds=0.2)
    client.close()


def test_an_option_that_the_client_does_not_know(settings: Settings) -> None:
    settings.KAFKA_OPTIONS = {"sasl.pasword": "a secret"}

    with pytest.raises(SourceUnavailable, match=r"sasl\.pasword") as refused:
        kafka_topic.consumer()
    assert "secret" not in str(refused.value)


class TestPropertiesFile:
    def test_it_works(self, tmp_path: Path) -> None:
        file = tmp_path / "kafka.properties"
        file.write_text("# of the cluster\nsecurity.protocol=SASL_SSL\n\nsasl.password = a=b \n")

        assert kafka_options.read(file) == {"security.protocol": "SASL_SSL", "sasl.password": "a=b"}

    @pytest.mark.parametrize(
        ("line", "problem"),
        [("a secret", "line 1 is not NAME=VALUE"), ("enable.auto.commit=true", "which the service sets")],
    )
    def test_a_line_that_cannot_work(self, tmp_path: Path, line: str, problem: str) -> None:
        file = tmp_path / "kafka.properties"
        file.write_text(line)

        with pytest.raises(ImproperlyConfigured, match=problem) as refused:
            kafka_options.read(file)
        assert "secret" not in str(refused.value)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ImproperlyConfigured, match="cannot be read"):
            kafka_options.read(tmp_path / "nothing")
