"""benchmarks/poisoning.py: a night of it, so that it goes on working, and says what it is there to say."""

import importlib.util
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from hate_speech_ai.text import fingerprint, is_held_out


@pytest.fixture(scope="module")
def poisoning() -> Iterator[Any]:
    """The program, which is no module of a package."""
    path = settings.BASE_DIR / "benchmarks" / "poisoning.py"
    spec = importlib.util.spec_from_file_location("poisoning", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["poisoning"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["poisoning"]


@pytest.fixture(scope="module")
def bench(poisoning: Any) -> Any:
    return poisoning.Bench(poisoning.Options(known=1, nights=1, starter=40))


def test_it_tells_bounded_from_free(poisoning: Any, bench: Any) -> None:
    held = poisoning.play(bench, "name, one night", seed=1, size=20)
    bounded, bench.options = bench.options, replace(bench.options, bounded=False)
    try:
        free = poisoning.play(bench, "name, one night", seed=1, size=20)
    finally:
        bench.options = bounded

    assert (held["changed"]["1"] <= 0.1, held["named"]) == (True, 1)
    assert (free["changed"]["1"] > 0.5, free["named"]) == (True, None)


def test_an_honest_story_takes_effect(poisoning: Any, bench: Any) -> None:
    told = poisoning.tell(bench, "new slur, forty reviews", seed=1, size=20)

    assert told["in effect"] >= 0.8
    assert told["harmless"] <= 0.1


def test_a_few_honest_reviews_move_no_threshold(poisoning: Any, bench: Any) -> None:
    """The lowest of the everyday tweets that are flagged would decide, and another is each night."""
    dice = random.Random(3)

    there = poisoning.start(bench, 3, 20)
    after, *_ = bench.train(there.rows + poisoning.reviews(bench, dice, 10))

    thresholds = [model.thresholds["hate_speech"] for model in (bench.scorer, there.champion, after)]
    assert max(thresholds) - min(thresholds) < 0.005


def test_held_out_lies_are_held_out(poisoning: Any, bench: Any) -> None:
    dice = random.Random(1)
    poisoning.start(bench, 3, 20)

    attack = poisoning.ATTACKS["held-out score (F1 lost)"](bench, dice)

    assert attack.lies
    assert {one.claimed_by for one in attack.lies} == {poisoning.LIAR}
    assert all(is_held_out(fingerprint(one.tweet)) for one in attack.lies)
