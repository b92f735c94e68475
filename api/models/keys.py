"""API keys, and how far their reviewers agree."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from hate_speech_ai.sources import key_source


class ApiKey(models.Model):
    """Who may do what. Only a hash of the key is kept."""

    class Scope(models.TextChoices):
        PREDICT = "predict"
        REVIEW = "review"
        TRAIN = "train"
        ADMIN = "admin"

    class Trust(models.TextChoices):
        TRUSTED = "trusted"
        QUARANTINED = "quarantined"

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    limit = models.CharField(max_length=40, blank=True, help_text="such as 100/minute; empty for the default limits")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    trust = models.CharField(
        max_length=20,
        choices=Trust,
        default=Trust.QUARANTINED,
        help_text="whether its reviews train, or wait until a person approves them",
    )
    reliability = models.JSONField(default=dict, help_text="as the last training saw it; see api/keys/trust.py")
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="key",
        help_text="who reviews under this key in the pages; nobody has its text",
    )

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def source(self) -> str:
        """The source of its reviews."""
        return key_source(self.pk)

    @classmethod
    def issue(
        cls,
        name: str,
        scopes: list[str],
        *,
        trust: str = Trust.QUARANTINED,
        expires_in: timedelta | None = None,
        limit: str = "",
    ) -> tuple[Self, str]:
        """Return a new key and its only plain copy, `hs_` + 12 hex digits + `_` + 43 characters (256 random bits)."""
        prefix = f"hs_{secrets.token_hex(6)}"
        plain = f"{prefix}_{secrets.token_urlsafe(32)}"
        key = cls.objects.create(
            name=name,
            prefix=prefix,
            digest=cls.digest_of(plain),
            scopes=scopes,
            trust=trust,
            limit=limit,
            expires_at=timezone.now() + expires_in if expires_in else None,
        )
        return key, plain

    @staticmethod
    def digest_of(plain: str) -> str:
        return hashlib.sha256(plain.encode()).hexdigest()

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def allows(self, scope: str) -> bool:
        return scope in self.scopes or self.Scope.ADMIN in self.scopes


class ReviewerAgreement(models.Model):
    """How far a reviewer agrees with the others who judged the same tweets, as the last training saw it."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="reviewers")
    reviewer = models.CharField(max_length=200, blank=True)
    label = models.CharField(max_length=40)
    alpha = models.FloatField(null=True, help_text="Krippendorff's: 1 is agreement, 0 is chance")
    tweets = models.PositiveIntegerField(help_text="that somebody else judged as well")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "reviewer", "label"], name="one_agreement_per_label")]

    def __str__(self) -> str:
        return f"{self.key} {self.reviewer} {self.label}"
