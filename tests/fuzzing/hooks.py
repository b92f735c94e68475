"""What schemathesis cannot know by the schema: how JSON lines are written, and what an `Idempotency-Key` does."""

import itertools
import json
import re
from typing import Any

import schemathesis

_NAME = "Idempotency-Key"
_VALID = r"[!-~]([ -~]*[!-~])?"
_numbers = itertools.count(1)


@schemathesis.serializer("application/x-ndjson")
def json_lines(context: Any, value: Any) -> bytes:
    """Write one line, which is all that the schema describes."""
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Give each request a key of its own. With schemathesis' "0", the second one is refused, whatever it asks."""
    kwargs["auth"] = _renamed  # the case itself must stay: what the checks know of it is lost with any change


def _renamed(request: Any) -> Any:
    name = request.headers.get(_NAME, "")
    if isinstance(name, str) and len(name) <= 255 and re.fullmatch(_VALID, name):
        request.headers[_NAME] = str(next(_numbers)).rjust(len(name), "0")
    return request
