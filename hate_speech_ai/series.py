"""Hourly series of shares: which hours are unlike the others, and what the next week will be.

A structural time series model (statsmodels' `UnobservedComponents`): a level that may drift, a day and a week as a few
harmonics that stay, and an error that fades from hour to hour (AR(1)), all on the logit of the share. It takes hours
that are missing as they are. Harvey, *Forecasting, Structural Time Series Models and the Kalman Filter*, 1989.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DAY, WEEK = 24, 168
#: Fewer hours than these teach no week.
LEAST_HOURS = 4 * WEEK
#: From which distance on, in robust standard deviations of the model's errors, an hour is an anomaly.
MOST_Z = 4.0
_DAY_HARMONICS, _WEEK_HARMONICS = 3, 4
_STEPS = 60
_SMALLEST = 1e-4
_QUANTILES = {80: 1.2815515655446004, 95: 1.959963984540054}
# The first hours after the filter's start say little: it does not know the level yet.
_BURN_IN = 2 * DAY


class TooShort(ValueError):
    """A series has too few hours to fit a model; the message says how many it needs."""


class Step(NamedTuple):
    """What was expected of an hour before it was seen.

    Attributes:
        expected: the share, from 0 to 1; low, high: the interval outside which an hour is an anomaly.
        z: the distance of what was seen, in robust standard deviations; nan where the hour is missing.
    """

    expected: float
    low: float
    high: float
    z: float

    @property
    def is_anomaly(self) -> bool:
        return abs(self.z) > MOST_Z


class Ahead(NamedTuple):
    """An hour of a forecast, as shares from 0 to 1."""

    mean: float
    low80: float
    high80: float
    low95: float
    high95: float


@dataclass(frozen=True)
class Forecast:
    """A week ahead.

    Attributes:
        hours: one for each of the next 168.
        model: `structural`, or `last_week` where that one was no worse in the backtest.
        errors: the mean absolute error of each model in the week that was held out.
    """

    hours: list[Ahead]
    model: str
    errors: dict[str, float]


def fit(values: Sequence[float]) -> list[float]:
    """Return the parameters of a series of hourly shares; nan where an hour is missing.

    It is fitted twice: hours that the first fit calls anomalies are missing in the second.

    Raises:
        TooShort: fewer than four weeks, or more than half of the hours are missing.
    """
    seen = _logits(values)
    if len(seen) < LEAST_HOURS or np.isnan(seen).mean() > 0.5:
        raise TooShort(f"a model needs {LEAST_HOURS} hours, at least half of them with enough tweets")
    first = _fitted(seen)
    masked = np.where(np.abs(_filtered(seen, first)[2]) > MOST_Z, np.nan, seen)
    return [float(one) for one in _fitted(masked, first)]


def steps(values: Sequence[float], parameters: Sequence[float]) -> list[Step]:
    """Return for each hour what was expected of it, by what came before it alone.

    Args:
        values: hourly shares; nan where an hour is missing.
        parameters: as `fit` returns them.
    """
    expected, deviations, z = _filtered(_logits(values), np.asarray(parameters))
    low, high = (_share(expected + sign * MOST_Z * deviations) for sign in (-1, 1))
    return [Step(*map(float, one)) for one in zip(_share(expected), low, high, z, strict=True)]


def forecast(values: Sequence[float], parameters: Sequence[float]) -> Forecast:
    """Return the next week, by the model that was better in the last one.

    The backtest forecasts the last week from the hours before it, with the same parameters.

    Raises:
        TooShort: fewer hours than `fit` needs.
    """
    seen = _logits(values)
    if len(seen) < LEAST_HOURS:
        raise TooShort(f"a forecast needs {LEAST_HOURS} hours")
    before, held_out = seen[:-WEEK], _share(seen[-WEEK:])
    errors = {
        "structural": _error(_share(_ahead(before, parameters)[0]), held_out),
        "last_week": _error(_share(_last_week(before)[0]), held_out),
    }
    model = "structural" if errors["structural"] < errors["last_week"] else "last_week"
    mean, deviations = _ahead(seen, parameters) if model == "structural" else _last_week(seen)
    columns = [_share(mean)]
    for percent in (80, 95):
        columns += [_share(mean + sign * _QUANTILES[percent] * deviations) for sign in (-1, 1)]
    return Forecast([Ahead(*map(float, one)) for one in zip(*columns, strict=True)], model, errors)


def bridge(values: Sequence[float], breaks: Sequence[int]) -> list[float]:
    """Bring what was measured before a break to the level after it: another model measures, people write as before.

    Args:
        values: hourly shares; nan where an hour is missing.
        breaks: the places of the first hours that another model measured.

    Returns:
        The series as the newest model would have measured it, as far as the weeks on both sides tell. With less than
        a day on one side, it stays as it is.
    """
    seen = _logits(values)
    for place in breaks:
        before, after = seen[max(0, place - WEEK) : place], seen[place : place + WEEK]
        if min(np.isfinite(before).sum(), np.isfinite(after).sum()) >= DAY:
            seen[:place] += np.nanmedian(after) - np.nanmedian(before)
    return [float(one) for one in _share(seen)]


def _model(seen: Floats) -> Any:
    from statsmodels.tsa.statespace.structural import UnobservedComponents  # which takes seconds and 200 MB

    return UnobservedComponents(
        seen,
        level="local level",
        freq_seasonal=[
            {"period": DAY, "harmonics": _DAY_HARMONICS},
            {"period": WEEK, "harmonics": _WEEK_HARMONICS},
        ],
        stochastic_freq_seasonal=[False, False],
        autoregressive=1,
    )


def _fitted(seen: Floats, start: Floats | None = None) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one that has not converged after these steps forecasts well all the same
        found = _model(seen).fit(start_params=start, disp=False, maxiter=_STEPS)
    return np.asarray(found.params, dtype=np.float64)


def _filtered(seen: Floats, parameters: Floats) -> tuple[Floats, Floats, Floats]:
    """Return for each hour what was expected, as a logit, the errors' robust deviation, and the distance in it."""
    found = _model(seen).filter(parameters)
    expected = np.asarray(found.fittedvalues, dtype=np.float64)
    errors = seen - expected
    scale = _robust(errors[_BURN_IN:])
    z = errors / scale
    z[:_BURN_IN] = np.nan
    return expected, np.full_like(expected, scale), z


