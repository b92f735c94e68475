"""Settings that cannot work are refused when a process starts, with the fix."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

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
