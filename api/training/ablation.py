"""What difference a key's reviews make: the model with them and the one without, side by side."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.models import ApiKey
from api.prediction import loading
from api.training import base_model, dataset
from api.training.embedding import remembered
from api.training.examination import exam_of
from hate_speech_ai.evaluation.caching_scorer import CachingScorer
from hate_speech_ai.evaluation.evaluation_set import ModelPredictions
from hate_speech_ai.evaluation.gate import Limits, judge
from hate_speech_ai.evaluation.model_diff import WordChange, changed_words
from hate_speech_ai.training.trainer import train


class NoDifference(Exception):
    """Nothing that the key says counts: both models would be one."""


@dataclass(frozen=True)
class Difference:
    """From the model with a key's reviews to the one without.

    Attributes:
        rows: training tweets with and without.
        figures: as `GET /training-runs/<id>` has them; the champion in them is the model with the key.
        words: that changed most.
    """

    rows: tuple[int, int]
    figures: dict[str, Any]
    words: list[WordChange]


def without(key: ApiKey, *, progress: Callable[[str], None] = lambda step: None) -> Difference:
    """Train twice, store nothing.

    Raises:
        NoDifference: nothing of the key counts, as when all of it is quarantined.
        NotEnoughData: there is too little to train on, with the key's reviews or without.
    """
    progress("reading")
    on = base_model.load()
    everything, rest = dataset.read(on), dataset.read(on, without=key.source)
    if everything.training == rest.training and everything.held_out_reviews == rest.held_out_reviews:
        raise NoDifference
    exam = exam_of(everything)
    sheets, scorers, encoder = [], [], remembered.for_training(on)
    for name, rows in (("with", everything.training), ("without", rest.training)):
        progress(f"training {name} the key, on {len(rows):,} tweets")
        trained = train(rows, base=on.artifact if on else None, encoder=encoder, everyday=base_model.everyday()[0])
        scorers.append(loading.scorer_of(trained.artifact, encoder))
        sheets.append(ModelPredictions.of(CachingScorer(scorers[-1]), exam, trained_on=len(rows)))
    figures = judge(exam, candidate=sheets[1], champion=sheets[0], limits=Limits()).figures
    return Difference(
        (len(everything.training), len(rest.training)), figures, changed_words(scorers[0], scorers[1], most=10)
    )


def as_lines(found: Difference) -> list[str]:
    """Return a difference in sentences and figures."""
    changes = found.figures["vs_champion"]
    lines = [f"{'':24}{'with':>9}{'without':>9}", f"{'training tweets':24}{found.rows[0]:>9,}{found.rows[1]:>9,}"]
    for part, title in (("corpora", "corpora"), ("reviews", "reviews")):
        for name, change in changes[part].items():
            row = f"{name} on {found.figures['rows'][part]:,} {title}"
            interval = f"  {change['low']:+.4f} to {change['high']:+.4f}" if change["low"] is not None else ""
            lines.append(f"{row:24}{change['old']:>9.4f}{change['new']:>9.4f}{interval}")
    passed = [sum(counts[side] for counts in changes["checks"].values()) for side in ("old", "new")]
    lines.append(f"{'checks passed':24}{passed[0]:>9}{passed[1]:>9}")
    if changes["changed"] is not None:
        lines.append(f"{changes['changed']:.2%} of decisions differ")
    words = ", ".join(f"{word.word} {word.old:+.2f} to {word.new:+.2f}" for word in found.words)
    return [*lines, f"words that change most: {words}"]
