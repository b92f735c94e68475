"""`compare`: what a new model gains over an old one on the same rows."""

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from hate_speech_ai.cli import terminal
from hate_speech_ai.cli.arguments import UsageError, add_measuring, at_least, load_checks, load_corpora
from hate_speech_ai.cli.model_files import Model, add_encoder, labels_of, load_model
from hate_speech_ai.cli.scoring import answering, rows_of, score_rows
from hate_speech_ai.evaluation.bootstrap import FIGURES, Answers, Interval, differences, intervals
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.text import URL, USER, tokenize

if TYPE_CHECKING:
    from hate_speech_ai.evaluation.metrics import CapabilityCheck
    from hate_speech_ai.training.examples import Example

_WORDS = 15
# Words of fewer rows are names and accidents.
_LEAST_ROWS_OF_A_WORD = 5


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "compare",
        help="two models side by side on the same rows",
        description="Compare two models on the same held-out rows, with paired 95 % intervals of the difference.",
    )
    parser.add_argument("old", type=Path, metavar="OLD", help="a model that `train` wrote")
    parser.add_argument("new", type=Path, metavar="NEW", help="another")
    add_measuring(parser)
    add_encoder(parser)
    parser.add_argument(
        "--show",
        type=at_least(0),
        default=0,
        metavar="N",
        help="write out the N tweets of each label whose decision turned and whose probability changed most (0: the "
        "texts are sensitive)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    old, new = (
        load_model(path, option, operating_point=options.operating_point, encoder=options.encoder)
        for option, path in (("OLD", options.old), ("NEW", options.new))
    )
    labels = [label for label in labels_of(new, options.label) if label in labels_of(old, options.label)]
    checks = load_checks(options.checks)
    with terminal.progress() as tell:
        rows = rows_of(load_corpora(options, tell), held_out_only=options.held_out_only)
        before, after = (score_rows(model.scorer, rows, labels, tell) for model in (old, new))
        report: dict[str, Any] = {
            "old": {"file": old.name, "sha256": old.sha256},
            "new": {"file": new.name, "sha256": new.sha256},
            "operating_point": options.operating_point,
            "held_out_only": options.held_out_only,
            "rows": len(rows),
            "labels": {},
        }
        for position, label in enumerate(labels):
            tell(f"drawing resamples of {label}", position / len(labels))
            if answered := answering(rows, label):
                pair = (
                    Answers(before[label], old.thresholds[label]),
                    Answers(after[label], new.thresholds[label]),
                )
                report["labels"][label] = _label(answered, label, *pair, options.bootstrap, options.show)
        if not report["labels"]:
            raise UsageError(f"--label: none of the rows answers {', '.join(labels)}; give other corpora with --corpus")
        report["checks"] = _checks(old, new, checks)
        tell("comparing words", None)
        report["words"] = _words(old, new, rows)
    if options.json:
        terminal.write_json(report, indent=2)
    else:
        _show(terminal.console(), report)


def _label(
    rows: "Sequence[Example]", label: str, old: Answers, new: Answers, resamples: int, shown: int
) -> dict[str, Any]:
    truth = [row.labels[label] for row in rows]
    alone = [intervals(answers, truth, resamples=0) for answers in (old, new)]
    gains = differences(old, new, truth, resamples=resamples)
    flips: list[dict[str, Any]] = [
        {"tweet": row.tweet, "answer": answer, "old": was, "new": now}
        for row, answer, was, now in zip(rows, truth, old.scores, new.scores, strict=True)
        if (was >= old.threshold) != (now >= new.threshold)
    ]
    flips.sort(key=lambda flip: -abs(flip["new"] - flip["old"]))
    return {
        "rows": len(rows),
        "positives": sum(truth),
        "thresholds": {"old": old.threshold, "new": new.threshold},
        "figures": {
            name: {"old": alone[0][name].value, "new": alone[1][name].value, "gain": asdict(gains[name])}
            for name in FIGURES
        },
        "flips": {
            "rows": len(flips),
            "now_right": sum((flip["new"] >= new.threshold) == flip["answer"] for flip in flips),
            "shown": flips[:shown],
        },
    }


