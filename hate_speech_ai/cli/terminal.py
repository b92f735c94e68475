"""What the commands show on a terminal, and write into a pipe."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from hate_speech_ai.evaluation.bootstrap import Interval
from hate_speech_ai.explain import Contribution

#: Steps of long work: what is being done, and the share of it that is done, 0 to 1; None where nobody knows.
Report = Callable[[str, float | None], None]

FOR, AGAINST = "red", "blue"

_WIDTH_OF_A_PIPE = 200
# Parts of the strongest contribution: from the first on a word is coloured, from the second on it is bold too.
_COLOURED, _BOLD = 0.15, 0.5


def console() -> Console:
    """Return a console for standard output. In a pipe, tables are as wide as they need to be, without colours.

    Nothing that was given, such as "[red]" or ":smile:" in the name of a file, is read as markup.
    """
    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)


@contextmanager
def progress() -> Iterator[Report]:
    """Show a progress bar on standard error, where that is a terminal; it goes away when the work is done."""
    to = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=to, transient=True, disable=not to.is_terminal) as bar:
        task = bar.add_task("starting", total=None)

        def tell(step: str, share: float | None) -> None:
            bar.update(task, description=step, completed=share or 0, total=None if share is None else 1)

        yield tell


def write_line(line: str) -> None:
    """Write a line for a program that reads it at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def write_json(content: Any, *, indent: int | None = None) -> None:
    write_line(json.dumps(content, ensure_ascii=False, indent=indent))


def visible(tweet: str) -> str:
    """Return a tweet of the same length with a space for each character that moves the cursor or ends the line.

    >>> visible("one\\ttwo\\x1b[2J")
    'one two [2J'
    """
    return "".join(character if character.isprintable() or character == "\u200d" else " " for character in tweet)


def highlighted(tweet: str, contributions: Sequence[Contribution]) -> Text:
    """Return a tweet in which words for the label are red, words against it blue, and unknown words underlined."""
    text = Text(visible(tweet))
    largest = max((abs(one.value) for one in contributions), default=0.0)
    for one in contributions:
        share = abs(one.value) / largest if largest else 0.0
        if share >= _COLOURED:
            text.stylize(f"{'bold ' if share >= _BOLD else ''}{FOR if one.value > 0 else AGAINST}", one.begin, one.end)
        if not one.known:
            text.stylize("underline", one.begin, one.end)
    return text


def table(title: str, first: str, *others: str) -> Table:
    """Return a table with one column of names and others of figures."""
    made = Table(title=title or None, title_justify="left", box=SIMPLE, pad_edge=False)
    made.add_column(first, overflow="fold")
    for name in others:
        made.add_column(name, justify="right")
    return made


def figure(value: float | None, missing: str = "-") -> str:
    """Return a figure with three digits behind the point."""
    return missing if value is None else f"{value:.3f}"


def with_interval(interval: Interval, *, signed: bool = False) -> str:
    """Return a figure and its interval; a narrow column breaks between the two."""
    shape = "+.3f" if signed else ".3f"
    if interval.value is None:
        return "-"
    if interval.low is None or interval.high is None:
        return f"{interval.value:{shape}}"
    separator = ".." if signed else "-"
    return f"{interval.value:{shape}} ({interval.low:{shape}}{separator}{interval.high:{shape}})"


def count(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun.

    >>> count(1, "row"), count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
