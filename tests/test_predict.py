"""POST /predict."""

from api.models import ModelVersion
from tests.conftest import JSONClient


def test_it_works(client: JSONClient, served: ModelVersion) -> None:
    response = client.post("/predict", {"tweet": "all muslims are vermin and should be deported"})

    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"is_hate_speech", "probability", "threshold", "model_version", "notes"}
    assert answer["is_hate_speech"] is True
    assert answer["threshold"] <= answer["probability"] <= 1
    assert answer["model_version"] == served.pk
    assert answer["notes"] == []
