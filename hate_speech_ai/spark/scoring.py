"""What Spark's Python processes do: add columns with a model's answers to batches of rows.

The rows stay in Arrow's format. Through pandas, a whole number that may be missing would become a float, and the last
digits of a post's id would change.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import pyarrow as pa

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.scorer import Scorer

Batches = Iterable[pa.RecordBatch]


def scoring(content: Any, column: str, labels: list[str]) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    """Return a function for Spark's `mapInArrow`: it adds the probability of each label, and whether that is a yes.

    Args:
        content: a broadcast variable with the bytes of a model.
        column: with the text. Where it is null, so are the answers.
        labels: that the model answers. The answer is yes at its balanced point.
    """

    def score(batches: Batches) -> Iterator[pa.RecordBatch]:
        scorer = _scorer(content.value)
        for batch in batches:
            yield _with_answers(batch, scorer, column, labels)

    return score


@lru_cache(maxsize=1)  # Spark keeps the process for its next task
def _scorer(content: bytes) -> Scorer:
    return Scorer(Artifact.from_bytes(content))


def _with_answers(batch: pa.RecordBatch, scorer: Scorer, column: str, labels: list[str]) -> pa.RecordBatch:
    texts = batch.column(batch.schema.get_field_index(column)).to_pylist()
    found = [None if text is None else scorer.score(text, labels).probabilities for text in texts]
    arrays, names = list(batch.columns), list(batch.schema.names)
    for label in labels:
        chances = [None if one is None else one[label] for one in found]
        threshold = scorer.thresholds[label]
        flagged = [None if chance is None else chance >= threshold for chance in chances]
        arrays += [pa.array(chances, pa.float64()), pa.array(flagged, pa.bool_())]
        names += [label, f"{label}_flagged"]
    return pa.RecordBatch.from_arrays(arrays, names)
