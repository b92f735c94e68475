"""Many requests in one: `multipart/mixed`, each part an HTTP request, as Google's client libraries send it.

Each is answered by the same view as if it had come alone, without a connection of its own. A bad one costs only itself.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from email.message import Message
from email.parser import BytesHeaderParser
from http import HTTPStatus
from io import BytesIO
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

import orjson
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from api.integrations.perspective.errors import CONTENT_TYPE, Malformed, body
from api.prediction.budget import Budget

#: As many as Google's service takes.
MAX_PARTS = 100
_PATH = "/v1alpha1/"
_BLANK = re.compile(rb"\r?\n\r?\n")
# Bytes of a part's head, and of its Content-Type. Nobody reads long ones quickly: a hundred of 16 KB took Django 13 s.
_MAX_HEAD = 1024
_MAX_CONTENT_TYPE = 256
# Where a part finds what is left to the whole batch. A header cannot have this name.
_BUDGET = "perspective.budget"
# What a part takes over from the request around it, unless it says so itself.
_INHERITED = ("HTTP_AUTHORIZATION", "HTTP_X_GOOG_API_KEY")

Methods = Mapping[str, Callable[..., HttpResponse]]


class Part(NamedTuple):
    """A request in a batch, unread."""

    content_id: str | None
    content: bytes


def run(request: Request, content: bytes, methods: Methods) -> tuple[bytes, str]:
    """Answer a batch.

    Args:
        content: the request's body.
        methods: the views, by the ends of their paths.

    Returns:
        The body of the answer, and its Content-Type.

    Raises:
        Malformed: it is not a batch, or has no part or too many.
    """
    parts = split(content, request.content_type)
    budget = Budget()
    boundary = f"batch_{secrets.token_urlsafe(24)}"
    answers = []
    for part in parts:
        head = [f"--{boundary}", "Content-Type: application/http"]
        if part.content_id:
            head.append(f"Content-ID: {_answered(part.content_id)}")
        answer = _answer(part.content, request, budget, methods)
        answers.append("\r\n".join(head).encode() + b"\r\n\r\n" + _serialize(answer))
    answers.append(f"--{boundary}--\r\n".encode())
    return b"\r\n".join(answers), f"multipart/mixed; boundary={boundary}"


def budget_of(request: Request) -> Budget:
    """Return what a request may ask for: what is left to the batch that it came in, or all, if it came alone."""
    budget = request.META.get(_BUDGET)
    return budget if isinstance(budget, Budget) else Budget()


def split(content: bytes, content_type: str) -> list[Part]:
    """Return the requests in a batch, in their order.

    Only the heads are parsed as mail: the parser for whole messages takes its time with parts in parts in parts.

    Raises:
        Malformed: it is not a batch, or has no part or too many.
    """
    outer = Message()
    outer["Content-Type"] = content_type
    boundary = outer.get_boundary()
    if outer.get_content_maintype() != "multipart" or not boundary:
        raise Malformed("A batch is sent as Content-Type: multipart/mixed, with a boundary.")
    line = rb"(?:\A|\r?\n)--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*(?=\r?\n|\Z)"
    found = list(islice(re.finditer(line, content), MAX_PARTS + 2))
    ends = [*(match.start() for match in found[1:]), len(content)]
    pieces = [
        content[match.end() : end].removeprefix(b"\r").removeprefix(b"\n")
        for match, end in zip(found, ends, strict=False)
        if not match[1]
    ]
    if not 1 <= len(pieces) <= MAX_PARTS:
        raise Malformed(f"A batch has 1 to {MAX_PARTS} requests.")
    return [_part(piece) for piece in pieces]


def _part(piece: bytes) -> Part:
    head, content = _cut(piece)
    content_id = BytesHeaderParser().parsebytes(head).get("Content-ID")
    return Part(re.sub(r"\s+", " ", str(content_id)).strip() if content_id else None, content)


def _cut(message: bytes) -> tuple[bytes, bytes]:
    """Return the head and the body of a message; nothing of one whose head has no end."""
    if message.startswith((b"\n", b"\r\n")):  # no header at all
        return b"", message.lstrip(b"\r\n")
    if blank := _BLANK.search(message, 0, _MAX_HEAD):
        return message[: blank.start()], message[blank.end() :]
    return (message, b"") if len(message) <= _MAX_HEAD else (b"", b"")


def _answered(content_id: str) -> str:
    """`<response-17>` for `<17>`; clients put the two together by this."""
    plain = "".join(character for character in content_id if character.isprintable())
    return f"<response-{plain[1:]}" if plain.startswith("<") else f"response-{plain}"


def _answer(content: bytes, outer: Request, budget: Budget, methods: Methods) -> Response:
    head, sent = _cut(content)
    line, _, headers = head.partition(b"\n")
    words = line.decode("latin-1").split()
    if len(words) not in (2, 3):
        return Response(body(400, "The part has no head of up to 1 KB that begins as POST /path HTTP/1.1."), 400)
    method, target = words[:2]
    try:
        url = urlsplit(target)
    except ValueError:
        return Response(body(400, "The part's URL cannot be read."), 400)
    path = unquote_to_bytes(url.path).decode("utf-8", "replace").rstrip("/")
    view = methods.get(path.removeprefix(_PATH)) if path.startswith(_PATH) else None
    if view is None:
        return Response(body(404, "There is no such method; a batch can hold comments:analyze and suggestscore."), 404)
    named = BytesHeaderParser().parsebytes(headers)
    if len(str(named.get("Content-Type", ""))) > _MAX_CONTENT_TYPE:
        return Response(body(400, f"The part's Content-Type is longer than {_MAX_CONTENT_TYPE} bytes."), 400)
    environ = _environ(outer, method, url.path, url.query, named, sent) | {_BUDGET: budget}
    response: Any = view(WSGIRequest(environ))
    return response  # type: ignore[no-any-return]


def _environ(outer: Request, method: str, path: str, query: str, headers: Message, sent: bytes) -> dict[str, Any]:
    around = outer.META
    environ = {name: around[name] for name in _INHERITED if name in around}
    for name, value in headers.items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = str(value).strip()
    # Who asks, and where, the request around it says.
    same = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "wsgi.url_scheme")
    for name in same:
        environ.pop(name, None)
        if name in around:
            environ[name] = around[name]
    return environ | {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": str(headers.get("Content-Type", "")),
        "CONTENT_LENGTH": str(len(sent)),
        "wsgi.input": BytesIO(sent),
    }


def _serialize(response: Response) -> bytes:
    content = orjson.dumps(response.data, default=str)
    head = [f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}"]
    head += [f"{name}: {response[name]}" for name in ("Retry-After", "X-Review-Id") if name in response]
    head += [f"Content-Type: {CONTENT_TYPE}", f"Content-Length: {len(content)}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content
