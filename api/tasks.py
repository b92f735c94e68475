"""Celery's names for functions that live elsewhere. Unknown arguments are ignored, for rolling updates."""

from typing import Any

from celery import shared_task

from api.training.queue import TRAIN_TASK


@shared_task(name=TRAIN_TASK)
def train(run_id: str, **kwargs: Any) -> None:
    from api.training import retraining

    retraining.execute(run_id)


@shared_task(name="api.tasks.nightly")
def nightly(**kwargs: Any) -> None:
    from django.contrib.sessions.backends.db import SessionStore

    from api.training import queue

    queue.enqueue_nightly()
    SessionStore.clear_expired()


@shared_task(name="api.tasks.fit_series")
def fit_series(**kwargs: Any) -> None:
    from api.analytics import watching

    watching.fit_all()


@shared_task(name="api.tasks.look_for_anomalies")
def look_for_anomalies(**kwargs: Any) -> None:
    from api.analytics import watching

    watching.look()


@shared_task(name="api.tasks.sweep")
def sweep(scheduled: bool = False, **kwargs: Any) -> None:
    from api.lib import heartbeat
    from api.prediction import recorder
    from api.review_queue import disagreement, live_metrics
    from api.stream import retention
    from api.training import queue

    heartbeat.beat_worker(scheduled=scheduled)
    queue.sweep()
    recorder.purge()
    retention.purge()
    disagreement.compare_versions()
    live_metrics.compute()
