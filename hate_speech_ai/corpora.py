"""Labelled corpora: where each comes from, and what its labels mean in ours.

A corpus is read row by row. A malformed row is reported with its line number and left out; the rest is kept.
"""

import csv
import gzip
import hashlib
import json
import re
import shutil
import urllib.request
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from hate_speech_ai.labels import HATE_SPEECH, LABELS, is_label_name
from hate_speech_ai.text import is_readable, repair, tokenize

_YES = {"1", "1.0", "true", "yes"}
_NO = {"0", "0.0", "false", "no"}
_CHUNK = 1 << 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_SHOWN = 60

Labels = dict[str, bool]


class CorpusError(ValueError):
    """The corpus as a whole cannot be read; the message says why and what would help."""


@dataclass(frozen=True)
class Row:
    """A tweet of a corpus, with the labels that the corpus answers."""

    line: int
    tweet: str
    labels: Labels


@dataclass(frozen=True)
class Rejected:
    """A row that cannot be used."""

    line: int
    reason: str


@dataclass(frozen=True)
class Corpus:
    """A corpus and the table that translates it.

    Attributes:
        name: under which its rows are kept (source `corpus:<name>`).
        text_column: the column with the tweet.
        meanings: column -> value -> what that value says in our labels.
        label_columns: label -> column that answers it with 0, 1, or nothing where it does not.
        url: its public home; empty for one that must be given as a file.
        sha256: of the file at `url`.
        licence, source: as its authors state them.
    """

    name: str
    text_column: str
    meanings: Mapping[str, Mapping[str, Labels]] = field(default_factory=dict)
    label_columns: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    sha256: str = ""
    licence: str = ""
    source: str = ""

    def labels_of(self, row: Mapping[str, str]) -> Labels:
        """Raises:
        ValueError: a value that has no meaning here; the message names the column.
        """
        labels: Labels = {}
        for column, meanings in self.meanings.items():
            if row[column] not in meanings:
                raise ValueError(f"{column} is {row[column][:_SHOWN]!r}, not one of {', '.join(meanings)}")
            labels |= meanings[row[column]]
        for label, column in self.label_columns.items():
            value = row[column].strip().lower()
            if value in _YES | _NO:
                labels[label] = value in _YES
            elif value:
                raise ValueError(f"{column} is {value[:_SHOWN]!r}, not 0, 1 or empty")
        if not labels:
            raise ValueError("no label is answered")
        return labels


STARTER = Corpus(
    "starter",
    "tweet",
    label_columns={label: label for label in LABELS},
    licence="as this project",
    source="data/train.csv, written for this project",
)

CORPORA = {
    corpus.name: corpus
    for corpus in (
        STARTER,
        Corpus(
            "davidson2017",
            "tweet",
            meanings={
                "class": {
                    "0": {"hate_speech": True, "toxic": True},
                    "1": {"hate_speech": False, "toxic": True},
                    "2": {"hate_speech": False, "toxic": False},
                }
            },
            url="https://raw.githubusercontent.com/t-davidson/hate-speech-and-offensive-language/"
            "cb50f7e9eb855a99abc51423bf40df0e26d6fe30/data/labeled_data.csv",
            sha256="fcb8bc7c68120ae4af04a5b9acd58585513ede11e1548ebf36a5c2040b6f6281",
            licence="MIT",
            source="Davidson, Warmsley, Macy, Weber (ICWSM 2017)",
        ),
        Corpus(
            "twitter_hate_av",
            "tweet",
            meanings={"label": {"0": {"hate_speech": False}, "1": {"hate_speech": True, "toxic": True}}},
            url="https://raw.githubusercontent.com/netGed/WebScience24/b797937707709810f44420bf146c64e0699d5153/"
            "src/1.%20Explorative%20Analysis%20%26%20Preprocessing/nasiba/data/train.csv",
            sha256="4f1bfabc2908029734fb2acd34028a8dfd1b92098bddfe60b0f0836c964e26ab",
            licence="none stated: for study and evaluation",
            source="Analytics Vidhya practice problem, racist or sexist tweets",
        ),
    )
}


def own(name: str, *, text_column: str, label_columns: Mapping[str, str]) -> Corpus:
    """A corpus that is not in the table.

    Raises:
        CorpusError: its name is taken, or a label has an impossible name.
    """
    if name in CORPORA:
        raise CorpusError(
            f"{name} has a mapping of its own; leave --text-column and --label out, or choose another name"
        )
    if not _NAME.fullmatch(name):
        raise CorpusError(
            f"{name[:80]!r} cannot name a corpus: use 1 to 60 letters, digits, dots, dashes and underscores"
        )
    for label in label_columns:
        if not is_label_name(label):
            raise CorpusError(f"{label!r} cannot name a label: use 1 to 40 lower-case letters, digits and underscores")
    return Corpus(name, text_column, label_columns=label_columns or {HATE_SPEECH: HATE_SPEECH})


def read(corpus: Corpus, path: Path) -> Iterator[Row | Rejected]:
    """The rows of a file: `.csv`, `.tsv` or `.jsonl`, also with `.gz` behind it, in UTF-8.

    Raises:
        CorpusError: the file is missing, has another ending, or lacks a column that the mapping needs.
    """
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


def download(corpus: Corpus, folder: Path, *, url: str = "", timeout: float = 30.0) -> Path:
    """Fetch a corpus from its public home, once, and check that it is the file that the mapping was made for.

    Args:
        folder: where it is kept.
        url: of a mirror of the same file.

    Raises:
        CorpusError: it cannot be fetched, or is another file.
    """
    address = url or corpus.url
    if not address:
        raise CorpusError(f"{corpus.name} is not known here; give its file with --path and its columns")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{corpus.name}.csv"
    if target.exists() and _sha256(target) == corpus.sha256:
        return target
    partial = target.with_suffix(".part")
    try:
        with urllib.request.urlopen(address, timeout=timeout) as answer, partial.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file, _CHUNK)
        if (found := _sha256(partial)) != corpus.sha256:
            raise CorpusError(
                f"the file at {address} has the SHA-256 {found}, not {corpus.sha256}: it was changed or cut short"
            )
        partial.replace(target)
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, CorpusError):
            raise
        raise CorpusError(f"{address} cannot be fetched ({error}); download it yourself and use --path") from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def _open(path: Path) -> IO[str]:
    # Bytes that are not UTF-8 become lone surrogates, so that only their row is rejected.
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _read_table(file: IO[str], corpus: Corpus, delimiter: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    # Strict: else a quote that is never closed would swallow the rest of the file into one cell without a word.
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise CorpusError(f"the header is not readable: {error}") from error
    if header is None:
        raise CorpusError("the file is empty")
    needed = [corpus.text_column, *corpus.meanings, *corpus.label_columns.values()]
    if missing := [column for column in needed if column not in header]:
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


def _interpret(corpus: Corpus, line: int, record: dict[str, Any] | str) -> Row | Rejected:
    if isinstance(record, str):
        return Rejected(line, record)
    try:
        cells = _Cells({name: _as_cell(value) for name, value in record.items()})
        tweet = repair(cells[corpus.text_column]).strip()
        tweet.encode("utf-8")
        if "\0" in tweet:
            raise ValueError("the text contains a NUL character")
        if not is_readable(tokenize(tweet)):
            raise ValueError("there is no word in the text")
        return Row(line, tweet, corpus.labels_of(cells))
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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
