"""Claims: answers that one key alone gives, and that no person has approved."""

from collections.abc import Mapping

from api.training.outcomes import Stored
from hate_speech_ai.labels import rounded_answer
from hate_speech_ai.sources import is_key


def claimant_of(by_source: Mapping[str, Stored], labels: Mapping[str, bool]) -> str:
    """Return the key that claims one of a text's answers; empty where there is none.

    Args:
        by_source: what each source said last about the text.
        labels: the answers to it, as resolved.
    """
    for label, answer in labels.items():
        agree = [source for source, row in by_source.items() if rounded_answer(row.labels.get(label, 0.5)) == answer]
        if len(agree) == 1 and is_key(agree[0]) and not by_source[agree[0]].approved:
            return agree[0]
    return ""
