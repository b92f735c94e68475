import os
import warnings
from contextlib import suppress
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init, worker_process_init, worker_ready
from kombu.exceptions import OperationalError

from api.lib.processes import die_with_parent, end_forked_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Celery warns root because of pickled messages. Only JSON is accepted here, and containers run as another user.
warnings.filterwarnings("ignore", message="You're running the worker with superuser")

app = Celery("hate_speech")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _end_training_with_worker(**kwargs: Any) -> None:
    """Kill the training process with its worker, so that no run is worked on twice."""
    end_forked_with_parent()


@worker_init.connect
def _drop_unreadable_messages(**kwargs: Any) -> None:
    """Begin without the message that may have ended the worker before this one."""
    from api.lib import broker

    broker.drop_unreadable()


@worker_process_init.connect
def _watch_worker(**kwargs: Any) -> None:
    """As `_end_training_with_worker`, where no signal says that a parent has ended."""
    die_with_parent()


@worker_ready.connect
def _sweep_at_start(**kwargs: Any) -> None:
    """Find what was left over, now and not in half a minute: runs nobody rang for, leases of the dead."""
    _ask_for_sweep(scheduled=False)


@beat_init.connect
def _sign_of_life(**kwargs: Any) -> None:
    """Send the first sweep at once: the sweep that beat sends is its sign of life."""
    _ask_for_sweep(scheduled=True)


def _ask_for_sweep(*, scheduled: bool) -> None:
    from api.tasks import sweep

    with suppress(OperationalError):  # the broker is away: the schedule asks again
        sweep.apply_async(kwargs={"scheduled": scheduled}, retry=False)
