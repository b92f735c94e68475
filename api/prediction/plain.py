"""The plain request to predict, answered without Django: `{"tweet": "..."}` and nothing else, by anybody.

Nine of ten requests are of this kind, and Django and REST framework take four times as long as the model. The view
answers them too, with the same bytes and headers; tests hold the two together. Whatever has an option, a key, a limit
or an oddity is left to the view.
"""

from typing import Any

import orjson
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from api.http.fields import text_problem
from api.prediction import predicting
from api.prediction.active_model import ModelNotReady

#: Bytes of a body that is scored where it arrives; a longer one takes a thread.
MAX_BODY = 2_000

_PATHS = ("/predict", "/predict/")
_MOST_HOSTS = 100
# What the view and the middleware say beside the body.
_BEFORE = [("content-type", "application/json"), ("allow", "POST, OPTIONS"), ("x-frame-options", "DENY")]
_AFTER = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
]
# Values of the header Host that were accepted.
_hosts: set[str] = set()


def answer(scope: Any, body: bytes) -> tuple[list[tuple[str, str]], bytes] | None:
    """Return the headers and the body of the answer, with status 200; None for a request that the view should see.

    Args:
        scope: the head of the request, as RSGI has it.
    """
    headers = scope.headers
    if (
        scope.method != "POST"
        or scope.path not in _PATHS
        or len(body) > MAX_BODY
        or not settings.PUBLIC_PREDICT
        or settings.LIMITS["predict"]
        or settings.SECURE_SSL_REDIRECT
        or "authorization" in headers
        or headers.get_all("content-type") != ["application/json"]
        or not _is_ours(headers.get_all("host"))
    ):
        return None
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(content, dict) or content.keys() != {"tweet"} or text_problem(content["tweet"]):
        return None
    try:
        chosen = predicting.serving()
    except ModelNotReady:
        return None
    found = predicting.predict(chosen, content["tweet"], key=None)
    said = orjson.dumps(predicting.as_answer(found, chosen.model) | {"model_version": chosen.model.version})
    return [*_BEFORE, ("content-length", str(len(said))), *_AFTER], said


def _is_ours(hosts: list[str]) -> bool:
    if len(hosts) != 1:
        return False
    host = hosts[0]
    if host not in _hosts:
        domain, _ = split_domain_port(host)
        if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
            return False
        if len(_hosts) < _MOST_HOSTS and len(host) < 256:
            _hosts.add(host)
    return True
