"""`predict`: a model's answer about tweets, or a prompt to try it at."""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from hate_speech_ai.cli import terminal
from hate_speech_ai.cli.arguments import UsageError, add_operating_point, readable, tweets_of
from hate_speech_ai.cli.model_files import Model, add_model, labels_of, load_model
from hate_speech_ai.explain import explain
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import EMPTY, TRUNCATED, UNKNOWN
from hate_speech_ai.text import URL, USER

_WARNINGS = {
    EMPTY: "there is nothing to read",
    UNKNOWN: "no word of it is known to the model",
    TRUNCATED: "only the beginning was read",
}


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "predict",
        help="judge tweets, or try a model at a prompt",
        description="Judge tweets. Without any, a prompt asks for them; in a pipe, lines are read.",
    )
    parser.add_argument("tweets", nargs="*", metavar="TWEET")
    add_model(parser)
    parser.add_argument(
        "--label",
        action="append",
        metavar="LABEL",
        help=f"of the model ({HATE_SPEECH}); may be given several times",
    )
    add_operating_point(parser)
    parser.add_argument(
        "--file", type=Path, metavar="FILE", help="tweets: .txt, .csv, .tsv, .jsonl, or - for lines piped in"
    )
    parser.add_argument("--column", metavar="NAME", help="with the tweet, in a .csv, .tsv or .jsonl (tweet or text)")
    parser.add_argument("--json", action="store_true", help="one JSON object to a line")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    if options.tweets and options.file:
        raise UsageError("--file and tweets are given; leave one of them out")
    model = load_model(options.model, operating_point=options.operating_point, encoder=options.encoder)
    labels = labels_of(model, options.label, default=[HATE_SPEECH])
    console = terminal.console()
    if not options.tweets and not options.file:
        if console.is_terminal and sys.stdin.isatty() and not options.json:
            _converse(console, model, labels)
            return
        options.file = Path("-")
    for tweet in options.tweets or tweets_of(options.file, options.column):
        if options.json:
            terminal.write_json(answer(model, readable(tweet), labels))
        elif console.is_terminal:
            _show(console, model, readable(tweet), labels)
        else:
            terminal.write_line(_line(model, readable(tweet), labels))


def answer(model: Model, tweet: str, labels: list[str]) -> dict[str, Any]:
    """As POST /predict has it, for each label."""
    score = model.scorer.score(tweet, labels)
    return {
        "tweet": tweet,
        "labels": {
            label: {
                "decision": probability >= model.thresholds[label],
                "probability": probability,
                "threshold": model.thresholds[label],
            }
            for label, probability in score.probabilities.items()
        },
        "warnings": score.warnings,
    }


def _line(model: Model, tweet: str, labels: list[str]) -> str:
    """Label, decision and probability, then the tweet, with tabs between."""
    said = answer(model, tweet, labels)["labels"]
    cells = [cell for label in labels for cell in (label, *_decision(said[label]))]
    return "\t".join([*cells, terminal.visible(tweet)])


def _decision(said: dict[str, Any]) -> tuple[str, str]:
    return "yes" if said["decision"] else "no", f"{said['probability']:.4f}"


def _converse(console: Console, model: Model, labels: list[str]) -> None:
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # so that a line can be edited, and the last ones come back with "up"
    console.print(f"Type a tweet to see what {terminal.visible(model.name)} says about it. Ctrl-D quits.", style="dim")
    while True:
        try:
            tweet = input("> ")
        except EOFError:
            console.print()
            return
        if tweet.strip():
            _show(console, model, readable(tweet), labels)


def _show(console: Console, model: Model, tweet: str, labels: list[str]) -> None:
    """Print the answers, and the tweet with the words that speak for and against the first label."""
    said = answer(model, tweet, labels)
    for label in labels:
        decision, probability = _decision(said["labels"][label])
        style = f"bold {terminal.FOR if decision == 'yes' else 'green'}"
        console.print(
            Text.assemble(
                (f"{decision:<4}", style),
                (f"{probability}  {label}"),
                (f"  yes from {said['labels'][label]['threshold']:.4f} on", "dim"),
            )
        )
    contributions = explain(model.scorer, tweet, labels[0]).contributions
    console.print(terminal.highlighted(tweet, contributions))
    unknown = {tweet[one.begin : one.end] for one in contributions if not one.known and one.word not in (USER, URL)}
    if unknown:
        words = ", ".join(terminal.visible(word) for word in sorted(unknown))
        console.print(Text(f"unknown: {words}", style="dim"))
    for warning in said["warnings"]:
        console.print(Text(f"warning: {_WARNINGS.get(warning, warning)}", style="dim"))
    console.print()
