"""Model versions and promotions."""

from typing import Any, Self

from django.db import models
from django.utils import timezone


class Versions(models.QuerySet["ModelVersion"]):
    """Refuses what would change a version. What people say of one may change, and its artifact may be deleted."""

    def update(self, **fields: Any) -> int:
        fixed = fields.keys() - {
            "kept_reason",
            "retired_reason",
            "retire_when_replaced_reason",
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
    """What a training run made. Written once and never changed; `api/versions/registry.py` retires versions."""

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
    kept_reason = models.CharField(
        max_length=500, blank=True, help_text="why it is never pruned; empty where it may be"
    )
    retired_reason = models.CharField(
        max_length=500, blank=True, help_text="why its artifact was deleted; empty where it can be asked, and promoted"
    )
    retire_when_replaced_reason = models.CharField(
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
        """Return the version that serves."""
        newest = cls.newest()
        return newest.version if newest else None

    @classmethod
    def baseline(cls) -> ModelVersion | None:
        """Return the version that a person promoted last, or the first that ever served; never a retired one."""
        promotions = cls._with_versions().filter(version__retired_reason="")
        found = promotions.filter(confirmed=True).order_by("-pk").first() or promotions.order_by("pk").first()
        return found.version if found else None

    @classmethod
    def _with_versions(cls) -> models.QuerySet[Self]:
        return cls.objects.select_related("version").defer("version__artifact", "change")
