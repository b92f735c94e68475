"""What the commands are given: models, corpora, checks and tweets. Bad input is refused with a sentence."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hate_speech_ai import tables
from hate_speech_ai.artifact import Artifact
from hate_speech_ai.operating_points import BALANCED, NAMES

if TYPE_CHECKING:  # these bring scikit-learn
    from hate_speech_ai.corpora.dataset import Split
    from hate_speech_ai.evaluation.metrics import CapabilityCheck


DATA = Path(__file__).resolve().parent.parent.parent / "data"
_TEXT_COLUMNS = ("tweet", "text")


class UsageError(Exception):
    """Bad input; the message names the option and says what would help."""


def add_operating_point(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--operating-point",
        choices=tuple(NAMES),
        default=BALANCED,
        help=f"the threshold that decides ({BALANCED}); "
        + "; ".join(f"{name}: {meaning}" for name, meaning in NAMES.items()),
    )


def add_corpora(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--starter", type=Path, default=DATA / "train.csv", metavar="FILE", help="the starter corpus (data/train.csv)"
    )
    parser.add_argument("--no-starter", dest="starter", action="store_const", const=None, help="leave it out")
    parser.add_argument(
        "--corpus",
        type=_corpus,
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="a corpus of docs/corpora.md with its file or folder; may be given several times",
    )


def add_measuring(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that measure models."""
    add_corpora(parser)
    add_operating_point(parser)
    parser.add_argument(
        "--held-out-only",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="only rows that are never trained on; --no-held-out-only is for corpora that the model never saw",
    )
    parser.add_argument(
        "--label", action="append", metavar="LABEL", help="of the model; all by default; may be given several times"
    )
    parser.add_argument(
        "--checks", type=Path, default=DATA / "checks.csv", metavar="FILE", help="checks (data/checks.csv)"
    )
    parser.add_argument(
        "--bootstrap",
        type=at_least(0),
        default=1000,
        metavar="N",
        help="resamples for the 95 %% intervals (1000); 0 for none",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")


def at_least(least: int) -> Callable[[str], int]:
    """Return an option's type: a whole number, not below `least`."""

    def number(value: str) -> int:
        if not value.lstrip("-").isdecimal() or int(value) < least:
            raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from {least} on")
        return int(value)

    return number


def load_corpora(
    options: argparse.Namespace, progress: Callable[[str, float | None], None], base: Artifact | None = None
) -> "Split":
    """Read the corpora of `--starter` and `--corpus`.

    Args:
        base: the model that is to be trained on top of.

    Raises UsageError: there is none, one is given twice, or one cannot be read.
    """
    from hate_speech_ai.corpora.corpus import CorpusError
    from hate_speech_ai.corpora.dataset import load

    given = [("starter", options.starter)] if options.starter is not None else []
    given += options.corpus
    sources = dict(given)
    if not sources:
        raise UsageError("--no-starter leaves no rows; give a corpus with --corpus NAME=PATH")
    if len(sources) < len(given):
        twice = next(name for name, _ in given if [other for other, _ in given].count(name) > 1)
        raise UsageError(f"--corpus: {twice} is given twice; put its files into one folder")
    for name, path in sources.items():  # before minutes go into reading the others
        if not path.exists():
            raise UsageError(f"{_option(name)}: there is no {path}; give the corpus's file or folder")
    try:
        return load(sources, lambda name, rows: progress(f"reading {name}: {rows:,} rows", None), base=base)
    except CorpusError as error:
        raise UsageError(f"{_option(str(error).partition(':')[0])}: {error}; see docs/corpora.md") from error


def _option(corpus: str) -> str:
    return "--starter" if corpus == "starter" else "--corpus"


def load_checks(path: Path) -> "list[CapabilityCheck]":
    """Read the capability checks; raise UsageError if the file cannot be read, or has none."""
    from hate_speech_ai.evaluation.metrics import read_checks

    try:
        checks = read_checks(path)
    except OSError as error:
        raise UsageError(
            f"--checks: {path} cannot be read ({error.strerror}); give a file like data/checks.csv"
        ) from error
    except ValueError as error:
        raise UsageError(f"--checks: {error}; correct the file") from error
    if not checks:
        raise UsageError(f"--checks: {path} has no checks; give a file like data/checks.csv")
    return checks


def tweets_of(path: Path, column: str | None) -> Iterator[str]:
    """Yield the tweets of a file, in its order: `.txt`, a table, or `-` for lines from standard input.

    Raises UsageError: the file cannot be read, has another ending, or a row without a tweet.
    """
    try:
        if str(path) == "-":
            yield from _lines(sys.stdin)
        elif path.suffix.lower() == ".txt":
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                yield from _lines(file)
        elif tables.ending(path):
            yield from _rows(path, column)
        else:
            raise UsageError(
                f"--file: {path} ends neither in .txt, .csv, .tsv nor .jsonl; rename it, or give - and pipe lines in"
            )
    except tables.Unreadable as error:
        raise UsageError(f"--file: {error}") from error
    except OSError as error:
        raise UsageError(f"--file: {path} cannot be read ({error.strerror}); give a file of tweets") from error


def _lines(file: Iterable[str]) -> Iterator[str]:
    return (line.strip() for line in file if line.strip())


def _rows(path: Path, column: str | None) -> Iterator[str]:
    wanted = [column] if column else [*_TEXT_COLUMNS]

    def choose(header: list[str]) -> None:
        found = [name for name in wanted if name in header]
        if not found:
            names = f"{' or '.join(wanted)}, only {', '.join(header)[:200]}"
            raise UsageError(f"--file: {path}, line 1: there is no column {names}; name it with --column")
        wanted[:] = found[:1]

    # A tweet with a byte that is not UTF-8 can be judged: what `_lines` reads has a mark in its place, too.
    for line, row in tables.read(path, header=choose, exact=False, errors="replace", bare=wanted[0]):
        if isinstance(row, str):
            raise UsageError(f"--file: {path}, line {line}: {row}; correct the file")
        tweet = next((row[name] for name in wanted if name in row), None)
        if not isinstance(tweet, str):
            names = " or ".join(wanted)
            raise UsageError(f"--file: {path}, line {line}: there is no text in {names}; name it with --column")
        yield tweet


def readable(tweet: str) -> str:
    """Return a tweet that can be written: lone surrogates, from bytes that are not UTF-8, become U+FFFD."""
    return tweet.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _corpus(value: str) -> tuple[str, Path]:
    from hate_speech_ai.corpora.catalogue import CORPORA

    name, separator, path = value.partition("=")
    known = ", ".join(name for name in CORPORA if name != "starter")
    if not separator or not path:
        raise argparse.ArgumentTypeError(f"{value!r} is not NAME=PATH, such as hatexplain=corpora/hatexplain")
    if name == "starter":
        raise argparse.ArgumentTypeError("the starter corpus is given with --starter FILE")
    if name not in CORPORA:
        raise argparse.ArgumentTypeError(f"{name!r} is not a known corpus; known are {known}")
    return name, Path(path)
