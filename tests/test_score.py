"""GET /score."""

from pytest_django import DjangoAssertNumQueries, Settings

from api.models import ModelVersion, Promotion
from api.prediction import active_model
from tests.conftest import CHECKS, FIGURES, METRICS, AsKey, JSONClient, MakeVersion, rewrite


def test_it_works(client: JSONClient, served: ModelVersion) -> None:
    response = client.get("/score")

    assert response.status_code == 200
    answer = response.json()
    assert answer.pop("trained_at").endswith("Z")
    assert answer.pop("labels") == {"hate_speech": FIGURES}
    assert answer.pop("by_source") == {"corpus:starter": FIGURES}
    assert answer.pop("checks") == CHECKS
    assert answer.pop("everyday") == {"hate_speech": 0.0033, "toxic": 0.02}
    assert answer.pop("measured_on") == {"held_out": {"corpus:starter": 100}, "checks": 8, "everyday": 300}
    assert answer == {
        "production": None,
        "score": 0.75,
        "precision": 0.7,
        "recall": 0.8,
        "roc_auc": 0.9,
        "pr_auc": 0.85,
        "confusion": {"true_positives": 24, "false_positives": 10, "false_negatives": 6, "true_negatives": 60},
        "threshold": 0.4,
        "model_version": served.pk,
        "views": ["words"],
        "evaluated_on": 100,
        "trained_on": 1000,
    }


def test_a_trailing_slash_is_the_same(client: JSONClient, served: ModelVersion) -> None:
    assert client.get("/score/").json() == client.get("/score").json()


def test_it_is_the_score_of_the_version_that_serves(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion
) -> None:
    newer = make_version()
    before = client.get("/score").json()["model_version"]

    Promotion.objects.create(version=newer, by="test", reason="test")
    active_model.refresh()

    assert (before, client.get("/score").json()["model_version"]) == (served.pk, newer.pk)


def test_a_version_from_before_there_were_checks_and_everyday_tweets(
    client: JSONClient, make_version: MakeVersion
) -> None:
    older = make_version()
    rewrite(older, metrics={name: METRICS[name] for name in ("hate_speech", "by_source")})
    Promotion.objects.create(version=older, by="test", reason="test")
    active_model.refresh()

    response = client.get("/score")

    assert response.status_code == 200
    answer = response.json()
    assert (answer["checks"], answer["everyday"]) == ({}, {})
    assert answer["measured_on"] == {"held_out": {"corpus:starter": 100}, "checks": 0, "everyday": 0}


def test_no_query_on_the_way(
    client: JSONClient, served: ModelVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert client.get("/score").status_code == 200


def test_without_a_model_it_is_not_ready(client: JSONClient, db: None) -> None:
    response = client.get("/score")

    assert (response.status_code, response.json()["code"]) == (503, "model_not_ready")
    assert int(response["Retry-After"]) >= 1


def test_it_can_be_closed_to_the_public(
    client: JSONClient, as_key: AsKey, served: ModelVersion, settings: Settings
) -> None:
    settings.PUBLIC_PREDICT = False

    assert client.get("/score").status_code == 401
    assert as_key("review").get("/score").status_code == 403
    assert as_key("predict").get("/score").status_code == 200
