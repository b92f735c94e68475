"""The model that a process serves, and the swap."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from api.lib import redis_client
from api.models import Heartbeat, ModelVersion, Promotion
from api.prediction import active_model, loading
from api.prediction.active_model import ModelNotReady
from api.versions import registry
from hate_speech_ai.artifact import ArtifactError
from tests.conftest import MakeVersion, rewrite


def promote(version: ModelVersion) -> None:
    Promotion.objects.create(version=version, by="test", reason="test")


def cached(version: ModelVersion) -> object:
    return redis_client.call("GET", f"model:{version.sha256}")


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)  # type: ignore[return-value]


def test_the_champion_serves(served: ModelVersion) -> None:
    model = active_model.get()

    assert (model.version, model.sha256, model.trained_on) == (served.pk, served.sha256, served.trained_on)
    assert active_model.problem() == ""


def test_nothing_serves_before_the_first_promotion(make_version: MakeVersion) -> None:
    make_version()
    active_model.refresh()

    with pytest.raises(ModelNotReady):
        active_model.get()


def test_a_promotion_swaps_the_model(served: ModelVersion, make_version: MakeVersion) -> None:
    old, newer = active_model.get(), make_version()
    promote(newer)

    active_model.refresh()

    assert active_model.get().version == newer.pk
    assert old.version == served.pk


def test_a_process_says_at_once_that_it_answers_with_another_version(
    served: ModelVersion, make_version: MakeVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_model, "time", SimpleNamespace(monotonic=lambda: 1e6))  # no time passes

    active_model._watch()
    before = Heartbeat.objects.get(kind="web").version
    promote(make_version())
    active_model._watch()

    assert (before, Heartbeat.objects.get(kind="web").version) == (served.pk, served.pk + 1)


def test_without_a_promotion_the_model_stays_the_same_object(served: ModelVersion, make_version: MakeVersion) -> None:
    before = active_model.get()
    make_version()

    active_model.refresh()

    assert active_model.get() is before


def test_the_cache_is_filled_and_used(served: ModelVersion, artifact_bytes: bytes) -> None:
    assert cached(served) == artifact_bytes
    rewrite(artifact=b"not read")

    assert loading.load(served).version == served.pk


def test_other_bytes_in_redis_are_ignored_and_replaced(
    served: ModelVersion, artifact_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    redis_client.call("SET", f"model:{served.sha256}", artifact_bytes[:-1] + b"\0")

    model = loading.load(served)

    assert model.version == served.pk
    assert cached(served) == artifact_bytes
    assert "Redis holds other bytes" in caplog.text


def test_a_pickle_in_redis_is_never_executed(served: ModelVersion, tmp_path: Path, artifact_bytes: bytes) -> None:
    redis_client.call("SET", f"model:{served.sha256}", pickle.dumps(Bomb(tmp_path / "bang")))

    loading.load(served)

    assert not (tmp_path / "bang").exists()
    pickle.load(io.BytesIO(pickle.dumps(Bomb(tmp_path / "bang"))))  # noqa: S301
    assert (tmp_path / "bang").exists()


def test_a_pickle_in_the_database_is_never_executed(
    served: ModelVersion, make_version: MakeVersion, tmp_path: Path
) -> None:
    promote(make_version(pickle.dumps(Bomb(tmp_path / "bang"))))

    active_model.refresh()

    assert not (tmp_path / "bang").exists()
    assert active_model.get().version == served.pk


@pytest.mark.parametrize("spoil", [lambda content: content[:-1], lambda content: content[:-1] + b"\0", lambda _: b""])
def test_spoilt_bytes_keep_the_old_model(
    served: ModelVersion, make_version: MakeVersion, artifact_bytes: bytes, spoil: Callable[[bytes], bytes]
) -> None:
    newer = make_version()
    rewrite(newer, artifact=spoil(artifact_bytes))
    redis_client.call("FLUSHALL")
    promote(newer)

    active_model.refresh()

    assert active_model.get().version == served.pk
    assert active_model.problem().startswith(f"version {newer.pk} cannot be loaded")
    assert "hash" in active_model.problem()


def test_a_version_that_was_refused_is_reported_until_another_serves(
    served: ModelVersion, make_version: MakeVersion
) -> None:
    promote(make_version(b"no model"))
    for _ in range(2):
        active_model.refresh()
        assert active_model.problem() != ""

    promote(served)
    active_model.refresh()

    assert (active_model.get().version, active_model.problem()) == (served.pk, "")


def test_a_repaired_version_serves_when_it_is_promoted_again(
    served: ModelVersion, make_version: MakeVersion, artifact_bytes: bytes
) -> None:
    newer = make_version(b"spoilt", digest=served.sha256)
    redis_client.call("FLUSHALL")
    promote(newer)
    active_model.refresh()
    rewrite(newer, artifact=artifact_bytes)

    registry.promote(newer, by="test", reason="repaired")
    active_model.refresh()

    assert (active_model.get().version, active_model.problem()) == (newer.pk, "")


def test_without_redis_the_database_is_read(make_version: MakeVersion, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client._client.cache_clear()
    version = make_version()
    promote(version)

    active_model.refresh()

    assert active_model.get().version == version.pk


def test_without_the_database_the_model_stays(served: ModelVersion) -> None:
    def silence(*args: object) -> None:
        raise OperationalError("the database does not answer")

    with connection.execute_wrapper(silence):
        active_model.refresh()

    assert active_model.get().version == served.pk


def test_a_refused_version_cannot_be_promoted(served: ModelVersion, make_version: MakeVersion) -> None:
    with pytest.raises(ArtifactError):
        registry.promote(make_version(b"no model"), by="test", reason="test")

    assert Promotion.champion() == served
