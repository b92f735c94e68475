"""What a training run asks a person."""

from django.db import models
from django.utils import timezone

from api.models.keys import ApiKey
from api.models.reviews import ReviewedTweet
from api.models.runs import TrainingRun


class ApprovalRequest(models.Model):
    """Labels of one key that a training run has not learned, or only within a bound, until a person has decided.

    It goes with the reviews that it is about, where one of them is forgotten: its words may be theirs.
    """

    class Kind(models.TextChoices):
        CONTRADICTS = "contradicts"
        MOVES = "moves"
        REJECTED = "rejected"

    class Decision(models.TextChoices):
        APPROVED = "approved"
        DECLINED = "declined"

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="approvals")
    key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(
        max_length=20,
        choices=Kind,
        help_text="contradicts: set aside, for the base model is sure of the opposite; moves: learned, and bounded; "
        "rejected: set aside, for without them the candidate would have passed the gate",
    )
    label = models.CharField(max_length=40, blank=True, help_text="empty where it is about all labels")
    answer = models.BooleanField(null=True, help_text="what the reviews say; null where they say different things")
    words = models.JSONField(default=list, help_text="stems of the words that the reviews are about")
    learned = models.PositiveIntegerField(
        default=0, help_text="reviews about these words that were learned all the same"
    )
    changed = models.JSONField(
        null=True, help_text="share of test sentences that the words would decide otherwise, without the bound and with"
    )
    reviews = models.ManyToManyField(ReviewedTweet, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    decision = models.CharField(max_length=20, choices=Decision, blank=True)
    decided_by = models.CharField(max_length=120, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"{self.kind}: {' '.join(self.words) or 'reviews'} ({self.key})"
