"""Request bodies as Perspective's clients send them."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
import pyjson5
from django.conf import settings
from rest_framework.parsers import BaseParser

from api.http.parsers import what_is_wrong
from api.http.problems import BodyTooLarge
from api.integrations.perspective.errors import Malformed

#: Bytes of a batch. A hundred comments of 20 KB have room in it.
MAX_BATCH_BODY = 4 * 1024 * 1024
_MAX_LENIENT_BODY = 64 * 1024
_MAX_DEPTH = 32


class LenientJSONParser(BaseParser):
    """JSON, whatever the Content-Type says: the official Python sample sends none, and curl that of a form."""

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return read_json(_read(stream, settings.DATA_UPLOAD_MAX_MEMORY_SIZE))


class BytesParser(BaseParser):
    """A body as it is."""

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return _read(stream, MAX_BATCH_BODY)


def read_json(content: bytes) -> Any:
    """JSON, or what Google's servers take for it: the official curl sample leaves out the quotes of its names.

    Raises:
        Malformed: it is neither.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        reason = what_is_wrong(content, error)
        problem = f"Invalid JSON payload received. {reason[:1].upper()}{reason[1:]}."
    if len(content) <= _MAX_LENIENT_BODY:
        try:
            # Once more through orjson, which refuses what would harm later, such as lone surrogates.
            return orjson.loads(orjson.dumps(pyjson5.decode_utf8(content, maxdepth=_MAX_DEPTH)))
        except (pyjson5.Json5Exception, ValueError, TypeError):
            pass  # the first problem is the one to name
    raise Malformed(problem)


def _read(stream: IO[Any], limit: int) -> bytes:
    content: bytes = stream.read(limit + 1)
    if len(content) > limit:
        raise BodyTooLarge(f"Request payload size exceeds the limit: {limit} bytes.")
    return content
