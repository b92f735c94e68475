"""Figures that decide nothing: a run is not lost because one of them fails, or takes long."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

logger = logging.getLogger(__name__)

_SHARE = 0.1  # of the time that a run may take, for all of them together
Measured = TypeVar("Measured")


class TookTooLong(Exception):
    """The time for statistics is over."""


class Statistics:
    """The statistics of one run.

    Attributes:
        problems: a sentence for each that could not be measured.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._seconds = _SHARE * settings.TRAINING_SECONDS
        self._end = time.monotonic() + self._seconds

    def check(self) -> None:
        """Raise TookTooLong where the time is over; to be called now and then."""
        if time.monotonic() > self._end:
            raise TookTooLong(f"it took longer than {self._seconds:.0f} s, a tenth of TRAINING_SECONDS")

    def measure(self, name: str, measure: Callable[[], Measured]) -> Measured | None:
        """Return what `measure` does; None where it fails, with a sentence in `problems`.

        Args:
            name: as in "... was not measured".
        """
        try:
            return measure()
        except SoftTimeLimitExceeded:
            raise  # the run's own end
        except Exception as error:
            if not isinstance(error, TookTooLong):
                logger.exception("%s was not measured", name)
            said = str(error) if isinstance(error, TookTooLong) else f"{type(error).__name__}: {error}"
            self.problems.append(f"{name} was not measured: {said}")
            return None
