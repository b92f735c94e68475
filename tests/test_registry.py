"""Versions are kept, retired, pruned and never changed; promotions say what they changed."""

from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from pytest_django import Settings

from api.lib import redis_client
from api.models import AuditEntry, ModelVersion, Promotion, ReviewedTweet
from api.prediction import active_model, loading
from api.reviews.intake import add
from api.versions import registry
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.evaluation.model_diff import ScoreMap
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.recipe import recipe
from hate_speech_ai.training.trainer import train
from tests.conftest import AsKey, JSONClient, MakeVersion, rewrite, starter_rows


@pytest.fixture(scope="module")
def other_bytes() -> bytes:
    """A model with other answers."""
    rows = [Example(row["tweet"], {"hate_speech": row["hate_speech"] == "1"}) for row in starter_rows()[::20]]
    return train(rows).artifact.to_bytes()


@pytest.fixture
def rows(db: None) -> list[ReviewedTweet]:
    for row in starter_rows()[::40]:
        add(tweet=row["tweet"], labels={"hate_speech": row["hate_speech"] == "1"}, source="corpus:starter")
    return list(ReviewedTweet.objects.filter(held_out=True))


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def serve(*versions: ModelVersion) -> None:
    """By the gate alone, one after the other."""
    for version in versions:
        Promotion.objects.create(version=version, by="test", reason="test")


def fresh(version: ModelVersion) -> ModelVersion:
    return ModelVersion.objects.get(pk=version.pk)


def audited(action: str) -> list[tuple[str, str]]:
    return list(AuditEntry.objects.filter(action=action).values_list("target", "reason"))


def test_a_version_is_never_changed(make_version: MakeVersion) -> None:
    version = make_version()

    with pytest.raises(TypeError, match="never changed"):
        version.save()
    refused: list[dict[str, Any]] = [{"metrics": {}}, {"artifact": b"other"}, {"sha256": "0" * 64}]
    for fields in [*refused, {"kept_reason": "x", "trained_on": 1}]:
        with pytest.raises(TypeError, match="never changed"):
            ModelVersion.objects.update(**fields)
    with pytest.raises(TypeError, match="never changed"):
        ModelVersion.objects.bulk_update([version], ["recipe"])
    for delete in (version.delete, ModelVersion.objects.all().delete):
        with pytest.raises(TypeError, match="never deleted"):
            delete()


def test_a_promotion_says_what_it_changed(
    as_key: AsKey, served: ModelVersion, make_version: MakeVersion, other_bytes: bytes, rows: list[ReviewedTweet]
) -> None:
    newer, admin = make_version(other_bytes), as_key("admin")
    compared = admin.get(f"/models/{served.pk}/compare/{newer.pk}").json()

    answer = admin.post(f"/models/{newer.pk}/promote", {"reason": "test"}).json()

    [promotion] = admin.get(f"/models/{newer.pk}").json()["promotions"]
    change = promotion["change"]
    assert (change["previous_version"], change["rows"]) == (served.pk, len(rows))
    assert change["score_map"] == compared["score_map"]
    assert ScoreMap(**change["score_map"])(0.5) >= 0
    assert change["changed"] == compared["changed"]
    assert change["changed"]["examples"]
    assert answer["change"]["score_map"] == change["score_map"]


def test_strangers_see_ids_and_no_texts(
    client: JSONClient, served: ModelVersion, make_version: MakeVersion, other_bytes: bytes, rows: list[ReviewedTweet]
) -> None:
    newer = make_version(other_bytes)
    registry.promote(newer, by="test", reason="test")

    answer = client.get(f"/models/{newer.pk}")

    [promotion] = answer.json()["promotions"]
    assert {frozenset(one) for one in promotion["change"]["changed"]["examples"]} == {
        frozenset(("id", "label", "old", "new"))
    }
    assert not any(row.tweet in answer.content.decode() for row in rows)
    [listed, _] = client.get("/models").json()["results"]
    assert "change" not in listed["promotions"][0]


def test_an_example_that_is_forgotten_has_no_text(
    as_key: AsKey, served: ModelVersion, make_version: MakeVersion, other_bytes: bytes, rows: list[ReviewedTweet]
) -> None:
    newer, admin = make_version(other_bytes), as_key("admin")
    registry.promote(newer, by="test", reason="test")
    [promotion] = admin.get(f"/models/{newer.pk}").json()["promotions"]
    first = promotion["change"]["changed"]["examples"][0]

    assert admin.post("/forget", {"text": first["tweet"], "reason": "test"}).json()["rows"] >= 1

    [promotion] = admin.get(f"/models/{newer.pk}").json()["promotions"]
    assert promotion["change"]["changed"]["examples"][0] == {**first, "tweet": None}


def test_the_first_promotion_and_a_confirmation_change_nothing(served: ModelVersion) -> None:
    assert registry.promote(served, by="test", reason="looked at it").change == {}


