"""Two services' scores of the same texts: which threshold stands for which, and how sure that is."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import cohen_kappa_score

from hate_speech_ai.evaluation.bootstrap import Interval
from hate_speech_ai.evaluation.threshold_mapping import FEWEST, translate

# An array. `translate` reads sequences of numbers, which numpy's types do not say that theirs are.
Floats = Any


def noisy(rows: int = 2_000, *, seed: int = 1) -> tuple[Floats, Floats]:
    """Ours is the square of theirs, and noise: on average 0.64 where theirs is 0.8."""
    rng = np.random.default_rng(seed)
    theirs = rng.uniform(0, 1, rows)
    return theirs, np.clip(theirs**2 + rng.normal(0, 0.05, rows), 0, 1)


def band(found: Interval) -> tuple[float, float, float]:
    """Its lower end, the value and its upper end, where there are all three."""
    assert found.low is not None
    assert found.value is not None
    assert found.high is not None
    return found.low, found.value, found.high


def test_it_finds_a_relation_without_noise() -> None:
    theirs: Floats = np.linspace(0, 1, 1_001)

    found = translate(theirs, theirs**2, [0.5, 0.8, 0.9])

    assert found.rank_correlation == 1
    assert [at.ours.value for at in found.thresholds] == pytest.approx([0.25, 0.64, 0.81], abs=1e-3)
    assert [at.as_many for at in found.thresholds] == pytest.approx([0.25, 0.64, 0.81], abs=1e-3)
    for at in found.thresholds:
        assert (at.agreement, at.kappa, at.only_theirs, at.only_ours) == (1, 1, 0, 0)
        assert at.untranslated < 1
        assert at.both + at.neither == found.texts == 1_001


def test_the_band_holds_the_truth() -> None:
    found = [translate(*noisy(seed=seed), [0.8], resamples=200).thresholds[0].ours for seed in range(20)]

    bands = [band(one) for one in found]
    held = sum(low <= 0.64 <= high for low, _, high in bands)
    assert held >= 17  # 19 of 20, but for chance
    assert all(low < value < high for low, value, high in bands)
    assert all(high - low < 0.06 for low, _, high in bands)


def test_more_texts_make_the_band_narrower() -> None:
    few, many = (band(translate(*noisy(rows), [0.8]).thresholds[0].ours) for rows in (100, 10_000))

    assert (many[2] - many[0]) < (few[2] - few[0]) / 2  # it shrinks with the cube root of the texts


def test_the_same_texts_give_the_same() -> None:
    assert translate(*noisy(), [0.7, 0.9]) == translate(*noisy(), [0.7, 0.9])
    assert translate(*noisy(), [0.7], seed=1) != translate(*noisy(), [0.7], seed=2)


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=1, max_size=60), st.integers(0, 10))
def test_the_map_is_scikit_learns(pairs: list[tuple[int, int]], threshold: int) -> None:
    theirs, ours = [one / 10 for one, _ in pairs], [other / 10 for _, other in pairs]

    at = translate(theirs, ours, [threshold / 10], resamples=0).thresholds[0]

    if min(theirs) <= threshold / 10 <= max(theirs):
        expected = IsotonicRegression().fit(theirs, ours).predict([threshold / 10])[0]
        assert at.ours.value == pytest.approx(expected, abs=1e-4)
    else:
        assert at.ours.value is None
    assert at.both + at.only_theirs + at.only_ours + at.neither == len(pairs)
    assert (at.ours.low, at.ours.high) == (None, None)


def test_agreement_is_that_of_scikit_learn() -> None:
    theirs, ours = noisy()

    at = translate(theirs, ours, [0.8]).thresholds[0]

    assert at.ours.value is not None
    assert at.as_many is not None
    yes, said = theirs >= 0.8, ours >= at.ours.value
    assert at.kappa == pytest.approx(cohen_kappa_score(yes, said), abs=2e-3)
    assert at.agreement == pytest.approx((yes == said).mean(), abs=2e-3)
    assert at.untranslated == pytest.approx((yes == (ours >= 0.8)).mean(), abs=1e-4)
    assert (ours >= at.as_many).sum() == pytest.approx(yes.sum(), abs=3)


def test_the_texts_that_differ_most() -> None:
    theirs, ours = noisy()
    ours[[7, 300]] = np.where(theirs[[7, 300]] > 0.5, 0.0, 1.0)

    furthest = translate(theirs, ours, [0.8]).furthest

    assert set(furthest[:2]) == {7, 300}
    assert len(furthest) == 10


def test_a_threshold_that_no_score_reaches_has_no_translation() -> None:
    theirs, ours = noisy()

    at = translate(theirs * 0.5, ours, [0.9]).thresholds[0]

    assert (at.ours.value, at.ours.low, at.as_many, at.agreement, at.kappa) == (None, None, None, None, None)


def test_few_texts_have_no_band() -> None:
    theirs, ours = noisy(FEWEST - 1)

    at = translate(theirs, ours, [0.5]).thresholds[0]

    assert at.ours.value is not None
    assert (at.ours.low, at.ours.high) == (None, None)


def test_scores_that_are_all_equal_have_no_rank() -> None:
    assert translate([0.5] * 40, list(np.linspace(0, 1, 40)), [0.5]).rank_correlation is None
    assert translate([0.5], [0.5], [0.5]).rank_correlation is None


def test_it_refuses() -> None:
    with pytest.raises(ValueError, match="as many"):
        translate([0.1, 0.2], [0.1], [0.5])
