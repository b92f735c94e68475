"""What every request passes before Django: limits on its head and its body, and a thread to answer it.

granian calls `FrontDoor` on an event loop. A body is read there, within limits of bytes and of time, so that a client
that sends slowly holds a socket and no thread. A short plain prediction is answered there, too; anything else takes a
thread. What else is cheap, such as other predictions of one text, has threads that nothing costly can take.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, NamedTuple, TypeVar

import orjson
from django.conf import settings

from api.http.authentication import is_valid_key
from api.http.parsers import MAX_LINES_BODY
from api.http.problems import CONTENT_TYPE, problem
from api.integrations.perspective.parsers import MAX_BATCH_BODY
from api.lib import metrics
from api.operations.web_server import CLOSE_CONNECTIONS
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
#: Bytes of bodies that a process holds, from their first byte until they are answered.
MAX_HELD = 128 * 1024 * 1024
#: Requests of a process that wait for a thread, of each kind.
MAX_WAITING = 256
#: Threads for cheap requests alone.
CHEAP_THREADS = 2
#: Bytes of a body from which texts are read in threads of their own, usually one. Two at once take as long as one after
#: the other, but whoever waits for the interpreter's lock, such as a plain prediction, waits for each again and again.
LARGE = 4 * 1024

# A view refuses what is larger than its own limit; more than these is not even read. Elsewhere it is 1 MB.
_LARGEST_AT = {
    "/reviewed-tweets/bulk": MAX_LINES_BODY,
    "/batch": MAX_BATCH_BODY,
    "/batch/commentanalyzer/v1alpha1": MAX_BATCH_BODY,
}
# Without a key, the view refuses any body.
_BULK = {"/reviewed-tweets/bulk"}
_LABEL_STUDIO = "/label-studio/"
_CHEAP_PATHS = {"/livez", "/readyz"}
# What these do is compute; others mostly wait for the database.
_READ_TEXTS = ("/predict", "/batch", "/v1/", "/v1alpha1/", "/label-studio/predict", "/label-studio/setup")
# Without these a request would mean something else: granian hands on no value that is not ASCII.
_NOT_TO_BE_LOST = ("Authorization", "Idempotency-Key", "X-Forwarded-For", "X-Goog-Api-Key")

T = TypeVar("T")
Headers = list[tuple[str, str]]
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Answer(NamedTuple):
    """An answer as granian takes it."""

    status: int
    headers: Headers
    body: bytes


class _Body:
    """What has arrived of a body."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def take(self) -> bytes:
        """Return it in one piece, without a second copy."""
        content = b"".join(self.parts)
        self.parts.clear()
        return content


class Refused(Exception):
    """A request that is not handed on; `answer` says why."""

    def __init__(self, status: int, code: str, detail: str, *, retry_after: int = 0) -> None:
        super().__init__(detail)
        headers = [("content-type", CONTENT_TYPE)]
        if retry_after:
            headers.append(("retry-after", str(retry_after)))
        self.answer = Answer(status, headers, orjson.dumps(problem(status, code, detail)))


