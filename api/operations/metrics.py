"""/metrics: what Prometheus reads. Counters of this machine's web processes, and the state of all parts."""

import os
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import Error
from django.db.models import Count, Sum
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from api.lib import metrics
from api.models import Promotion, StreamHour, TrainingRun
from api.operations import health

CONTENT_TYPE = CONTENT_TYPE_LATEST


def text() -> bytes:
    """Return all metrics, as Prometheus reads them."""
    registry = CollectorRegistry()
    if os.environ.get(metrics.FOLDER):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:  # one process alone
        registry.register(_Own())
    registry.register(_State())
    return bytes(generate_latest(registry))


class _Own:
    """The counters of this process."""

    def collect(self) -> Iterator[Metric]:
        yield from (one for one in REGISTRY.collect() if one.name.startswith("hate_speech_"))


class _State:
    """What the database, Redis and the stream say at this moment; nothing of a part that is away."""

    def collect(self) -> Iterator[Metric]:
        _, report = health.report()
        parts = GaugeMetricFamily("hate_speech_part_ok", "1 where a part is well, else 0.", labels=["part"])
        for name, part in report.items():
            if isinstance(part, dict):
                parts.add_metric([name], float(part.get("ok", True)))
        yield parts
        if stream := report.get("stream"):
            yield from _stream_state(stream)
        try:
            yield from _of_training()
            if settings.STREAM:
                yield from _of_hours()
        except Error:
            return


def _stream_state(stream: dict[str, Any]) -> Iterator[Metric]:
    if stream["waiting"] is not None:
        oldest = stream["oldest_seconds"] or 0.0
        yield _gauge("hate_speech_stream_waiting", "Messages that were not worked on yet.", stream["waiting"])
        yield _gauge("hate_speech_stream_oldest_seconds", "The age of the oldest of them.", oldest)
    letters = stream["dead_letters"]
    yield _gauge("hate_speech_stream_dead_letters", "Dead letters that nobody has resolved.", letters)


def _of_training() -> Iterator[Metric]:
    champion = Promotion.champion()
    if champion:
        yield _gauge("hate_speech_model_version", "The version that serves.", champion.pk)
    runs = GaugeMetricFamily("hate_speech_training_runs", "Training runs by status.", labels=["status"])
    for row in TrainingRun.objects.values("status").annotate(number=Count("pk")):
        runs.add_metric([row["status"]], row["number"])
    yield runs
    oldest = TrainingRun.objects.filter(status=TrainingRun.Status.QUEUED).order_by("created_at").first()
    age = (timezone.now() - oldest.created_at).total_seconds() if oldest else 0.0
    yield _gauge("hate_speech_training_queue_seconds", "How long the oldest run has been waiting.", age)
    done = TrainingRun.objects.filter(status=TrainingRun.Status.DONE).order_by("-finished_at").first()
    if done and done.finished_at:
        at = done.finished_at.timestamp()
        yield _gauge("hate_speech_training_last_done_timestamp_seconds", "When a run last ended well.", at)


def _of_hours() -> Iterator[Metric]:
    labels = ["channel", "label"]
    tweets = CounterMetricFamily("hate_speech_stream_tweets", "Tweets of the stream that were judged.", labels=labels)
    flagged = CounterMetricFamily("hate_speech_stream_flagged", "Those that were answered with yes.", labels=labels)
    total = CounterMetricFamily("hate_speech_stream_probability", "The sum of their probabilities.", labels=labels)
    sums = StreamHour.objects.values(*labels).annotate(n=Sum("count"), yes=Sum("flagged"), p=Sum("total"))
    for row in sums.order_by(*labels):
        names = [row["channel"], row["label"]]
        tweets.add_metric(names, row["n"])
        flagged.add_metric(names, row["yes"])
        total.add_metric(names, row["p"])
    yield from (tweets, flagged, total)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)
