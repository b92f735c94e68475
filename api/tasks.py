"""Celery's names for functions that live elsewhere. Unknown arguments are ignored, for rolling updates."""

from typing import Any

from celery import shared_task


@shared_task(name="api.tasks.train")
def train(run_id: str, **kwargs: Any) -> None:
    from api import retraining

    retraining.execute(run_id)


@shared_task(name="api.tasks.nightly")
def nightly(**kwargs: Any) -> None:
    from api import queue

    queue.enqueue_nightly()


@shared_task(name="api.tasks.sweep")
def sweep(scheduled: bool = False, **kwargs: Any) -> None:
    from api import health, live, predictions, queue, review_queue

    health.beat_worker(scheduled=scheduled)
    queue.sweep()
    predictions.purge()
    review_queue.compare_versions()
    live.compute()
