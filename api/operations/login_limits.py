"""Signing in: guesses are limited like those of API keys."""

import hashlib
import logging
import math
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from api.http.throttling import address, count

logger = logging.getLogger(__name__)

# A name is guessed at from many addresses, too; but nobody shall easily lock it out.
_PER_NAME = "300/hour"


class LimitedLoginForm(AuthenticationForm):
    """Look at no password once an address, or a name, has tried too often."""

    def clean(self) -> dict[str, Any]:
        name = str(self.cleaned_data.get("username", "")).strip().casefold()
        digest = hashlib.sha256(name.encode()).hexdigest()[:32]
        who = address(self.request) if self.request else "unknown"
        wait = count(settings.LIMITS["wrong_key"], f"wrong_key:{who}")
        if wait is None and name:
            wait = count(_PER_NAME, f"login:{digest}")
        if wait is not None:
            logger.warning("too many attempts to sign in, from %s", who)
            raise ValidationError(f"Too many attempts. Try again in {_in_words(wait)}.", code="too_many_attempts")
        cleaned: dict[str, Any] = super().clean()
        return cleaned


def _in_words(seconds: float) -> str:
    return f"{math.ceil(seconds)} s" if seconds < 60 else f"{math.ceil(seconds / 60)} minutes"
