"""What the service knows about its own traffic: live figures, stored predictions, and whose labels are reliable."""

from collections import Counter
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api.keys.accounts import Role
from api.models import ApiKey, LiveFigures, ModelVersion, Promotion, StoredPrediction
from api.pages import tables
from api.pages.access import page
from hate_speech_ai.labels import HATE_SPEECH

#: So many of the newest stored predictions are counted: enough for shares, and as fast with a million of them.
MOST_COUNTED = 20_000
_BINS = 10
_KEYS = 50


@page(Role.MODERATOR)
def traffic(request: HttpRequest) -> HttpResponse:
    rows, stream = _newest(), _stream(request)
    scores, days = _scores(rows), _days(rows)
    if found := tables.as_csv(
        request, scores, days, *(stream[name] for name in ("hours", "anomalies") if name in stream)
    ):
        return found
    champion = Promotion.champion()
    live = LiveFigures.objects.filter(version=champion).first() if champion else None
    shown = {
        "storing": settings.PREDICTION_SAMPLE_RATE,
        "days_kept": settings.PREDICTION_RETENTION_DAYS,
        "counted": len(rows),
        "most": MOST_COUNTED,
        "live": live,
        "figures": _figures(live),
        "held_out": _held_out(champion),
        "version": champion,
        "scores": scores,
        "days": days,
        "keys": _keys(),
        **stream,
    }
    return render(request, "pages/traffic.html", shown)


def _stream(request: HttpRequest) -> dict[str, Any]:
    """Return what the page shows of the stream; nothing, without a query or an import, where there is none."""
    if not settings.STREAM:
        return {}
    from api.pages.traffic import hours

    return hours.shown(request)


def _newest() -> list[tuple[Any, float, float]]:
    """Return when, how probable and from where on yes: of the newest predictions that clients asked for."""
    rows = StoredPrediction.objects.filter(is_control=False).order_by("-last_seen")
    return list(rows.values_list("last_seen", "probability", "threshold")[:MOST_COUNTED])


def _scores(rows: list[tuple[Any, float, float]]) -> tables.Table:
    counts = Counter(min(int(probability * _BINS), _BINS - 1) for _, probability, _ in rows)
    total = len(rows) or 1
    lines = [
        [f"{place / _BINS:.1f} to {(place + 1) / _BINS:.1f}", counts[place], round(counts[place] / total, 4)]
        for place in range(_BINS)
    ]
    return tables.Table("scores", "Probabilities of stored predictions", ["probability", "texts", "share"], lines)


def _days(rows: list[tuple[Any, float, float]]) -> tables.Table:
    texts: Counter[str] = Counter()
    flagged: Counter[str] = Counter()
    for at, probability, threshold in rows:
        day = f"{at:%Y-%m-%d}"
        texts[day] += 1
        flagged[day] += probability >= threshold
    lines = [[day, texts[day], flagged[day], round(flagged[day] / texts[day], 4)] for day in sorted(texts)]
    return tables.Table("days", "Flagged texts by day (UTC)", ["day", "texts", "flagged", "share flagged"], lines)


def _figures(live: LiveFigures | None) -> list[dict[str, Any]]:
    """Return precision, recall and base rate with what is missing where there is no figure."""
    if live is None:
        return []
    own = live.figures
    return [
        {"name": name, "interval": own.get(name), "reason": (own.get("reasons") or {}).get(name, "")}
        for name in ("precision", "recall", "base_rate")
    ]


def _held_out(version: ModelVersion | None) -> dict[str, Any]:
    found: dict[str, Any] = version.metrics.get(HATE_SPEECH, {}) if version else {}
    return found


def _keys() -> list[ApiKey]:
    """Return the keys whose labels the last training run measured; the least reliable first."""
    keys = ApiKey.objects.exclude(reliability={}).order_by("-pk")[:_KEYS]
    return sorted(keys, key=lambda key: float(key.reliability.get("smoothed_agreement", 1.0)))
