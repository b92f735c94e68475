"""What each data migration does to rows that are there already, and what it leaves alone."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management.color import no_style
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps
from pytest_django import DjangoDbBlocker

from hate_speech_ai.artifact import Artifact

pytestmark = pytest.mark.database

Migrate = Callable[[str], StateApps]
MONDAY, TUESDAY, FRIDAY = (datetime(2026, 11, day, 12, tzinfo=UTC) for day in (16, 17, 20))


@pytest.fixture(scope="module")
def unblocked(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database, without what flushes it after each test: that knows the newest tables only."""
    with django_db_blocker.unblock():
        yield
        for _, name in MigrationExecutor(connection).loader.graph.leaf_nodes("api"):
            _migrate(name)


@pytest.fixture
def migrate(unblocked: None) -> Iterator[Migrate]:
    """Bring the tables to a migration, back or forth; returns the models of that time.

    They stay there, for the next test begins near it: each migration takes about as long as a test.
    """
    yield _migrate
    _empty_tables()


def _migrate(name: str) -> StateApps:
    executor = MigrationExecutor(connection)
    return executor.migrate([("api", executor.loader.get_migration_by_prefix("api", name).name)]).apps


def _empty_tables() -> None:
    """Whatever a test did: no row of it can keep the tables from being migrated."""
    tables = [name for name in connection.introspection.table_names() if name.startswith("api_")]
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))


def add(apps: StateApps, model: str, defaults: dict[str, Any], fields: dict[str, Any]) -> Any:
    return apps.get_model("api", model).objects.create(**{**defaults, **fields})


def add_version(apps: StateApps, **fields: Any) -> Any:
    defaults = {"pk": 1, "artifact": b"", "trained_on": 1, "evaluated_on": 1, "metrics": {}}
    return add(apps, "ModelVersion", defaults, fields)


def add_promotion(apps: StateApps, **fields: Any) -> Any:
    return add(apps, "Promotion", {"version_id": 1, "by": "somebody", "reason": "passed the gate"}, fields)


def add_key(apps: StateApps, number: int = 1, **fields: Any) -> Any:
    return add(apps, "ApiKey", {"pk": number, "name": "a key", "prefix": f"hs_{number}"}, fields)


def add_review(apps: StateApps, tweet: str, **fields: Any) -> Any:
    """A review of a key; of a corpus, where `key` is None."""
    defaults = {"tweet": tweet, "labels": {"hate_speech": False}, "fingerprint": tweet, "held_out": False}
    return add(apps, "ReviewedTweet", {**defaults, "source": "key:1", "key_id": 1}, fields)


def add_run(apps: StateApps, **fields: Any) -> Any:
    return add(apps, "TrainingRun", {"kind": "nightly", "status": "done", "requested_by": "schedule"}, fields)


def add_prediction(apps: StateApps, tweet: str, **fields: Any) -> Any:
    defaults = {"tweet": tweet, "fingerprint": tweet, "version_id": 1, "probability": 0.4, "threshold": 0.5}
    return add(apps, "StoredPrediction", defaults, fields)


def values(apps: StateApps, model: str, *fields: str) -> list[Any]:
    """A column of all rows, or tuples of some; in the order of their numbers."""
    return list(apps.get_model("api", model).objects.order_by("pk").values_list(*fields, flat=len(fields) == 1))


# 0004: promotions that a person made are confirmed.


def test_promotions_by_people_are_confirmed_and_those_by_the_gate_are_not(migrate: Migrate) -> None:
    apps = migrate("0003")
    add_version(apps)
    for reason in ("passed the gate", "the newer one flags football", "rolled back"):
        add_promotion(apps, reason=reason)

    apps = migrate("0004")

    assert values(apps, "Promotion", "reason", "confirmed") == [
        ("passed the gate", False),
        ("the newer one flags football", True),
        ("rolled back", True),
    ]


# 0006: reviews get a status, and the steps of their history that can still be told.


