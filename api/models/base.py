"""Rows that are written once."""

from typing import Any

from django.db import models

_APPEND_ONLY = "history is append-only"


class AppendOnly(models.QuerySet[Any]):
    """Refuses what would change history."""

    def update(self, **fields: Any) -> int:
        raise TypeError(_APPEND_ONLY)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError(_APPEND_ONLY)


class AppendOnlyManager(models.Manager[Any]):
    """Give out querysets that refuse changes. Written out, because mypy's plugin loses a generated one in its cache."""

    def get_queryset(self) -> AppendOnly:
        return AppendOnly(self.model, using=self._db)


class History(models.Model):
    """A row that is written once. It goes only with what it is about, where that is forgotten."""

    objects = AppendOnlyManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError(_APPEND_ONLY)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(_APPEND_ONLY)
