"""`evaluate`: how good a model is, for each label and corpus, with what is sure about it."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from hate_speech_ai.cli import terminal
from hate_speech_ai.cli.arguments import UsageError, add_measuring, load_checks, load_corpora
from hate_speech_ai.cli.model_files import Model, add_model, labels_of, load_model
from hate_speech_ai.cli.scoring import answering, rows_of, score_rows
from hate_speech_ai.evaluation.bootstrap import FIGURES, Answers, Interval, intervals
from hate_speech_ai.labels import HATE_SPEECH

if TYPE_CHECKING:
    from hate_speech_ai.training.examples import Example

_TITLES = {"f1": "F1", "precision": "precision", "recall": "recall", "roc_auc": "ROC-AUC", "pr_auc": "PR-AUC"}
_TITLES |= {"ece": "ECE"}
_TOO_FEW = "too few"


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure a model on rows that it never saw",
        description="Measure a model on held-out rows: figures with 95 % intervals, checks, identity terms.",
    )
    add_model(parser)
    add_measuring(parser)
    parser.add_argument("--plots", type=Path, metavar="DIR", help="draw curves of each label into this folder")
    parser.add_argument("--plot-format", choices=("png", "svg"), default="png", help="of the drawings (png)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from hate_speech_ai.evaluation.bias import measure_bias
    from hate_speech_ai.evaluation.metrics import measure_checks

    model = load_model(options.model, operating_point=options.operating_point, encoder=options.encoder)
    labels = labels_of(model, options.label)
    checks = load_checks(options.checks)
    if options.plots:
        _make_folder(options.plots)
    thresholds = model.thresholds
    with terminal.progress() as tell:
        rows = rows_of(load_corpora(options, tell), held_out_only=options.held_out_only)
        scores = score_rows(model.scorer, rows, labels, tell)
        report: dict[str, Any] = {
            "model": {"file": model.name, "sha256": model.sha256},
            "operating_point": options.operating_point,
            "held_out_only": options.held_out_only,
            "rows": len(rows),
            "labels": {},
        }
        for position, label in enumerate(labels):
            tell(f"drawing resamples of {label}", position / len(labels))
            if answered := answering(rows, label):
                report["labels"][label] = _figures(answered, scores[label], label, thresholds[label], options.bootstrap)
        if not report["labels"]:
            raise UsageError(f"--label: none of the rows answers {', '.join(labels)}; give other corpora with --corpus")
        said = model.scorer.probabilities([check.tweet for check in checks])
        report["checks"] = measure_checks(said, checks, thresholds[HATE_SPEECH])
        if HATE_SPEECH in report["labels"]:
            tell("looking for identity terms", None)
            answered = answering(rows, HATE_SPEECH)
            bias = measure_bias(
                [row.tweet for row in answered],
                scores[HATE_SPEECH],
                [row.labels[HATE_SPEECH] for row in answered],
                thresholds[HATE_SPEECH],
            )
            report["bias"] = [asdict(one) for one in bias]
        if options.plots:
            report["plots"] = _draw(options, report["labels"], rows, scores, thresholds, tell)
    if options.json:
        terminal.write_json(_plain(report), indent=2)
    else:
        _show(terminal.console(), model, report)


def _figures(
    rows: "Sequence[Example]", scores: Sequence[float], label: str, threshold: float, resamples: int
) -> dict[str, Any]:
    """Return the figures on all rows and on those of each corpus."""
    by_corpus: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        by_corpus.setdefault(row.source, []).append(place)

    def measured(places: Sequence[int]) -> dict[str, Any]:
        truth = [rows[place].labels[label] for place in places]
        answers = Answers([scores[place] for place in places], threshold)
        figures = intervals(answers, truth, resamples=resamples)
        return {"rows": len(truth), "positives": sum(truth), **figures}

    return {
        "threshold": threshold,
        "all": measured(range(len(rows))),
        "by_corpus": {name: measured(places) for name, places in by_corpus.items()},
    }


def _draw(
    options: argparse.Namespace,
    labels: dict[str, Any],
    rows: "Sequence[Example]",
    scores: dict[str, list[float]],
    thresholds: dict[str, float],
    tell: terminal.Report,
) -> list[str]:
    from hate_speech_ai.cli.plots import draw  # matplotlib takes a second

    files: list[Path] = []
    for position, label in enumerate(labels):
        tell(f"drawing {label}", position / len(labels))
        truth = [row.labels[label] for row in answering(rows, label)]
        try:
            files += draw(options.plots, options.plot_format, label, scores[label], truth, thresholds[label])
        except OSError as error:
            raise UsageError(f"--plots: {options.plots} cannot be written to ({error.strerror})") from error
    return [str(file) for file in files]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--plots: {folder} cannot be made ({error.strerror}); choose another folder") from error


def _plain(report: Any) -> Any:
    """Return the report as JSON has it."""
    if isinstance(report, Interval):
        return asdict(report)
    if isinstance(report, dict):
        return {name: _plain(value) for name, value in report.items()}
    return report


def _show(console: Console, model: Model, report: dict[str, Any]) -> None:
    which = "held-out rows" if report["held_out_only"] else "rows, which may include some that the model learned from"
    console.print(f"{terminal.visible(model.name)} (SHA-256 {model.sha256[:12]}) on {report['rows']:,} {which}")
    for label, figures in report["labels"].items():
        table = terminal.table(
            f"{label}, yes from {figures['threshold']:.4f} on", "corpus", "rows", "yes", *_TITLES.values()
        )
        parts = {"all": figures["all"], **figures["by_corpus"]}
        if len(parts) == 2:  # one corpus: the same twice
            del parts["all"]
        for name, part in parts.items():
            cells = [terminal.with_interval(part[figure]) for figure in FIGURES]
            table.add_row(name, f"{part['rows']:,}", f"{part['positives']:,}", *cells)
        console.print(table)
    checks = report["checks"]
    table = terminal.table(
        f"checks: {checks['passed']:.1%} of {checks['rows']} passed", "capability", "checks", "passed"
    )
    for capability, share in checks["by_capability"].items():
        table.add_row(capability, str(share["rows"]), f"{share['passed']:.0%}")
    console.print(table)
    if "bias" in report:
        console.print(_bias_table(report["bias"]))
    if report.get("plots"):
        console.print(f"{terminal.count(len(report['plots']), 'drawing')} in {Path(report['plots'][0]).parent}")


def _bias_table(bias: list[dict[str, Any]]) -> Any:
    columns = ("rows", "yes", "subgroup AUC", "BPSN AUC", "BNSP AUC", "false positives", "of the rest")
    table = terminal.table("hate_speech in tweets that name a group", "group", *columns)
    figures = ("subgroup_auc", "bpsn_auc", "bnsp_auc", "false_positive_rate", "false_positive_rate_of_rest")
    for one in bias:
        cells = [terminal.figure(one[name], missing=_TOO_FEW) for name in figures]
        table.add_row(one["group"], f"{one['rows']:,}", f"{one['positives']:,}", *cells)
    return table
