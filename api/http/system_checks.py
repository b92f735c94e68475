"""Settings that cannot work are refused when a process starts, with the fix."""

import stat
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from api.http.throttling import parse_limit


@register(Tags.security)
def limits_are_readable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for name, limit in settings.LIMITS.items():
        try:
            parse_limit(limit)
        except ValueError as error:
            problems.append(
                Error(str(error), hint=f"Set RATE_LIMIT_{name.upper()} to something like 600/minute, or to nothing.")
            )
    return problems


@register(Tags.security)
def data_is_private(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Say so where the folder with the data is open to others, and belongs to an account that is not ours."""
    if not stat.S_IMODE(settings.DATA_DIR.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    hint = f"Run `chmod 700 {settings.DATA_DIR}` as its owner."
    return [Warning(f"other accounts of this machine can look into {settings.DATA_DIR}", hint=hint)]
