"""Tables on disk: their rows with line numbers, and what is wrong with the lines that are none."""

import csv
import errno
import gzip
import json
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

Row = dict[str, Any]
Errors = Literal["strict", "replace", "surrogateescape"]
Parsed = TypeVar("Parsed")

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = (".jsonl", ".ndjson")
_QUOTES = 'close every quote, and write "" for one in a cell'


class Unreadable(ValueError):
    """Nothing can be read of a file; the message says why and what would help."""


def ending(path: Path) -> str:
    """Return `.csv`, `.tsv` or `.jsonl`, also where `.gz` stands behind it; empty for a file that is no table.

    >>> ending(Path("reviews.CSV.gz")), ending(Path("reviews.ndjson")), ending(Path("reviews.txt"))
    ('.csv', '.jsonl', '')
    """
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix in _JSON_LINES:
        return ".jsonl"
    return suffix if suffix in _DELIMITERS else ""


def read(
    path: Path,
    *,
    header: Callable[[list[str]], None] | None = None,
    exact: bool = True,
    errors: Errors = "strict",
    quoted: bool = True,
    bare: str = "",
) -> Iterator[tuple[int, Row | str]]:
    """Yield the rows of a file with the line where each begins; for a bad line, a sentence that says what is wrong.

    Blank lines are passed over. A bad line costs itself alone: also where it opens a quote that is never closed, the
    lines behind it are read as rows of their own.

    Args:
        header: called with the names of the columns of a CSV or TSV file; raises to refuse them.
        exact: whether a row must have as many cells as the header. If not, it lacks those that are missing, and cells
            beyond the header are passed over.
        errors: what becomes of bytes that are not UTF-8. "strict" makes their line a bad one, as a NUL does.
        quoted: whether a cell may stand in quotes; else a quote is a character like any other.
        bare: the column of a JSON line that is a string alone; empty where such a line is a bad one.

    Raises:
        Unreadable: the file has another ending, or a header that is not readable.
        OSError: it cannot be read; `strerror` says why.
    """
    try:
        with _open(path, errors) as file:
            kind = ending(path)
            if not kind:
                raise Unreadable(f"{path.name} ends neither in .csv, .tsv nor .jsonl")
            if kind == ".jsonl":
                rows = _objects(file, bare, errors)
            else:
                lines = _Lines(file)
                reader = csv.reader(
                    lines,
                    delimiter=_DELIMITERS[kind],
                    quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
                    strict=True,  # else a quote that is never closed would take cells of other rows without a word
                )
                columns = _columns(path, reader, errors)
                if header:
                    header(columns)
                rows = _cells(lines, reader, columns, exact)
            for line, row in rows:
                fault = _fault(row) if errors == "strict" and isinstance(row, dict) else ""
                yield line, fault or row
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OSError(errno.EIO, str(error), str(path)) from error


def read_all(path: Path, columns: Sequence[str], parse: Callable[[Row], Parsed]) -> list[Parsed]:
    """Read a CSV or TSV file that must have these columns and no bad line.

    Args:
        parse: makes of a row what is wanted; raises ValueError for a bad one.

    Raises:
        ValueError: the file is otherwise; the message names it and the line.
        OSError: it cannot be read.
    """

    def expect(header: list[str]) -> None:
        if header != [*columns]:
            raise ValueError(f"{path.name}, line 1: the header is {','.join(header)!r}, not {','.join(columns)!r}")

    if ending(path) == ".jsonl":
        raise ValueError(f"{path.name} ends neither in .csv nor .tsv")
    found = []
    for line, row in read(path, header=expect):
        try:
            if isinstance(row, str):
                raise ValueError(row)
            found.append(parse(row))
        except ValueError as error:
            raise ValueError(f"{path.name}, line {line}: {error}") from error
    return found


def _open(path: Path, errors: Errors) -> IO[str]:
    # Lone surrogates stand for bytes that are not UTF-8 until their line is known to be bad.
    errors = "surrogateescape" if errors == "strict" else errors
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors=errors, newline="")
    return path.open(encoding="utf-8-sig", errors=errors, newline="")


class _Lines:
    """The lines of a file, for a `csv.reader`; those that it took for a row can be given to it again."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._again: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._file)
        self.taken.append(line)
        return line

    def read_again(self, lines: list[str]) -> None:
        self._again.extendleft(reversed(lines))


def _columns(path: Path, reader: Any, errors: Errors) -> list[str]:
    """Return the names in the header; none of an empty file."""
    try:
        names: list[str] = next((cells for cells in reader if cells), [])
    except csv.Error as error:
        raise Unreadable(f"{path.name}, line 1: the header is not readable: {error}; correct it") from error
    if errors == "strict" and (problem := _problem("".join(names))):
        raise Unreadable(f"{path.name}, line 1: the header {problem}")
    if twice := [name for place, name in enumerate(names) if name and name in names[:place]]:
        raise Unreadable(f"{path.name}, line 1: the column {twice[0]} stands there twice; rename one of them")
    return names


def _cells(lines: _Lines, reader: Any, columns: list[str], exact: bool) -> Iterator[tuple[int, Row | str]]:
    line = 1 + len(lines.taken)
    read_before = 0  # the last line that a broken row has taken
    while True:
        lines.taken.clear()
        try:
            cells, fault = next(reader), ""
        except StopIteration:
            return
        except csv.Error as error:
            cells, fault = [], f"not readable as a table row: {error}; {_QUOTES}"
        several = len(lines.taken) > 1
        swallowed = several and len(cells) < len(columns)  # a quote that closes rows later leaves too few cells
        stray = line <= read_before and "".join(lines.taken).count('"') % 2 == 1
        broken = bool(fault) or swallowed or stray
        if cells and stray:
            fault = "a quote closes here that a bad line before has opened; correct both"
        elif cells and swallowed:
            fault = f"{len(cells)} cells, but the header has {len(columns)}; {_QUOTES}"
        elif cells and exact and len(cells) != len(columns):
            fault = f"{len(cells)} cells, but the header has {len(columns)}"
        if fault or cells:
            yield line, fault or dict(zip(columns, cells, strict=False))
        if broken and several:
            read_before = max(read_before, line + len(lines.taken) - 1)
            lines.read_again(lines.taken[1:])
            line += 1
        else:
            line += len(lines.taken)


def _objects(file: IO[str], bare: str, errors: Errors) -> Iterator[tuple[int, Row | str]]:
    for line, content in enumerate(file, start=1):
        if not content.strip():
            continue
        if errors == "strict" and (problem := _problem(content)):
            yield line, f"the line {problem}"
            continue
        try:
            record = json.loads(content)
        except (ValueError, RecursionError) as error:
            yield line, f"this is not valid JSON: {getattr(error, 'msg', error)}"
            continue
        if bare and isinstance(record, str):
            record = {bare: record}
        yield line, record if isinstance(record, dict) else "this is not a JSON object"


def _fault(row: Row) -> str:
    """Return what is wrong with the text of a row; empty where nothing is."""
    found = ((column, _problem(cell)) for column, cell in row.items() if isinstance(cell, str))
    return next((f"{column} {problem}" for column, problem in found if problem), "")


def _problem(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not UTF-8; save the file as UTF-8"
    return "contains a NUL character; remove it" if "\0" in text else ""
