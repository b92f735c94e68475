"""What must not come back, without what it is."""

import uuid

from django.db import models
from django.utils import timezone


class Suppression(models.Model):
    """A keyed fingerprint of something that was forgotten. One act of forgetting may need several."""

    erasure = models.UUIDField(default=uuid.uuid4, db_index=True, help_text="the act of forgetting")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=60, help_text="what it was named by: text, or reviewer and external_id")
    digest = models.CharField(max_length=64, help_text="HMAC-SHA256 in hex, with the key that key_id names")
    key_id = models.CharField(max_length=16)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest", "kind"], name="suppressed_once")]

    def __str__(self) -> str:
        return f"a forgotten {self.kind}"
