"""The admin's page of what training runs ask, where a person answers."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from api.lib.admin_base import ReadOnly, who
from api.models import ApprovalRequest, TrainingRun
from api.training.claims import approvals

_EXAMPLES = 20


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(ReadOnly):
    """What training runs ask; an action answers."""

    list_display = ("id", "run", "key", "kind", "label", "answer", "shown_words", "number", "decision", "decided_by")
    list_filter = ("decision", "kind")
    fields = (
        *("run", "key", "kind", "label", "answer", "words", "learned", "changed", "examples"),
        *("decision", "decided_by", "decided_at", "reason"),
    )
    readonly_fields = ("examples",)
    ordering = ("-pk",)
    actions = ("approve_them", "decline_them")

    @admin.display(description="Words")
    def shown_words(self, approval: ApprovalRequest) -> str:
        return ", ".join(approval.words)

    @admin.display(description="Reviews")
    def number(self, approval: ApprovalRequest) -> int:
        return approval.reviews.count()

    @admin.display(description="Some of the reviews")
    def examples(self, approval: ApprovalRequest) -> str:
        found = approval.reviews.order_by("pk")[:_EXAMPLES]
        return format_html_join("", "<p>{}: {}</p>", ((review.receipt, review.tweet) for review in found))

    @admin.action(description="Yes: let the reviews count in full", permissions=["operate"])
    def approve_them(self, request: HttpRequest, asked: QuerySet[ApprovalRequest]) -> None:
        self._decide(request, asked, approve=True)

    @admin.action(description="No: let the reviews count no more", permissions=["operate"])
    def decline_them(self, request: HttpRequest, asked: QuerySet[ApprovalRequest]) -> None:
        self._decide(request, asked, approve=False)

    def _decide(self, request: HttpRequest, asked: QuerySet[ApprovalRequest], *, approve: bool) -> None:
        for run in TrainingRun.objects.filter(approvals__in=asked).distinct():
            ids = list(asked.filter(run=run).values_list("pk", flat=True))
            try:
                approvals.decide(run, approve=approve, by=who(request), reason="in the admin", ids=ids)
            except approvals.NothingToDecide:
                self.message_user(request, "That is decided already.", messages.ERROR)
            else:
                self.message_user(request, "Decided. A training run is queued.")
