"""From corpora on disk to the tweets that a model learns from and those that it is measured on."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.corpora.catalogue import CORPORA, STARTER
from hate_speech_ai.corpora.corpus import CorpusError, LeftOut, Record, Rejected, Row
from hate_speech_ai.corpora.reader import read
from hate_speech_ai.labels import resolve
from hate_speech_ai.text import is_held_out
from hate_speech_ai.training.base_model import learned_corpora
from hate_speech_ai.training.examples import Example

_ROWS_PER_REPORT = 500

Progress = Callable[[str, int], None]


@dataclass
class Count:
    """What became of a corpus's rows.

    Attributes:
        rows: all that were read; the rest of these counts are parts of it.
        repeated: with the cleaned text of an earlier row of the same corpus.
        left_out: on which its authors did not decide.
        rejected: that cannot be used.
        first_rejected: the first of these.
    """

    rows: int = 0
    repeated: int = 0
    left_out: int = 0
    rejected: int = 0
    first_rejected: Rejected | None = None


@dataclass(frozen=True)
class Split:
    """Corpora as examples, one for each cleaned text; `training` and `held_out` have none in common.

    An example's `source` is the name of the corpus that brought its text first; the texts of the starter corpus are
    core rows.
    """

    training: list[Example] = field(default_factory=list)
    held_out: list[Example] = field(default_factory=list)
    counts: dict[str, Count] = field(default_factory=dict)


@dataclass(slots=True)
class _Text:
    """A cleaned text, with each corpus's opinion about it in the order of the corpora."""

    tweet: str
    opinions: dict[str, dict[str, bool]]
    held_out: bool


def load(
    sources: Mapping[str, Path], progress: Progress = lambda name, rows: None, *, base: Artifact | None = None
) -> Split:
    """Read corpora, and keep apart what is held out.

    Held out is one cleaned text in ten, by its hash, and every text that the authors of one of the corpora test with,
    wherever else it stands. Of a text that a corpus has several times, the first row counts, as in an import. Where
    several corpora have a text, `labels.resolve` decides, with the last corpus as the newest opinion.

    Args:
        sources: name of a corpus in `CORPORA` -> its file or folder. The order is that of the examples.
        progress: called now and then with the corpus's name and how many of its rows were read.
        base: the model that is to be trained on top of; it knows the starter corpus, if it was trained on it.

    Raises:
        KeyError: a name that is not in `CORPORA`.
        CorpusError: a file as a whole cannot be read; the message begins with the corpus's name.
    """
    split = Split()
    texts: dict[bytes, _Text] = {}  # 32 bytes for each text: the tokens are not kept
    shared: dict[tuple[tuple[str, bool], ...], dict[str, bool]] = {}  # rows with the same labels have one dict of them
    for name, path in sources.items():
        count = split.counts[name] = Count()
        for record in _records(name, path):
            count.rows += 1
            if count.rows % _ROWS_PER_REPORT == 0:
                progress(name, count.rows)
            if isinstance(record, Rejected):
                count.rejected += 1
                count.first_rejected = count.first_rejected or record
            elif isinstance(record, LeftOut):
                count.left_out += 1
            else:
                labels = shared.setdefault(tuple(record.labels.items()), record.labels)
                count.repeated += _add(texts, name, record, labels)
        progress(name, count.rows)
    for text in texts.values():
        part = split.held_out if text.held_out else split.training
        source, *others = text.opinions
        labels = resolve(text.opinions.values()) if others else text.opinions[source]
        part.append(
            Example(
                text.tweet,
                labels,
                source=source,
                in_domain=STARTER.name in text.opinions,
                known=not others and source == STARTER.name and source in learned_corpora(base),
                weight=CORPORA[source].weight,
            )
        )
    return split


def _records(name: str, path: Path) -> Iterator[Record]:
    try:
        yield from read(CORPORA[name], path)
    except CorpusError as error:
        raise CorpusError(f"{name}: {error}") from error


def _add(texts: dict[bytes, _Text], name: str, row: Row, labels: dict[str, bool]) -> bool:
    """Return whether the corpus had the text before."""
    digest = row.fingerprint
    key = bytes.fromhex(digest)
    text = texts.get(key)
    if text is None:
        texts[key] = _Text(row.tweet, {name: labels}, row.held_out or is_held_out(digest))
        return False
    text.held_out = text.held_out or row.held_out
    if name in text.opinions:
        return True
    text.opinions[name] = labels
    return False


def data_fingerprint(examples: Iterable[Example]) -> str:
    """SHA-256 (hex) of examples in their order: who trains on the same rows again gets the same."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(
            json.dumps([example.source, example.in_domain, example.tweet, example.labels], sort_keys=True).encode()
        )
    return digest.hexdigest()