def reviews_of_0006(migrate: Migrate) -> StateApps:
    """Migrate a review of each kind through 0006."""
    apps = migrate("0005")
    add_key(apps)
    version = add_version(apps, created_at=TUESDAY)
    add_review(apps, "nobody learned it", created_at=MONDAY)
    add_review(apps, "a version learned it", created_at=MONDAY, trained_in=version)
    add_review(apps, "it is held out", created_at=MONDAY, held_out=True)
    add_review(apps, "the key changed its mind", created_at=MONDAY, trained_in=version, opinion=1)
    add_review(apps, "the key changed its mind", created_at=FRIDAY, opinion=2)
    for opinion in (1, 2):  # another key has changed its mind about a text of this one
        add_review(apps, f"by another key: {opinion}", fingerprint="nobody learned it", source="key:2", opinion=opinion)
    return migrate("0006")


def test_every_review_of_a_key_gets_a_status(migrate: Migrate) -> None:
    apps = reviews_of_0006(migrate)

    assert values(apps, "ReviewedTweet", "tweet", "status") == [
        ("nobody learned it", "pending"),
        ("a version learned it", "trained"),
        ("it is held out", "held_out"),
        ("the key changed its mind", "superseded"),
        ("the key changed its mind", "pending"),
        ("by another key: 1", "superseded"),
        ("by another key: 2", "pending"),
    ]


def test_every_review_of_a_key_gets_the_steps_that_led_to_its_status(migrate: Migrate) -> None:
    apps = reviews_of_0006(migrate)

    steps: dict[str, list[tuple[str, datetime]]] = {}
    for tweet, status, at in values(apps, "ReviewEvent", "review__tweet", "status", "at"):
        steps.setdefault(tweet, []).append((status, at))
    assert steps["nobody learned it"] == [("pending", MONDAY)]
    assert steps["a version learned it"] == [("pending", MONDAY), ("trained", TUESDAY)]
    assert steps["it is held out"] == [("held_out", MONDAY)]
    *older, (superseded, now), newer = steps["the key changed its mind"]
    assert [*older, newer] == [("pending", MONDAY), ("trained", TUESDAY), ("pending", FRIDAY)]
    assert superseded == "superseded"
    assert now > FRIDAY


def test_the_step_of_learning_names_the_version(migrate: Migrate) -> None:
    apps = reviews_of_0006(migrate)

    steps = values(apps, "ReviewEvent", "status", "version_id")
    named = [(status, version) for status, version in steps if version is not None]
    assert named == [("trained", 1), ("trained", 1)]


def test_a_review_that_has_a_status_keeps_it_with_its_history(migrate: Migrate) -> None:
    apps = migrate("0005")
    add_key(apps)
    review = add_review(apps, "taken back", status="withdrawn", trained_in=add_version(apps))
    review.events.create(status="withdrawn", reason="The key took it back.", at=TUESDAY)

    apps = migrate("0006")

    assert values(apps, "ReviewedTweet", "status") == ["withdrawn"]
    assert values(apps, "ReviewEvent", "status", "reason", "at") == [("withdrawn", "The key took it back.", TUESDAY)]


def test_the_rows_of_a_corpus_get_neither_status_nor_steps(migrate: Migrate) -> None:
    apps = migrate("0005")
    add_review(apps, "of a corpus", key_id=None, source="corpus:starter", trained_in=add_version(apps))
    add_review(apps, "held out of a corpus", key_id=None, source="corpus:starter", held_out=True)

    apps = migrate("0006")

    assert values(apps, "ReviewedTweet", "status") == ["", ""]
    assert values(apps, "ReviewEvent", "pk") == []


# 0008: keys that are there go on training.


def test_keys_that_are_there_are_trusted_and_later_ones_wait(migrate: Migrate) -> None:
    apps = migrate("0007")
    add_key(apps, 1)
    add_key(apps, 2, revoked_at=MONDAY)

    apps = migrate("0008")
    add_key(apps, 3)

    assert values(apps, "ApiKey", "trust") == ["trusted", "trusted", "quarantined"]


# 0010: the recipe of a version is read from its artifact.