def _checks(old: Model, new: Model, checks: "Sequence[CapabilityCheck]") -> dict[str, Any]:
    """Return the ids of the checks that only the new model passes, and of those that only the old one does."""
    passed = []
    for model in (old, new):
        said = model.scorer.probabilities([check.tweet for check in checks])
        threshold = model.thresholds[HATE_SPEECH]
        passed.append([(p >= threshold) == check.is_hate_speech for p, check in zip(said, checks, strict=True)])
    changed: dict[str, dict[str, list[str]]] = {}
    for check, was, now in zip(checks, *passed, strict=True):
        if was != now:
            lists = changed.setdefault(check.capability, {"gained": [], "lost": []})
            lists["gained" if now else "lost"].append(check.id)
    return {"rows": len(checks), "old": sum(passed[0]), "new": sum(passed[1]), "by_capability": changed}


def _words(old: Model, new: Model, rows: "Sequence[Example]") -> list[dict[str, Any]]:
    """Return the words of the rows that the two models judge most differently where each stands alone, by its logit."""
    found = Counter(word for row in rows for word in set(tokenize(row.tweet)) - {USER, URL})
    words = sorted(word for word, count in found.items() if count >= _LEAST_ROWS_OF_A_WORD)
    before, after = ([_logit(p) for p in model.scorer.probabilities(words)] for model in (old, new))
    changes: list[dict[str, Any]] = [
        {"word": word, "old": was, "new": now}
        for word, was, now in zip(words, before, after, strict=True)
        if was != now
    ]
    return sorted(changes, key=lambda one: -abs(one["new"] - one["old"]))[:_WORDS]


def _logit(probability: float) -> float:
    inside = min(max(probability, 1e-12), 1 - 1e-12)
    return round(math.log(inside / (1 - inside)), 4)


def _show(console: Console, report: dict[str, Any]) -> None:
    which = "held-out rows" if report["held_out_only"] else "rows, which may include some that the models learned from"
    for name in ("old", "new"):
        console.print(f"{name}: {terminal.visible(report[name]['file'])} (SHA-256 {report[name]['sha256'][:12]})")
    console.print(f"on {report['rows']:,} {which}")
    for label, found in report["labels"].items():
        title = f"{label}, {terminal.count(found['rows'], 'row')}, {found['positives']:,} yes"
        table = terminal.table(title, "figure", "old", "new", "gain")
        for name, figure in found["figures"].items():
            gain = terminal.with_interval(Interval(**figure["gain"]), signed=True)
            table.add_row(
                name, terminal.figure(figure["old"]), terminal.figure(figure["new"]), Text(gain, _style(name, figure))
            )
        console.print(table)
        flips = found["flips"]
        console.print(
            f"{terminal.count(flips['rows'], 'decision')} turned: {flips['now_right']:,} for the better, "
            f"{flips['rows'] - flips['now_right']:,} for the worse"
        )
        for flip in flips["shown"]:
            answer = "yes" if flip["answer"] else "no"
            line = f"{flip['old']:.3f} -> {flip['new']:.3f}, people say {answer}: {terminal.visible(flip['tweet'])}"
            console.print(Text(line), soft_wrap=True)
    _show_checks(console, report["checks"])
    table = terminal.table("words whose logit of hate_speech changed most", "word", "old", "new", "change")
    for one in report["words"]:
        change = one["new"] - one["old"]
        table.add_row(terminal.visible(one["word"]), f"{one['old']:+.2f}", f"{one['new']:+.2f}", f"{change:+.2f}")
    console.print(table)


def _show_checks(console: Console, checks: dict[str, Any]) -> None:
    title = f"checks: {checks['old']} of {checks['rows']} passed before, {checks['new']} now"
    if not checks["by_capability"]:
        console.print(f"{title}; none changed")
        return
    table = terminal.table(title, "capability", "gained", "lost")
    for capability, lists in checks["by_capability"].items():
        table.add_row(capability, *(f"{len(ids)}  {', '.join(ids)}" if ids else "0" for ids in lists.values()))
    console.print(table)


def _style(name: str, figure: dict[str, Any]) -> str:
    """Green for a gain and red for a loss that the interval is sure of. A lower calibration error is the better one."""
    low, high = figure["gain"]["low"], figure["gain"]["high"]
    if low is None or high is None or low <= 0 <= high:
        return ""
    return "green" if (low > 0) != (name == "ece") else "red"
