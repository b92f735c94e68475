"""Making keys, and revoking them."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from api.http.throttling import parse_limit
from api.lib import audit_log
from api.models import ApiKey

LONGEST_DAYS = 36_500
LONGEST_NAME = 100


class InvalidKey(Exception):
    """A key cannot be made like this; `field` says what is wrong."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


def create(
    name: str, scopes: list[str], *, by: str, trusted: bool = False, days: int | None = None, limit: str = ""
) -> tuple[ApiKey, str]:
    """Make a key, and return it with its only plain copy.

    Args:
        days: after how many it ends; never, without.
        limit: requests, such as 600/minute, instead of the default limits.

    Raises:
        InvalidKey: a field is out of its range.
    """
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise InvalidKey("expires-in-days", f"must be 1 to {LONGEST_DAYS:,}")
    if len(name) > LONGEST_NAME:
        raise InvalidKey("name", f"has {len(name)} characters; at most {LONGEST_NAME} are kept")
    try:
        parse_limit(limit)
    except ValueError as error:
        raise InvalidKey("limit", str(error)) from None
    with transaction.atomic():
        key, plain = ApiKey.issue(
            name,
            sorted(set(scopes)),
            trust=ApiKey.Trust.TRUSTED if trusted else ApiKey.Trust.QUARANTINED,
            expires_in=timedelta(days=days) if days else None,
            limit=limit,
        )
        audit_log.record("key.created", str(key), by=by, scopes=key.scopes, trust=key.trust)
    return key, plain


def revoke(prefix: str, *, by: str, reason: str = "") -> ApiKey | None:
    """Revoke a key for good, and return it; None where there is no valid one. What it reviewed stays."""
    with transaction.atomic():
        if not ApiKey.objects.filter(prefix=prefix, revoked_at=None).update(revoked_at=timezone.now()):
            return None
        key = ApiKey.objects.get(prefix=prefix)
        audit_log.record("key.revoked", str(key), by=by, reason=reason)
        return key