def test_a_version_gets_the_recipe_of_its_artifact(migrate: Migrate, artifact_bytes: bytes) -> None:
    apps = migrate("0009")
    add_version(apps, artifact=artifact_bytes)

    apps = migrate("0010")

    [recipe] = values(apps, "ModelVersion", "recipe")
    assert recipe == Artifact.from_bytes(artifact_bytes).metadata["recipe"]
    assert "scikit-learn" in recipe["libraries"]


def test_a_recipe_that_is_there_stays(migrate: Migrate, artifact_bytes: bytes) -> None:
    apps = migrate("0009")
    add_version(apps, artifact=artifact_bytes, recipe={"seed": 7})

    apps = migrate("0010")

    assert values(apps, "ModelVersion", "recipe") == [{"seed": 7}]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="retired"),
        pytest.param(b"no model", id="no artifact"),
        pytest.param((2).to_bytes(8, "little") + b"{}", id="another program's file"),
        pytest.param((2).to_bytes(8, "little") + b"\xff\xfe", id="broken header"),
    ],
)
def test_a_version_without_a_readable_artifact_has_no_recipe(migrate: Migrate, content: bytes) -> None:
    apps = migrate("0009")
    add_version(apps, artifact=content)

    apps = migrate("0010")

    assert values(apps, "ModelVersion", "recipe") == [{}]
    assert bytes(values(apps, "ModelVersion", "artifact")[0]) == content


# 0012: columns for the base model, and a newer cleaning.


def test_rows_from_before_the_base_model_say_so(migrate: Migrate) -> None:
    apps = migrate("0011")
    add_run(apps, version=add_version(apps), outcome="promoted")

    apps = migrate("0012")

    assert values(apps, "ModelVersion", "base", "learned_from") == [("", {})]
    assert values(apps, "TrainingRun", "outcome", "served_by") == [("promoted", None)]


def test_rows_remember_which_cleaning_their_fingerprint_is_of(migrate: Migrate) -> None:
    apps = migrate("0011")
    add_version(apps)
    add_key(apps)
    add_review(apps, "an old row")
    add_prediction(apps, "an old text")

    apps = migrate("0012")
    add_review(apps, "a new row")
    add_prediction(apps, "a new text")

    assert values(apps, "ReviewedTweet", "cleaning") == [2, 3]
    assert set(values(apps, "StoredPrediction", "tweet", "cleaning")) == {("an old text", 2), ("a new text", 3)}


# 0013: runs, promotions, stored predictions and keys say what the code says since.

RUN_OF_0012 = {
    "candidate": {"f1": 0.8, "said_yes": 0.31, "version": None},
    "champion": {"f1": 0.79, "said_yes": 0.3, "version": 2},
    "anchor": {"f1": 0.78, "said_yes": 0.29, "version": 1},
    "against_champion": {"version": 2, "frozen": {"f1": {"old": 0.79, "new": 0.8}}, "flipped": 0.02},
    "against_anchor": {"version": 1, "frozen": {"f1": {"old": 0.78, "new": 0.8}}, "flipped": 0.03},
    "limits": {"max_drop": 0.02, "max_drop_from_anchor": 0.01, "max_flipped": 0.1},
    "notes": ["the anchor, version 1, holds little back"],
}
RUN_OF_0013 = {
    "candidate": {"f1": 0.8, "positive_rate": 0.31, "version": None},
    "champion": {"f1": 0.79, "positive_rate": 0.3, "version": 2},
    "baseline": {"f1": 0.78, "positive_rate": 0.29, "version": 1},
    "vs_champion": {"version": 2, "frozen": {"f1": {"old": 0.79, "new": 0.8}}, "flipped": 0.02},
    "vs_baseline": {"version": 1, "frozen": {"f1": {"old": 0.78, "new": 0.8}}, "flipped": 0.03},
    "limits": {"max_drop": 0.02, "max_drop_from_baseline": 0.01, "max_flipped": 0.1},
    "notes": ["the anchor, version 1, holds little back"],
}
EXAMPLE = {"id": "3f6c", "label": True, "old": 0.2, "new": 0.7}
CHANGE_OF_0012 = {
    "before": 1,
    "rows": 900,
    "flipped": {"to_yes": 4, "to_no": 3, "for_the_better": 5, "examples": [EXAMPLE]},
    "score_map": {"old": [0.1], "new": [0.2]},
}
CHANGE_OF_0013 = {
    "before": 1,
    "rows": 900,
    "flipped": {"became_positive": 4, "became_negative": 3, "corrected": 5, "examples": [EXAMPLE]},
    "score_map": {"old": [0.1], "new": [0.2]},
}
REASONS_OF_0012 = {"versions_disagree": "Version 1 says yes.", "uncertain": "It is close."}
REASONS_OF_0013 = {"model_disagreement": "Version 1 says yes.", "uncertain": "It is close."}
STATUSES_OF_0012 = ["queued", "running", "done", "failed", "dead"]
STATUSES_OF_0013 = ["queued", "running", "done", "failed", "abandoned"]


