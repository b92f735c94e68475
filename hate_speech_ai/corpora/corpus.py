"""What a corpus is, and what its rows become."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hate_speech_ai.labels import answer_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_SHOWN = 60
Labels = dict[str, bool]


class CorpusError(ValueError):
    """The corpus as a whole cannot be read; the message says why and what would help."""


@dataclass(frozen=True)
class Row:
    """A tweet of a corpus, with the labels that the corpus answers.

    `held_out` says that its authors test with it: who trains on it cannot compare figures with theirs. `fingerprint` is
    that of the tweet: what reads a corpus needs it, and reading has it at hand.
    """

    line: int
    tweet: str
    labels: Labels
    held_out: bool = False
    fingerprint: str = field(default="", compare=False, repr=False)


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
        """Return what the row says in our labels; None where its authors did not decide.

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
            answer = answer_of(row[column])
            if answer is not None:
                labels[label] = answer
            elif value := row[column].strip().lower():
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