class _Threads:
    """Threads, and how many requests wait for one."""

    def __init__(self, number: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(number, thread_name_prefix=name)
        self._waiting = 0

    async def run(self, act: Callable[[], T]) -> T:
        """Run in a thread.

        Raises:
            Refused: too many wait already.
        """
        if self._waiting >= MAX_WAITING:
            raise Refused(503, "busy", "Too many requests are waiting for an answer. Try again.", retry_after=1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, act)
        finally:
            self._waiting -= 1


class FrontDoor:
    """An RSGI application around a WSGI application.

    Args:
        application: answers requests whose bodies have arrived.
        threads: how many of these it may answer at once, besides cheap and large ones.
        large: how many that are `LARGE`.
    """

    def __init__(self, application: Wsgi, *, threads: int, large: int = 1) -> None:
        self._application = application
        self._cheap = _Threads(CHEAP_THREADS, "cheap")
        self._large = _Threads(large, "large")
        self._others = _Threads(threads, "request")
        self._held = 0
        self._is_closing = False

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close each connection with its next answer, once a signal says so."""
        loop.add_signal_handler(CLOSE_CONNECTIONS, setattr, self, "_is_closing", True)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        body = _Body()
        finish = metrics.start_request(scope.path, scope.method) if settings.METRICS else None
        try:
            _check_head(scope)
            await self._read(body, scope, protocol)
            answer = await self._answer(scope, body.take())
        except Refused as refused:
            answer = refused.answer
        except Exception:
            logger.exception("a request failed")
            detail = "The service failed on this request. The cause is in its log."
            answer = Refused(500, "server_error", detail).answer
        finally:
            self._held -= body.size
        if finish is not None:
            finish(answer.status)
        with contextlib.suppress(Exception):  # the client may have gone
            headers = [*answer.headers, ("connection", "close")] if self._is_closing else answer.headers
            protocol.response_bytes(answer.status, headers, answer.body)

    async def _read(self, body: _Body, scope: Any, protocol: Any) -> None:
        """Read the whole body, or at least one byte more than its path allows: then the view refuses it.

        Raises:
            Refused: it does not arrive in time or not to its end, or too much is held already.
        """
        declared = scope.headers.get("content-length") or ""
        if not (declared.strip("0") or "transfer-encoding" in scope.headers):
            return
        usual, most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, _largest(scope)
        knows_sender = most <= usual or not _only_with_key(scope)
        start = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(start + BODY_SECONDS) as limit:
                async for part in protocol:
                    body.parts.append(part)
                    body.size += len(part)
                    self._held += len(part)
                    if body.size > most:
                        return
                    if body.size > usual and not knows_sender:
                        if not await self._others.run(lambda: is_valid_key(scope.headers.get("authorization") or "")):
                            return
                        knows_sender = True
                    if self._held > MAX_HELD:
                        raise Refused(503, "busy", "Too many bodies are held at once. Try again.", retry_after=1)
                    limit.reschedule(start + BODY_SECONDS + body.size / BODY_RATE)
        except TimeoutError:
            detail = f"The body did not arrive within {BODY_SECONDS:g} s and {BODY_RATE:,} bytes a second."
            raise Refused(408, "body_too_slow", detail) from None
        # A connection that ends early ends the body as if it were whole.
        if declared.isdigit() and body.size < int(declared):
            detail = f"The body has {body.size:,} of the {int(declared):,} bytes that its Content-Length says."
            raise Refused(400, "body_incomplete", detail)

    async def _answer(self, scope: Any, body: bytes) -> Answer:
        asked = plain.read(scope, body)
        if asked is not None and (at_once := plain.answer(scope, asked, len(body))):
            return Answer(200, *at_once)
        if plain.is_cheap(asked) if asked is not None else scope.path.rstrip("/") in _CHEAP_PATHS:
            threads = self._cheap
        elif len(body) > LARGE and scope.path.startswith(_READ_TEXTS):
            threads = self._large
        else:
            threads = self._others
        return await threads.run(lambda: self._call(scope, body))

    def _call(self, scope: Any, body: bytes) -> Answer:
        started: list[Any] = []
        content = self._application(_environ_of(scope, body), lambda *args: started.extend(args[:2]))
        try:
            answer = b"".join(content)
        finally:
            if close := getattr(content, "close", None):
                close()
        status, headers = started[:2]
        return Answer(int(status[:3]), [(name.lower(), value) for name, value in headers], answer)


def _check_head(scope: Any) -> None:
    """Refuse a head that is costly to parse or would be read in part, before anything parses it.

    Raises:
        Refused: the head is too large, a header cannot be read, or the body is encoded.
    """
    if len(scope.path) + len(scope.query_string) > MAX_TARGET:
        raise Refused(414, "path_too_long", f"The path with its query may have {MAX_TARGET:,} bytes.")
    headers = scope.headers
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_HEAD:
        raise Refused(431, "headers_too_large", f"The headers may have {MAX_HEAD:,} bytes together.")
    if sum(map(len, headers.get_all("content-type"))) > MAX_CONTENT_TYPE:
        raise Refused(400, "bad_request", f"The header Content-Type may have {MAX_CONTENT_TYPE} bytes.")
    for name in _NOT_TO_BE_LOST:
        if name.lower() in headers and headers.get(name.lower()) is None:
            raise Refused(400, "header_not_ascii", f"The header {name} may have ASCII characters only.")
    encoding = ",".join(headers.get_all("content-encoding")).strip().lower()
    if encoding not in ("", "identity"):
        detail = f"Send the body as it is, without the header Content-Encoding: {encoding[:40]}."
        raise Refused(415, "unsupported_media_type", detail)
    coding = ",".join(headers.get_all("transfer-encoding")).strip().lower()
    if coding not in ("", "chunked"):
        detail = f"Send the body in chunks that are not encoded, without the header Transfer-Encoding: {coding[:40]}."
        raise Refused(415, "unsupported_media_type", detail)


def _largest(scope: Any) -> int:
    """Return how many bytes a body may have, as far as its head tells."""
    path, has_key = scope.path.rstrip("/"), "authorization" in scope.headers
    if path in _BULK and not has_key:
        return 0
    if path.startswith(_LABEL_STUDIO) and has_key:
        return MAX_LINES_BODY
    return _LARGEST_AT.get(path, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _only_with_key(scope: Any) -> bool:
    """Return whether more than the usual is read for valid keys alone."""
    path = scope.path.rstrip("/")
    return path in _BULK or path.startswith(_LABEL_STUDIO)


def _environ_of(scope: Any, body: bytes) -> dict[str, Any]:
    """Return a request as PEP 3333 has it.

    A header whose name has an underscore is left out: in the environment it could not be told from one with a hyphen.
    """
    server, _, port = scope.server.rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
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