@pytest.fixture
def of_0012(migrate: Migrate) -> StateApps:
    """Rows of each kind that 0013 changes, in the words of before it."""
    apps = migrate("0012")
    add_key(apps, standing={"known": 20, "share": 0.9, "weight": 1.0})
    add_version(apps)
    add_promotion(apps, change=CHANGE_OF_0012)
    add_prediction(apps, "the bus is late", reasons=REASONS_OF_0012)
    for status in STATUSES_OF_0012:
        add_run(apps, status=status, figures=RUN_OF_0012 if status == "done" else {}, requested_by=status)
    return apps


def figures_and_statuses(apps: StateApps) -> dict[str, tuple[str, Any]]:
    """Of each run, by who asked for it."""
    rows = values(apps, "TrainingRun", "requested_by", "status", "figures")
    return {requested_by: (status, figures) for requested_by, status, figures in rows}


def test_only_dead_runs_are_called_otherwise(migrate: Migrate, of_0012: StateApps) -> None:
    runs = figures_and_statuses(migrate("0013"))

    assert [runs[status][0] for status in STATUSES_OF_0012] == STATUSES_OF_0013


def test_the_figures_of_a_run_say_baseline_instead_of_anchor(migrate: Migrate, of_0012: StateApps) -> None:
    runs = figures_and_statuses(migrate("0013"))

    assert runs["done"][1] == RUN_OF_0013
    assert runs["queued"][1] == {}


def test_a_promotion_says_what_became_positive(migrate: Migrate, of_0012: StateApps) -> None:
    assert values(migrate("0013"), "Promotion", "change") == [CHANGE_OF_0013]


def test_a_stored_prediction_says_model_disagreement(migrate: Migrate, of_0012: StateApps) -> None:
    assert values(migrate("0013"), "StoredPrediction", "reasons") == [REASONS_OF_0013]


def test_the_standing_of_a_key_is_its_reliability(migrate: Migrate, of_0012: StateApps) -> None:
    assert values(migrate("0013"), "ApiKey", "reliability") == [{"known": 20, "share": 0.9, "weight": 1.0}]


def test_the_way_back_from_0013_restores_every_row(migrate: Migrate, of_0012: StateApps) -> None:
    migrate("0013")

    apps = migrate("0012")

    runs = figures_and_statuses(apps)
    assert [runs[status][0] for status in STATUSES_OF_0012] == STATUSES_OF_0012
    assert runs["done"][1] == RUN_OF_0012
    assert values(apps, "Promotion", "change") == [CHANGE_OF_0012]
    assert values(apps, "StoredPrediction", "reasons") == [REASONS_OF_0012]
    assert values(apps, "ApiKey", "standing") == [{"known": 20, "share": 0.9, "weight": 1.0}]


# 0014: more of the same words; a run's `new` and a key's `new` part.

