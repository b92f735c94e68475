"""`train`: corpora into a model file."""

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hate_speech_ai.artifact import sha256
from hate_speech_ai.cli import terminal
from hate_speech_ai.cli.arguments import DATA, UsageError, add_corpora, at_least, load_checks, load_corpora
from hate_speech_ai.cli.model_files import add_base, load_base_model, refuse_unwritable, write_model
from hate_speech_ai.cli.scoring import score_rows
from hate_speech_ai.encoder.loading import scorer_of
from hate_speech_ai.evaluation.caching_scorer import CachingScorer
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.training.base_model import learned_corpora

if TYPE_CHECKING:
    from hate_speech_ai.corpora.dataset import Count, Split


def add(commands: Any) -> None:
    parser = commands.add_parser("train", help="train a model on corpora", description="Train a model on corpora.")
    add_corpora(parser)
    add_base(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the model; replaced if it exists")
    parser.add_argument(
        "--seed", type=at_least(0), default=0, metavar="N", help="the same rows and seed: the same file"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from hate_speech_ai.corpora.dataset import data_fingerprint
    from hate_speech_ai.evaluation.everyday import halves, read_everyday
    from hate_speech_ai.evaluation.metrics import measure, measure_checks, measure_everyday
    from hate_speech_ai.training.examples import NotEnoughData
    from hate_speech_ai.training.trainer import train

    refuse_unwritable(options.output)
    checks = load_checks(DATA / "checks.csv")
    base, base_sha256, encoder = load_base_model(options)
    to_choose_with, to_examine_with = halves(read_everyday(DATA / "everyday.csv"))
    with terminal.progress() as tell:
        split = load_corpora(options, tell, base)
        counts = Counter(example.source for example in split.training if not example.known)
        metadata = {
            "data_fingerprint": data_fingerprint(split.training),
            "trained_on": len(split.training),
            "base": base_sha256,
            "corpora": dict(sorted({**learned_corpora(base), **counts}.items())),
        }
        try:
            trained = train(
                split.training,
                base=base,
                encoder=encoder,
                everyday=to_choose_with,
                seed=options.seed,
                metadata=metadata,
                progress=tell,
            )
        except NotEnoughData as error:
            raise UsageError(f"--corpus: {error}; give more rows") from error
        content = trained.artifact.to_bytes()
        write_model(options.output, content)
        scorer = scorer_of(trained.artifact, encoder)
        scores = score_rows(scorer, split.held_out, scorer.labels, tell)
    console = terminal.console()
    for name, read in split.counts.items():
        console.print(_line(name, read))
    table = terminal.table("", "label", "learned from", "yes", "held out", "ROC-AUC")
    for label in scorer.labels:
        answers = [example.labels[label] for example in split.training if label in example.labels]
        truth = [example.labels[label] for example in split.held_out if label in example.labels]
        auc = measure(scores[label], truth, scorer.thresholds[label]).roc_auc if truth else None
        table.add_row(label, f"{len(answers):,}", f"{sum(answers):,}", f"{len(truth):,}", terminal.figure(auc))
    console.print(table)
    passed = measure_checks(
        scorer.probabilities([check.tweet for check in checks]), checks, scorer.thresholds[HATE_SPEECH]
    )
    console.print(f"checks passed: {passed['passed']:.1%} of {passed['rows']}")
    flagged = measure_everyday(CachingScorer(scorer), to_examine_with)["flagged"]
    console.print("everyday tweets flagged: " + ", ".join(f"{label} {share:.2%}" for label, share in flagged.items()))
    if missing := _not_learned(split, scorer.labels):
        console.print(f"not learned, for too few yes or no: {', '.join(missing)}")
    console.print(f"{options.output}: {len(content):,} bytes, SHA-256 {sha256(content)}", soft_wrap=True)


def _line(name: str, read: "Count") -> str:
    line = (
        f"{name}: {terminal.count(read.rows, 'row')}; {read.repeated:,} repeated, {read.left_out:,} undecided, "
        f"{read.rejected:,} rejected"
    )
    if first := read.first_rejected:
        line += f" (the first in {first.file + ', ' if first.file else ''}line {first.line}: {first.reason})"
    return terminal.visible(line)


def _not_learned(split: "Split", learned: list[str]) -> list[str]:
    return sorted({label for example in split.training for label in example.labels} - set(learned))
