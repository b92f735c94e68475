"""Django's admin, where `ADMIN_ENABLED` is set: to look, and to revoke keys. Models and reviews are never edited."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from api import audit
from api.models import ApiKey, AuditEntry, ModelVersion, Promotion, ReviewedTweet, TrainingRun


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "prefix", "scopes", "created_at", "expires_at", "revoked_at")
    fields = ("name", "prefix", "scopes", "limit", "created_at", "expires_at", "revoked_at")
    readonly_fields = ("prefix", "scopes", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a key is shown once, by `manage.py create_key`

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # revoke it: its reviews stay

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record("key.changed", str(obj), by=f"{request.user} (admin)", fields=form.changed_data)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_display = ("at", "by", "action", "target", "reason")
    list_filter = ("action",)
    search_fields = ("by", "target", "reason")


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnly):
    list_display = ("id", "created_at", "parent", "trained_on", "evaluated_on")
    exclude = ("artifact",)


@admin.register(Promotion)
class PromotionAdmin(ReadOnly):
    list_display = ("at", "version", "by", "reason", "confirmed")


@admin.register(ReviewedTweet)
class ReviewedTweetAdmin(ReadOnly):
    list_display = ("receipt", "source", "created_at", "status", "trained_in")
    list_filter = ("status", "held_out")
    search_fields = ("receipt", "external_id")


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnly):
    list_display = ("id", "kind", "status", "outcome", "attempts", "created_at", "finished_at")
    list_filter = ("status", "kind")
