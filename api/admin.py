"""Django's admin, where `ADMIN_ENABLED` is set: to look, to revoke and trust keys, and to approve reviews.

Models and reviews are never edited.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from api import audit, trust
from api.keys import counted
from api.models import (
    ApiKey,
    AuditEntry,
    LiveFigures,
    ModelVersion,
    Promotion,
    ReviewedTweet,
    StoredPrediction,
    TrainingRun,
)


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "name",
        "prefix",
        "scopes",
        "trust",
        "waiting_for_approval",
        "known_tweets",
        "other_keys",
        "contradicted",
        "vote_weighs",
        "created_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("trust",)
    fields = ("name", "prefix", "scopes", "trust", "standing", "limit", "created_at", "expires_at", "revoked_at")
    readonly_fields = ("prefix", "scopes", "trust", "standing", "created_at")
    actions = ("trust_them", "trust_them_and_approve", "quarantine_them", "approve_what_waits")

    def get_queryset(self, request: HttpRequest) -> Any:
        return counted()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a key is shown once, by `manage.py create_key`

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # revoke it: its reviews stay

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record("key.changed", str(obj), by=_who(request), fields=form.changed_data)

    @admin.display(description="Reviews that wait for approval")
    def waiting_for_approval(self, key: Any) -> int:
        return int(key.quarantined)

    @admin.display(description="Agrees on known tweets")
    def known_tweets(self, key: ApiKey) -> str:
        return _of(key.standing, "known_agreed", "known")

    @admin.display(description="Agrees with other keys")
    def other_keys(self, key: ApiKey) -> str:
        return _of(key.standing, "peers_agreed", "peers")

    @admin.display(description="New labels that contradict a sure model")
    def contradicted(self, key: ApiKey) -> str:
        return _of(key.standing, "contradicted", "sure")

    @admin.display(description="Its vote weighs")
    def vote_weighs(self, key: ApiKey) -> float:
        return float(key.standing.get("weight", 1.0))

    @admin.action(description="Trust: what they review from now on trains")
    def trust_them(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            trust.trust(key, by=_who(request), reason="in the admin")

    @admin.action(description="Trust, and approve what waits")
    def trust_them_and_approve(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            trust.trust(key, by=_who(request), reason="in the admin", approve_waiting=True)

    @admin.action(description="Quarantine, with what no model has learned yet")
    def quarantine_them(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            trust.quarantine(key, by=_who(request), reason="in the admin")

    @admin.action(description="Approve what waits")
    def approve_what_waits(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        trust.approve(ReviewedTweet.objects.filter(key__in=keys), by=_who(request), reason="in the admin")


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
    list_filter = ("status", "held_out", "key")
    search_fields = ("receipt", "external_id")
    actions = ("approve_them",)

    @admin.action(description="Approve: let them count")
    def approve_them(self, request: HttpRequest, reviews: QuerySet[ReviewedTweet]) -> None:
        trust.approve(reviews.filter(key__isnull=False), by=_who(request), reason="in the admin")


@admin.register(StoredPrediction)
class StoredPredictionAdmin(ReadOnly):
    list_display = ("id", "last_seen", "version", "probability", "worth", "planted")
    list_filter = ("planted",)


@admin.register(LiveFigures)
class LiveFiguresAdmin(ReadOnly):
    list_display = ("version", "at")


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnly):
    list_display = ("id", "kind", "status", "outcome", "attempts", "created_at", "finished_at")
    list_filter = ("status", "kind")


def _who(request: HttpRequest) -> str:
    return f"{request.user} (admin)"


def _of(standing: dict[str, int], part: str, whole: str) -> str:
    return f"{standing[part]} of {standing[whole]}" if standing else "-"
