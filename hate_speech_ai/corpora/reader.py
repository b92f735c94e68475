"""The rows of corpora on disk."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from hate_speech_ai.corpora.corpus import Corpus, CorpusError, LeftOut, Record, Rejected, Row
from hate_speech_ai.text import is_readable, repair, tokenize


def read(corpus: Corpus, path: Path) -> Iterator[Record]:
    """Return the rows of a file: `.csv`, `.tsv` or `.jsonl`, also with `.gz` behind it, in UTF-8.

    Of a folder, those of the files that the corpus has there.

    Raises:
        CorpusError: a file is missing, has another ending, or lacks a column that the mapping needs.
    """
    if not path.is_dir():
        yield from _read_file(corpus.unlike.get(path.name, corpus), path)
        return
    if not corpus.files:
        raise CorpusError(f"{path} is a folder; give the file")
    if missing := [name for name in corpus.files if not (path / name).is_file()]:
        raise CorpusError(f"there is no {', '.join(missing)} in {path}")
    for name in corpus.files:
        for row in _read_file(corpus.unlike.get(name, corpus), path / name):
            yield replace(row, file=name) if isinstance(row, Rejected) else row


def _read_file(corpus: Corpus, path: Path) -> Iterator[Record]:
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    kind = suffixes[-1].lower() if suffixes else ""
    if kind not in (".csv", ".tsv", ".jsonl"):
        raise CorpusError(f"{path.name} ends neither in .csv, .tsv nor .jsonl")
    try:
        with _open(path) as file:
            records = (
                _read_lines(file) if kind == ".jsonl" else _read_table(file, corpus, "\t" if kind == ".tsv" else ",")
            )
            for line, record in records:
                yield _interpret(corpus, line, record)
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _open(path: Path) -> IO[str]:
    # Bytes that are not UTF-8 become lone surrogates, so that only their row is rejected.
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _read_table(file: IO[str], corpus: Corpus, delimiter: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    # Strict: else a quote that is never closed would swallow the rest of the file into one cell without a word.
    reader = csv.reader(
        file, delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if corpus.quoted else csv.QUOTE_NONE
    )
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise CorpusError(f"the header is not readable: {error}") from error
    if header is None:
        raise CorpusError("the file is empty")
    if missing := [column for column in corpus.columns if column not in header]:
        raise CorpusError(f"there is no column {', '.join(missing)}; the columns are {', '.join(header)}")
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"not readable as a table row: {error}"
            continue
        if not cells:
            continue
        if len(cells) != len(header):
            yield line, f"{len(cells)} cells, but the header has {len(header)}"
        else:
            yield line, dict(zip(header, cells, strict=True))


def _read_lines(file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for line, content in enumerate(file, start=1):
        if not content.strip():
            continue
        try:
            record = json.loads(content)
        except (ValueError, RecursionError) as error:
            yield line, f"not valid JSON: {error}"
            continue
        yield line, record if isinstance(record, dict) else "not a JSON object"


def _interpret(corpus: Corpus, line: int, record: dict[str, Any] | str) -> Record:
    if isinstance(record, str):
        return Rejected(line, record)
    try:
        cells = _Cells({name: _as_cell(value) for name, value in record.items()})
        labels = corpus.labels_of(cells)
        if labels is None:
            return LeftOut(line)
        text = cells[corpus.text_column]
        tweet = repair(text.replace(corpus.line_break, " ") if corpus.line_break else text).strip()
        tweet.encode("utf-8")
        if "\0" in tweet:
            raise ValueError("the text contains a NUL character")
        if not is_readable(tokenize(tweet)):
            raise ValueError("there is no word in the text")
        return Row(line, tweet, labels, held_out=bool(corpus.part_column) and cells[corpus.part_column] == "test")
    except UnicodeEncodeError:
        return Rejected(line, "the text is not valid UTF-8")
    except ValueError as error:
        return Rejected(line, str(error))


class _Cells(dict[str, str]):
    """A row in which an absent column is empty: not every row of a JSONL file has every field."""

    def __missing__(self, column: str) -> str:
        return ""


def _as_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else json.dumps(value)