COUNTS_OF_0013 = {"known": 20, "known_agreed": 18, "peers": 4, "share": 0.91, "weight": 1.0}
COUNTS_OF_0014 = {"gold": 20, "gold_agreed": 18, "peers": 4, "smoothed_agreement": 0.91, "weight": 1.0}
KEY_OF_0013 = {**COUNTS_OF_0013, "new": 12, "sure": 9, "contradicted": 1, "waiting": 3}
KEY_OF_0014 = {**COUNTS_OF_0014, "new_labels": 12, "confident": 9, "contradicted": 1, "deferred": 3}
METRIC = {"f1": {"old": 0.79, "new": 0.8, "difference": 0.01, "low": -0.01, "high": 0.02}}
RATES = {"women": {"old": 0.1, "new": 0.2, "old_rest": 0.1, "new_rest": 0.1, "rows": 40}}
LATER_RUN_OF_0013 = {
    "vs_champion": {
        "version": 1,
        "frozen": METRIC,
        "false_positive_rates": RATES,
        "flipped": 0.02,
        "others": {"toxic": METRIC},
    },
    "rows": {"frozen": 900, "reviews": 20},
    "limits": {"max_drop": 0.02, "max_flipped": 0.1},
    "agreement": {"hate_speech": 0.7},
    "keys": {"hs_1": KEY_OF_0013},
}
LATER_RUN_OF_0014 = {
    "vs_champion": {
        "version": 1,
        "corpora": METRIC,
        "false_positive_rates": RATES,
        "changed": 0.02,
        "other_labels": {"toxic": METRIC},
    },
    "rows": {"corpora": 900, "reviews": 20},
    "limits": {"max_drop": 0.02, "max_changed": 0.1},
    "agreement": {"hate_speech": 0.7},
    "keys": {"hs_1": KEY_OF_0014},
}
FIRST_RUN = {"candidate": {"f1": 0.8, "version": None}, "notes": []}
CHANGE_OF_0014 = {
    "previous_version": 1,
    "rows": 900,
    "changed": {"became_positive": 4, "became_negative": 3, "corrected": 5, "examples": [EXAMPLE]},
    "score_map": {"old": [0.1], "new": [0.2]},
}
PROBLEM_OF_0013 = {"before": 1, "problem": "version 1 cannot be loaded"}
PROBLEM_OF_0014 = {"previous_version": 1, "problem": "version 1 cannot be loaded"}


@pytest.fixture
def of_0013(migrate: Migrate) -> StateApps:
    """Rows of each kind that 0014 changes, in the words of before it."""
    apps = migrate("0013")
    add_key(apps, 1, reliability={**KEY_OF_0013, "at": "2026-11-20T12:00:00+00:00"})
    add_key(apps, 2)
    version = add_version(apps, kept="a paper names it", retired="", to_retire="it learned what was forgotten")
    for change in (CHANGE_OF_0013, PROBLEM_OF_0013, {}):
        add_promotion(apps, change=change)
    add_run(apps, figures=LATER_RUN_OF_0013, requested_by="later")
    add_run(apps, figures=FIRST_RUN, requested_by="first")
    prediction = add_prediction(
        apps, "the bus is late", notes=["language_unknown"], planted=True, reasons=REASONS_OF_0013
    )
    apps.get_model("api", "AuditDraw").objects.create(
        prediction=prediction, version=version, answer=True, inclusion=0.25, rank=0.5
    )
    return apps


def test_the_figures_of_a_run_say_corpora_and_changed(migrate: Migrate, of_0013: StateApps) -> None:
    runs = figures_and_statuses(migrate("0014"))

    assert {name: value for name, value in runs["later"][1].items() if name != "keys"} == {
        name: value for name, value in LATER_RUN_OF_0014.items() if name != "keys"
    }


def test_the_figures_of_a_runs_keys_say_new_labels_where_a_metric_goes_on_to_say_new(
    migrate: Migrate, of_0013: StateApps
) -> None:
    figures = figures_and_statuses(migrate("0014"))["later"][1]

    assert figures["keys"] == {"hs_1": KEY_OF_0014}
    assert figures["vs_champion"]["corpora"]["f1"].keys() == {"old", "new", "difference", "low", "high"}


def test_a_run_without_keys_is_left_alone(migrate: Migrate, of_0013: StateApps) -> None:
    assert figures_and_statuses(migrate("0014"))["first"][1] == FIRST_RUN


def test_the_reliability_of_a_key_says_gold_and_new_labels(migrate: Migrate, of_0013: StateApps) -> None:
    assert values(migrate("0014"), "ApiKey", "reliability") == [
        {**KEY_OF_0014, "at": "2026-11-20T12:00:00+00:00"},
        {},
    ]


