"""JSON as Google's servers read it for a protocol buffer, or Malformed in their words.

They take more than the standard asks for: a single value for a list of one, an enum's name in any case or its number,
and numbers and booleans as text. Clients rely on it (`data_piece.cc` in protobuf's source has the rules). Names come as
`doNotStore` or `do_not_store`; null counts as left out.
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from api.http.fields import text_problem
from api.integrations.perspective.errors import Malformed

# `user_id` is what the old demos send.
_IGNORED = {"userId"}
_BOOLEANS = dict.fromkeys(("true", "t", "yes", "y", "1"), True) | dict.fromkeys(("false", "f", "no", "n", "0"), False)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_LONGEST_NUMBER = 40


def read_object(value: Any, where: str, *names: str) -> dict[str, Any]:
    """Return an object's fields by their camel-case names."""
    if not isinstance(value, dict):
        field = where or "body"
        raise Malformed(f"Invalid value at '{field}', expected an object", field)
    known = _spellings(names)
    fields = {}
    for name, content in value.items():
        if name not in known:
            at = f" at '{where}'" if where else ""
            raise Malformed(
                f'Invalid JSON payload received. Unknown name "{name[:100]}"{at}: Cannot find field.', where
            )
        if content is not None and known[name] not in _IGNORED:
            fields[known[name]] = content
    return fields


@cache
def _spellings(names: tuple[str, ...]) -> Mapping[str, str]:
    known = {name: name for name in (*names, *_IGNORED)}
    return known | {re.sub("([A-Z])", r"_\1", name).lower(): name for name in known}


def read_list(value: Any) -> list[Any]:
    """Return a list; a single value is a list of one.

    >>> read_list("en")
    ['en']
    """
    return value if isinstance(value, list) else [value]


def read_enum(value: Any, names: Sequence[str]) -> str | None:
    """Return one of the names, which stand in the order of their numbers; None for what is none of them.

    >>> read_enum("plain-text", ["TEXT_TYPE_UNSPECIFIED", "PLAIN_TEXT"]), read_enum(1, ["A", "B"])
    ('PLAIN_TEXT', 'B')
    """
    if isinstance(value, str):
        plain = value.replace("-", "_").upper()
        if plain in names:
            return plain
    number = _to_number(value)
    return names[int(number)] if number is not None and number in range(len(names)) else None


def read_flag(fields: dict[str, Any], name: str) -> bool:
    """Return a field that is true or false, or text that says so; false where there is none."""
    value = fields.get(name, False)
    said = _BOOLEANS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(said, bool):
        raise Malformed(f"Invalid value at '{name}', expected true or false", name)
    return said


def read_text(fields: dict[str, Any], name: str) -> str | None:
    return read_string(fields[name], name) if name in fields else None


def read_string(value: Any, where: str) -> str:
    if problem := text_problem(value):
        raise Malformed(f"Invalid value at '{where}': {problem}", where)
    return str(value)


def read_number(value: Any, where: str) -> float:
    number = _to_number(value)
    if number is None:
        raise Malformed(f"Invalid value at '{where}', expected a number", where)
    return number


def _to_number(value: Any) -> float | None:
    """Return a number, or the one that text is; None for all else, and for what no comparison is right with."""
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value
