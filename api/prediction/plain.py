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
from api.http.parsers import MAX_SINGLE_BODY
from api.prediction import predicting
from api.prediction.active_model import ModelNotReady

#: Bytes of a body that is scored where it arrives; a longer one takes a thread.
MAX_BODY = 2_000
#: The same where the model has an encoder, which reads each sentence of a long text in some milliseconds.
MAX_BODY_ENCODED = 400

_PATHS = ("/predict", "/predict/")
# Parts of a request that cost more than a score.
_COSTLY = ("explain", "tweets", "model_version")
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


def read(scope: Any, body: bytes) -> dict[str, Any] | None:
    """Return what a request to predict asks; None for any other, or where its body holds more than one tweet may."""
    if scope.method != "POST" or scope.path not in _PATHS or len(body) > MAX_SINGLE_BODY:
        return None
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return asked if isinstance(asked, dict) else None


def is_cheap(asked: dict[str, Any]) -> bool:
    """Return whether a request costs no more than scoring one text."""
    return not any(name in asked for name in _COSTLY)


def answer(scope: Any, asked: dict[str, Any], size: int) -> tuple[list[tuple[str, str]], bytes] | None:
    """Return the headers and the body of the answer, with status 200; None for a request that the view should see.

    Args:
        scope: the head of the request, as RSGI has it.
        asked: what `read` has read.
        size: of the body, in bytes.
    """
    headers = scope.headers
    if (
        asked.keys() != {"tweet"}
        or size > MAX_BODY
        or text_problem(asked["tweet"])
        or not settings.PUBLIC_PREDICT
        or settings.LIMITS["predict"]
        or "authorization" in headers
        or "cookie" in headers  # sessions are the business of Django
        or headers.get_all("content-type") != ["application/json"]
        or not _is_ours(headers.get_all("host"))
    ):
        return None
    try:
        chosen = predicting.serving()
    except ModelNotReady:
        return None
    if size > MAX_BODY_ENCODED and len(chosen.model.scorer.views) > 1:
        return None
    found = predicting.predict(chosen, asked["tweet"], key=None)
    said = orjson.dumps(predicting.as_answer(found, chosen.model) | {"model_version": chosen.model.version})
    return [*_BEFORE, ("content-length", str(len(said))), *_transport_security(headers), *_AFTER], said


def _transport_security(headers: Any) -> list[tuple[str, str]]:
    """Return what the middleware adds where the client came over HTTPS."""
    if not (settings.SECURE_HSTS_SECONDS and settings.SECURE_PROXY_SSL_HEADER):
        return []
    protocol, *_ = ",".join(headers.get_all("x-forwarded-proto")).split(",")
    is_secure = protocol.strip() == settings.SECURE_PROXY_SSL_HEADER[1]
    age = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
    return [("strict-transport-security", age)] if is_secure else []


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
