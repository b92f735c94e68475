"""The counts of hours, as they are asked for."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Sum

from api.models import StreamHour

#: Rows of one answer.
MOST_ROWS = 20_000


class TooMany(Exception):
    """More hours than one answer has."""


@dataclass(frozen=True)
class Hour:
    """An hour of a channel, a label and a version.

    Attributes:
        hour: its beginning, in UTC.
        version: of the model; None where versions are put together.
        count: how many tweets.
        mean: of their probabilities, from 0 to 1.
        deviation: the standard deviation of these.
        flagged: how many were answered with yes.
        flagged_share: of all, from 0 to 1.
    """

    hour: datetime
    channel: str
    label: str
    version: int | None
    count: int
    mean: float
    deviation: float
    flagged: int
    flagged_share: float


def find(
    *,
    since: datetime,
    until: datetime,
    channel: str = "",
    label: str = "",
    by_version: bool = True,
    by_channel: bool = True,
) -> list[Hour]:
    """Return hours in order; those without a tweet are left out.

    Args:
        since: the first hour; until: the first that is not asked for any more.
        channel, label: only of these; empty for all.
        by_version: a row for each version that answered in the hour; else one for all of them together.
        by_channel: a row for each channel; else one for all of them together, whose channel is empty.

    Raises:
        TooMany: there are more than `MOST_ROWS`.
    """
    rows = StreamHour.objects.filter(hour__gte=since, hour__lt=until)
    if channel:
        rows = rows.filter(channel=channel)
    if label:
        rows = rows.filter(label=label)
    names = ["hour", *(["channel"] if by_channel else []), "label", *(["version"] if by_version else [])]
    sums = rows.values(*names).annotate(
        number=Sum("count"), sum_p=Sum("total"), sum_pp=Sum("squares"), yes=Sum("flagged")
    )
    found = list(sums.order_by(*names)[: MOST_ROWS + 1])
    if len(found) > MOST_ROWS:
        raise TooMany()
    return [_hour(row) for row in found]


def _hour(row: dict[str, Any]) -> Hour:
    number = row["number"]
    mean = row["sum_p"] / number
    deviation = math.sqrt(max(0.0, row["sum_pp"] / number - mean * mean))
    return Hour(
        row["hour"],
        row.get("channel", ""),
        row["label"],
        row.get("version"),
        number,
        mean,
        deviation,
        row["yes"],
        row["yes"] / number,
    )
