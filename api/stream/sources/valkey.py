"""Reading the stream in Valkey as one of a group."""

import logging
import os
import secrets
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from redis import Redis, ResponseError

from api.stream.sources import ALONE_FROM, Received
from api.stream.valkey_stream import GROUP, STREAM, asking, position_of, remove, time_of

logger = logging.getLogger(__name__)

_WAIT_MS = 500
_FORGET_READERS_MS = 3_600_000


class ValkeySource:
    """A reader of the stream. What a reader that ended had in its hands is taken over after `lease_seconds`.

    The order of the messages is not kept then, and nobody depends on it.
    """

    def __init__(self, *, lease_seconds: float) -> None:
        self._lease_ms = int(lease_seconds * 1000)
        # A new name at each start: what another process of this name has read is not this one's.
        self._name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._look_for_orphans_at = 0.0
        self._held: list[Any] = []

    def read(self, limit: int) -> Sequence[Received]:
        with asking() as valkey:
            try:
                return self._read(valkey, limit)
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                with suppress(ResponseError):  # another reader was faster
                    valkey.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
                return []

    def done(self, received: Sequence[Received]) -> None:
        if received:
            with asking() as valkey:
                remove(valkey, [_entry(one) for one in received])
        self._held = []

    def keep(self) -> None:
        if self._held:
            with asking() as valkey:
                valkey.xclaim(STREAM, GROUP, self._name, 0, self._held, justid=True)  # which is no delivery

    def close(self) -> None:
        if not self._held:
            with asking() as valkey:
                valkey.xgroup_delconsumer(STREAM, GROUP, self._name)

    def _read(self, valkey: Redis, limit: int) -> list[Received]:
        found = self._orphans(valkey, limit) if time.monotonic() >= self._look_for_orphans_at else []
        if not found:
            answer: Any = valkey.xreadgroup(GROUP, self._name, {STREAM: ">"}, count=limit, block=_WAIT_MS)
            found = [_received(entry, fields, 1) for _, entries in _pairs(answer) for entry, fields in entries]
        self._held = [_entry(one) for one in found]
        return found

    def _orphans(self, valkey: Redis, limit: int) -> list[Received]:
        """Take over what a reader had in its hands for too long; look again at once while there is more."""
        pending: Any = valkey.xpending_range(STREAM, GROUP, "-", "+", limit, idle=self._lease_ms)
        if not pending:
            self._look_for_orphans_at = time.monotonic() + self._lease_ms / 4000
            self._forget_readers(valkey)
            return []
        times = {one["message_id"]: int(one["times_delivered"]) + 1 for one in pending}
        worst = max(times, key=lambda entry: times[entry])
        wanted = [worst] if times[worst] > ALONE_FROM else list(times)
        # Another reader may have been faster: then it is idle no longer. What was deleted meanwhile does not come.
        claimed: Any = valkey.xclaim(STREAM, GROUP, self._name, self._lease_ms, wanted)
        logger.warning("took over %s messages of a reader that has ended", len(claimed))
        return [_received(entry, fields, times[entry]) for entry, fields in claimed if fields is not None]

    def _forget_readers(self, valkey: Redis) -> None:
        """Delete the names of readers that have ended; never one that has something in its hands."""
        readers: Any = valkey.xinfo_consumers(STREAM, GROUP)
        for reader in readers:
            if reader["pending"] == 0 and reader["idle"] > _FORGET_READERS_MS:
                valkey.xgroup_delconsumer(STREAM, GROUP, reader["name"])


def _pairs(answer: Any) -> Any:
    """Return what XREADGROUP says in either form: RESP2 has pairs, RESP3 a mapping of lists of lists."""
    if isinstance(answer, dict):
        return [(name, batch) for name, batches in answer.items() for batch in batches]
    return answer or []


def _received(entry: bytes, fields: dict[bytes, bytes], deliveries: int) -> Received:
    key = fields.get(b"key", b"")
    return Received(
        position_of(entry),
        fields.get(b"message", b""),
        datetime.fromtimestamp(time_of(entry), UTC),
        int(key) if key.isdigit() else None,
        deliveries,
    )


def _entry(received: Received) -> bytes:
    return received.position.removeprefix("valkey:").encode()
