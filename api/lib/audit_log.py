"""The audit log: who changed what, when and why. Entries are added in the transaction of the change, and never changed.

Reviews have a history of their own on each receipt.
"""

import getpass
from typing import Any

from django.conf import settings

from api.models import AuditEntry

_SETTINGS = "settings.changed"
_NOTED_PREFIXES = ("GATE_", "RUN_", "TRUST_", "UNTRUSTED_")
_NOTED = (
    *(
        "BASE_MODEL",
        "MODEL",
        "NIGHTLY_AT",
        "LIMITS",
        "KEEP_VERSIONS",
        "PREDICTION_SAMPLE_RATE",
        "PREDICTION_RETENTION_DAYS",
        "PREDICTION_MAX_STORED",
        "RANDOM_SAMPLE_SHARE",
        "CONTROL_SHARE",
    ),
    *("PUBLIC_PREDICT", "ADMIN_ENABLED", "ALLOWED_HOSTS", "CORS_ORIGINS", "TRUSTED_PROXIES", "DEBUG"),
)


def record(action: str, target: str, *, by: str, reason: str = "", **details: Any) -> AuditEntry:
    """Add an entry.

    Args:
        action: what was done, such as `key.created`.
        target: to what, such as `version 17`.
        by: a key, a person's account at a command line, or the part of the program that did it.
        reason: as the person gave it, or as the program decided.
        details: whatever else says what changed; JSON.
    """
    entry: AuditEntry = AuditEntry.objects.create(
        action=action, target=target, by=by[:120], reason=reason, details=details
    )
    return entry


def newest(action: str, target: str) -> AuditEntry | None:
    """Return the last entry about an action on a target; None if there is none."""
    return AuditEntry.objects.filter(action=action, target=target).order_by("-pk").first()


def record_settings_change() -> bool:
    """Add an entry if the service starts with other settings than the last time.

    Only settings that decide about labels, models, texts and access are compared.

    Returns:
        Whether it does.
    """
    names = [name for name in dir(settings) if name.startswith(_NOTED_PREFIXES)] + list(_NOTED)
    now = {name: str(getattr(settings, name)) for name in sorted(names)}
    last = newest(_SETTINGS, "settings")
    before = last.details["settings"] if last else {}
    changed = {
        name: [before.get(name), now.get(name)] for name in sorted(now | before) if before.get(name) != now.get(name)
    }
    if changed:
        reason = ", ".join(f"{name} is {now.get(name, 'gone')}" for name in changed) if last else "the first start"
        record(
            _SETTINGS, "settings", by=current_operator(), reason=reason, changed=changed if last else {}, settings=now
        )
    return bool(changed)


def current_operator() -> str:
    """Return who is at the command line."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        name = "somebody"
    return f"{name} (command)"
