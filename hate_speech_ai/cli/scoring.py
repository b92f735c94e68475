"""What `train`, `evaluate` and `compare` share: scoring rows, each read once for all labels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hate_speech_ai.cli.arguments import UsageError
from hate_speech_ai.cli.terminal import Report
from hate_speech_ai.scorer import Scorer

if TYPE_CHECKING:
    from hate_speech_ai.corpora.dataset import Split
    from hate_speech_ai.training.examples import Example

_ROWS_PER_REPORT = 200


def score_rows(scorer: Scorer, rows: "Sequence[Example]", labels: list[str], tell: Report) -> dict[str, list[float]]:
    """For each label, the probabilities of the rows that answer it, in their order."""
    scores: dict[str, list[float]] = {label: [] for label in labels}
    for number, row in enumerate(rows):
        if number % _ROWS_PER_REPORT == 0:
            tell("measuring", number / len(rows))
        answered = [label for label in labels if label in row.labels]
        for label, probability in scorer.score(row.tweet, answered).probabilities.items():
            scores[label].append(probability)
    return scores


def answering(rows: "Sequence[Example]", label: str) -> "list[Example]":
    """Return the rows that answer a label: those that `score_rows` has probabilities of."""
    return [row for row in rows if label in row.labels]


def rows_of(split: "Split", *, held_out_only: bool) -> "list[Example]":
    """Return the rows to score; raise UsageError if there are none."""
    rows = split.held_out if held_out_only else split.training + split.held_out
    if not rows:
        raise UsageError("--corpus: none of the rows is held out; give more rows, or --no-held-out-only")
    return rows
