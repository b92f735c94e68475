"""What came in by the stream: judged tweets without their texts, the counts of each hour, and dead letters."""

from typing import Any

from django.db import models
from django.utils import timezone

from api.models.versions import ModelVersion


class StreamEvent(models.Model):
    """A tweet of the stream, once it was judged. Its text is not kept."""

    channel = models.CharField(max_length=64, help_text="where it was posted, as the producer calls that")
    external_id = models.CharField(max_length=200, help_text="the platform's id of the post")
    at = models.DateTimeField(db_index=True, help_text="when it was posted")
    stored_at = models.DateTimeField(default=timezone.now, db_index=True)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+", help_text="that answered")
    probability = models.FloatField(help_text="of hate_speech, by that version")
    flagged = models.BooleanField(help_text="at the balanced point of that version")
    others: Any = models.JSONField(
        default=dict, help_text="of each other label of STREAM_LABELS: [probability, answer]"
    )
    fingerprint = models.CharField(max_length=64, db_index=True, help_text="of the cleaned text")
    author = models.CharField(max_length=64, blank=True, db_index=True, help_text="a keyed hash of the name")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="one_event_per_post")]

    def __str__(self) -> str:
        return f"event {self.channel}/{self.external_id}"


class StreamHour(models.Model):
    """What the events of an hour come to, for one channel, label and version. It stays when the events are deleted."""

    hour = models.DateTimeField(help_text="its beginning, in UTC")
    channel = models.CharField(max_length=64)
    label = models.CharField(max_length=40)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    count = models.BigIntegerField(default=0)
    total = models.FloatField(default=0.0, help_text="the sum of the probabilities")
    squares = models.FloatField(default=0.0, help_text="the sum of their squares")
    flagged = models.BigIntegerField(default=0, help_text="how many were answered with yes, at the balanced point")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hour", "channel", "label", "version"], name="one_row_per_stream_hour")
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.label} {self.hour:%Y-%m-%d %H}h"


class DeadLetter(models.Model):
    """A message of the stream that could not be worked on. Kept as it came, until somebody has it tried again."""

    position = models.CharField(max_length=120, unique=True, help_text="of the message: its source and place there")
    received_at = models.DateTimeField(help_text="when the broker got it")
    stored_at = models.DateTimeField(default=timezone.now, db_index=True)
    payload = models.TextField(help_text="at most 64 KB of it")
    error = models.CharField(max_length=500)
    tries = models.PositiveSmallIntegerField(default=1)
    resolved_at = models.DateTimeField(
        null=True, help_text="when it was worked on after all; its payload is deleted then"
    )

    def __str__(self) -> str:
        return f"dead letter {self.position}"
