"""What every request passes before Django: limits on its head and its body, and a thread to answer it.

granian calls `FrontDoor` on an event loop. A body is read there, within limits of bytes and of time, so that a client
that sends slowly holds a socket and no thread. A short plain prediction is answered there, too; anything else takes a
thread. Other predictions of one text have threads that nothing else can take.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, NamedTuple

import orjson

from api.http.parsers import MAX_LINES_BODY, MAX_SINGLE_BODY
from api.http.problems import CONTENT_TYPE, problem
from api.prediction import plain

logger = logging.getLogger(__name__)

#: Bytes of all names and values of the headers together.
MAX_HEAD = 16 * 1024
#: Bytes of a path with its query.
MAX_TARGET = 8 * 1024
#: Django parses this header of every request, and takes minutes for a megabyte of it.
MAX_CONTENT_TYPE = 256
#: Seconds in which a body must arrive, and bytes a second for which there is more time.
BODY_SECONDS = 10.0
BODY_RATE = 20_000
#: Bytes of bodies that a process holds while they arrive.
MAX_ARRIVING = 128 * 1024 * 1024
#: Requests of a process that wait for a thread.
MAX_WAITING = 256
#: Threads for plain predictions alone.
PLAIN_THREADS = 2

# A view refuses what is larger than its own limit; more than these is not even read.
_LARGEST = 1024 * 1024
_LARGEST_AT = {"/add-reviewed-tweets": MAX_LINES_BODY, "/label-studio/": MAX_LINES_BODY, "/batch": 4 * 1024 * 1024}
_PLAIN_PATHS = {"/predict", "/predict/"}
_ALWAYS_PLAIN = {"/livez", "/livez/", "/readyz", "/readyz/"}
# Parts of a request to /predict that cost more than a score.
_COSTLY = ("explain", "tweets", "model_version")

Headers = list[tuple[str, str]]
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Answer(NamedTuple):
    """An answer as granian takes it."""

    status: int
    headers: Headers
    body: bytes


class Refused(Exception):
    """A request that is not handed on; `answer` says why."""

    def __init__(self, status: int, code: str, detail: str, *, retry_after: int = 0) -> None:
        super().__init__(detail)
        headers = [("content-type", CONTENT_TYPE)]
        if retry_after:
            headers.append(("retry-after", str(retry_after)))
        self.answer = Answer(status, headers, orjson.dumps(problem(status, code, detail)))


class FrontDoor:
    """An RSGI application around a WSGI application.

    Args:
        application: answers requests whose bodies have arrived.
        threads: how many of these it may answer at once, besides plain predictions.
    """

    def __init__(self, application: Wsgi, *, threads: int) -> None:
        self._application = application
        self._plain = ThreadPoolExecutor(PLAIN_THREADS, thread_name_prefix="plain")
        self._others = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._waiting = 0
        self._arriving = 0

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        try:
            _check_head(scope)
            body = await self._read_body(scope, protocol)
            at_once = plain.answer(scope, body)
            answer = Answer(200, *at_once) if at_once else await self._answer(scope, body)
        except Refused as refused:
            answer = refused.answer
        except Exception:
            logger.exception("a request failed")
            detail = "The service failed on this request. The cause is in its log."
            answer = Refused(500, "server_error", detail).answer
        with contextlib.suppress(Exception):  # the client may have gone
            protocol.response_bytes(answer.status, answer.headers, answer.body)

    async def _read_body(self, scope: Any, protocol: Any) -> bytes:
        """Read the whole body, or one byte more than its path allows: then the view refuses it.

        Raises:
            Refused: it does not arrive in time, or too much is arriving already.
        """
        headers = scope.headers
        if not (headers.get("content-length", "0").strip("0") or headers.get("transfer-encoding")):
            return b""
        most = _largest(scope.path) + 1
        parts, received = [], 0
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            async with asyncio.timeout_at(start + BODY_SECONDS) as limit:
                async for part in protocol:
                    parts.append(part)
                    received += len(part)
                    self._arriving += len(part)
                    if received >= most:
                        break
                    if self._arriving > MAX_ARRIVING:
                        raise Refused(503, "busy", "Too many bodies are arriving at once. Try again.", retry_after=1)
                    limit.reschedule(start + BODY_SECONDS + received / BODY_RATE)
        except TimeoutError:
            detail = f"The body did not arrive within {BODY_SECONDS:g} s and {BODY_RATE:,} bytes a second."
            raise Refused(408, "body_too_slow", detail) from None
        finally:
            self._arriving -= received
        return b"".join(parts)[:most]

    async def _answer(self, scope: Any, body: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        if _is_plain(scope, body):
            return await loop.run_in_executor(self._plain, self._call, scope, body)
        if self._waiting >= MAX_WAITING:
            raise Refused(503, "busy", "Too many requests are waiting for an answer. Try again.", retry_after=1)
        self._waiting += 1
        try:
            return await loop.run_in_executor(self._others, self._call, scope, body)
        finally:
            self._waiting -= 1

    def _call(self, scope: Any, body: bytes) -> Answer:
        started: list[Any] = []
        content = self._application(_environ_of(scope, body), lambda *args: started.extend(args[:2]))
        try:
            answer = content[0] if isinstance(content, list) and len(content) == 1 else b"".join(content)
        finally:
            if close := getattr(content, "close", None):
                close()
        status, headers = started[:2]
        return Answer(int(status[:3]), [(name.lower(), value) for name, value in headers], answer)


def _check_head(scope: Any) -> None:
    """Refuse a head that is costly to parse, before anything parses it.

    Raises:
        Refused: the head is too large, or the body has an encoding.
    """
    if len(scope.path) + len(scope.query_string) > MAX_TARGET:
        raise Refused(414, "path_too_long", f"The path with its query may have {MAX_TARGET:,} bytes.")
    headers = scope.headers
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_HEAD:
        raise Refused(431, "headers_too_large", f"The headers may have {MAX_HEAD:,} bytes together.")
    if sum(map(len, headers.get_all("content-type"))) > MAX_CONTENT_TYPE:
        raise Refused(400, "bad_request", f"The header Content-Type may have {MAX_CONTENT_TYPE} bytes.")
    encoding = ",".join(headers.get_all("content-encoding")).strip().lower()
    if encoding not in ("", "identity"):
        detail = f"Send the body as it is, without the header Content-Encoding: {encoding[:40]}."
        raise Refused(415, "unsupported_media_type", detail)


def _largest(path: str) -> int:
    return next((most for prefix, most in _LARGEST_AT.items() if path.startswith(prefix)), _LARGEST)


def _is_plain(scope: Any, body: bytes) -> bool:
    """Return whether a request costs no more than scoring one text."""
    if scope.path in _ALWAYS_PLAIN:
        return True
    if scope.method != "POST" or scope.path not in _PLAIN_PATHS or len(body) > MAX_SINGLE_BODY:
        return False
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(content, dict) and not any(name in content for name in _COSTLY)


def _environ_of(scope: Any, body: bytes) -> dict[str, Any]:
    """Return a request as PEP 3333 has it.

    A header whose name has an underscore is left out: in the environment it could not be told from one with a hyphen.
    """
    server, _, port = scope.server.rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": server.strip("[]"),
        "SERVER_PORT": port,
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        separator = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    environ.pop("HTTP_CONTENT_LENGTH", None)
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ
