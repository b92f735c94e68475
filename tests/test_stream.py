"""The stream in Valkey: tweets come in, are judged once, and leave no text."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.models import Count, Sum
from django.utils import timezone
from drf_spectacular.validation import validate_schema
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from api.lib import pseudonyms
from api.models import DeadLetter, Heartbeat, ModelVersion, StoredPrediction, StreamEvent, StreamHour
from api.prediction import predicting
from api.reviews import erasure
from api.stream import processing, retention, valkey_stream
from api.stream.consumer import Consumer
from api.stream.messages import BadMessage, decode
from api.stream.sources.valkey import ValkeySource
from tests.conftest import AsKey, JSONClient, reload_urls

TEXT = "the night bus was late again"
AT = "2026-11-21T07:20:00Z"
HOUR = datetime(2026, 11, 21, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def stream_on(settings: Settings) -> Iterator[None]:
    """As STREAM=valkey has it, with a Valkey that keeps its file."""
    settings.STREAM = "valkey"
    reload_urls()
    valkey_stream.client.cache_clear()
    valkey_stream.client().config_set("appendonly", "yes")
    yield
    valkey_stream.client().config_set("appendonly", "no")
    valkey_stream.client.cache_clear()
    settings.STREAM = ""
    reload_urls()


@pytest.fixture
def client(as_key: AsKey) -> JSONClient:
    return as_key("predict")


def post_of(number: int, **fields: Any) -> dict[str, Any]:
    return {"external_id": f"post-{number}", "tweet": f"{TEXT}, number {number}", "at": AT, **fields}


def send(client: JSONClient, *posts: dict[str, Any]) -> Any:
    response = client.post("/stream/tweets", {"tweets": list(posts)})
    assert response.status_code == 202, response.content
    return response.json()


def put_raw(*payloads: bytes) -> None:
    """As a producer that speaks to Valkey itself."""
    for payload in payloads:
        valkey_stream.client().xadd(valkey_stream.STREAM, {"message": payload})


def reader(lease_seconds: float = 60) -> ValkeySource:
    return ValkeySource(lease_seconds=lease_seconds)


def work(source: ValkeySource | None = None) -> Consumer:
    """A process of the stream, after it has worked on what is there."""
    consumer = Consumer(source or reader())
    consumer._pause = 0.01
    consumer.step()  # makes the group, where there is none
    while valkey_stream.waiting().number:
        consumer.step()
    return consumer


def events() -> list[str]:
    return sorted(StreamEvent.objects.values_list("external_id", flat=True))


def test_it_works(client: JSONClient, served: ModelVersion, as_key: AsKey) -> None:
    answer = send(client, post_of(1, channel="forum"), post_of(2, channel="forum", author="ann"))
    assert answer["accepted"] == len(set(answer["positions"])) == 2
    assert valkey_stream.waiting().number == 2

    work()

    listed = client.get("/stream/tweets?channel=forum&external_id=post-1").json()["results"]
    said = client.post("/predict", {"tweet": post_of(1)["tweet"]}).json()
    assert listed == [
        {
            "channel": "forum",
            "external_id": "post-1",
            "at": AT,
            "is_hate_speech": said["is_hate_speech"],
            "probability": said["probability"],
            "labels": {},
            "model_version": served.pk,
        }
    ]
    [hour] = StreamHour.objects.all()
    probabilities = list(StreamEvent.objects.values_list("probability", flat=True))
    assert (hour.hour, hour.channel, hour.label, hour.count) == (HOUR, "forum", "hate_speech", 2)
    assert hour.total == pytest.approx(sum(probabilities))
    assert hour.squares == pytest.approx(sum(one**2 for one in probabilities))
    assert StreamEvent.objects.get(external_id="post-2").author == pseudonyms.pseudonym("ann")
    assert valkey_stream.waiting().number == 0
    health = client.get("/health").json()["stream"]
    assert (health["ok"], health["waiting"], health["dead_letters"]) == (True, 0, 0)


@pytest.mark.parametrize(
    ("post", "field"),
    [
        ({"tweet": TEXT}, "external_id"),
        ({"external_id": "1", "tweet": " "}, "tweet"),
        ({"external_id": 7, "tweet": TEXT}, "external_id"),
        ({"external_id": "1", "tweet": TEXT, "at": "2026-11-21 07:00"}, "at"),
        ({"external_id": "1", "tweet": TEXT, "at": "2999-01-01T00:00:00Z"}, "at"),
        ({"external_id": "1", "tweet": TEXT, "at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({"external_id": "1", "tweet": TEXT, "channel": "a b"}, "channel"),
        ({"external_id": "1", "tweet": TEXT, "colour": "red"}, "colour"),
    ],
)
def test_one_bad_tweet_refuses_the_request_and_is_named(client: JSONClient, post: dict[str, Any], field: str) -> None:
    response = client.post("/stream/tweets", {"tweets": [post_of(1), post]})

    assert response.status_code == 400
    assert set(response.json()["errors"]) == {f"tweets.1.{field}"}
    assert valkey_stream.waiting().number == 0


@pytest.mark.parametrize("body", [{}, [], {"tweets": []}, {"tweets": [post_of(n) for n in range(501)]}])
def test_a_request_has_1_to_500_tweets(client: JSONClient, body: Any) -> None:
    assert client.post("/stream/tweets", body).status_code == 400


def test_it_needs_a_key(db: None) -> None:
    assert JSONClient().post("/stream/tweets", {"tweets": [post_of(1)]}).status_code == 401


def test_it_is_not_taken_in_where_nobody_knows_that_it_is_on_disk(client: JSONClient) -> None:
    valkey_stream.client().config_set("appendonly", "no")

    response = client.post("/stream/tweets", {"tweets": [post_of(1)]})

    assert (response.status_code, response.json()["code"]) == (503, "stream_not_on_disk")
    assert int(response.headers["Retry-After"]) > 0


def test_a_full_stream_takes_nothing_until_it_is_worked_on(
    client: JSONClient, served: ModelVersion, settings: Settings
) -> None:
    settings.STREAM_MAX_MEGABYTES = 1
    long = "word " * 900
    for start in range(0, 300, 150):
        send(client, *[post_of(n, tweet=long) for n in range(start, start + 150)])
    before = valkey_stream.waiting().number

    response = client.post("/stream/tweets", {"tweets": [post_of(999), post_of(1000)]})

    assert (response.status_code, response.json()["code"]) == (503, "stream_full")
    assert int(response.headers["Retry-After"]) > 0
    assert valkey_stream.waiting().number == before
    work()
    send(client, post_of(999))
    assert StreamEvent.objects.count() == before


def test_a_post_counts_once_however_often_it_comes(client: JSONClient, served: ModelVersion) -> None:
    send(client, post_of(1), post_of(2), post_of(1, tweet="another text"))
    work()
    send(client, post_of(2), post_of(3), post_of(1, channel="forum"))
    work()

    assert events() == ["post-1", "post-1", "post-2", "post-3"]
    counted = StreamHour.objects.values_list("channel", "count").order_by("channel")
    assert list(counted) == [("default", 3), ("forum", 1)]


def test_what_a_killed_reader_had_in_its_hands_comes_to_another_and_counts_once(
    client: JSONClient, served: ModelVersion
) -> None:
    send(client, *[post_of(n) for n in range(5)])
    killed = reader()
    killed.read(500)
    received = killed.read(500)
    processing.store(processing.judge(received, predicting.serving().model))  # and then it is killed

    work(reader(lease_seconds=0.01))

    assert len(received) == len(events()) == 5
    assert StreamHour.objects.get().count == 5


def test_what_ends_every_process_that_reads_it_becomes_a_dead_letter(client: JSONClient, served: ModelVersion) -> None:
    send(client, post_of(1), post_of(2))
    reader().read(500)
    alone: list[int] = []
    for _ in range(processing.MOST_DELIVERIES + 3):
        time.sleep(0.005)  # longer than the lease
        received = reader(lease_seconds=0.001).read(500)
        alone += [len(received)] if received and received[0].deliveries > 3 else []
        if not any(one.deliveries > processing.MOST_DELIVERIES for one in received):
            continue  # it ends the process
        processing.store(processing.judge(received, predicting.serving().model))
        break

    assert set(alone) == {1}
    assert "processes ended" in DeadLetter.objects.get().error


POISON = [
    b"no json",
    b"\xff\xfe\x00",
    b"[]",
    b'{"tweet": "without an id"}',
    b'{"external_id": "9", "tweet": "\\u0000"}',
    b'{"external_id": "10", "tweet": "' + b"x" * 70_000 + b'"}',
]


def test_poison_becomes_dead_letters_and_stops_nothing(served: ModelVersion, as_key: AsKey) -> None:
    put_raw(*POISON, orjson.dumps(post_of(1) | {"unknown": "field of a newer producer"}))

    work()

    assert events() == ["post-1"]
    listed = as_key("admin").get("/stream/dead-letters?resolved=false").json()
    assert listed["count"] == len(POISON)
    assert [one["error"].partition(":")[0] for one in listed["results"]] == [
        "body", "tweet", "external_id", "body", "body", "body",
    ]  # fmt: skip
    assert as_key("review").get("/stream/dead-letters").status_code == 403


def test_a_dead_letter_is_worked_on_again(served: ModelVersion, as_key: AsKey, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = as_key("admin")
    with monkeypatch.context() as patch:
        patch.setattr(processing, "fingerprint", lambda _: 1 / 0)  # a fault of the program
        put_raw(orjson.dumps(post_of(1)), b"no json")
        work()
    bad, good = admin.get("/stream/dead-letters").json()["results"]
    assert "ZeroDivisionError" in good["error"]

    answers = [admin.post(f"/stream/dead-letters/{good['id']}/retry").json() for _ in range(2)]
    still = admin.post(f"/stream/dead-letters/{bad['id']}/retry").json()

    assert answers[0] == answers[1]
    assert answers[0]["resolved_at"]
    assert answers[0]["payload"] == ""
    assert (still["resolved_at"], still["tries"]) == (None, 2)
    assert events() == ["post-1"]
    assert StreamHour.objects.get().count == 1
    assert admin.request("DELETE", f"/stream/dead-letters/{bad['id']}", "application/json", b"").status_code == 204
    call_command("retry_dead_letters")
    assert DeadLetter.objects.filter(resolved_at=None).count() == 0


def test_a_row_that_the_database_refuses_costs_the_others_nothing(
    client: JSONClient, served: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = processing._event

    def refuse(one: processing.Judged) -> StreamEvent:
        if one.message.external_id == "post-3":
            raise ValueError("out of range")
        return usual(one)

    monkeypatch.setattr(processing, "_event", refuse)
    send(client, *[post_of(n) for n in range(7)])

    work()

    assert events() == [f"post-{n}" for n in (0, 1, 2, 4, 5, 6)]
    assert StreamHour.objects.get().count == 6
    assert "database refuses" in DeadLetter.objects.get().error


class TestDatabaseDown:
    @pytest.fixture
    def refusals(self, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
        """One answer of the database for each write: whether it is away."""
        answers: list[bool] = []
        usual = processing._write

        def write(work: processing.Work) -> processing.Outcome:
            if answers and answers.pop(0):
                raise OperationalError("the database is away")
            return usual(work)

        monkeypatch.setattr(processing, "_write", write)
        return answers

    def test_nothing_is_acknowledged_until_it_is_back(
        self, client: JSONClient, served: ModelVersion, refusals: list[bool]
    ) -> None:
        send(client, post_of(1))
        refusals += [True, True]

        work()

        assert refusals == []
        assert events() == ["post-1"]

    def test_a_process_that_has_to_end_meanwhile_leaves_its_batch_to_another(
        self, client: JSONClient, served: ModelVersion, refusals: list[bool]
    ) -> None:
        send(client, post_of(1))
        refusals += [True] * 9
        consumer = Consumer(reader())
        consumer._pause = 0.01
        consumer.step()
        consumer.stopping.set()
        consumer.step()
        consumer.run()  # ends at once

        assert events() == []
        assert valkey_stream.waiting().number == 1
        refusals.clear()
        work(reader(lease_seconds=0.001))
        assert events() == ["post-1"]


def test_texts_are_drawn_for_the_review_queue_as_predictions_are(
    client: JSONClient, served: ModelVersion, settings: Settings
) -> None:
    settings.PREDICTION_SAMPLE_RATE = 1.0
    send(client, post_of(1), post_of(2, do_not_store=True))
    work()
    send(client, post_of(1))  # which is nothing new
    StoredPrediction.objects.update(last_seen=timezone.now() - timedelta(days=2))
    work()

    stored = StoredPrediction.objects.get()
    assert (stored.tweet, stored.key is not None) == (post_of(1)["tweet"], True)
    assert stored.last_seen < timezone.now() - timedelta(days=1)


@pytest.mark.parametrize("named", [{"author": "ann"}, {"text": TEXT}, {"external_id": "a-2"}])
def test_forgetting_leaves_nothing_of_it(
    client: JSONClient, served: ModelVersion, settings: Settings, named: dict[str, Any]
) -> None:
    settings.PREDICTION_SAMPLE_RATE = 1.0
    hers = {"tweet": TEXT, "author": "ann", "external_id": "a-2"}
    others = {"tweet": "the tram is early", "author": "bob", "external_id": "b-1"}
    send(client, hers, others)
    put_raw(orjson.dumps(hers | {"channel": "a b"}), orjson.dumps(others | {"channel": "a b"}))
    work()
    assert (len(events()), DeadLetter.objects.count(), StoredPrediction.objects.count()) == (2, 2, 2)
    send(client, hers | {"channel": "unread"}, others | {"channel": "unread"})

    erasure.forget(by="test", reason="asked to", **named)

    assert events() == ["b-1"]
    assert DeadLetter.objects.count() == StoredPrediction.objects.count() == 1
    assert valkey_stream.waiting().number == 1
    send(client, hers | {"channel": "later"})
    work()
    assert events() == ["b-1", "b-1"]
    assert StreamHour.objects.aggregate(n=Sum("count"))["n"] == 3  # counts say nothing about anybody


def test_forgetting_by_an_older_list_reaches_events(client: JSONClient, served: ModelVersion) -> None:
    send(client, post_of(1, author="ann"), post_of(2))
    work()
    restored = StreamEvent.objects.get(external_id="post-1")
    erasure.forget(by="test", reason="asked to", author="ann")
    assert events() == ["post-2"]
    restored.save(force_insert=True)  # an older backup

    erasure._forget_listed(by="test", reason="restored", retire_versions=False)

    assert events() == ["post-2"]


def test_events_are_kept_for_a_time_and_hours_for_ever(
    client: JSONClient, served: ModelVersion, settings: Settings
) -> None:
    send(client, post_of(1), post_of(2))
    put_raw(b"no json")
    work()
    old = timezone.now() - timedelta(days=settings.STREAM_RETENTION_DAYS, minutes=1)
    StreamEvent.objects.filter(external_id="post-1").update(stored_at=old)
    DeadLetter.objects.update(stored_at=old)

    retention.purge()

    assert events() == ["post-2"]
    assert DeadLetter.objects.count() == 0
    assert StreamHour.objects.get().count == 2


def test_other_labels_are_counted_too_where_the_model_answers_them(
    client: JSONClient, served: ModelVersion, settings: Settings
) -> None:
    settings.STREAM_LABELS = ["toxic", "no_such_label"]
    send(client, post_of(1))
    work()

    [listed] = client.get("/stream/tweets").json()["results"]
    assert set(listed["labels"]) == {"toxic"}
    assert set(StreamHour.objects.values_list("label", flat=True)) == {"hate_speech", "toxic"}


def test_hours_are_what_a_group_by_says(client: JSONClient, served: ModelVersion) -> None:
    start = datetime(2026, 10, 24, 20, tzinfo=UTC)  # over the hour that local time has twice
    posts = [post_of(n, at=(start + timedelta(minutes=7 * n)).isoformat()) for n in range(60)]
    for some in (posts[:40], posts[30:]):
        send(client, *some)
        work()

    counts: dict[datetime, int] = {}
    for at in StreamEvent.objects.values_list("at", flat=True):
        counts[processing.hour_of(at)] = counts.get(processing.hour_of(at), 0) + 1
    assert dict(StreamHour.objects.values_list("hour").annotate(n=Sum("count"))) == counts
    assert sum(counts.values()) == 60
    assert StreamEvent.objects.aggregate(n=Count("pk"))["n"] == 60


FIELDS = st.sampled_from(["external_id", "tweet", "at", "channel", "author", "do_not_store", "x"])
VALUES = st.none() | st.booleans() | st.floats() | st.text()
PAYLOADS = st.binary() | (VALUES | st.lists(VALUES) | st.dictionaries(FIELDS, VALUES)).map(orjson.dumps)


@given(PAYLOADS)
def test_whatever_comes_is_a_message_or_a_bad_one(payload: bytes) -> None:
    try:
        message = decode(payload, received_at=HOUR)
    except BadMessage:
        return
    assert decode(message.encode(), received_at=HOUR) == message


def test_the_schema_has_it(client: JSONClient, served: ModelVersion) -> None:
    document = client.get("/schema").json()
    send(client, post_of(1))
    work()

    validate_schema(document)  # type: ignore[no-untyped-call]
    assert {"/stream/tweets", "/stream/dead-letters/{number}/retry"} <= document["paths"].keys()
    described = document["components"]["schemas"]["StreamEvent"]["properties"]
    assert set(client.get("/stream/tweets").json()["results"][0]) == set(described)


def test_it_says_that_it_lives(served: ModelVersion) -> None:
    work()

    beat = Heartbeat.objects.get(kind="stream")
    assert beat.version == served.pk
    call_command("check_alive", "stream")


def test_without_the_setting_there_is_no_stream(settings: Settings, as_key: AsKey) -> None:
    settings.STREAM = ""
    reload_urls()

    assert as_key("admin").post("/stream/tweets", {"tweets": [post_of(1)]}).status_code == 404
    assert "stream" not in as_key("admin").get("/health").json()
    with pytest.raises(CommandError, match="STREAM=valkey"):
        call_command("start", "stream")