def test_a_champion_that_cannot_be_loaded_is_replaced(
    served: ModelVersion, make_version: MakeVersion, other_bytes: bytes
) -> None:
    newer = make_version(other_bytes)
    redis_client.call("FLUSHALL")
    rewrite(served, artifact=b"no model")

    change = registry.promote(newer, by="test", reason="test").change

    assert change["previous_version"] == served.pk
    assert "cannot be loaded" in change["problem"]


def test_rolling_back_by_api(as_key: AsKey, served: ModelVersion, make_version: MakeVersion) -> None:
    serve(make_version())

    answer = as_key("admin").post("/models/rollback", {"reason": "too strict"})

    assert (answer.status_code, answer.json()["version"]) == (200, served.pk)
    assert answer.json()["change"]["previous_version"] == served.pk + 1
    assert Promotion.champion() == served


def test_there_is_nothing_to_roll_back_to(as_key: AsKey, served: ModelVersion) -> None:
    answer = as_key("admin").post("/models/rollback", {"reason": "too strict"})

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_roll_back_to")


def test_rolling_back_passes_over_the_retired(served: ModelVersion, make_version: MakeVersion) -> None:
    spoilt, newest = make_version(), make_version()
    serve(spoilt, newest)
    registry.retire(spoilt, by="test", reason="it was never good")

    assert registry.rollback(by="test", reason="test").version == served


def test_a_retired_version_has_figures_and_no_model(
    client: JSONClient, as_key: AsKey, served: ModelVersion, make_version: MakeVersion
) -> None:
    older, admin = make_version(), as_key("admin")
    client.post("/predict", {"tweet": "hello", "model_version": older.pk})

    answer = admin.post(f"/models/{older.pk}/retire", {"reason": "it learned a mistake"})

    assert (answer.status_code, answer.json()["retired_reason"]) == (200, "it learned a mistake")
    assert answer.json()["metrics"] == older.metrics
    assert bytes(fresh(older).artifact) == b""
    assert audited("version.retired") == [(f"version {older.pk}", "it learned a mistake")]
    promotion = admin.post(f"/models/{older.pk}/promote", {"reason": "test"})
    assert promotion.status_code == 400
    assert "it is retired (it learned a mistake)" in promotion.json()["errors"]["id"][0]


def test_nobody_is_answered_by_a_retired_version(
    client: JSONClient, as_key: AsKey, served: ModelVersion, make_version: MakeVersion, other_bytes: bytes
) -> None:
    older = make_version(other_bytes)
    question = {"tweet": "hello", "model_version": older.pk}
    assert client.post("/predict", question).status_code == 200
    registry.retire(older, by="test", reason="it learned a mistake")

    active_model.refresh()  # what the watch does every second

    answer = client.post("/predict", question)
    assert answer.status_code == 400
    assert "retired (it learned a mistake)" in answer.json()["errors"]["model_version"][0]


@pytest.mark.django_db(transaction=True)
def test_the_cache_forgets_a_retired_version(
    served: ModelVersion, make_version: MakeVersion, other_bytes: bytes
) -> None:
    older = make_version(other_bytes)
    loading.load(older)
    name = f"model:{older.sha256}"
    assert redis_client.call("EXISTS", name) == 1

    registry.retire(older, by="test", reason="test")

    assert redis_client.call("EXISTS", name) == 0
    with pytest.raises(ArtifactError, match="retired"):
        loading.load(fresh(older))


