"""What the hours of the stream are compared with, and which of them were unlike the others."""

from typing import Any

from django.db import models
from django.utils import timezone


class HourlySeries(models.Model):
    """A series of hours, the parameters that a night has fitted to it, and the week that it expects."""

    channel = models.CharField(max_length=64, blank=True, help_text="empty for all channels together")
    label = models.CharField(max_length=40)
    measure = models.CharField(max_length=20, help_text="mean, or flagged_share")
    fitted_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(help_text="the end of the last hour that was fitted: the forecast begins there")
    parameters: Any = models.JSONField(default=list)
    forecast: Any = models.JSONField(default=list, help_text="of each of 168 hours: mean, low80, high80, low95, high95")
    forecast_model = models.CharField(max_length=20, help_text="structural, or last_week")
    errors: Any = models.JSONField(default=dict, help_text="of each model in the week held out")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "label", "measure"], name="one_hourly_series")]

    def __str__(self) -> str:
        return f"{self.measure} of {self.label} in {self.channel or 'all channels'}"


class Anomaly(models.Model):
    """An hour that was unlike what the hours before it led to expect."""

    hour = models.DateTimeField(db_index=True)
    channel = models.CharField(max_length=64, blank=True, help_text="empty for all channels together")
    label = models.CharField(max_length=40)
    measure = models.CharField(max_length=20)
    value = models.FloatField()
    expected = models.FloatField()
    low = models.FloatField(help_text="of the interval outside which an hour is an anomaly")
    high = models.FloatField()
    z = models.FloatField(help_text="the distance, in robust standard deviations")
    found_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hour", "channel", "label", "measure"], name="one_anomaly_per_hour")
        ]

    def __str__(self) -> str:
        return f"{self.measure} of {self.label} at {self.hour:%Y-%m-%d %H}h"
