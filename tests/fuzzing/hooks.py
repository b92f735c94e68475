"""How schemathesis writes JSON lines: one line, which is all that the schema describes."""

from typing import Any

import orjson
import schemathesis


@schemathesis.serializer("application/x-ndjson")
def json_lines(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else orjson.dumps(value, default=str)