def _ahead(seen: Floats, parameters: Sequence[float]) -> tuple[Floats, Floats]:
    found = _model(seen).filter(np.asarray(parameters)).get_forecast(WEEK)
    return np.asarray(found.predicted_mean), np.asarray(found.se_mean)


def _last_week(seen: Floats) -> tuple[Floats, Floats]:
    """Return the last week again; missing hours from the week before; the deviation of one week from the other."""
    mean = seen[-WEEK:].copy()
    before = seen[-2 * WEEK : -WEEK]
    mean = np.where(np.isnan(mean), before, mean)
    mean = np.where(np.isnan(mean), np.nanmedian(seen[-2 * WEEK :]), mean)
    return mean, np.full(WEEK, _robust(seen[WEEK:] - seen[:-WEEK]))


def _robust(errors: Floats) -> float:
    """Return the standard deviation of most of them: 1.4826 times the median distance from their median."""
    middle = np.nanmedian(errors)
    return max(float(1.4826 * np.nanmedian(np.abs(errors - middle))), 1e-6)


def _error(expected: Floats, seen: Floats) -> float:
    return float(np.nanmean(np.abs(expected - seen)))


def _logits(values: Sequence[float]) -> Floats:
    shares = np.clip(np.asarray(values, dtype=np.float64), _SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(shares / (1 - shares)), dtype=np.float64)


def _share(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float64)
