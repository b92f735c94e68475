"""The rows of corpora on disk."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hate_speech_ai import tables
from hate_speech_ai.corpora.corpus import Corpus, CorpusError, LeftOut, Record, Rejected, Row
from hate_speech_ai.text import fingerprint_of, is_readable, repair, tokenize


def read(corpus: Corpus, path: Path) -> Iterator[Record]:
    """Yield the rows of a file: `.csv`, `.tsv` or `.jsonl`, also with `.gz` behind it, in UTF-8.

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
    def check(header: list[str]) -> None:
        if not header:
            raise CorpusError("the file is empty")
        if missing := [column for column in corpus.columns if column not in header]:
            raise CorpusError(f"there is no column {', '.join(missing)}; the columns are {', '.join(header)}")

    try:
        # A byte that is not UTF-8 matters in the text alone, so `_interpret` looks for it there.
        for line, record in tables.read(path, header=check, errors="surrogateescape", quoted=corpus.quoted):
            yield _interpret(corpus, line, record)
    except tables.Unreadable as error:
        raise CorpusError(str(error)) from error
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}") from error


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
        tokens = tokenize(tweet)
        if not is_readable(tokens):
            raise ValueError("there is no word in the text")
        held_out = bool(corpus.part_column) and cells[corpus.part_column] == "test"
        return Row(line, tweet, labels, held_out, fingerprint_of(tokens))
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
