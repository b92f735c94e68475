"""Which predictions are stored, in each of the four formats."""

from typing import Any

import pytest
from pytest_django import Settings

from api.models import ModelVersion, Promotion, StoredPrediction
from api.prediction import active_model, predicting, recorder
from tests.conftest import JSONClient, MakeVersion

TEXT = "the night bus was late again"
OTHER = "all muslims are vermin and should be deported"
PREDICT, MODERATIONS, ANALYZE = "/predict", "/v1/moderations", "/v1alpha1/comments:analyze"


@pytest.fixture(autouse=True)
def storing(settings: Settings) -> None:
    settings.PREDICTION_SAMPLE_RATE = settings.RANDOM_SAMPLE_SHARE = 1.0


def comment(*attributes: str, **fields: Any) -> dict[str, Any]:
    return {"comment": {"text": TEXT}, "requestedAttributes": {name: {} for name in attributes}, **fields}


def stored(client: JSONClient, path: str, body: dict[str, Any]) -> list[str]:
    """The texts that the recorder has of a request, each as often as it was recorded."""
    response = client.post(path, body)
    assert response.status_code == 200, response.content
    texts = [offered.tweet for offered in recorder._buffer]
    assert recorder.flush() == len(texts)
    assert set(StoredPrediction.objects.values_list("tweet", flat=True)) == set(texts)
    return texts


@pytest.mark.parametrize(
    ("path", "body", "texts"),
    [
        (PREDICT, {"tweet": TEXT}, [TEXT]),
        (PREDICT, {"tweet": TEXT, "labels": ["toxic", "threat"]}, [TEXT]),
        (PREDICT, {"tweet": TEXT, "explain": True}, [TEXT]),
        (PREDICT, {"tweet": TEXT, "do_not_store": False}, [TEXT]),
        (PREDICT, {"tweets": [TEXT, OTHER]}, [TEXT, OTHER]),
        (MODERATIONS, {"input": TEXT}, [TEXT]),
        (MODERATIONS, {"input": TEXT, "model": "omni-moderation-latest"}, [TEXT]),
        (MODERATIONS, {"input": TEXT, "model": "hate-speech"}, [TEXT]),
        (MODERATIONS, {"input": [TEXT, OTHER]}, [TEXT, OTHER]),
        (ANALYZE, comment("TOXICITY"), [TEXT]),
        (ANALYZE, comment("TOXICITY", "INSULT", "THREAT"), [TEXT]),
        (ANALYZE, comment("TOXICITY", spanAnnotations=True), [TEXT]),
        (ANALYZE, comment("TOXICITY", doNotStore=False), [TEXT]),
    ],
)
def test_a_plain_request_stores_each_text_once(
    client: JSONClient, served: ModelVersion, path: str, body: dict[str, Any], texts: list[str]
) -> None:
    assert stored(client, path, body) == texts


def by_number(version: int) -> list[tuple[str, dict[str, Any]]]:
    return [
        (PREDICT, {"tweet": TEXT, "model_version": version}),
        (PREDICT, {"tweets": [TEXT, OTHER], "model_version": version}),
        (MODERATIONS, {"input": TEXT, "model": f"hate-speech-{version}"}),
        (MODERATIONS, {"input": [TEXT, OTHER], "model": f"hate-speech-{version}"}),
        (ANALYZE, comment(f"TOXICITY@{version}", f"INSULT@{version}")),
    ]


def test_a_version_that_is_asked_by_number_stores_nothing_even_if_it_serves(
    client: JSONClient, served: ModelVersion
) -> None:
    for path, body in by_number(served.pk):
        assert stored(client, path, body) == [], (path, body)


def test_nor_does_a_version_that_does_not_serve(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion
) -> None:
    other = make_version()

    for path, body in by_number(other.pk):
        assert stored(client, path, body) == [], (path, body)


def test_an_attribute_without_a_number_beside_one_with_it_stores_once(client: JSONClient, served: ModelVersion) -> None:
    assert stored(client, ANALYZE, comment(f"TOXICITY@{served.pk}", "TOXICITY")) == [TEXT]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PREDICT, {"tweet": TEXT, "do_not_store": True}),
        (PREDICT, {"tweets": [TEXT, OTHER], "do_not_store": True}),
        (ANALYZE, comment("TOXICITY", doNotStore=True)),
        (ANALYZE, comment("TOXICITY", do_not_store=True)),
    ],
)
def test_what_a_client_asks_not_to_store_is_not(
    client: JSONClient, served: ModelVersion, path: str, body: dict[str, Any]
) -> None:
    assert stored(client, path, body) == []


def test_a_swap_in_the_middle_of_a_request_does_not_stop_storing(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"bus number {number} is late" for number in range(20)]
    newer, usual = make_version(), predicting.score

    def score(*arguments: Any) -> Any:
        if len(recorder._buffer) == 5:
            Promotion.objects.create(version=newer, by="test", reason="test")
            active_model.refresh()
        return usual(*arguments)

    monkeypatch.setattr(predicting, "score", score)

    assert stored(client, MODERATIONS, {"input": texts}) == texts
    assert active_model.get().version == newer.pk
    assert set(StoredPrediction.objects.values_list("version", flat=True)) == {served.pk}  # that answered all of them


def test_label_studios_tasks_are_not_stored(client: JSONClient, served: ModelVersion) -> None:
    choices = '<Choice value="Hate speech"/><Choice value="Not hate speech"/>'
    config = f'<View><Text name="t" value="$tweet"/><Choices name="c" toName="t">{choices}</Choices></View>'
    body = {"tasks": [{"data": {"tweet": text}} for text in (TEXT, OTHER)], "label_config": config}

    assert stored(client, "/label-studio/predict", body) == []
