"""Reviewed tweets and their history."""

import uuid

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from api.models.base import History
from api.models.keys import ApiKey
from api.models.versions import ModelVersion
from hate_speech_ai.text import CLEANING_VERSION


class ReviewedTweets(models.QuerySet["ReviewedTweet"]):
    def believed(self) -> "ReviewedTweets":
        """Return the rows of corpora, of trusted keys, and those that a person has approved.

        Whatever learns, measures, compares or shows what others said begins here. A row of an untrusted key keeps its
        mark when it is superseded or withdrawn, so that no later status lets it in.
        """
        return self.filter(untrusted=False)


class ReviewedTweet(models.Model):
    """A tweet with a person's answers, from an API key or an imported corpus."""

    class Status(models.TextChoices):
        PENDING = "pending"
        QUARANTINED = "quarantined"
        TRAINED = "trained"
        HELD_OUT = "held_out"
        CONFLICT = "conflict"
        SUPERSEDED = "superseded"
        WITHDRAWN = "withdrawn"

    objects = ReviewedTweets.as_manager()

    receipt = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    tweet = models.TextField()
    labels = models.JSONField(help_text="label: true, false, or a grade from 0 to 1")
    source = models.CharField(max_length=80, help_text="key:<id>, or corpus:<name>")
    licence = models.CharField(max_length=200, blank=True, help_text="of a corpus, as its authors state it")
    key = models.ForeignKey(ApiKey, null=True, on_delete=models.PROTECT, related_name="reviews")
    external_id = models.CharField(max_length=200, blank=True)
    reviewer = models.CharField(max_length=200, blank=True)
    author = models.CharField(
        max_length=64, blank=True, editable=False, help_text="a keyed hash of the name of who wrote the tweet"
    )
    created_at = models.DateTimeField(default=timezone.now)
    fingerprint = models.CharField(max_length=64, db_index=True, help_text="of the cleaned text")
    cleaning = models.PositiveSmallIntegerField(
        default=CLEANING_VERSION, db_index=True, help_text="the version of the cleaning that the fingerprint is of"
    )
    held_out = models.BooleanField(help_text="kept for evaluation, never trained on")
    approved = models.BooleanField(default=False, help_text="by a person: it is not doubted any more")
    untrusted = models.BooleanField(
        default=False, help_text="of a key that is not trusted, approved by nobody; stays when it is superseded"
    )
    is_control = models.BooleanField(
        default=False, help_text="of a control item that was handed out: it measures the key, and teaches nothing"
    )
    opinion = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1)], help_text="the source's 1st, 2nd ... opinion about this text"
    )
    trained_in = models.ForeignKey(
        ModelVersion,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the version that its status is about",
    )
    status = models.CharField(
        max_length=20, choices=Status, blank=True, help_text="what became of a key's review; empty in a corpus's rows"
    )

    class Meta:
        indexes = [
            models.Index(fields=["external_id"], name="review_by_external_id"),
            # To count what waits of a key.
            models.Index(fields=["key"], condition=models.Q(untrusted=True), name="untrusted_by_key"),
        ]
        constraints = [
            # Two requests at once cannot both be a source's next opinion: one of them must look again.
            models.UniqueConstraint(fields=["source", "fingerprint", "opinion"], name="one_opinion_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"review {self.receipt}"


class ReviewEvent(History):
    """A step in what became of a review. Written in the transaction of the change, and never changed."""

    review = models.ForeignKey(ReviewedTweet, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=20, choices=ReviewedTweet.Status)
    reason = models.CharField(max_length=300)
    version = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT, related_name="+")
    probability = models.FloatField(null=True, help_text="of hate_speech, by that version")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.status} since {self.at:%Y-%m-%d %H:%M}"


LEARNED = (ReviewedTweet.Status.TRAINED, ReviewedTweet.Status.CONFLICT)
#: These count neither in training nor in measuring.
NOT_COUNTED = (ReviewedTweet.Status.WITHDRAWN, ReviewedTweet.Status.QUARANTINED)
