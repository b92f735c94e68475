"""`base`: the base model and the figures in its model card, from the corpora that it learns from."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hate_speech_ai import tables
from hate_speech_ai.artifact import sha256
from hate_speech_ai.cli import terminal
from hate_speech_ai.cli.arguments import DATA, UsageError, at_least, load_checks
from hate_speech_ai.cli.model_files import add_full, encoder_of, refuse_unwritable, write_model
from hate_speech_ai.cli.scoring import answering, score_rows
from hate_speech_ai.encoder.loading import scorer_of
from hate_speech_ai.evaluation.caching_scorer import CachingScorer
from hate_speech_ai.evaluation.proportions import wilson
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.sources import corpus_source
from hate_speech_ai.training.base_model import BASE_CORPORA, BASE_MODEL, FULL_BASE_MODEL, MOST_FEATURES

if TYPE_CHECKING:
    from hate_speech_ai.corpora.dataset import Split
    from hate_speech_ai.evaluation.everyday import Everyday

#: Between these lines of the model card, the figures are written anew.
_BEGIN, _END = "<!-- figures -->", "<!-- end of figures -->"

Lines = Iterator[str]


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "base",
        help="build the base model again",
        description="Build the base model from the starter corpus and "
        f"{', '.join(BASE_CORPORA)}; write the figures into the model card beside it.",
    )
    parser.add_argument("folder", type=Path, help="has a folder for each corpus, by its name in docs/corpora.md")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="the model (data/base/model.safetensors, or full.safetensors)"
    )
    add_full(parser)
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="the same rows and seed: same bytes")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from hate_speech_ai.corpora.dataset import data_fingerprint
    from hate_speech_ai.evaluation.everyday import halves, read_everyday
    from hate_speech_ai.evaluation.metrics import evaluate
    from hate_speech_ai.training.trainer import train

    output = options.output or (FULL_BASE_MODEL if options.full else BASE_MODEL)
    refuse_unwritable(output)
    encoder = encoder_of(options)
    checks = load_checks(DATA / "checks.csv")
    to_choose_with, to_examine_with = halves(read_everyday(DATA / "everyday.csv"))
    with terminal.progress() as tell:
        split = load_base_corpora(options.folder, tell)
        metadata = {
            "data_fingerprint": data_fingerprint(split.training),
            "trained_on": len(split.training),
            "corpora": dict(sorted(Counter(example.source for example in split.training).items())),
        }
        trained = train(
            split.training,
            encoder=encoder,
            everyday=to_choose_with,
            most_features=MOST_FEATURES,
            seed=options.seed,
            metadata=metadata,
            progress=tell,
        )
        tell("measuring", None)
        # As a dataset of the service has them, for its version 1.
        held_out = [replace(example, source=corpus_source(example.source)) for example in split.held_out]
        metrics = evaluate(CachingScorer(scorer_of(trained.artifact, encoder)), held_out, checks, to_examine_with)
        artifact = replace(trained.artifact, metadata={**trained.artifact.metadata, "metrics": metrics})
        content = artifact.to_bytes()
        write_model(output, content)
        figures = "\n".join(_figures(scorer_of(artifact, encoder), split, metrics, to_examine_with, tell))
    terminal.write_line(figures)
    _write_card(output.with_name("full.md" if options.full else "README.md"), figures)
    terminal.write_line(f"{output}: {len(content):,} bytes, SHA-256 {sha256(content)}")


def load_base_corpora(folder: Path, tell: terminal.Report) -> "Split":
    """Read what the base model learns from.

    Raises:
        UsageError: one of the corpora is missing, or cannot be read.
    """
    from hate_speech_ai.corpora.catalogue import STARTER
    from hate_speech_ai.corpora.corpus import CorpusError
    from hate_speech_ai.corpora.dataset import load

    sources = {STARTER.name: DATA / "train.csv"} | {name: folder / name for name in BASE_CORPORA}
    if missing := [path.name for path in sources.values() if not path.exists()]:
        raise UsageError(
            f"folder: there is no {', '.join(missing)} in {folder}; docs/corpora.md says where they are from"
        )
    try:
        return load(sources, lambda name, rows: tell(f"reading {name}: {rows:,} rows", None))
    except CorpusError as error:
        raise UsageError(f"folder: {error}; see docs/corpora.md") from error


def _figures(
    scorer: Scorer, split: "Split", metrics: dict[str, Any], everyday: "Sequence[Everyday]", tell: terminal.Report
) -> Lines:
    """Return the model card's tables, in Markdown."""
    from hate_speech_ai.evaluation.bias import measure_bias

    scores = score_rows(scorer, split.held_out, scorer.labels, tell)
    columns = ("rows", "yes", "ROC-AUC", "PR-AUC", "F1", "ECE")
    yield from ("", "### Held-out rows of the corpora", "", *_head("label", *columns))
    for label in scorer.labels:
        yield _row(label, *_measured(scorer, split, scores, label))
    yield from ("", "### hate_speech, corpus by corpus", "", *_head("corpus", *columns))
    for source in sorted({example.source for example in answering(split.held_out, HATE_SPEECH)}):
        yield _row(source, *_measured(scorer, split, scores, HATE_SPEECH, source))
    yield from ("", "### Everyday tweets flagged", "", *_head("label", "rows", "flagged"))
    for label, share in metrics["everyday"]["flagged"].items():
        count = sum(label not in one.labels for one in everyday)
        yield _row(label, count, _share(round(share * count), count))
    yield from ("", "### Kinds of text", "", *_head("kind", "label", "right answer", "rows", "answered so"))
    for (kind, label, answer), tweets in _kinds().items():
        said = [value >= scorer.thresholds[label] for value in scorer.probabilities(tweets, label)]
        right = sum(one == (answer == "1") for one in said)
        yield _row(kind, label, "yes" if answer == "1" else "no", len(tweets), _share(right, len(tweets)))
    yield from ("", "### Checks", "", *_head("capability", "rows", "passed"))
    checks = metrics["checks"]
    for name, passed in {"all": checks, **checks["by_capability"]}.items():
        yield _row(name, passed["rows"], _share(round(passed["passed"] * passed["rows"]), passed["rows"]))
    groups = ("rows", "yes", "subgroup AUC", "BPSN AUC", "BNSP AUC", "false positives", "of the rest")
    yield from ("", "### hate_speech in held-out tweets that name a group", "", *_head("group", *groups))
    rows = answering(split.held_out, HATE_SPEECH)
    for one in measure_bias(
        [row.tweet for row in rows],
        scores[HATE_SPEECH],
        [row.labels[HATE_SPEECH] for row in rows],
        scorer.thresholds[HATE_SPEECH],
    ):
        found = (one.subgroup_auc, one.bpsn_auc, one.bnsp_auc, one.false_positive_rate, one.false_positive_rate_of_rest)
        yield _row(one.group, one.rows, one.positives, *(terminal.figure(value, missing="too few") for value in found))
    yield ""


