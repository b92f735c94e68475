"""Labelled corpora: where each comes from, and what its labels mean in ours.

A corpus is read row by row. A malformed row is reported with its line number and rejected; the rest is kept.
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
from dataclasses import dataclass, field, replace
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
    """A tweet of a corpus, with the labels that the corpus answers.

    `held_out` says that its authors test with it: who trains on it cannot compare figures with theirs.
    """

    line: int
    tweet: str
    labels: Labels
    held_out: bool = False


@dataclass(frozen=True)
class Rejected:
    """A row that cannot be used. `file` is named where several are read."""

    line: int
    reason: str
    file: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A sound row on which the authors did not decide."""

    line: int


Record = Row | Rejected | LeftOut


@dataclass(frozen=True)
class Corpus:
    """A corpus and the table that translates it.

    Attributes:
        name: under which its rows are kept (source `corpus:<name>`).
        text_column: the column with the tweet.
        meanings: column -> value -> what that value says in our labels; None leaves the row out.
        label_columns: label -> column that answers it with 0, 1, or nothing where it does not.
        separator: between the values of a cell that may have several; each label is then a yes if one of them says so.
        part_column: the column that says `test` of a row that the authors test with.
        line_break: what stands in the text for the end of a line.
        quoted: whether a cell may stand in quotes; else a quote is a character like any other.
        files: their names, where a folder is given.
        unlike: file -> how to read it, where it has other columns than the rest.
        url: its public home; empty for one that must be given as a file.
        sha256: of the file at `url`.
        licence, source: as its authors state them.
        base_rate: the share of hate speech where it was collected, as far as the sample shows it.
        weight: how much one of its rows counts in training, where another corpus's counts 1.
    """

    name: str
    text_column: str
    meanings: Mapping[str, Mapping[str, Labels | None]] = field(default_factory=dict)
    label_columns: Mapping[str, str] = field(default_factory=dict)
    separator: str = ""
    part_column: str = ""
    line_break: str = ""
    quoted: bool = True
    files: tuple[str, ...] = ()
    unlike: Mapping[str, "Corpus"] = field(default_factory=dict)
    url: str = ""
    sha256: str = ""
    licence: str = ""
    source: str = ""
    base_rate: float | None = None
    weight: float = 1.0

    @property
    def columns(self) -> list[str]:
        """Those that the mapping needs."""
        part = [self.part_column] if self.part_column else []
        return [self.text_column, *self.meanings, *self.label_columns.values(), *part]

    def labels_of(self, row: Mapping[str, str]) -> Labels | None:
        """What the row says in our labels; None where its authors did not decide.

        Raises:
            ValueError: a value that has no meaning here; the message names the column.
        """
        labels: Labels = {}
        for column in self.meanings:
            said = self._meaning(column, row[column])
            if said is None:
                return None
            labels |= said
        for label, column in self.label_columns.items():
            value = row[column].strip().lower()
            if value in _YES | _NO:
                labels[label] = value in _YES
            elif value:
                raise ValueError(f"{column} is {value[:_SHOWN]!r}, not 0, 1 or empty")
        if not labels:
            raise ValueError("no label is answered")
        return labels

    def _meaning(self, column: str, cell: str) -> Labels | None:
        meanings = self.meanings[column]
        labels: Labels = {}
        for value in [value.strip() for value in cell.split(self.separator)] if self.separator else [cell]:
            if value not in meanings:
                raise ValueError(f"{column} is {value[:_SHOWN]!r}, not one of {', '.join(meanings)}")
            said = meanings[value]
            if said is None:
                return None
            labels |= {label: answer or labels.get(label, False) for label, answer in said.items()}
        return labels


