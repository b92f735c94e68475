"""The audit log: who changed what, when and why. Entries are added in the transaction of the change, and never changed.

Reviews have a history of their own on each receipt.
"""

import getpass
from typing import Any

from api.models import AuditEntry


def record(action: str, target: str, *, by: str, reason: str = "", **details: Any) -> AuditEntry:
    """Add an entry.

    Args:
        action: what was done, such as `key.created`.
        target: to what, such as `version 17`.
        by: a key, a person's account at a command line, or the part of the program that did it.
        reason: as the person gave it, or as the program decided.
        details: whatever else says what changed; JSON.
    """
    return AuditEntry.objects.create(action=action, target=target, by=by[:120], reason=reason, details=details)


def operator() -> str:
    """Who is at the command line."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        name = "somebody"
    return f"{name} (command)"