def _measured(
    scorer: Scorer, split: "Split", scores: dict[str, list[float]], label: str, source: str | None = None
) -> Iterator[Any]:
    from hate_speech_ai.evaluation.bootstrap import Answers, intervals

    rows = answering(split.held_out, label)
    chosen = [place for place, row in enumerate(rows) if source in (None, row.source)]
    truth = [rows[place].labels[label] for place in chosen]
    found = intervals(Answers([scores[label][place] for place in chosen], scorer.thresholds[label]), truth)
    yield from (len(truth), sum(truth))
    yield from (terminal.with_interval(found[name]) for name in ("roc_auc", "pr_auc", "f1", "ece"))


def _kinds() -> dict[tuple[str, str, str], list[str]]:
    """Return the sentences of `data/kinds.csv` for each kind, label and right answer."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in tables.read_all(DATA / "kinds.csv", ["kind", "label", "answer", "tweet"], dict):
        found.setdefault((row["kind"], row["label"], row["answer"]), []).append(row["tweet"])
    return found


def _share(part: int, whole: int) -> str:
    """Return a share with its 95 % interval (Wilson 1927)."""
    low, high = wilson(part, whole)
    return f"{part / whole:.1%} ({low:.1%}-{high:.1%})"


def _head(*names: str) -> tuple[str, str]:
    return _row(*names), _row("---", *["---:"] * (len(names) - 1))


def _row(*cells: Any) -> str:
    return f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in cells)} |"


def _write_card(card: Path, figures: str) -> None:
    """Put the figures into the model card, where there is one that has a place for them."""
    if not card.is_file():
        return
    before, begin, rest = card.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if begin and end:
        card.write_text(f"{before}{begin}\n{figures}\n{end}{after}", encoding="utf-8")
    else:
        terminal.write_line(f"{card} has no lines {_BEGIN} and {_END}: the figures are not written there")
