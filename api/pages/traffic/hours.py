"""The hours of the stream: a chart with what was to be expected, the hours that were unlike it, and the next week."""

import math
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from api.analytics import hours, watching
from api.models import Anomaly, HourlySeries
from api.pages.tables import Table
from api.pages.tags import percent
from hate_speech_ai.labels import HATE_SPEECH

_DAYS = 7
_HOUR = timedelta(hours=1)
_MOST_ANOMALIES = 20
_Z = 1.96
# As the API has them: the same series are watched.
_MEASURE = "mean"
_NAMES = {"mean": "mean probability", "flagged_share": "share flagged"}


def shown(request: HttpRequest) -> dict[str, Any]:
    """Return what the page shows of the stream's last week, and of the next."""
    until = timezone.now().replace(minute=0, second=0, microsecond=0) + _HOUR
    channels = watching.largest_channels(until)
    labels = list(dict.fromkeys([HATE_SPEECH, *settings.STREAM_LABELS]))
    channel = chosen if (chosen := request.GET.get("channel", "")) in channels else ""
    label = chosen if (chosen := request.GET.get("label", "")) in labels else HATE_SPEECH
    if not channels:
        return {"stream": True}
    series = HourlySeries.objects.filter(channel=channel, label=label, measure=_MEASURE).first()
    found = Anomaly.objects.filter(channel=channel, label=label, hour__gte=until - timedelta(days=_DAYS))
    anomalies = list(found.order_by("-hour", "pk")[:_MOST_ANOMALIES])
    return {
        "stream": True,
        "channels": channels,
        "channel": channel,
        "stream_labels": labels,
        "label": label,
        "stream_query": urlencode({"channel": channel, "label": label}),
        "series": series,
        "hours": _hours(channel, label, until, series, anomalies),
        "anomalies": _anomalies(anomalies),
        "meanings": [(one, _meaning(one)) for one in anomalies],
    }


def _hours(channel: str, label: str, until: datetime, series: HourlySeries | None, anomalies: list[Anomaly]) -> Table:
    """Return each hour of the last week and of the forecast; one without tweets is empty, so that a line has a gap."""
    since = until - timedelta(days=_DAYS)
    found = hours.find(
        since=since, until=until, channel=channel, label=label, by_version=False, by_channel=bool(channel)
    )
    seen = {one.hour: one for one in found}
    expected = {series.until + place * _HOUR: hour for place, hour in enumerate(series.forecast)} if series else {}
    unlike = {one.hour: one.value for one in anomalies if one.measure == _MEASURE}
    last = max([until - _HOUR, *expected])
    rows = []
    for place in range(int((last - since) / _HOUR) + 1):
        hour = since + place * _HOUR
        ahead = expected.get(hour)
        forecast = [round(ahead[0], 4), round(ahead[3], 4), round(ahead[4], 4)] if ahead else [None] * 3
        rows.append([hour, *_seen(seen.get(hour)), _short(unlike.get(hour)), *forecast])
    columns = ["hour", "tweets", "mean probability", "low", "high", "unlike the others"]
    columns += ["forecast", "forecast low", "forecast high"]
    drawn = {"mean probability": "line", "low": "low", "high": "high", "unlike the others": "points"}
    drawn |= {"forecast": "line", "forecast low": "low", "forecast high": "high"}
    return Table("hours", "Mean probability of each hour, with 95 % intervals", columns, rows, drawn)


def _seen(hour: hours.Hour | None) -> list[Any]:
    """Return how many tweets there were, their mean, and its 95 % interval."""
    if hour is None:
        return [None] * 4
    half = _Z * hour.deviation / math.sqrt(hour.count)
    mean = hour.mean
    return [hour.count, round(mean, 4), round(max(0.0, mean - half), 4), round(min(1.0, mean + half), 4)]


def _anomalies(found: list[Anomaly]) -> Table:
    rows = [
        [
            one.hour,
            _NAMES.get(one.measure, one.measure),
            *map(_short, (one.value, one.expected, one.low, one.high, one.z)),
        ]
        for one in found
    ]
    columns = ["hour", "figure", "was", "expected", "low", "high", "deviations"]
    return Table("anomalies", "Hours that were unlike the others", columns, rows)


def _meaning(one: Anomaly) -> str:
    is_more = one.value > one.expected
    if one.measure == _MEASURE:
        what = f"the tweets were {'more' if is_more else 'less'} like hate speech"
    else:
        what = f"{'more' if is_more else 'fewer'} tweets were flagged"
    return (
        f"{what} than the hours before led to expect: {_NAMES[one.measure]} {percent(one.value)}, "
        f"where {percent(one.low)} to {percent(one.high)} was to be expected."
    )


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
