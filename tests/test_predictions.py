"""Stored predictions: what is kept of POST /predict, what never is, and that nobody waits for it."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from api.models import ApiKey, AuditEntry, ModelVersion, Promotion, QueueClaim, SampleDraw, StoredPrediction
from api.prediction import active_model, recorder
from api.tasks import sweep
from hate_speech_ai.text import fingerprint
from tests.conftest import AsKey, JSONClient, MakeVersion

TEXT = "the night bus was late again"
HATE = "all muslims are vermin and should be deported"


@pytest.fixture
def storing(settings: Settings) -> Settings:
    settings.PREDICTION_SAMPLE_RATE = 1.0
    settings.RANDOM_SAMPLE_SHARE = 1.0
    return settings


def predict(client: JSONClient, tweet: str = TEXT, **fields: Any) -> dict[str, Any]:
    response = client.post("/predict", {"tweet": tweet, **fields})
    assert response.status_code == 200
    return dict(response.json())


def test_nothing_is_stored_unless_it_is_turned_on(client: JSONClient, served: ModelVersion) -> None:
    predict(client)

    assert recorder.flush() == 0
    assert not StoredPrediction.objects.exists()


def test_it_works(client: JSONClient, served: ModelVersion, storing: Settings) -> None:
    answer = predict(client, HATE)

    assert recorder.flush() == 1

    [row] = StoredPrediction.objects.all()
    assert (row.tweet, row.fingerprint, row.version, row.key) == (HATE, fingerprint(HATE), served, None)
    assert (row.probability, row.threshold, row.warnings) == (answer["probability"], answer["threshold"], [])
    [draw] = row.draws.all()
    assert (draw.answer, draw.inclusion_probability, draw.version) == (True, 1.0, served)


@pytest.mark.parametrize(
    ("path", "field"), [("/predict", "tweet"), ("/predict", "tweets"), ("/v1/moderations", "input")]
)
def test_what_was_noted_is_stored(
    client: JSONClient, served: ModelVersion, storing: Settings, path: str, field: str
) -> None:
    russian = "сегодня прекрасная погода"
    client.post(path, {field: [russian] if field == "tweets" else russian})
    recorder.flush()

    assert StoredPrediction.objects.get().warnings == ["no_known_words", "language_not_supported"]


def test_the_key_that_asked_is_noted(as_key: AsKey, served: ModelVersion, storing: Settings) -> None:
    predict(as_key("predict"))
    recorder.flush()

    assert StoredPrediction.objects.get().key == ApiKey.objects.get()


@pytest.mark.parametrize("fields", [{"tweet": TEXT}, {"tweets": [TEXT, HATE]}, {"tweet": TEXT, "labels": ["toxic"]}])
def test_what_must_not_be_stored_is_not(
    client: JSONClient, served: ModelVersion, storing: Settings, fields: dict[str, Any]
) -> None:
    before = client.post("/predict", fields).json()
    recorder._buffer.clear()

    answer = client.post("/predict", {**fields, "do_not_store": True})

    assert (answer.status_code, answer.json()) == (200, before)
    assert recorder.flush() == 0


def test_do_not_store_is_true_or_false(client: JSONClient, served: ModelVersion, storing: Settings) -> None:
    response = client.post("/predict", {"tweet": TEXT, "do_not_store": "yes"})

    assert response.status_code == 400
    assert response.json()["errors"] == {"do_not_store": ["This must be true or false, not a string."]}
    assert recorder.flush() == 0
    predict(client, do_not_store=False)
    assert recorder.flush() == 1


def test_a_version_that_was_asked_for_by_number_is_not_stored(
    client: JSONClient, served: ModelVersion, storing: Settings
) -> None:
    predict(client, model_version=served.pk)

    assert recorder.flush() == 0


def test_of_a_list_all_that_could_be_read_are_stored(
    client: JSONClient, served: ModelVersion, storing: Settings
) -> None:
    client.post("/predict", {"tweets": [TEXT, 7, HATE, "@ann https://t.co/x", ""]})
    recorder.flush()

    assert set(StoredPrediction.objects.values_list("tweet", flat=True)) == {TEXT, HATE}


def test_a_share_is_stored_and_each_stands_for_the_others(
    client: JSONClient, served: ModelVersion, storing: Settings
) -> None:
    storing.PREDICTION_SAMPLE_RATE = 0.2
    storing.RANDOM_SAMPLE_SHARE = 0.5
    for start in range(0, 2000, 500):
        client.post("/predict", {"tweets": [f"bus number {n} is late" for n in range(start, start + 500)]})
    recorder.flush()

    assert 300 < StoredPrediction.objects.count() < 500
    weights = [1 / draw.inclusion_probability for draw in SampleDraw.objects.all()]
    assert sum(weights) == pytest.approx(2000, rel=0.25)


def test_the_same_text_is_one_row_and_as_many_draws_as_it_came(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion, storing: Settings
) -> None:
    predict(client)
    recorder.flush()
    first = StoredPrediction.objects.get()
    Promotion.objects.create(version=make_version(), by="test", reason="test")
    active_model.refresh()

    predict(client, TEXT.upper())
    predict(client)
    recorder.flush()

    [row] = StoredPrediction.objects.all()
    assert (row.pk, row.first_seen) == (first.pk, first.first_seen)
    assert row.last_seen > first.last_seen
    assert row.version_id == active_model.get().version != served.pk
    assert sorted(row.draws.values_list("version", flat=True)) == [served.pk, row.version_id, row.version_id]


def test_only_what_is_read_of_a_long_text_is_stored(
    client: JSONClient, served: ModelVersion, storing: Settings
) -> None:
    predict(client, "bus " * 2_000)
    recorder.flush()

    assert len(StoredPrediction.objects.get().tweet) == 5_000


def test_no_query_on_the_way(
    client: JSONClient, served: ModelVersion, storing: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        predict(client)
        client.post("/predict", {"tweets": [TEXT, HATE]})

    assert len(recorder._buffer) == 3


def test_what_does_not_fit_is_dropped_counted_and_logged_once(
    client: JSONClient,
    served: ModelVersion,
    storing: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(recorder, "_MAX_BUFFERED", 2)

    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            predict(client)

    state = client.get("/health").json()["predictions"]
    assert state == {
        **{"ok": True, "share": 1.0, "buffered": 2, "stored": 0, "dropped": 3, "problem": "the buffer is full"}
    }
    assert [record.getMessage() for record in caplog.records] == [
        "predictions are not stored, since the buffer is full; /health counts them"
    ]
    recorder.flush()
    state = client.get("/health").json()["predictions"]
    assert (state["buffered"], state["stored"], state["dropped"], state["problem"]) == (0, 2, 3, "")


def test_without_the_database_they_are_dropped_and_predictions_go_on(
    client: JSONClient,
    served: ModelVersion,
    storing: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("away")

    with monkeypatch.context() as broken:
        broken.setattr(StoredPrediction.objects, "bulk_create", fail)
        predict(client, "a private matter")
        assert recorder.flush() == 0

    assert (recorder.state()["dropped"], recorder.state()["buffered"]) == (1, 0)
    assert "private" not in caplog.text
    predict(client)
    assert recorder.flush() == 1


def test_the_row_says_why_it_is_worth_a_look(client: JSONClient, served: ModelVersion, storing: Settings) -> None:
    predict(client, "quiblets and wozzles")
    recorder.flush()

    row = StoredPrediction.objects.get()
    assert "quiblets, wozzles" in row.reasons["unknown_words"]
    assert row.worth > 0


def age(days: float) -> None:
    at = timezone.now() - timedelta(days=days)
    StoredPrediction.objects.update(first_seen=at, last_seen=at)
    SampleDraw.objects.update(at=at)


def test_it_is_kept_for_so_many_days(client: JSONClient, served: ModelVersion, storing: Settings) -> None:
    storing.PREDICTION_RETENTION_DAYS = 7
    predict(client)
    recorder.flush()
    age(6.9)
    sweep()
    assert StoredPrediction.objects.exists()

    age(7.1)
    sweep()

    assert not StoredPrediction.objects.exists()
    assert not SampleDraw.objects.exists()


def test_the_newest_are_kept_where_there_are_too_many(
    client: JSONClient, served: ModelVersion, storing: Settings
) -> None:
    storing.PREDICTION_MAX_STORED = 3
    for number in range(6):
        predict(client, f"bus {number} is late")
        recorder.flush()
    claimed = StoredPrediction.objects.get(tweet="bus 0 is late")
    QueueClaim.objects.create(prediction=claimed, until=timezone.now() + timedelta(minutes=1))

    sweep()

    kept = set(StoredPrediction.objects.values_list("tweet", flat=True))
    assert kept == {f"bus {number} is late" for number in (0, 3, 4, 5)}
    assert SampleDraw.objects.count() == 3


def test_a_text_that_comes_again_and_again_is_not_drawn_without_end(
    client: JSONClient, served: ModelVersion, storing: Settings
) -> None:
    storing.PREDICTION_MAX_STORED = 3
    for _ in range(6):
        predict(client)
        recorder.flush()

    recorder._count(1)

    assert (StoredPrediction.objects.count(), SampleDraw.objects.count()) == (1, 3)


def test_what_is_predicted_again_is_kept_though_older_draws_are_not(
    client: JSONClient, served: ModelVersion, storing: Settings
) -> None:
    predict(client)
    recorder.flush()
    age(31)
    predict(client)
    recorder.flush()

    sweep()

    assert StoredPrediction.objects.get().draws.count() == 1


def test_what_another_cleaning_stored_goes(client: JSONClient, served: ModelVersion, storing: Settings) -> None:
    predict(client)
    recorder.flush()
    StoredPrediction.objects.update(cleaning=1)

    sweep()

    assert not StoredPrediction.objects.exists()


def test_turned_off_again_what_is_there_still_goes(client: JSONClient, served: ModelVersion, storing: Settings) -> None:
    predict(client)
    recorder.flush()
    age(31)
    storing.PREDICTION_SAMPLE_RATE = 0.0

    sweep()

    assert not StoredPrediction.objects.exists()


def test_a_text_is_forgotten(client: JSONClient, served: ModelVersion, storing: Settings) -> None:
    client.post("/predict", {"tweets": [TEXT, HATE]})
    recorder.flush()

    call_command("forget", "--text", TEXT.upper(), "--reason", "asked to")

    assert [row.tweet for row in StoredPrediction.objects.all()] == [HATE]
    assert SampleDraw.objects.count() == 1
    entry = AuditEntry.objects.get(action="predictions.forgotten")
    assert (entry.target, entry.reason) == ("1 stored predictions", "asked to")
    assert "bus" not in str(vars(entry))


def test_what_a_forgotten_person_reviewed_goes_with_the_reviews(
    as_key: AsKey, served: ModelVersion, storing: Settings
) -> None:
    client = as_key("predict", "review")
    client.post("/predict", {"tweets": [TEXT, HATE]})
    recorder.flush()
    client.get("/review-queue?reviewer=ann")
    client.post("/add-reviewed-tweet", {"tweet": TEXT, "is_hate_speech": False, "reviewer": "ann"})

    call_command("forget", "--reviewer", "ann", "--reason", "asked to")

    assert [row.tweet for row in StoredPrediction.objects.all()] == [HATE]
    assert not QueueClaim.objects.filter(reviewer="ann").exists()


def test_openais_clients_are_stored_like_others(client: JSONClient, served: ModelVersion, settings: Settings) -> None:
    settings.PREDICTION_SAMPLE_RATE = 1.0
    client.post("/v1/moderations", {"input": ["the bus is late", "the train is late"]})
    client.post("/v1/moderations", {"input": "another text"})

    recorder.flush()

    assert set(StoredPrediction.objects.values_list("tweet", flat=True)) == {
        "the bus is late",
        "the train is late",
        "another text",
    }
