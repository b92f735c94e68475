"""How long events and dead letters are kept. Hours stay: they are counts."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from api.models import DeadLetter, StreamEvent

_BATCH = 5_000


def purge() -> None:
    """Delete what was stored more than `STREAM_RETENTION_DAYS` ago."""
    old = timezone.now() - timedelta(days=settings.STREAM_RETENTION_DAYS)
    for model in (StreamEvent, DeadLetter):
        rows: Any = model._default_manager
        while some := list(rows.filter(stored_at__lt=old).values_list("pk", flat=True)[:_BATCH]):  # no long transaction
            rows.filter(pk__in=some).delete()
