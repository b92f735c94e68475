"""The first start: the base model serves, and what is learned later is learned on top of it."""

import csv
import os
import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configuration
from django.core.management import CommandError, call_command
from pytest_django import Settings

from api.models import ApiKey, AuditEntry, ModelVersion, Promotion, ReviewedTweet, TrainingRun
from api.operations import bootstrap
from api.prediction import active_model
from api.reviews.intake import Annotation, add, add_all
from api.training import base_model, dataset
from api.training.base_model import Base
from hate_speech_ai import artifact
from hate_speech_ai.artifact import Artifact, sha256
from hate_speech_ai.corpora.catalogue import CORPORA
from hate_speech_ai.evaluation.everyday import Everyday, halves
from hate_speech_ai.operating_points import MOST_EVERYDAY
from tests.conftest import AsKey, JSONClient, MakeVersion, starter_rows
from tests.helpers import content_of, load, open_the_gate, train, work

pytestmark = pytest.mark.django_db
request_first_model = bootstrap.request_first_model


@pytest.fixture
def small_start(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, every fortieth row of the starter corpus, and nobody who would train a first model."""
    monkeypatch.setattr(bootstrap, "request_first_model", lambda: pytest.fail("a first model is asked for"))
    settings.DATA_DIR = tmp_path
    settings.STARTER_CORPUS, rows = tmp_path / "starter.csv", starter_rows()[::40]
    with settings.STARTER_CORPUS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def started(small_start: None, with_base: Path) -> ModelVersion:
    """An installation right after its first start."""
    manage("bootstrap")
    active_model.refresh()
    return ModelVersion.objects.get()


def manage(command: str) -> str:
    out = StringIO()
    call_command(command, stdout=out)
    return out.getvalue()


def found() -> Base:
    loaded = base_model.load()
    assert loaded is not None
    return loaded


def everything() -> list[list[dict[str, Any]]]:
    models: list[Any] = [ModelVersion, Promotion, TrainingRun, AuditEntry, ApiKey, ReviewedTweet]
    return [list(model._base_manager.order_by("pk").values()) for model in models]


def test_the_base_model_serves_before_anything_is_trained(
    small_start: None, with_base: Path, client: JSONClient, as_key: AsKey
) -> None:
    said = manage("bootstrap")
    active_model.refresh()

    content = with_base.read_bytes()
    metadata = Artifact.from_bytes(content).metadata
    number = ModelVersion.objects.get().pk
    assert f"version {number} serves: the base model, trained on {metadata['trained_on']:,} tweets" in said
    assert not TrainingRun.objects.exists()
    assert client.post("/predict", {"tweet": "have a lovely day"}).json()["model_version"] == number
    version = as_key("predict").get(f"/models/{number}").json()
    [promotion] = version["promotions"]
    assert (promotion["by"], promotion["confirmed"]) == ("first start", False)
    assert (version["sha256"], version["parent"], version["base"]) == (sha256(content), None, "")
    assert version["learned_from"] == {f"corpus:{name}": rows for name, rows in metadata["corpora"].items()}
    for name in ("metrics", "recipe", "trained_on"):
        assert version[name] == metadata[name]
    assert version["evaluated_on"] == metadata["metrics"]["hate_speech"]["rows"]
    assert content_of(ModelVersion.objects.get()) == content
    assert AuditEntry.objects.filter(action="version.promoted", target=f"version {number}").count() == 1


def test_it_serves_as_soon_as_there_are_tables(small_start: None, with_base: Path) -> None:
    manage("prepare_start")

    assert [version.sha256 for version in ModelVersion.objects.all()] == [sha256(with_base.read_bytes())]
    assert Promotion.champion() == ModelVersion.objects.get()
    assert not ReviewedTweet.objects.exists()


def test_another_start_changes_nothing(started: ModelVersion) -> None:
    before = everything()

    said = [manage("prepare_start"), manage("bootstrap")]

    assert said == ["", ""]
    assert everything() == before


def test_a_starter_row_that_was_deleted_stays_so_until_the_file_is_another(
    started: ModelVersion, settings: Settings
) -> None:
    rows = ReviewedTweet.objects.count()
    ReviewedTweet.objects.first().delete()  # type: ignore[union-attr]

    manage("bootstrap")

    assert ReviewedTweet.objects.count() == rows - 1
    with settings.STARTER_CORPUS.open("a", encoding="utf-8") as file:
        file.write("z-1,the number 9 stops at the mill,0,0,0,0,0,0,0\n")
    assert manage("bootstrap") == "starter corpus: 2 tweets loaded\n"


def test_the_starter_corpus_is_nothing_new(started: ModelVersion) -> None:
    run = train()

    assert ReviewedTweet.objects.count() > 500
    assert (run.outcome, run.version, run.served_by) == ("unchanged", None, None)
    assert ModelVersion.objects.get() == started


def test_what_is_new_is_learned_on_top(
    started: ModelVersion, as_key: AsKey, client: JSONClient, settings: Settings
) -> None:
    open_the_gate(settings)  # on the few held-out rows of this test, a figure moves by chance
    starter = ReviewedTweet.objects.filter(held_out=False).count()
    as_key("review").post("/add-reviewed-tweet", {"tweet": "the bus number 1 is late", "is_hate_speech": False})
    add(tweet="the glimmer folk must all be flogged", labels={"hate_speech": True}, source="corpus:mine")
    for number in range(300):
        add(tweet=f"stop {number} is closed today", labels={"hate_speech": False}, source="corpus:mine")
    mine = ReviewedTweet.objects.filter(source="corpus:mine", held_out=False).count()

    run = train()

    assert (run.outcome, run.reasons) == ("promoted", [])
    assert run.version is not None
    version = client.get(f"/models/{run.version_id}").json()
    assert (version["parent"], version["base"]) == (started.pk, started.sha256)
    assert version["learned_from"] == {"corpus:mine": mine, "reviews": 1}
    assert version["trained_on"] == starter + mine + 1
    learned, on = Artifact.from_bytes(content_of(run.version)), found().artifact
    assert learned.metadata["base"] == started.sha256
    assert learned.metadata["corpora"] == {**on.metadata["corpora"], "mine": mine}
    assert learned.labels == on.labels
    assert set(learned.vocabulary.words) >= set(on.vocabulary.words)
    # That is growth, though the base was trained on far more rows, which are not here.
    assert (
        f"changed decisions are not judged: there are {version['trained_on']:,} training tweets, "
        f"and the champion had {starter:,}"
    ) in run.figures["notes"]
    assert train().outcome == "unchanged"


def test_a_model_that_flags_more_everyday_tweets_is_refused(
    started: ModelVersion, settings: Settings, tmp_path: Path
) -> None:
    rise, usual = settings.GATE_MAX_EVERYDAY_RISE, settings.EVERYDAY.read_text(encoding="utf-8")
    open_the_gate(settings)
    settings.GATE_MAX_EVERYDAY_RISE = rise
    # Harmless tweets with a word that reviews call hateful, and that no threshold is chosen with.
    harmless = [Everyday(f"blorp-{number}", "blorps", f"a blorp sat at stop {number}") for number in range(40)]
    lines = [f"{one.id},{one.kind},{one.tweet},0\n" for one in halves(harmless)[1]]
    settings.EVERYDAY = tmp_path / "everyday.csv"
    settings.EVERYDAY.write_text(usual + "".join(lines), encoding="utf-8")
    key, _ = ApiKey.issue("moderators", ["review"], trust="trusted")
    hateful = [Annotation(f"throw out every blorp, day {number}", {"hate_speech": True}) for number in range(40)]
    add_all(hateful, source=key.source, key=key)
    ReviewedTweet.objects.filter(key=key).update(approved=True)  # else what one key teaches about a word is bounded

    run = train()

    assert run.outcome == "rejected"
    rows, counts = run.figures["rows"]["everyday"], run.figures["vs_champion"]["everyday"]["hate_speech"]
    assert rows == counts["rows"] == len(base_model.everyday()[1])
    assert counts["new"] - counts["old"] > rise * rows
    assert run.reasons == [
        f"of {rows} everyday tweets, {counts['new']} are flagged as hate_speech and not the champion's "
        f"{counts['old']}, a share that rises by more than {rise:.4f}"
    ]
    assert Promotion.champion() == started


def test_what_contradicts_the_base_is_not_believed(with_base: Path, tmp_path: Path) -> None:
    bootstrap.serve_base_model()
    load(tmp_path, starter_rows()[::20])
    liar, _ = ApiKey.issue("a forum", ["review"], trust="trusted")
    add_all(
        [
            Annotation(row["tweet"], {"hate_speech": (row["hate_speech"] == "1") != (number % 3 == 0)})
            for number, row in enumerate(starter_rows()[1::50])
        ],
        source=liar.source,
        key=liar,
    )

    run = train()

    assert run.outcome == "rejected"
    assert any(f"the new labels of {liar} contradict in" in reason for reason in run.reasons)
    liar.refresh_from_db()
    assert liar.trust == "quarantined"


def test_what_the_starter_corpus_alone_says_is_known_to_the_base(started: ModelVersion, as_key: AsKey) -> None:
    on = found()
    before = dataset.read(on)
    tweet = before.training[0].tweet
    as_key("review").post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": True})
    add(tweet="a lovely morning at the lake", labels={"hate_speech": False}, source="corpus:hatexplain")

    after = dataset.read(on)

    assert {example.known for example in before.training} == {True}
    assert before.fingerprint == started.data_fingerprint == base_model.made_with(on).hexdigest()
    assert [example.tweet for example in after.training if not example.known] == [tweet, "a lovely morning at the lake"]
    assert after.fingerprint != before.fingerprint
    assert [example.weight for example in after.training if example.source == "corpus:hatexplain"] == [
        CORPORA["hatexplain"].weight
    ]
    assert not any(example.known for example in dataset.read(None).training)


def test_a_base_without_the_starter_corpus_does_not_know_it(started: ModelVersion) -> None:
    on = found()
    without = replace(on, artifact=replace(on.artifact, metadata={**on.artifact.metadata, "corpora": {"cad": 9}}))

    assert not any(example.known for example in dataset.read(without).training)


def test_another_base_is_a_reason_to_train(started: ModelVersion) -> None:
    assert dataset.read(replace(found(), sha256="another")).fingerprint != started.data_fingerprint


def test_the_base_takes_the_place_of_a_version_that_cannot_be_read_any_more(
    started: ModelVersion, make_version: MakeVersion, client: JSONClient, trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as past:
        past.setattr(artifact, "FORMAT", artifact.FORMAT - 1)
        content = trained.artifact.to_bytes()
    old = make_version(content, sha256(content))
    Promotion.objects.create(version=old, by="ann", reason="before the update")

    said = manage("bootstrap")
    active_model.refresh()

    version = ModelVersion.objects.order_by("-pk")[0]
    assert f"version {version.pk} serves: the base model" in said
    assert (version.pk > old.pk, version.sha256) == (True, started.sha256)
    assert Promotion.champion() == version
    assert client.post("/predict", {"tweet": "hello"}).json()["model_version"] == version.pk
    assert not TrainingRun.objects.exists()


def test_without_a_base_the_first_model_is_trained_from_nothing(
    small_start: None, no_everyday_tweets: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def request_and_work() -> TrainingRun:
        return work(request_first_model())

    monkeypatch.setattr(bootstrap, "request_first_model", request_and_work)
    settings.GATE_MAX_SHARE_RATIO = 999.0  # so few rows teach little

    said = manage("bootstrap")

    version = ModelVersion.objects.get()
    assert "training the first model\n" in said
    assert f"model version {version.pk}: F1 " in said
    assert (version.base, version.parent, version.learned_from) == ("", None, {"corpus:starter": version.trained_on})
    assert version.trained_on == ReviewedTweet.objects.filter(held_out=False).count()
    [run] = TrainingRun.objects.all()
    assert (run.kind, run.outcome) == ("bootstrap", "promoted")
    assert manage("bootstrap") == ""


@pytest.mark.parametrize("command", ["prepare_start", "bootstrap"])
@pytest.mark.parametrize(
    ("is_model", "why"),
    [
        (True, "is a model, but no base model: it does not tell its metrics, corpora, trained_on"),
        (False, "cannot be the base model: the content is not an artifact"),
    ],
)
def test_what_is_no_base_model_is_refused(
    small_start: None, settings: Settings, tmp_path: Path, artifact_bytes: bytes, command: str, is_model: bool, why: str
) -> None:
    settings.BASE_MODEL = tmp_path / "other.safetensors"
    settings.BASE_MODEL.write_bytes(artifact_bytes if is_model else artifact_bytes[:-1])

    with pytest.raises(CommandError, match=f"^{re.escape(str(settings.BASE_MODEL))} {why}"):
        manage(command)

    assert not ModelVersion.objects.exists()


def test_a_base_model_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "bootstrap"],
        cwd=configuration.BASE_DIR,
        env=os.environ | {"BASE_MODEL": str(tmp_path / "nowhere")},
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"BASE_MODEL '{tmp_path / 'nowhere'}' is not a file; give a model's file, or none\n"


def test_the_score_says_what_it_was_measured_on(started: ModelVersion, client: JSONClient) -> None:
    score = client.get("/score").json()

    metrics = found().artifact.metadata["metrics"]
    assert score["everyday"] == metrics["everyday"]["flagged"]
    assert score["measured_on"] == {
        "held_out": {source: figures["rows"] for source, figures in metrics["by_source"].items()},
        "checks": metrics["checks"]["rows"],
        "everyday": len(base_model.everyday()[1]),
    }
    assert sum(score["measured_on"]["held_out"].values()) == score["evaluated_on"]


@pytest.mark.parametrize("label", ["hate_speech", "toxic"])
def test_every_operating_point_says_how_many_everyday_tweets_reach_it(
    started: ModelVersion, client: JSONClient, label: str
) -> None:
    asked = [one.tweet for one in base_model.everyday()[0] if label not in one.labels]
    said = active_model.get().scorer.probabilities(asked, label)

    points = client.get(f"/operating-points?label={label}").json()["named"]
    found = client.get(f"/operating-points?label={label}&recall=0.5").json()["found"]

    for point in [*points.values(), found]:
        reached = sum(probability >= point["threshold"] for probability in said)
        assert point["everyday"] == pytest.approx(reached / len(asked), abs=1e-6)
    assert 0 < points["balanced"]["everyday"] <= MOST_EVERYDAY[label] < points["high_recall"]["everyday"]


def test_a_model_that_was_asked_no_everyday_tweets_does_not_say(client: JSONClient, served: ModelVersion) -> None:
    points = client.get("/operating-points?label=hate_speech").json()["named"]

    assert {point["everyday"] for point in points.values()} == {None}


def test_a_long_text_is_explained_by_the_part_that_decides(started: ModelVersion, client: JSONClient) -> None:
    harmless = "We took the train to the lake on sunday and had lunch at the small cafe by the water with my sister."
    hateful = "All muslims are vermin and must be thrown out of the country."
    tweet = f"{harmless} {hateful} {harmless}"

    answer = client.post("/predict", {"tweet": tweet, "explain": True}).json()

    begin, end = answer["explanation"]["part"]
    tokens = answer["explanation"]["tokens"][begin:end]
    assert tweet[tokens[0]["begin"] : tokens[-1]["end"]] == hateful.rstrip(".")
    assert answer["is_hate_speech"] is True
    short = client.post("/predict", {"tweet": hateful, "explain": True}).json()
    assert short["explanation"]["part"] is None
    assert 0 < answer["explanation"]["logit"] < short["explanation"]["logit"]
