"""Training runs: the queue of record."""

import uuid

from django.db import models
from django.utils import timezone

from api.models.versions import ModelVersion


class TrainingRuns(models.QuerySet["TrainingRun"]):
    def lock_running(self) -> None:
        """In a transaction, keep runs from storing results until it ends; wait for one that is just storing.

        On SQLite, where one writes at a time, this is so by itself.
        """
        list(self.select_for_update(no_key=True).filter(status=TrainingRun.Status.RUNNING).values("pk"))


class TrainingRun(models.Model):
    """One attempt to make a model. These rows are the queue of record; `api/training/queue.py` moves them along."""

    class Kind(models.TextChoices):
        BOOTSTRAP = "bootstrap"
        NIGHTLY = "nightly"
        MANUAL = "manual"

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        ABANDONED = "abandoned"

    class Outcome(models.TextChoices):
        PROMOTED = "promoted"
        REJECTED = "rejected"
        UNCHANGED = "unchanged"
        PENDING_APPROVAL = "pending_approval"

    objects = TrainingRuns.as_manager()

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Kind)
    dedupe_key = models.CharField(max_length=60, null=True, unique=True, help_text="such as nightly:2026-11-21")
    status = models.CharField(max_length=20, choices=Status, default=Status.QUEUED)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    requested_by = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0, help_text="also the fence: only the last attempt may write")
    lease_until = models.DateTimeField(null=True)
    step = models.CharField(max_length=100, blank=True)
    progress = models.FloatField(default=0.0)
    reasons = models.JSONField(default=list)
    figures = models.JSONField(default=dict)
    version = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT, related_name="runs")
    served_by = models.JSONField(
        null=True, help_text="web processes that answer with the promoted version when the run ends, and `of` how many"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["status"], condition=models.Q(status="running"), name="one_run_at_a_time"),
            models.UniqueConstraint(
                fields=["kind"],
                condition=models.Q(status="queued", kind="manual", attempts=0),
                name="one_manual_run_queued",
            ),
        ]
        indexes = [models.Index(fields=["status", "created_at"])]

    def __str__(self) -> str:
        return f"{self.kind} run {self.pk}"
