"""POST /predict with model_version: a version that answers the same for ever."""

from typing import Any
from unittest.mock import patch

import pytest

from api.models import ModelVersion
from api.prediction import active_model, loading
from api.versions import registry
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.trainer import train
from tests.conftest import JSONClient, MakeVersion, starter_rows


@pytest.fixture(scope="module")
def other_bytes() -> bytes:
    """A model with other answers."""
    rows = [Example(row["tweet"], {"hate_speech": row["hate_speech"] == "1"}) for row in starter_rows()[::20]]
    return train(rows).artifact.to_bytes()


def test_it_works(client: JSONClient, served: ModelVersion, make_version: MakeVersion, other_bytes: bytes) -> None:
    newer = make_version(other_bytes)
    tweet = {"tweet": "they should all be deported"}
    before = client.post("/predict", tweet).json()

    registry.promote(newer, by="test", reason="test")
    active_model.refresh()

    now = client.post("/predict", tweet).json()
    assert now["model_version"] == newer.pk
    assert now["probability"] != before["probability"]
    assert client.post("/predict", {**tweet, "model_version": served.pk}).json() == before
    assert client.post("/predict", {**tweet, "model_version": newer.pk}).json() == now


def test_a_thousand_old_answers_are_given_again_to_the_last_digit(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion, other_bytes: bytes
) -> None:
    body = {"tweets": [row["tweet"] for row in starter_rows()[::18]][:1_000]}
    old = client.post("/predict", body).content
    newer = make_version(other_bytes)
    registry.promote(newer, by="test", reason="test")
    active_model.refresh()
    active_model._pinned.clear()

    assert client.post("/predict", {**body, "model_version": served.pk}).content == old
    assert client.post("/predict", body).content != old


def test_a_version_is_loaded_once(client: JSONClient, served: ModelVersion, make_version: MakeVersion) -> None:
    versions = [make_version().pk for _ in range(3)]

    def ask(version: int) -> None:
        assert client.post("/predict", {"tweet": "hello", "model_version": version}).json()["model_version"] == version

    with patch.object(active_model, "load", wraps=loading.load) as load:
        for version in (served.pk, versions[0], versions[1], versions[0], versions[1]):
            ask(version)
        assert load.call_count == 2  # what serves is in memory already
        ask(versions[2])  # puts out what was asked for longest ago
        ask(versions[1])
        assert load.call_count == 3
        ask(versions[0])
        assert load.call_count == 4


def test_while_another_version_is_loaded_it_waits_and_what_serves_does_not(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_model, "_LOADING_SECONDS", 0.01)
    older, other = make_version().pk, make_version().pk
    assert client.post("/predict", {"tweet": "hello", "model_version": older}).status_code == 200

    with active_model._loading:
        busy = client.post("/predict", {"tweet": "hello", "model_version": other})
        assert client.post("/predict", {"tweet": "hello"}).status_code == 200
        assert client.post("/predict", {"tweet": "hello", "model_version": older}).status_code == 200

    assert (busy.status_code, busy.json()["code"], busy["Retry-After"]) == (503, "busy", "1")
    assert client.post("/predict", {"tweet": "hello", "model_version": other}).status_code == 200


@pytest.mark.parametrize("version", [0, -1, 99, 2**40, 1.0, "1", True, None, [1]])
def test_it_refuses(client: JSONClient, served: ModelVersion, version: Any) -> None:
    answer = client.post("/predict", {"tweet": "hello", "model_version": version})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["model_version"]


def test_a_version_that_cannot_be_loaded_is_refused_and_the_champion_serves_on(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion
) -> None:
    broken = make_version(b"no model")

    answer = client.post("/predict", {"tweet": "hello", "model_version": broken.pk})

    assert answer.status_code == 400
    assert "cannot be loaded" in answer.json()["errors"]["model_version"][0]
    assert client.post("/predict", {"tweet": "hello"}).status_code == 200
