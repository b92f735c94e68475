"""What is kept: keys, reviews and what became of them, training runs, model versions, and which version serves."""

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any, Self

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from hate_speech_ai.text import CLEANING_VERSION

_APPEND_ONLY = "history is append-only"


class AppendOnly(models.QuerySet[Any]):
    """Refuses what would change history."""

    def update(self, **fields: Any) -> int:
        raise TypeError(_APPEND_ONLY)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError(_APPEND_ONLY)


class History(models.Model):
    """A row that is written once. It goes only with what it is about, where that is forgotten."""

    objects = AppendOnly.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError(_APPEND_ONLY)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(_APPEND_ONLY)


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
    standing = models.JSONField(default=dict, help_text="as the last training saw it; see api/keys/trust.py")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def source(self) -> str:
        """Of its reviews."""
        return f"key:{self.pk}"

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
        """A new key and its only plain copy, `hs_` + 12 hex digits + `_` + 43 characters (256 random bits)."""
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


class Versions(models.QuerySet["ModelVersion"]):
    """Refuses what would change a version. What people say of one may change, and its artifact may be deleted."""

    def update(self, **fields: Any) -> int:
        fixed = fields.keys() - {
            "kept",
            "retired",
            "to_retire",
            *(["artifact"] if fields.get("artifact") == b"" else []),
        }
        if fixed:
            raise TypeError(f"a version is never changed: {', '.join(sorted(fixed))}")
        return super().update(**fields)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("a version is never deleted; retire it")


class VersionManager(models.Manager["ModelVersion"]):
    """Leaves the artifact's megabytes in the database until somebody asks for them."""

    def get_queryset(self) -> Versions:
        return Versions(self.model, using=self._db).defer("artifact")


class ModelVersion(models.Model):
    """What a training run made. Written once and never changed; `api/versions/registry.py` keeps and retires versions."""

    id = models.AutoField(primary_key=True)
    created_at = models.DateTimeField(default=timezone.now)
    sha256 = models.CharField(max_length=64)
    artifact = models.BinaryField()
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    data_fingerprint = models.CharField(max_length=64, db_index=True)
    trained_on = models.PositiveIntegerField(help_text="tweets")
    evaluated_on = models.PositiveIntegerField(help_text="held-out tweets")
    metrics = models.JSONField(help_text="for each label, measured on the held-out tweets")
    recipe = models.JSONField(default=dict, help_text="what besides the rows decided the artifact, libraries included")
    base = models.CharField(
        max_length=64, blank=True, help_text="the SHA-256 of the base model that it was learned on; empty: from nothing"
    )
    learned_from = models.JSONField(default=dict, help_text="source: training tweets that the base did not know")
    kept = models.CharField(max_length=500, blank=True, help_text="why it is never pruned; empty where it may be")
    retired = models.CharField(
        max_length=500, blank=True, help_text="why its artifact was deleted; empty where it can be asked, and promoted"
    )
    to_retire = models.CharField(
        max_length=500, blank=True, help_text="why it is to be retired as soon as another version serves"
    )

    objects = VersionManager()

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"version {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("a version is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("a version is never deleted; retire it")


class Promotion(models.Model):
    """The moment from which a version served. The newest row names the champion; rolling back adds a row."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=120)
    reason = models.CharField(max_length=500)
    confirmed = models.BooleanField(default=False, help_text="by a person, and not by the gate alone")
    change = models.JSONField(
        default=dict, help_text="what it changed on held-out tweets of corpora; empty where no other version served"
    )

    def __str__(self) -> str:
        return f"{self.version} since {self.at:%Y-%m-%d %H:%M}"

    @classmethod
    def newest(cls) -> Self | None:
        return cls._with_versions().order_by("-pk").first()

    @classmethod
    def champion(cls) -> ModelVersion | None:
        """The version that serves."""
        newest = cls.newest()
        return newest.version if newest else None

    @classmethod
    def anchor(cls) -> ModelVersion | None:
        """The last version that a person let serve; where nobody has, the first that ever served. None is retired."""
        promotions = cls._with_versions().filter(version__retired="")
        found = promotions.filter(confirmed=True).order_by("-pk").first() or promotions.order_by("pk").first()
        return found.version if found else None

    @classmethod
    def _with_versions(cls) -> models.QuerySet[Self]:
        return cls.objects.select_related("version").defer("version__artifact", "change")


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
        indexes = [models.Index(fields=["external_id"], name="review_by_external_id")]
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
        DEAD = "dead"

    class Outcome(models.TextChoices):
        PROMOTED = "promoted"
        REJECTED = "rejected"
        UNCHANGED = "unchanged"

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
    """The answer to a request that named an Idempotency-Key, kept for a day to be given again."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE)
    name = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body: Any = models.JSONField(default=dict)
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
    notes = models.JSONField(default=list)
    reasons = models.JSONField(default=dict, help_text="code: sentence; why it is worth a person's time")
    compared_for = models.PositiveIntegerField(
        null=True, help_text="the version that served when it was last compared with the one before"
    )
    disagreement = models.CharField(max_length=200, blank=True, help_text="a sentence, where those two disagree")
    worth = models.FloatField(default=0.0, help_text="what the reasons come to; the disagreement counts 1")
    planted = models.BooleanField(default=False, help_text="no client's: a corpus's text, whose answer is known")
    claims = models.PositiveIntegerField(default=0, help_text="how often claimed; a claim holds if it is as was read")

    class Meta:
        indexes = [models.Index(fields=["-worth"], name="prediction_by_worth")]

    def __str__(self) -> str:
        return f"prediction {self.pk}"


class AuditDraw(models.Model):
    """A prediction that chance picked, with the answer as it was given. A tweet that comes often is drawn as often."""

    prediction = models.ForeignKey(StoredPrediction, on_delete=models.CASCADE, related_name="draws")
    at = models.DateTimeField(default=timezone.now, db_index=True)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    answer = models.BooleanField(help_text="at the balanced point")
    inclusion = models.FloatField(help_text="with which probability it was drawn, of all predictions")
    rank = models.FloatField(db_index=True, help_text="from 0 to 1, by chance: the order in which they are asked about")

    def __str__(self) -> str:
        return f"draw {self.pk}"


class QueueClaim(models.Model):
    """Who was handed which tweet of the review queue, and until when nobody else is; one of nobody says that the audit
    had come to its end."""

    prediction = models.ForeignKey(StoredPrediction, null=True, on_delete=models.SET_NULL, related_name="handed_out")
    key = models.ForeignKey(ApiKey, null=True, on_delete=models.CASCADE, related_name="+")
    reviewer = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    until = models.DateTimeField()
    rank = models.FloatField(null=True, help_text="of the draw, where the audit brought it")

    def __str__(self) -> str:
        return f"claim {self.pk}"


class LiveFigures(models.Model):
    """What the audit says about a version: aggregates, without any text."""

    version = models.OneToOneField(ModelVersion, on_delete=models.CASCADE, related_name="live")
    at = models.DateTimeField(default=timezone.now)
    figures = models.JSONField()

    def __str__(self) -> str:
        return f"live figures of {self.version}"
