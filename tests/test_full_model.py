"""MODEL=full: what an encoder changes in the service, with one that is random."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from api.models import Embedding, ModelVersion, ReviewedTweet
from api.operations import bootstrap
from api.prediction import active_model
from api.reviews import erasure
from api.training import base_model
from api.training.embedding import remembered
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.cli import main
from hate_speech_ai.encoder.embedder import Encoder
from hate_speech_ai.encoder.loading import load_encoder, scorer_of
from hate_speech_ai.training.trainer import train as learn
from tests.conftest import METRICS, AsKey, JSONClient, MakeVersion, starter_examples, starter_rows
from tests.helpers import load, open_the_gate, read_settings, train
from tests.tiny_encoder import TINY_ENCODER


@pytest.fixture(scope="module")
def content() -> bytes:
    """A base model with both views."""
    examples = [replace(one, in_domain=True) for one in starter_examples(24)]
    metadata = {"metrics": METRICS, "corpora": {"starter": len(examples)}, "trained_on": len(examples)}
    return learn(examples, encoder=load_encoder(TINY_ENCODER), metadata=metadata).artifact.to_bytes()


@pytest.fixture
def full(settings: Settings, content: bytes, tmp_path: Path) -> None:
    """As `MODEL=full` has it."""
    settings.MODEL, settings.ENCODER = "full", TINY_ENCODER
    settings.BASE_MODEL = tmp_path / "full.safetensors"
    settings.BASE_MODEL.write_bytes(content)


@pytest.fixture
def served(full: None, db: None) -> ModelVersion:
    version = bootstrap.serve_base_model()
    assert version is not None
    active_model.refresh()
    return version


def test_it_works(served: ModelVersion, client: JSONClient, content: bytes) -> None:
    tweet = "they are all vermin"
    said = client.post("/predict", {"tweet": tweet, "explain": True}).json()
    artifact = base_model.load().artifact  # type: ignore[union-attr]

    assert said["probability"] == scorer_of(artifact, load_encoder(TINY_ENCODER)).probabilities([tweet])[0]
    told = said["explanation"]
    contributions = [token["contribution"] for token in told["tokens"]]
    assert told["intercept"] + sum(contributions) == pytest.approx(told["logit"])
    assert told["encoder"] != 0


def test_versions_tell_their_views(served: ModelVersion, client: JSONClient, make_version: MakeVersion) -> None:
    words = make_version()

    assert client.get("/score").json()["views"] == ["words", "encoder"]
    views = {one["id"]: one["views"] for one in client.get("/models").json()["results"]}
    assert views == {served.pk: ["words", "encoder"], words.pk: ["words"]}


def test_other_services_clients_get_its_answers(served: ModelVersion, client: JSONClient) -> None:
    tweet = "they are all vermin"
    probability = client.post("/predict", {"tweet": tweet}).json()["probability"]
    asked = {"comment": {"text": tweet}, "requestedAttributes": {"HATE_SPEECH": {}}, "languages": ["en"]}

    found = client.post("/v1alpha1/comments:analyze", asked | {"spanAnnotations": True}).json()
    assert found["attributeScores"]["HATE_SPEECH"]["summaryScore"]["value"] == pytest.approx(probability)
    assert client.post("/v1/moderations", {"input": tweet}).json()["results"][0]["category_scores"]["hate"] > 0


def test_words_refuses_what_looks_through_an_encoder(served: ModelVersion, settings: Settings) -> None:
    settings.MODEL = "words"
    active_model._active = None
    active_model.refresh()

    assert "MODEL is words" in active_model.problem()
    assert not bootstrap.has_model()
    with pytest.raises(ArtifactError, match="looks through an encoder, and MODEL is words"):
        base_model.load()


def test_a_wrong_or_lost_encoder_is_named(served: ModelVersion, settings: Settings, tmp_path: Path) -> None:
    settings.ENCODER = tmp_path
    active_model._active = None
    active_model.refresh()

    assert "model.onnx cannot be read" in active_model.problem()


def test_a_setting_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    done = read_settings(tmp_path, MODEL="fulll")

    assert "MODEL is 'fulll'; give words or full" in done.stderr


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts the encoder has been asked about, request by request."""
    asked: list[int] = []
    embed = Encoder.embed

    def counting(self: Encoder, texts: Any) -> Any:
        asked.append(len(texts))
        return embed(self, texts)

    monkeypatch.setattr(Encoder, "embed", counting)
    return asked


def test_a_night_asks_the_encoder_only_about_new_rows_and_forgetting_reaches_them(
    served: ModelVersion,
    no_everyday_tweets: None,
    settings: Settings,
    as_key: AsKey,
    counted: list[int],
    tmp_path: Path,
) -> None:
    open_the_gate(settings)
    load(tmp_path, starter_rows()[::24])
    client = as_key("review")
    reviews = [f"the blorks next door are filth, number {number}" for number in range(24)]

    def review(some: list[str]) -> None:
        for tweet in some:
            client.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": True, "external_id": tweet})

    review(reviews[:12])
    first = train()
    assert first.outcome == first.Outcome.PROMOTED, first.reasons
    assert first.version is not None
    assert first.version.recipe["encoder"]["sha256"] == load_encoder(TINY_ENCODER).sha256
    rows = ReviewedTweet.objects.values_list("tweet", flat=True)
    names = set(map(Embedding.text_name, rows))
    assert names <= set(Embedding.objects.values_list("text", flat=True))
    before = max(counted)

    review(reviews[12:])
    counted.clear()
    second = train()
    assert second.outcome == second.Outcome.PROMOTED, second.reasons
    assert before > 500
    assert counted[0] == 12

    kept = Embedding.objects.count()
    assert Embedding.objects.filter(text=Embedding.text_name(reviews[0])).exists()
    assert erasure.forget(external_id=reviews[0], by="test", reason="test").rows == 1
    assert Embedding.objects.count() == kept - 1
    assert not Embedding.objects.filter(text=Embedding.text_name(reviews[0])).exists()


def test_vectors_that_no_row_needs_are_deleted(served: ModelVersion) -> None:
    Embedding.objects.create(text="0" * 64, encoder="an older one", vector=b"")
    encoder = remembered.for_training(base_model.load())
    assert encoder is not None
    assert encoder.learn(["one", "two", "two"], lambda: None) == 2
    assert encoder.learn(["two", "three"], lambda: None) == 1

    names = set(Embedding.objects.values_list("text", flat=True))
    assert names == {Embedding.text_name("two"), Embedding.text_name("three")}


def test_the_command_line_has_both_views(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "full.safetensors"
    model.write_bytes(content)
    asked = ["predict", "they are all vermin", "--model", str(model), "--json"]

    assert main([*asked, "--encoder", str(TINY_ENCODER)]) == 0
    assert '"probability"' in capsys.readouterr().out
    assert main([*asked, "--encoder", str(tmp_path)]) != 0
    assert "model.onnx cannot be read" in capsys.readouterr().err
