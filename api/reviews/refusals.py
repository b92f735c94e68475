"""What is refused: what was forgotten, and of a key that nobody trusts, too much, and what would take away."""

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException

from api.models import ApiKey, ReviewedTweet

_WAY_OUT = "An administrator can approve what waits, or trust the key."


class WasForgotten(APIException):
    """A review names what somebody had forgotten, and is not stored.

    Args:
        kind: what was named then, such as `author`.
    """

    status_code = status.HTTP_409_CONFLICT
    default_code = "forgotten"

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"This {kind.replace(',', ' with this ')} was forgotten on request, and stays so: nothing is stored. "
            "An administrator can lift that."
        )


class KeyNotTrusted(APIException):
    """A key that is not trusted would take back a review that counts."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "key_not_trusted"
    default_detail = (
        "This key is not trusted, so what it says changes nothing that counts, and this review counts: it stays. "
        "An administrator can withdraw it, quarantine it with `include_learned`, or trust the key."
    )


class QuotaExceeded(APIException):
    """A request of a key that is not trusted would go over a limit; nothing of it is stored.

    Not 429: waiting does not help, a person does.

    Attributes:
        position: of the review that is one too many about its text, from 0; None where all together are too many.
    """

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "quota_exceeded"

    def __init__(self, detail: str, position: int | None = None) -> None:
        super().__init__(detail)
        self.position = position

    def in_line(self, number: int) -> "QuotaExceeded":
        """Return the same about a line of an upload."""
        return QuotaExceeded(f"Line {number}: {self.detail}")


class Quota:
    """What is left to a key that is not trusted. Of what it sent, all counts that nobody approved, withdrawn or not."""

    def __init__(self, key: ApiKey) -> None:
        self._most, self._per_text = settings.UNTRUSTED_MAX_REVIEWS, settings.UNTRUSTED_MAX_REVIEWS_PER_TEXT
        self._waiting = ReviewedTweet.objects.filter(key=key, untrusted=True).count() if self._most else 0

    def take(self, *, opinion: int, position: int) -> None:
        """Count a review that is about to be stored.

        Args:
            opinion: it is the key's 1st, 2nd ... about its text, whoever the reviewers are.
            position: in the request, from 0.

        Raises:
            QuotaExceeded: it is one too many.
        """
        self._waiting += 1
        if self._most and self._waiting > self._most:
            raise QuotaExceeded(
                f"This key is not trusted yet, and at most {self._most:,} reviews of such a key may wait "
                f"(UNTRUSTED_MAX_REVIEWS). Nothing of this request is stored. {_WAY_OUT}"
            )
        if self._per_text and opinion > self._per_text:
            raise QuotaExceeded(
                f"This key is not trusted yet, and such a key may send at most {self._per_text:,} reviews of one text, "
                f"of all its reviewers together (UNTRUSTED_MAX_REVIEWS_PER_TEXT). Nothing of this request is stored. "
                f"{_WAY_OUT}",
                position,
            )
