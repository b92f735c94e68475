"""What the admin's pages have in common."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


def who(request: HttpRequest) -> str:
    return f"{request.user} (admin)"


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """For actions: rows are never edited, and still it is not for everybody who may look to act on them."""
        return bool(request.user.has_perm(f"api.change_{self.opts.model_name}"))
