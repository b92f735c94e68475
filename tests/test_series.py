"""Hours that are unlike the others, and the next week, on eight weeks whose ninth is known."""

import math

import numpy as np
import pytest

from hate_speech_ai import series
from tests.helpers import synthetic

WEEKS = 8 * series.WEEK


def test_it_finds_spikes_and_expects_the_next_week() -> None:
    shares, spikes = synthetic(seed=2, hours=WEEKS + series.WEEK, spikes=20)
    learned, truth = shares[:WEEKS], np.array(shares[WEEKS:])

    parameters = series.fit(learned)
    steps = series.steps(learned, parameters)
    found = series.forecast(learned, parameters)

    alarms = {place for place, step in enumerate(steps) if step.is_anomaly}
    assert sum(bool(alarms & set(spike)) for spike in spikes) >= 12
    near = {place + after for spike in spikes for place in spike for after in range(4)}  # an error fades for hours
    assert len(alarms - near) <= 2
    seen = ~np.isnan(truth)
    mean, low80, high80, low95, high95 = np.array(found.hours)[seen].T
    assert 0.72 <= np.mean((low80 <= truth[seen]) & (truth[seen] <= high80)) <= 0.90
    assert 0.93 <= np.mean((low95 <= truth[seen]) & (truth[seen] <= high95)) <= 1.0
    week_before = np.nan_to_num(np.array(learned[-series.WEEK :]), nan=float(np.nanmean(learned)))[seen]
    assert np.mean(np.abs(mean - truth[seen])) <= 0.75 * np.mean(np.abs(week_before - truth[seen]))
    assert found.model == "structural"
    # An hour is compared with what came before it alone: what came after does not change that.
    earlier = series.steps(learned[: WEEKS // 2], parameters)
    assert earlier[500].expected == pytest.approx(steps[500].expected)


def test_where_the_week_repeats_itself_the_last_one_is_the_forecast() -> None:
    week = np.random.default_rng(1).uniform(0.05, 0.4, series.WEEK).tolist()  # no harmonics make that

    found = series.forecast(week * 5, [0.1, 0.001, 0.01, 0.1])

    assert found.model == "last_week"
    assert [hour.mean for hour in found.hours] == pytest.approx(week)


def test_a_short_or_empty_series_has_no_model() -> None:
    with pytest.raises(series.TooShort, match="672"):
        series.fit([0.1] * 600)
    with pytest.raises(series.TooShort, match="half"):
        series.fit([math.nan] * 400 + [0.1] * 300)


def test_another_model_is_a_bridge_and_no_change() -> None:
    before, after = [0.1] * 200, [0.4] * 200

    assert series.bridge(before + after, [200]) == pytest.approx([0.4] * 400)
    assert series.bridge([*before, 0.4], [200]) == pytest.approx([*before, 0.4])  # one hour says nothing yet
