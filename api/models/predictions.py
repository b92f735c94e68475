"""Stored predictions, the random sample and claims."""

import uuid

from django.db import models
from django.utils import timezone

from api.models.keys import ApiKey
from api.models.versions import ModelVersion
from hate_speech_ai.text import CLEANING_VERSION


class StoredPrediction(models.Model):
    """A text that was predicted, where storing is on: one row for each cleaned text. They make the review queue."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    fingerprint = models.CharField(max_length=64, unique=True, help_text="of the cleaned text")
    cleaning = models.PositiveSmallIntegerField(default=CLEANING_VERSION)
    tweet = models.TextField(help_text="at most the 5,000 characters that were read")
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now, db_index=True)
    key = models.ForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+", help_text="that asked last")
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+", help_text="that answered")
    probability = models.FloatField(help_text="of hate_speech, by that version")
    threshold = models.FloatField(help_text="of that version, at the balanced point")
    warnings = models.JSONField(default=list)
    reasons = models.JSONField(default=dict, help_text="code: sentence; why it is worth a person's time")
    compared_for = models.PositiveIntegerField(
        null=True, help_text="the version that served when it was last compared with the one before"
    )
    disagreement = models.CharField(max_length=200, blank=True, help_text="a sentence, where those two disagree")
    worth = models.FloatField(default=0.0, help_text="what the reasons come to; the disagreement counts 1")
    is_control = models.BooleanField(default=False, help_text="no client's: a corpus's text, whose answer is known")
    claims = models.PositiveIntegerField(default=0, help_text="how often claimed; a claim holds if it is as was read")

    class Meta:
        indexes = [models.Index(fields=["-worth"], name="prediction_by_worth")]

    def __str__(self) -> str:
        return f"prediction {self.pk}"


class SampleDraw(models.Model):
    """A prediction that chance picked, with the answer as it was given. A tweet that comes often is drawn as often."""

    prediction = models.ForeignKey(StoredPrediction, on_delete=models.CASCADE, related_name="draws")
    at = models.DateTimeField(default=timezone.now, db_index=True)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    answer = models.BooleanField(help_text="at the balanced point")
    inclusion_probability = models.FloatField(help_text="with which probability it was drawn, of all predictions")
    rank = models.FloatField(db_index=True, help_text="from 0 to 1, by chance: the order in which they are asked about")

    def __str__(self) -> str:
        return f"draw {self.pk}"


class QueueClaim(models.Model):
    """A reviewer's claim on a queued tweet, valid until `until`.

    A claim without a key marks that the random sample was exhausted.
    """

    prediction = models.ForeignKey(StoredPrediction, null=True, on_delete=models.SET_NULL, related_name="handed_out")
    key = models.ForeignKey(ApiKey, null=True, on_delete=models.CASCADE, related_name="+")
    reviewer = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    until = models.DateTimeField()
    rank = models.FloatField(null=True, help_text="of the draw, where the audit brought it")
    is_control = models.BooleanField(default=False, help_text="whether the tweet was a control item then")

    def __str__(self) -> str:
        return f"claim {self.pk}"


class LiveFigures(models.Model):
    """What the audit says about a version: aggregates, without any text."""

    version = models.OneToOneField(ModelVersion, on_delete=models.CASCADE, related_name="live")
    at = models.DateTimeField(default=timezone.now)
    figures = models.JSONField()

    def __str__(self) -> str:
        return f"live figures of {self.version}"
