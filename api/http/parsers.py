"""Request bodies."""

import codecs
from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from api.http.problems import BodyTooLarge

#: Bytes of a body that holds one tweet. A list of tweets may have `DATA_UPLOAD_MAX_MEMORY_SIZE`.
MAX_SINGLE_BODY = 64 * 1024
#: Bytes and lines of a body that has a JSON object on each line. A single line may have `MAX_SINGLE_BODY`.
MAX_LINES_BODY = 16 * 1024 * 1024
MAX_LINES = 10_000


# UTF-32 begins as UTF-16 does, or with NULs, which no JSON has.
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def what_is_wrong(body: bytes, error: orjson.JSONDecodeError) -> str:
    """Return why a body is no JSON: its encoding, before all else that orjson says."""
    if body.startswith(_UTF_16) or b"\0" in body[:4]:
        return "it is UTF-16 or UTF-32; send it in UTF-8"
    if body.startswith(codecs.BOM_UTF8):
        return "it begins with a byte order mark; send it in UTF-8 without one"
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        return f"its byte {wrong.start + 1:,} is not UTF-8 (is it Latin-1 or Windows-1252?); send it in UTF-8"
    return str(error)


class JSONParser(BaseParser):
    """JSON by RFC 8259. orjson refuses what would harm later: NaN, lone surrogates, nesting without end."""

    media_type = "application/json"
    limit = 0  # bytes of any body, where it is not DATA_UPLOAD_MAX_MEMORY_SIZE

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = self.limit or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge()
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {what_is_wrong(body, error)}.") from None
        if len(body) > MAX_SINGLE_BODY and not self.is_list(content):
            raise BodyTooLarge()
        return content

    def is_list(self, content: Any) -> bool:
        """Return whether a body may be as large as a list of tweets."""
        return isinstance(content, dict) and "tweets" in content


class LargeJSONParser(JSONParser):
    """The same, where every body may be as large as a list."""

    def is_list(self, content: Any) -> bool:
        return True


class JSONLinesParser(BaseParser):
    """A body's lines, undecoded: (number, text), or None for a text that is not UTF-8. Blank lines are passed over."""

    media_type = "application/x-ndjson"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(MAX_LINES_BODY + 1)
        if len(body) > MAX_LINES_BODY:
            raise BodyTooLarge()
        lines = [
            (number, _decode(line))
            for number, line in enumerate(body.split(b"\n"), start=1)
            if not line.isspace() and line
        ]
        if len(lines) > MAX_LINES:
            raise BodyTooLarge()
        return lines


def _decode(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
