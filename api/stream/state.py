"""What waits in the stream, for `/health`."""

import time
from typing import Any

from django.conf import settings

from api.models import DeadLetter
from api.stream import valkey_stream
from api.stream.sources import SourceUnavailable, Waiting


def report() -> dict[str, Any]:
    """Return how many messages wait, how old the oldest is, and how many dead letters nobody has resolved."""
    letters = DeadLetter.objects.filter(resolved_at=None).count()
    try:
        waiting = _waiting()
    except SourceUnavailable as error:
        return {"ok": False, "waiting": None, "oldest_seconds": None, "dead_letters": letters, "problem": str(error)}
    oldest = None if waiting.oldest is None else round(max(0.0, time.time() - waiting.oldest), 1)
    return {"ok": True, "waiting": waiting.number, "oldest_seconds": oldest, "dead_letters": letters, "problem": ""}


def _waiting() -> Waiting:
    if settings.STREAM == "kafka":
        from api.stream import kafka_topic  # whose package may not be installed

        return kafka_topic.waiting()
    return valkey_stream.waiting()