# What annotators said. Hate speech is toxic and the harmless is no hate speech; but who was asked about hate speech
# only did not call the rest harmless, and who was asked about offence only did not call it hate speech.
_HATEFUL: Labels = {"hate_speech": True, "toxic": True}
_NOT_HATEFUL: Labels = {"hate_speech": False}
_OFFENSIVE: Labels = {"hate_speech": False, "toxic": True}
_TOXIC: Labels = {"toxic": True}
_HARMLESS: Labels = {"hate_speech": False, "toxic": False}

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
                    "0": _HATEFUL,
                    "1": _OFFENSIVE,
                    "2": _HARMLESS,
                }
            },
            files=("labeled_data.csv",),
            url="https://raw.githubusercontent.com/t-davidson/hate-speech-and-offensive-language/"
            "cb50f7e9eb855a99abc51423bf40df0e26d6fe30/data/labeled_data.csv",
            sha256="fcb8bc7c68120ae4af04a5b9acd58585513ede11e1548ebf36a5c2040b6f6281",
            licence="MIT",
            source="Davidson, Warmsley, Macy, Weber (ICWSM 2017)",
        ),
        Corpus(
            "twitter_hate_av",
            "tweet",
            meanings={"label": {"0": _NOT_HATEFUL, "1": _HATEFUL}},
            files=("train.csv",),
            url="https://raw.githubusercontent.com/netGed/WebScience24/b797937707709810f44420bf146c64e0699d5153/"
            "src/1.%20Explorative%20Analysis%20%26%20Preprocessing/nasiba/data/train.csv",
            sha256="4f1bfabc2908029734fb2acd34028a8dfd1b92098bddfe60b0f0836c964e26ab",
            licence="none stated: for study and evaluation",
            source="Analytics Vidhya practice problem, racist or sexist tweets",
        ),
        Corpus(
            "hatexplain",
            "text",
            meanings={
                "label": {"hatespeech": _HATEFUL, "offensive": _OFFENSIVE, "normal": _HARMLESS, "undecided": None}
            },
            part_column="split",
            files=("hatexplain.csv",),
            licence="MIT",
            weight=1.75,  # three annotators each, and the only one that tells hate from mere offence on two platforms
            source="Mathew, Saha, Yimam, Biemann, Goyal, Mukherjee (AAAI 2021)",
        ),
        Corpus(
            "jigsaw_toxic_sample",
            "comment_text",
            label_columns={HATE_SPEECH: "identity_hate", **{label: label for label in LABELS if label != HATE_SPEECH}},
            files=("train_natural.csv.gz", "train_enriched.csv.gz", "train_head20k_toxic_only.csv.gz"),
            unlike={
                "train_head20k_toxic_only.csv.gz": Corpus(
                    "jigsaw_toxic_sample", "comment_text", meanings={"toxic": {"0": _HARMLESS, "1": _TOXIC}}
                )
            },
            licence="CC0 for the labels, CC BY-SA 3.0 for the comments",
            source="samples of the Jigsaw Toxic Comment Classification Challenge (Kaggle 2018)",
            base_rate=0.009,  # identity_hate in train_natural
        ),
        Corpus(
            "cad",
            "text",
            meanings={
                "labels": {
                    "Neutral": _HARMLESS,
                    "CounterSpeech": _HARMLESS,
                    "IdentityDirectedAbuse": _HATEFUL,
                    "AffiliationDirectedAbuse": _OFFENSIVE,
                    "PersonDirectedAbuse": _OFFENSIVE,
                }
            },
            separator=",",
            line_break="[linebreak]",
            quoted=False,
            files=("cad_v1_1_train.tsv", "cad_v1_1_dev.tsv"),
            licence="as stated at Zenodo, record 4881008",
            source="Vidgen, Nguyen, Margetts, Rossini, Tromble (NAACL 2021)",
            base_rate=0.1,
        ),
        Corpus(
            "measuring_hate_speech",
            "text",
            meanings={"label": {"0": _NOT_HATEFUL, "1": _HATEFUL}},
            part_column="part",
            files=("measuring_hate_speech_binary.csv",),
            licence="CC BY 4.0",
            source="Kennedy, Bacon, Sahn, von Vacano (2020); balanced by Röttger, Nozza, Bianchi, Hovy (EMNLP 2022)",
        ),
        Corpus(
            "hateval2019_en",
            "text",
            meanings={"label": {"0": _NOT_HATEFUL, "1": _HATEFUL}},
            files=("train.csv", "val.csv"),
            licence="that of SemEval 2019 task 5 and Twitter's terms: for study and evaluation",
            source="Basile et al. (SemEval 2019), as packaged by TweetEval",
        ),
        Corpus(
            "olid",
            "tweet",
            meanings={"subtask_a": {"OFF": _TOXIC, "NOT": _HARMLESS}},
            quoted=False,
            files=("olid-training-v1.0.tsv",),
            licence="none stated: for study and evaluation",
            source="Zampieri, Malmasi, Nakov, Rosenthal, Farra, Kumar (NAACL 2019)",
        ),
        Corpus(
            "stormfront",
            "text",
            meanings={"label": {"hate": _HATEFUL, "noHate": _NOT_HATEFUL, "relation": None, "idk/skip": None}},
            part_column="sampled",
            files=("stormfront.csv",),
            licence="CC BY-SA 3.0 ES",
            source="de Gibert, Perez, García-Pablos, Cuadros (ALW 2018)",
        ),
        Corpus(
            "gab_hate_corpus",
            "text",
            meanings={"hate": {"0": _NOT_HATEFUL, "1": _HATEFUL}},
            part_column="part",
            files=("ghc_dev_test.csv",),
            licence="as stated at osf.io/edua3; MIT for the repository with the files",
            source="Kennedy et al. (Language Resources and Evaluation 2022), development and test parts",
            base_rate=0.095,
        ),
        Corpus(
            "dynahate",
            "text",
            meanings={"label": {"0": _NOT_HATEFUL, "1": _HATEFUL}},
            part_column="split",
            files=("dynahate_train_dev.csv.gz",),
            licence="none stated with the files; the paper that published them is CC BY 4.0",
            source="Vidgen, Thrush, Waseem, Kiela (ACL 2021), training and development parts",
        ),
        Corpus(
            "wiki_context_toxicity",
            "text",
            meanings={"label": {"0": _HARMLESS, "1": _TOXIC}},
            files=("gc.csv", "gn.csv"),
            licence="Apache-2.0 for the labels, CC BY-SA 3.0 for the comments",
            source="Pavlopoulos, Sorensen, Dixon, Thain, Androutsopoulos (ACL 2020)",
        ),
    )
}


def own(name: str, *, text_column: str, label_columns: Mapping[str, str], licence: str = "") -> Corpus:
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
    return Corpus(name, text_column, label_columns=label_columns or {HATE_SPEECH: HATE_SPEECH}, licence=licence)


def read(corpus: Corpus, path: Path) -> Iterator[Record]:
    """The rows of a file: `.csv`, `.tsv` or `.jsonl`, also with `.gz` behind it, in UTF-8.

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


def download(corpus: Corpus, folder: Path, *, url: str = "", timeout: float = 30.0) -> Path:
    """Fetch a corpus from its public home, once, and check that it is the file that the mapping was made for.

    Args:
        folder: where it is kept.
        url: of a mirror of the same file.

    Raises:
        CorpusError: it cannot be fetched, or is another file.
    """
    address = url or corpus.url
    if not address or not corpus.sha256:
        if corpus.name in CORPORA:
            raise CorpusError(f"{corpus.name} has no home to download it from; give its file or folder with --path")
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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
