"""Celery's names for functions that live elsewhere. Unknown arguments are ignored, for rolling updates."""

from typing import Any

from celery import shared_task


@shared_task(name="api.tasks.train")
def train(run_id: str, **kwargs: Any) -> None:
    from api.training import retraining

    retraining.execute(run_id)


@shared_task(name="api.tasks.nightly")
def nightly(**kwargs: Any) -> None:
    from api.training import queue

    queue.enqueue_nightly()


@shared_task(name="api.tasks.sweep")
def sweep(scheduled: bool = False, **kwargs: Any) -> None:
    from api.operations import health
    from api.prediction import recorder
    from api.review_queue import live_metrics, selection
    from api.training import queue

    health.beat_worker(scheduled=scheduled)
    queue.sweep()
    recorder.purge()
    selection.compare_versions()
    live_metrics.compute()
