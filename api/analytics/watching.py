"""Looking for hours that are unlike the others, and expecting the next week: for all channels, and for the largest.

A worker does both in a process that it replaces when it has grown: statsmodels takes 200 MB.
"""

import logging
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from api.models import Anomaly, HourlySeries, StreamHour
from hate_speech_ai import series
from hate_speech_ai.labels import HATE_SPEECH

logger = logging.getLogger(__name__)

MEASURES = ("mean", "flagged_share")
#: Of an hour: with fewer, its mean says little.
LEAST_TWEETS = 20
_WEEKS = 9
_MOST_CHANNELS = 20
_HOUR = timedelta(hours=1)


class Seen(NamedTuple):
    """The hours of a series, one after the other.

    Attributes:
        start: the first; values: the share of each, nan where there were too few tweets.
        breaks: the places where another version answered most of the tweets than before.
    """

    start: datetime
    values: list[float]
    breaks: list[int]


def fit_all() -> int:
    """Fit each series anew, and forecast its next week; return how many there are. A short one has to wait."""
    until, number = _this_hour(), 0
    for channel, label, measure in _names(until):
        seen = read(channel, label, measure, until)
        try:
            values = series.bridge(seen.values, seen.breaks)
            parameters = series.fit(values)
            found = series.forecast(values, parameters)
        except series.TooShort:
            continue
        fields = {
            "fitted_at": timezone.now(),
            "until": until,
            "parameters": parameters,
            "forecast": [list(hour) for hour in found.hours],
            "forecast_model": found.model,
            "errors": found.errors,
        }
        names: dict[str, Any] = {"channel": channel, "label": label, "measure": measure}
        HourlySeries.objects.update_or_create(**names, defaults=fields)
        number += 1
    return number


def look() -> int:
    """Find anomalies in the hours of the last two days, with the parameters of the last night; return how many.

    A late tweet changes its hour, so an hour is judged anew each time. The hours of a day after another version has
    taken over are none: the model changed, and not what people write.
    """
    until, number = _this_hour(), 0
    for one in HourlySeries.objects.order_by("pk"):
        seen = read(one.channel, one.label, one.measure, until)
        if len(seen.values) < series.LEAST_HOURS:
            continue
        found = series.steps(series.bridge(seen.values, seen.breaks), one.parameters)
        quiet = {place + hour for place in seen.breaks for hour in range(series.DAY)}
        # What was found before another version took over stays as it was found.
        recent = range(max(len(found) - 2 * series.DAY, *seen.breaks[-1:], 0), len(found))
        anomalies = [
            Anomaly(
                hour=seen.start + place * _HOUR,
                channel=one.channel,
                label=one.label,
                measure=one.measure,
                value=seen.values[place],
                expected=found[place].expected,
                low=found[place].low,
                high=found[place].high,
                z=found[place].z,
            )
            for place in recent
            if found[place].is_anomaly and place not in quiet
        ]
        names = {"channel": one.channel, "label": one.label, "measure": one.measure}
        with transaction.atomic():
            Anomaly.objects.filter(**names, hour__gte=seen.start + recent.start * _HOUR).delete()
            Anomaly.objects.bulk_create(anomalies)
        number += len(anomalies)
    return number


def read(channel: str, label: str, measure: str, until: datetime) -> Seen:
    """Return the last nine weeks of a series, without the hour that is not over."""
    rows = StreamHour.objects.filter(label=label, hour__gte=until - timedelta(weeks=_WEEKS), hour__lt=until)
    if channel:
        rows = rows.filter(channel=channel)
    sums: dict[datetime, list[float]] = {}
    main: dict[datetime, tuple[int, int]] = {}
    columns = rows.values("hour", "version").annotate(n=Sum("count"), p=Sum("total"), yes=Sum("flagged"))
    for row in columns.order_by("hour", "version"):
        cell = sums.setdefault(row["hour"], [0, 0.0])
        cell[0] += row["n"]
        cell[1] += row["p"] if measure == "mean" else row["yes"]
        main[row["hour"]] = max(main.get(row["hour"], (0, 0)), (row["n"], row["version"]))
    if not sums:
        return Seen(until, [], [])
    start = min(sums)
    values, breaks, version = [], [], None
    for place in range(int((until - start) / _HOUR)):
        number, part = sums.get(start + place * _HOUR, (0, 0.0))
        values.append(part / number if number >= LEAST_TWEETS else math.nan)
        if number:
            _, now = main[start + place * _HOUR]
            if version is not None and now != version:
                breaks.append(place)
            version = now
    return Seen(start, values, breaks)


def largest_channels(until: datetime) -> list[str]:
    """Return the channels whose hours are watched: those with the most tweets in the week before."""
    recent = StreamHour.objects.filter(label=HATE_SPEECH, hour__gte=until - timedelta(weeks=1))
    largest = recent.values("channel").annotate(n=Sum("count")).order_by("-n", "channel")[:_MOST_CHANNELS]
    return [row["channel"] for row in largest]


def _names(until: datetime) -> Iterator[tuple[str, str, str]]:
    """Yield the channel, label and measure of each series: all channels together, and the largest."""
    for channel in ("", *largest_channels(until)):
        for label in dict.fromkeys([HATE_SPEECH, *settings.STREAM_LABELS]):
            for measure in MEASURES:
                yield channel, label, measure


def _this_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)
