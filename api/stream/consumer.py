"""The process that works on the stream: read, judge, write, acknowledge, again and again.

A message is acknowledged when what it says is in the database, and never before. Whatever ends this process in between,
the message comes again, and the database takes each post once.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from django.conf import settings
from django.db import DatabaseError, connection

from api.lib import database
from api.models import Heartbeat
from api.prediction import active_model
from api.prediction.active_model import ModelNotReady
from api.stream import processing
from api.stream.sources import Received, Source, SourceUnavailable

logger = logging.getLogger(__name__)

#: Messages that are read at once, and held in memory.
BATCH = 500
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_HEARTBEAT_SECONDS = 5.0


class Consumer:
    """Works on a source until it is told to stop.

    Attributes:
        stopping: set it, and the loop ends after the batch that it has in its hands.
    """

    def __init__(self, source: Source) -> None:
        self.stopping = threading.Event()
        self._source = source
        self._pause = _FIRST_PAUSE
        self._problem = ""
        self._looked_at = self._beat_at = float("-inf")

    def obey_signals(self) -> None:
        def stop(number: int, frame: FrameType | None) -> None:
            self.stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)

    def run(self) -> None:
        while not self.stopping.is_set():
            self.step()
        with suppress(SourceUnavailable):
            self._source.close()

    def step(self) -> None:
        """Work on one batch, or wait a moment where there is none."""
        self._follow_the_champion()
        try:
            model = active_model.get()
        except ModelNotReady as error:
            self._rest(f"no model is loaded: {error.detail}")
            return
        try:
            received = self._source.read(BATCH)
        except SourceUnavailable as error:
            self._rest(f"the stream cannot be read: {error}")
            return
        self._well()
        if received and self._store(processing.judge(received, model)):
            self._acknowledge(received)

    def _store(self, work: processing.Work) -> bool:
        """Write until the database takes it; whether it did before this process has to end."""
        while True:
            try:
                outcome = processing.store(work)
            except DatabaseError as error:
                connection.close_if_unusable_or_obsolete()
                self._rest(f"the database does not take the stream: {database.message(error)}")
                self._hold()
                if self.stopping.is_set():
                    return False
            else:
                self._well()
                if outcome.dead:
                    logger.warning("%s messages of the stream became dead letters", outcome.dead)
                return True

    def _acknowledge(self, received: Sequence[Received]) -> None:
        try:
            self._source.done(received)
        except SourceUnavailable as error:  # they come again, and change nothing
            self._rest(f"the stream takes no acknowledgement: {error}")

    def _hold(self) -> None:
        with suppress(SourceUnavailable):  # then another process may take them over: the database takes each once
            self._source.keep()

    def _follow_the_champion(self) -> None:
        now = time.monotonic()
        if now - self._looked_at >= settings.MODEL_POLL_SECONDS:
            self._looked_at = now
            active_model.refresh()
        if now - self._beat_at >= _HEARTBEAT_SECONDS:
            self._beat_at = now
            self._beat()

    def _beat(self) -> None:
        try:
            version: int | None = active_model.get().version
        except ModelNotReady:
            version = None
        try:
            Heartbeat.beat(
                f"stream:{socket.gethostname()}:{os.getpid()}", "stream", version=version, problem=self._problem
            )
        except DatabaseError:
            connection.close_if_unusable_or_obsolete()

    def _rest(self, problem: str) -> None:
        """Wait, longer each time, and say why once."""
        if problem != self._problem:
            logger.warning("%s", problem)
        self._problem = problem
        self.stopping.wait(self._pause)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _well(self) -> None:
        self._problem, self._pause = "", _FIRST_PAUSE
