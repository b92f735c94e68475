"""A site's recorded Perspective scores against ours."""

from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.management.lookup import model_by_number
from api.prediction.loading import LoadedModel
from hate_speech_ai.evaluation.perspective_scores import LABEL_OF, Bad, Recorded, UnreadableFile, read
from hate_speech_ai.scorer import EMPTY

if TYPE_CHECKING:  # these bring scikit-learn and rich
    from hate_speech_ai.cli.terminal import Report
    from hate_speech_ai.evaluation.threshold_mapping import Translation

_THRESHOLDS = (0.7, 0.8, 0.9)
_SHOWN = 20
_COLUMNS = (
    "theirs",
    "ours (95 %)",
    "as many from",
    "agreement",
    "kappa",
    "untranslated",
    "only theirs",
    "only ours",
)
_EVERY = 200  # rows between two moves of the bar


class Command(BaseCommand):
    help = (
        "Compare recorded Perspective scores with this service's: rank correlation, agreement at your thresholds, what "
        "each threshold is here, and the texts that differ most."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, metavar="FILE", help=".jsonl, .csv or .tsv: a text and its scores a row")
        parser.add_argument(
            "--threshold",
            type=_threshold,
            action="append",
            default=[],
            metavar="ATTRIBUTE=SCORE",
            help="yours, such as TOXICITY=0.8; may be given several times (0.7, 0.8 and 0.9 for each attribute)",
        )
        parser.add_argument("--model-version", type=int, metavar="N", help="another one than the one that serves")
        parser.add_argument(
            "--plot", type=Path, metavar="FILE", help="draw the scores and the translation: .png or .svg"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(
        self,
        *args: Any,
        path: Path,
        threshold: list[tuple[str, float]],
        model_version: int | None,
        plot: Path | None,
        json: bool,
        **options: Any,
    ) -> None:
        from hate_speech_ai.cli import terminal

        if plot and plot.suffix not in (".png", ".svg"):
            raise CommandError(f"--plot: {plot} ends neither in .png nor in .svg")
        model = model_by_number(model_version)
        try:
            rows = list(read(path))
        except UnreadableFile as error:
            raise CommandError(str(error)) from None
        good = [row for row in rows if isinstance(row, Recorded)]
        bad = [row for row in rows if isinstance(row, Bad)]
        with terminal.progress() as tell:
            scored, unread = _score(model, good, tell)
            if not scored:
                self._tell_bad(bad)
                raise CommandError(f"{path} has no row that can be compared; see docs/moving-from-perspective.md")
            bad = sorted([*bad, *unread], key=lambda row: row.line)
            found = _translate(scored, threshold, tell)
        if plot:
            _draw(plot, scored, found)
        if json:
            terminal.write_json(_report(model, scored, bad, found), indent=2)
        else:
            self._tell_bad(bad)
            _show(model, scored, found)

    def _tell_bad(self, bad: Sequence[Bad]) -> None:
        for row in bad[:_SHOWN]:
            self.stderr.write(f"line {row.line} is left out: {row.reason}")
        if len(bad) > _SHOWN:
            self.stderr.write(f"... and {len(bad) - _SHOWN:,} more, {len(bad):,} in all")


#: For each attribute the rows that have it, and our score of each.
Scored = dict[str, list[tuple[Recorded, float]]]


def _threshold(given: str) -> tuple[str, float]:
    attribute, _, score = given.partition("=")
    attribute = attribute.strip().upper()
    if attribute not in LABEL_OF:
        raise ArgumentTypeError(f"{given!r} is not ATTRIBUTE=SCORE with one of {', '.join(LABEL_OF)}")
    try:
        threshold = float(score)
    except ValueError:
        threshold = 0.0
    if not 0 < threshold < 1:
        raise ArgumentTypeError(f"{given!r}: a threshold lies between 0 and 1")
    return attribute, threshold


def _score(model: LoadedModel, rows: list[Recorded], tell: "Report") -> tuple[Scored, list[Bad]]:
    """Our scores of the attributes that the model has a label for, and the rows that it cannot read."""
    scored: Scored = {}
    unread = []
    for place, row in enumerate(rows):
        if place % _EVERY == 0:
            tell("scoring", place / len(rows))
        labels = {name: LABEL_OF[name] for name in row.scores if LABEL_OF[name] in model.scorer.labels}
        score = model.scorer.score(row.text, list(labels.values()))
        if EMPTY in score.warnings:
            unread.append(Bad(row.line, "there is no word in it"))
            continue
        for name, label in labels.items():
            scored.setdefault(name, []).append((row, score.probabilities[label]))
    return {name: scored[name] for name in LABEL_OF if name in scored}, unread


def _translate(scored: Scored, thresholds: list[tuple[str, float]], tell: "Report") -> dict[str, "Translation"]:
    from hate_speech_ai.evaluation.threshold_mapping import translate

    found = {}
    for name, rows in scored.items():
        wanted = sorted({threshold for attribute, threshold in thresholds if attribute == name}) or _THRESHOLDS
        theirs = [row.scores[name] for row, _ in rows]
        found[name] = translate(theirs, [ours for _, ours in rows], wanted, tell=partial(tell, name))
    return found


def _furthest(name: str, rows: list[tuple[Recorded, float]], found: "Translation") -> list[dict[str, Any]]:
    return [
        {
            "line": rows[place][0].line,
            "theirs": rows[place][0].scores[name],
            "ours": round(rows[place][1], 4),
            "expected": round(found.score_map(rows[place][0].scores[name]), 4),
            "text": rows[place][0].text,
        }
        for place in found.furthest
    ]


def _report(model: LoadedModel, scored: Scored, bad: Sequence[Bad], found: dict[str, "Translation"]) -> dict[str, Any]:
    return {
        "model_version": model.version,
        "left_out": [asdict(row) for row in bad],
        "attributes": {
            name: {
                "label": LABEL_OF[name],
                "texts": one.texts,
                "rank_correlation": one.rank_correlation,
                "thresholds": [asdict(threshold) for threshold in one.thresholds],
                "score_map": asdict(one.score_map),
                "furthest": _furthest(name, scored[name], one),
            }
            for name, one in found.items()
        },
    }


def _show(model: LoadedModel, scored: Scored, found: dict[str, "Translation"]) -> None:
    from rich.text import Text

    from hate_speech_ai.cli import terminal
    from hate_speech_ai.evaluation.threshold_mapping import FEWEST

    console = terminal.console()
    console.print(f"Perspective and version {model.version} of this service")
    for name, one in found.items():
        title = f"{name} and {LABEL_OF[name]}: {terminal.count(one.texts, 'text')}, "
        title += f"rank correlation {terminal.figure(one.rank_correlation)}"
        table = terminal.table(title, *_COLUMNS)
        for at in one.thresholds:
            figures = (terminal.figure(at.as_many), terminal.figure(at.agreement), terminal.figure(at.kappa))
            untranslated = terminal.figure(at.untranslated)
            numbers = (f"{at.only_theirs:,}", f"{at.only_ours:,}") if at.ours.value is not None else ("-", "-")
            table.add_row(f"{at.theirs:g}", terminal.with_interval(at.ours), *figures, untranslated, *numbers)
        console.print(table)
        if one.texts < FEWEST:
            console.print(f"with fewer than {FEWEST} texts there is no interval: record more of them")
        console.print("the texts that differ most (theirs, ours, and what is usual here for theirs):")
        for far in _furthest(name, scored[name], one):
            line = f"  {far['theirs']:.3f}  {far['ours']:.3f}  {far['expected']:.3f}  line {far['line']}: "
            console.print(Text(line + terminal.visible(far["text"])), soft_wrap=True)


def _draw(path: Path, scored: Scored, found: dict[str, "Translation"]) -> None:
    from hate_speech_ai.cli.plots import Scatter, draw_translations

    scatters = {}
    for name, one in found.items():
        theirs, ours = [row.scores[name] for row, _ in scored[name]], [score for _, score in scored[name]]
        scatters[f"{name} and {LABEL_OF[name]}"] = Scatter(theirs, ours, one)
    try:
        draw_translations(path, scatters)
    except OSError as error:
        raise CommandError(f"--plot: {path} cannot be written: {error.strerror}") from None
