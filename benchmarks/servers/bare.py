"""No framework: what is left is the server, JSON and our scorer. It checks nothing, so it is a bound, not a service."""

from collections.abc import Callable
from typing import Any

import orjson

from api.lib.processes import die_with_parent

from .models import with_our_scorer

die_with_parent()
_judge = with_our_scorer()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    answer = orjson.dumps(_judge(orjson.loads(environ["wsgi.input"].read())["tweet"]))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]
