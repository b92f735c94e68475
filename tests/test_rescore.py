"""`manage.py rescore`: events and hours as if another version had answered, however often it is run."""

import json
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from api.models import AuditEntry, ModelVersion, StreamEvent, StreamHour
from api.prediction import active_model, loading
from api.reviews import erasure
from api.stream import kafka_topic, processing
from api.stream.sources import Received
from hate_speech_ai.scorer import Scorer
from tests.conftest import MakeVersion

POSTS: list[dict[str, Any]] = [
    {
        "external_id": f"post-{number}",
        "tweet": f"the night bus {number} was late again",
        "at": f"2026-11-21T0{number % 3}:10:00Z",
        "channel": ("forum", "default")[number % 2],
    }
    for number in range(12)
]


@pytest.fixture
def other(make_version: MakeVersion, served: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> ModelVersion:
    """Another version with other answers, after the one that serves has judged all posts."""
    processing.store(processing.judge(received(POSTS), active_model.get()))
    version, usual = make_version(digest="f" * 64), loading.load

    class Bolder(Scorer):
        def score(self, tweet: str, labels: Any = None) -> Any:
            found = super().score(tweet, labels)
            return replace(found, probabilities={label: p**0.5 for label, p in found.probabilities.items()})

    def load(one: ModelVersion) -> Any:
        model = usual(served)
        if one == version:
            model.scorer.__class__ = Bolder
            object.__setattr__(model, "version", version.pk)
        return model

    monkeypatch.setattr(loading, "load", load)
    return version


def received(posts: list[dict[str, Any]]) -> list[Received]:
    return [Received(f"test:{one['external_id']}", orjson.dumps(one), timezone.now()) for one in posts]


def json_lines(tmp_path: Path, posts: list[dict[str, Any]]) -> str:
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in posts))
    return str(file)


def rows() -> list[Any]:
    """Each event in the order of the posts."""
    found = StreamEvent.objects.values_list("external_id", "version", "probability", "flagged", "at", "pk")
    return sorted(found, key=lambda row: int(row[0].removeprefix("post-")))


def check_hours() -> None:
    """Hours are what a GROUP BY of the events says."""
    counted: dict[Any, list[float]] = defaultdict(lambda: [0, 0.0, 0.0, 0])
    for event in StreamEvent.objects.all():
        scores = {"hate_speech": (event.probability, event.flagged), **event.others}
        for label, (p, flagged) in scores.items():
            cell = counted[processing.hour_of(event.at), event.channel, label, event.version_id]
            cell[:] = [cell[0] + 1, cell[1] + p, cell[2] + p * p, cell[3] + flagged]
    hours = {
        (one.hour, one.channel, one.label, one.version_id): [one.count, one.total, one.squares, one.flagged]
        for one in StreamHour.objects.all()
    }
    assert hours.keys() == counted.keys()
    for key, cell in counted.items():
        assert hours[key] == pytest.approx(cell, abs=1e-9)


def test_it_works(other: ModelVersion, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows()
    file = json_lines(tmp_path, [*POSTS[:9], POSTS[0], {"external_id": "unknown", "tweet": "hello"}, {"tweet": "bad"}])

    call_command("rescore", file, model_version=other.pk)

    assert f"12 messages: 9 events have the answers of version {other.pk} now, 1 had them" in capsys.readouterr().out
    after = rows()
    assert [row[1] for row in after] == [other.pk] * 9 + [before[0][1]] * 3
    assert [row[2] for row in after[:9]] == [row[2] ** 0.5 for row in before[:9]]
    assert [row[4] for row in after] == [row[4] for row in before]
    check_hours()
    assert AuditEntry.objects.get(action="stream.rescored").details == {"version": other.pk}


def test_twice_is_as_once_and_back_is_as_never(other: ModelVersion, tmp_path: Path) -> None:
    before, hours = rows(), list(StreamHour.objects.order_by("hour", "channel").values_list("hour", "channel", "count"))
    file = json_lines(tmp_path, POSTS)
    call_command("rescore", file, model_version=other.pk)
    once = rows()

    call_command("rescore", file, model_version=other.pk)
    assert rows() == once
    check_hours()

    call_command("rescore", file)
    assert rows() == before
    assert list(StreamHour.objects.order_by("hour", "channel").values_list("hour", "channel", "count")) == hours


def test_labels_that_were_counted_then_and_are_now(other: ModelVersion, settings: Settings, tmp_path: Path) -> None:
    settings.STREAM_LABELS = ["toxic"]
    call_command("rescore", json_lines(tmp_path, POSTS[:5]), model_version=other.pk)
    check_hours()
    settings.STREAM_LABELS = ["hate_speech"]
    call_command("rescore", json_lines(tmp_path, POSTS), model_version=other.pk)

    check_hours()
    assert set(StreamHour.objects.values_list("label", flat=True)) == {"hate_speech"}


def test_what_was_deleted_is_not_counted_twice(other: ModelVersion, tmp_path: Path) -> None:
    StreamEvent.objects.filter(external_id="post-3").delete()  # for its age
    erasure.forget(by="test", reason="asked to", external_id="post-4")
    before = sum(StreamHour.objects.values_list("count", flat=True))

    call_command("rescore", json_lines(tmp_path, POSTS), model_version=other.pk)

    assert sum(StreamHour.objects.values_list("count", flat=True)) == before
    assert not StreamEvent.objects.filter(external_id__in=["post-3", "post-4"]).exists()


def test_the_first_text_of_a_post_counts(other: ModelVersion, tmp_path: Path) -> None:
    before = rows()

    call_command("rescore", json_lines(tmp_path, [POSTS[0] | {"tweet": "another"}]), model_version=other.pk)

    assert rows() == before


def test_a_csv_file(other: ModelVersion, tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    file.write_text(f"external_id,tweet,at,channel\npost-1,{POSTS[1]['tweet']},,\npost-0,{POSTS[0]['tweet']},,forum\n")

    call_command("rescore", file, model_version=other.pk)

    assert StreamEvent.objects.filter(version=other).count() == 2
    check_hours()


def test_the_topic_is_read_by_time(
    other: ModelVersion, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.STREAM, asked = "kafka", []

    def again(*times: Any) -> list[list[Received]]:
        asked.append(times)
        return [received(POSTS[:5]), received(POSTS[5:7])]

    monkeypatch.setattr(kafka_topic, "again", again)

    call_command("rescore", since="2026-11-21T02:00:00+02:00", model_version=other.pk)

    [(since, until)] = asked
    assert (since.isoformat(), since.utcoffset(), until) == ("2026-11-21T02:00:00+02:00", timedelta(hours=2), None)
    assert StreamEvent.objects.filter(version=other).count() == 7
    check_hours()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nothing.jsonl"], "cannot be read"),
        (["posts.txt"], "ends neither in"),
        ([], "name files"),
        (["posts.jsonl", "--since", "2026-11-21T00:00:00Z"], "a file is read whole"),
        (["--since", "2026-11-21"], "with its zone"),
        (["posts.jsonl", "--model-version", "99"], "there is no version 99"),
    ],
)
def test_what_cannot_work_says_so(
    served: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("posts.txt").write_text("hello")
    Path("posts.jsonl").write_text("")

    with pytest.raises(CommandError, match=problem):
        call_command("rescore", *arguments)