@pytest.mark.django_db(transaction=True)
def test_the_cache_forgets_it_with_the_next_training_where_it_was_away(
    served: ModelVersion, make_version: MakeVersion, other_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = make_version(other_bytes)
    loading.load(older)
    with monkeypatch.context() as patch:
        patch.setattr(redis_client, "_resting_until", float("inf"))
        registry.retire(older, by="test", reason="test")
    assert redis_client.call("EXISTS", f"model:{older.sha256}") == 1

    registry.clean_up_after_promotion(by="test")  # at the end of a training

    assert redis_client.call("EXISTS", f"model:{older.sha256}") == 0


def test_what_serves_or_is_kept_is_not_retired(as_key: AsKey, served: ModelVersion, make_version: MakeVersion) -> None:
    kept, admin = make_version(), as_key("admin")
    admin.post(f"/models/{kept.pk}/keep", {"reason": "a paper names it"})

    def refusal(version: ModelVersion) -> Any:
        answer = admin.post(f"/models/{version.pk}/retire", {"reason": "test"})
        assert answer.status_code == 400
        return answer.json()["errors"]["id"][0]

    assert "serves; promote another" in refusal(served)
    assert "is kept (a paper names it); release it" in refusal(kept)
    assert admin.request("DELETE", f"/models/{kept.pk}/keep", "application/json", b"").json()["kept_reason"] == ""
    assert admin.post(f"/models/{kept.pk}/retire", {"reason": "test"}).status_code == 200
    assert "retired already" in refusal(kept)
    assert "nothing to keep" in admin.post(f"/models/{kept.pk}/keep", {"reason": "x"}).json()["errors"]["id"][0]
    assert audited("version.kept") == [(f"version {kept.pk}", "a paper names it")]
    assert audited("version.released") == [(f"version {kept.pk}", "")]


@pytest.mark.parametrize("path", ["/models/{}/keep", "/models/{}/retire", "/models/rollback", "/forget"])
def test_only_an_admin_may_and_says_why(as_key: AsKey, served: ModelVersion, path: str) -> None:
    path = path.format(served.pk)
    assert as_key("predict", "review", "train").post(path, {"reason": "x"}).status_code == 403
    assert as_key("admin").post(path, {}).status_code == 400
    assert as_key("admin").post("/models/9999/retire", {"reason": "x"}).status_code == 404


def test_pruning_keeps_what_somebody_may_need(
    served: ModelVersion, make_version: MakeVersion, settings: Settings
) -> None:
    """served is the baseline; of the rest, one is kept, one the champion's parent, five served, and two are new."""
    settings.KEEP_VERSIONS = 2
    rejected, kept, parent = make_version(), make_version(), make_version()
    registry.keep(kept, by="test", reason="a paper names it")
    outdated, *last = [make_version() for _ in range(5)]
    champion = make_version()
    rewrite(champion, parent=parent)
    serve(outdated, *last, champion)
    newest = [make_version() for _ in range(2)]

    pruned = registry.prune(by="test")

    assert pruned == [rejected.pk, outdated.pk]
    alive = {version.pk for version in ModelVersion.objects.filter(retired_reason="")}
    assert alive == {version.pk for version in (served, kept, parent, *last, champion, *newest)}
    assert fresh(rejected).retired_reason == "pruned: older than the last 2"
    assert fresh(rejected).metrics == rejected.metrics
    [entry] = AuditEntry.objects.filter(action="versions.pruned")
    assert entry.details == {"versions": pruned}
    assert registry.prune(by="test") == []


def test_nothing_is_pruned_where_all_are_kept(
    served: ModelVersion, make_version: MakeVersion, settings: Settings
) -> None:
    settings.KEEP_VERSIONS = 0
    for _ in range(3):
        make_version(b"x")

    assert run("prune") == "nothing to retire\n"


def test_the_commands(
    served: ModelVersion, make_version: MakeVersion, settings: Settings, rows: list[ReviewedTweet]
) -> None:
    settings.KEEP_VERSIONS = 1
    one, two, three, newest = (make_version() for _ in range(4))

    assert run("keep", str(one.pk), "--reason", "a paper names it") == f"version {one.pk} is kept\n"
    assert run("retire", str(two.pk), "--reason", "a mistake") == f"version {two.pk} is retired\n"
    assert run("prune") == f"retired: {three.pk}\n"

    listed = [line.split(maxsplit=5) for line in run("list_models").splitlines()[1:]]
    assert [(line[0], line[5:]) for line in listed] == [
        (str(newest.pk), []),
        (str(three.pk), ["retired: pruned: older than the last 1"]),
        (str(two.pk), ["retired: a mistake"]),
        (str(one.pk), ["kept: a paper names it"]),
        (str(served.pk), ["serves; baseline"]),
    ]
    assert run("keep", str(one.pk), "--release") == f"version {one.pk} is not kept any longer\n"
    assert "become hate speech" in run("compare", str(served.pk), str(newest.pk))
    with pytest.raises(CommandError, match="cannot be loaded: it is retired"):
        run("compare", str(served.pk), str(two.pk))
    for command in (["keep", "9999", "--release"], ["retire", "9999", "--reason", "x"], ["compare", "9999", "9999"]):
        with pytest.raises(CommandError, match="there is no version 9999"):
            run(*command)
    with pytest.raises(CommandError, match="serves"):
        run("retire", str(served.pk), "--reason", "x")


def test_a_retired_baseline_is_none(served: ModelVersion, make_version: MakeVersion) -> None:
    confirmed, newest = make_version(), make_version()
    registry.promote(confirmed, by="test", reason="test")
    serve(newest)
    assert Promotion.baseline() == confirmed

    registry.retire(confirmed, by="test", reason="test")

    assert Promotion.baseline() == served


def test_the_recipe_of_older_versions_is_found_in_their_artifacts(make_version: MakeVersion) -> None:
    version, broken = make_version(), make_version(b"no model")
    assert version.recipe == {}

    import_module("api.migrations.0010_recipe_of_versions").fill(HistoricalApps(), None)

    assert fresh(version).recipe == recipe()
    assert "scikit-learn" in fresh(version).recipe["libraries"]
    assert fresh(broken).recipe == {}


class HistoricalApps:
    """As a migration sees them: models without the methods of today."""

    def get_model(self, app: str, name: str) -> Any:
        from django.db.models import QuerySet

        model = apps.get_model(app, name)
        return type("Historical", (), {"objects": QuerySet(model)})
