"""The admin's pages of the stream; an action has dead letters tried again."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from api.lib.admin_base import ReadOnly
from api.models import DeadLetter, StreamEvent, StreamHour
from api.prediction.active_model import ModelNotReady
from api.stream import dead_letters


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnly):
    list_display = ("position", "received_at", "error", "tries", "resolved_at")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter),)
    ordering = ("-pk",)
    actions = ("retry_them",)

    @admin.action(description="Work on them again", permissions=["operate"])
    def retry_them(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        try:
            done = [dead_letters.retry(letter) for letter in letters]
        except ModelNotReady as error:
            self.message_user(request, str(error.detail), messages.ERROR)
            return
        resolved = sum(letter.resolved_at is not None for letter in done)
        level = messages.SUCCESS if resolved == len(done) else messages.WARNING
        self.message_user(request, f"{resolved} of {len(done)} are resolved.", level)


@admin.register(StreamEvent)
class StreamEventAdmin(ReadOnly):
    list_display = ("channel", "external_id", "at", "flagged", "probability", "version")
    list_filter = ("flagged",)
    search_fields = ("external_id",)
    show_full_result_count = False


@admin.register(StreamHour)
class StreamHourAdmin(ReadOnly):
    list_display = ("hour", "channel", "label", "version", "count", "flagged")
    list_filter = ("label",)
    ordering = ("-hour",)