def test_a_promotion_names_the_previous_version_and_its_examples_keep_both_scores(
    migrate: Migrate, of_0013: StateApps
) -> None:
    assert values(migrate("0014"), "Promotion", "change") == [CHANGE_OF_0014, PROBLEM_OF_0014, {}]


def test_renamed_columns_keep_what_they_say(migrate: Migrate, of_0013: StateApps) -> None:
    apps = migrate("0014")

    reasons = values(apps, "ModelVersion", "kept_reason", "retired_reason", "retire_when_replaced_reason")
    assert reasons == [("a paper names it", "", "it learned what was forgotten")]
    assert values(apps, "StoredPrediction", "warnings", "is_control", "reasons") == [
        (["language_unknown"], True, REASONS_OF_0013)
    ]


def test_the_draws_of_the_audit_are_the_draws_of_the_sample(migrate: Migrate, of_0013: StateApps) -> None:
    apps = migrate("0014")

    [prediction] = values(apps, "StoredPrediction", "pk")
    draws = values(apps, "SampleDraw", "prediction_id", "version_id", "answer", "inclusion_probability", "rank")
    assert draws == [(prediction, 1, True, 0.25, 0.5)]


def test_the_way_back_from_0014_restores_every_row(migrate: Migrate, of_0013: StateApps) -> None:
    models = ("ApiKey", "ModelVersion", "Promotion", "TrainingRun", "StoredPrediction", "AuditDraw")
    before = {model: list(of_0013.get_model("api", model).objects.order_by("pk").values()) for model in models}
    migrate("0014")

    apps = migrate("0013")

    assert {model: list(apps.get_model("api", model).objects.order_by("pk").values()) for model in models} == before


def test_rows_of_the_state_before_the_new_words_arrive_in_the_newest_ones(migrate: Migrate, of_0012: StateApps) -> None:
    apps = migrate("0014")

    figures = figures_and_statuses(apps)["done"][1]
    assert figures["vs_baseline"] == {"version": 1, "corpora": {"f1": {"old": 0.78, "new": 0.8}}, "changed": 0.03}
    assert figures["limits"] == {"max_drop": 0.02, "max_drop_from_baseline": 0.01, "max_changed": 0.1}
    assert values(apps, "Promotion", "change") == [CHANGE_OF_0014]
    assert values(apps, "ApiKey", "reliability") == [{"gold": 20, "smoothed_agreement": 0.9, "weight": 1.0}]


# 0016: rows of keys that nobody trusted.


@pytest.fixture
def of_0014(migrate: Migrate) -> StateApps:
    """Reviews of a key by their last status, and what they were before that."""
    apps = migrate("0014")
    add_key(apps)
    event = apps.get_model("api", "ReviewEvent")
    histories = {
        "waits": ["quarantined"],
        "waited": ["quarantined", "superseded"],
        "waited, and was taken back": ["quarantined", "withdrawn"],
        "was learned": ["quarantined", "pending", "trained", "superseded"],
        "was set aside": ["pending", "quarantined", "superseded"],
        "counts": ["pending"],
    }
    for tweet, statuses in histories.items():
        review = add_review(apps, tweet, status=statuses[-1])
        for status in statuses:
            event.objects.create(review=review, status=status, reason="because")
    add_review(apps, "of a corpus", source="corpus:mine", key_id=None)
    add_review(apps, "of before there were steps", status="superseded")
    return apps


def test_what_nobody_trusted_is_marked_whatever_became_of_it(migrate: Migrate, of_0014: StateApps) -> None:
    apps = migrate("0016")

    marked = {tweet for tweet, untrusted in values(apps, "ReviewedTweet", "tweet", "untrusted") if untrusted}
    assert marked == {"waits", "waited", "waited, and was taken back", "was set aside"}


def test_the_way_back_from_0016_restores_every_row(migrate: Migrate, of_0014: StateApps) -> None:
    before = list(of_0014.get_model("api", "ReviewedTweet").objects.order_by("pk").values())
    migrate("0016")

    assert list(migrate("0014").get_model("api", "ReviewedTweet").objects.order_by("pk").values()) == before
