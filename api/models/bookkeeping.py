"""The audit log, repeated requests and signs of life."""

from typing import Any

from django.db import models
from django.utils import timezone

from api.models.base import History
from api.models.keys import ApiKey


class AuditEntry(History):
    """Who did what, when and why. Written once, by `api/lib/audit_log.py`."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    by = models.CharField(max_length=120)
    action = models.CharField(max_length=40, db_index=True)
    target = models.CharField(max_length=120)
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.by}: {self.action} {self.target}"


class IdempotentAnswer(models.Model):
    """The answer to a request that named an Idempotency-Key, kept for a day at most to be given again."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE)
    name = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body: Any = models.JSONField(default=dict)
    size = models.PositiveIntegerField(default=0, db_default=0, help_text="of this row in bytes, about")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "name"], name="one_answer_per_idempotency_key")]

    def __str__(self) -> str:
        return f"answer to {self.name}"


class Heartbeat(models.Model):
    """The last sign of life of a process, and which model it serves."""

    process = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20)
    at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(null=True)
    problem = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.process} at {self.at:%H:%M:%S}"

    @classmethod
    def beat(cls, process: str, kind: str, *, version: int | None = None, problem: str = "") -> None:
        cls.objects.update_or_create(
            process=process,
            defaults={"kind": kind, "at": timezone.now(), "version": version, "problem": problem[:300]},
        )
