"""Django's admin, where `ADMIN_ENABLED` is set.

It shows the rows, revokes and trusts keys, approves reviews and promotes versions. It never edits models or reviews.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet, Value
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from api.approvals_admin import ApprovalRequestAdmin  # noqa: F401 (registers it)
from api.keys import trust
from api.keys.forms import KeyForm
from api.keys.queries import counted
from api.lib import audit_log
from api.lib.admin_base import ReadOnly, who
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
from api.operations.login_limits import LimitedLoginForm
from api.stream_admin import DeadLetterAdmin  # noqa: F401 (registers the stream's pages)
from api.versions import registry
from hate_speech_ai.artifact import ArtifactError

Rows = QuerySet[ModelVersion]


class AdminLoginForm(LimitedLoginForm, AdminAuthenticationForm):
    """The admin's form, with the limits of the pages' one."""


admin.site.login_form = AdminLoginForm


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
    form = KeyForm
    list_filter = ("trust",)
    fields = ("name", "prefix", "scopes", "trust", "reliability", "limit", "created_at", "expires_at", "revoked_at")
    readonly_fields = ("prefix", "scopes", "trust", "reliability", "created_at")
    actions = ("trust_them", "trust_them_and_approve", "quarantine_them", "approve_what_waits")

    def get_queryset(self, request: HttpRequest) -> Any:
        return counted()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a key is shown once, by `manage.py create_key`

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # revoke it: its reviews stay

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        revoked = obj is not None and obj.revoked_at is not None  # for good
        return (*self.readonly_fields, "revoked_at") if revoked else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        new = {field: str(getattr(obj, field) or "") for field in form.changed_data}
        action = "key.revoked" if "revoked_at" in new else "key.changed"
        audit_log.record(action, str(obj), by=who(request), fields=form.changed_data, new=new)

    @admin.display(description="Reviews that wait for approval")
    def waiting_for_approval(self, key: Any) -> int:
        return int(key.quarantined)

    @admin.display(description="Agrees on known tweets")
    def known_tweets(self, key: ApiKey) -> str:
        return _of(key.reliability, "gold_agreed", "gold")

    @admin.display(description="Agrees with other keys")
    def other_keys(self, key: ApiKey) -> str:
        return _of(key.reliability, "peers_agreed", "peers")

    @admin.display(description="New labels that contradict a sure model")
    def contradicted(self, key: ApiKey) -> str:
        return _of(key.reliability, "contradicted", "confident")

    @admin.display(description="Its vote weighs")
    def vote_weighs(self, key: ApiKey) -> float:
        return float(key.reliability.get("weight", 1.0))

    @admin.action(description="Trust: what they review from now on trains", permissions=["change"])
    def trust_them(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            trust.trust(key, by=who(request), reason="in the admin")

    @admin.action(description="Trust, and approve what waits", permissions=["change"])
    def trust_them_and_approve(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            trust.trust(key, by=who(request), reason="in the admin", approve_pending=True)

    @admin.action(description="Quarantine, with what no model has learned yet", permissions=["change"])
    def quarantine_them(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            trust.quarantine(key, by=who(request), reason="in the admin")

    @admin.action(description="Approve what waits", permissions=["change"])
    def approve_what_waits(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        trust.approve(ReviewedTweet.objects.filter(key__in=keys), by=who(request), reason="in the admin")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_display = ("at", "by", "action", "target", "reason")
    list_filter = ("action",)
    search_fields = ("by", "target", "reason")


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnly):
    """Versions are looked at, promoted, kept and retired; each action asks for a reason, for the audit log."""

    list_display = (
        "id",
        "created_at",
        "serves",
        "parent",
        "trained_on",
        "evaluated_on",
        "kept_reason",
        "retired_reason",
    )
    exclude = ("artifact",)
    ordering = ("-pk",)
    actions = ("promote", "roll_back", "keep", "release", "retire", "prune")

    def get_queryset(self, request: HttpRequest) -> Any:
        champion = Promotion.champion()
        return super().get_queryset(request).annotate(champion=Value(champion.pk if champion else 0))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        # Rolling back and pruning are about no version that could be chosen, and Django's actions need one.
        if request.POST.get("action") in ("roll_back", "prune") and not request.POST.getlist(ACTION_CHECKBOX_NAME):
            champion = Promotion.champion()
            data = request.POST.copy()
            data[ACTION_CHECKBOX_NAME] = str(champion.pk if champion else 0)
            request.POST = data  # type: ignore[assignment]
        return super().changelist_view(request, extra_context)

    @admin.display(boolean=True)
    def serves(self, version: Any) -> bool:
        return bool(version.pk == version.champion)

    @admin.action(description="Let it serve, or confirm that it does", permissions=["operate"])
    def promote(self, request: HttpRequest, versions: Rows) -> HttpResponse | None:
        def act(version: ModelVersion, reason: str) -> str:
            registry.promote(version, by=who(request), reason=reason)
            return f"Version {version.pk} serves."

        return self._one(request, versions, "promote", "Let version {} serve?", act)

    @admin.action(description="Roll back: let the version before serve again", permissions=["operate"])
    def roll_back(self, request: HttpRequest, versions: Rows) -> HttpResponse | None:
        def act(reason: str) -> str:
            return f"Version {registry.rollback(by=who(request), reason=reason).version_id} serves."

        return self._with_reason(request, versions, "roll_back", "Promote the previous version again?", act)

    @admin.action(description="Keep: never prune it", permissions=["operate"])
    def keep(self, request: HttpRequest, versions: Rows) -> HttpResponse | None:
        def act(version: ModelVersion, reason: str) -> str:
            registry.keep(version, by=who(request), reason=reason)
            return f"Version {version.pk} is kept."

        return self._one(request, versions, "keep", "Keep version {}?", act)

    @admin.action(description="Keep no longer", permissions=["operate"])
    def release(self, request: HttpRequest, versions: Rows) -> None:
        for version in versions:
            registry.release(version, by=who(request))
            self.message_user(request, f"Version {version.pk} is not kept any longer.")

    @admin.action(description="Retire: delete its model for good", permissions=["operate"])
    def retire(self, request: HttpRequest, versions: Rows) -> HttpResponse | None:
        def act(version: ModelVersion, reason: str) -> str:
            registry.retire(version, by=who(request), reason=reason)
            return f"Version {version.pk} is retired."

        question = "Delete the model of version {} for good? It can be promoted and asked no more."
        return self._one(request, versions, "retire", question, act)

    @admin.action(description="Prune: retire what KEEP_VERSIONS does not keep", permissions=["operate"])
    def prune(self, request: HttpRequest, versions: Rows) -> None:
        pruned = registry.prune(by=who(request))
        retired = f"Retired: {', '.join(map(str, pruned))}." if pruned else "There was nothing to retire."
        self.message_user(request, retired)

    def _one(
        self, request: HttpRequest, versions: Rows, action: str, question: str, act: Callable[[ModelVersion, str], str]
    ) -> HttpResponse | None:
        if len(versions) != 1:
            self.message_user(request, "Choose one version.", messages.ERROR)
            return None
        version = versions[0]
        return self._with_reason(request, versions, action, question.format(version.pk), lambda why: act(version, why))

    def _with_reason(
        self, request: HttpRequest, versions: Rows, action: str, question: str, act: Callable[[str], str]
    ) -> HttpResponse | None:
        """Ask for a reason on a page of its own; act once there is one."""
        reason = request.POST.get("reason", "").strip()[:500]
        if not reason:
            context = {
                **self.admin_site.each_context(request),
                **{"title": dict(self.get_action_choices(request))[action], "question": question},
                **{"versions": versions, "action": action, "back": request.get_full_path()},
            }
            return TemplateResponse(request, "admin/api/modelversion/reason.html", context)
        try:
            self.message_user(request, act(reason))
        except (ArtifactError, registry.RegistryError, registry.NothingToRollBackTo) as error:
            self.message_user(request, f"Refused: {error}.", messages.ERROR)
        return None


@admin.register(Promotion)
class PromotionAdmin(ReadOnly):
    list_display = ("at", "version", "by", "reason", "confirmed")


@admin.register(ReviewedTweet)
class ReviewedTweetAdmin(ReadOnly):
    list_display = ("receipt", "source", "created_at", "status", "trained_in")
    list_filter = ("status", "held_out", "key")
    search_fields = ("receipt", "external_id")
    actions = ("approve_them",)

    @admin.action(description="Approve: let them count", permissions=["operate"])
    def approve_them(self, request: HttpRequest, reviews: QuerySet[ReviewedTweet]) -> None:
        trust.approve(reviews.filter(key__isnull=False), by=who(request), reason="in the admin")


@admin.register(StoredPrediction)
class StoredPredictionAdmin(ReadOnly):
    list_display = ("id", "last_seen", "version", "probability", "worth", "is_control")
    list_filter = ("is_control",)


@admin.register(LiveFigures)
class LiveFiguresAdmin(ReadOnly):
    list_display = ("version", "at")


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnly):
    list_display = ("id", "kind", "status", "outcome", "attempts", "created_at", "finished_at")
    list_filter = ("status", "kind")


def _of(reliability: dict[str, int], part: str, whole: str) -> str:
    return f"{reliability[part]} of {reliability[whole]}" if reliability else "-"
