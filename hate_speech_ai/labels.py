"""The questions a model answers about a tweet."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

HATE_SPEECH = "hate_speech"

#: The labels that `data/train.csv` and the public corpora answer, in the order in which they are shown.
LABELS = (HATE_SPEECH, "toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_YES = {"1", "1.0", "true", "yes"}
_NO = {"0", "0.0", "false", "no"}
# Names that stand beside the labels in a version's figures.
_RESERVED = {"by_source", "checks", "everyday"}


def is_label_name(name: str) -> bool:
    """Return whether `name` may name a label: 1 to 40 lower-case letters, digits and underscores, a letter first.

    `by_source` and `checks` are taken.

    >>> is_label_name("threat"), is_label_name("Threat!")
    (True, False)
    """
    return _NAME.fullmatch(name) is not None and name not in _RESERVED


def in_order(names: Iterable[str]) -> list[str]:
    """`names` with the usual labels first, the others after them by name.

    >>> in_order({"spam", "toxic", "hate_speech"})
    ['hate_speech', 'toxic', 'spam']
    """
    rank = {label: position for position, label in enumerate(LABELS)}
    return sorted(names, key=lambda name: (rank.get(name, len(rank)), name))


def answer_of(cell: str) -> bool | None:
    """Return what a cell of a table answers; None where it is neither a yes nor a no.

    >>> answer_of("1.0"), answer_of(" No "), answer_of("0.5")
    (True, False, None)
    """
    cell = cell.strip().lower()
    return cell in _YES if cell in _YES | _NO else None


class Vote(NamedTuple):
    """An answer to a label.

    Attributes:
        grade: true, false, or how much of a yes it is, from 0 to 1. The vote is shared out between yes and no.
        weight: of the vote, 0 or more.
    """

    grade: float
    weight: float = 1.0


class Decision(NamedTuple):
    """What votes come to.

    Attributes:
        yes, no: the weight of either side.
        answer: None where there is a tie and everybody is in two minds.
        by: "majority"; in a tie, "newest"; or "undecided".
    """

    yes: float
    no: float
    answer: bool | None
    by: str


def resolve(opinions: Iterable[Mapping[str, float]], weights: Iterable[float] | None = None) -> dict[str, bool]:
    """Resolve several answers about one tweet to one answer for each label.

    The weighted majority decides; where it is a tie, the newest opinion does. What stays undecided is left out.

    Args:
        opinions: what each person said, oldest first: true, false, or a grade from 0 to 1.
        weights: of each opinion; 1 without.

    >>> resolve([{"hate_speech": True}, {"hate_speech": False, "toxic": 0.8}])
    {'hate_speech': False, 'toxic': True}
    >>> resolve([{"hate_speech": True}, {"hate_speech": False}], weights=[1.0, 0.6])
    {'hate_speech': True}
    """
    decided = {label: decide(found).answer for label, found in votes(opinions, weights).items()}
    return {label: answer for label, answer in decided.items() if answer is not None}


def decide(found: Sequence[Vote]) -> Decision:
    """Return the weighted majority's answer; where it is a tie, the last one's that leans to a side."""
    yes = round(sum(vote.weight * vote.grade for vote in found), 9)
    no = round(sum(vote.weight * (1 - vote.grade) for vote in found), 9)
    if yes != no:
        return Decision(yes, no, yes > no, "majority")
    leaning = [vote for vote in found if rounded_answer(vote.grade) is not None]
    return (
        Decision(yes, no, rounded_answer(leaning[-1].grade), "newest")
        if leaning
        else Decision(yes, no, None, "undecided")
    )


def rounded_answer(grade: float) -> bool | None:
    """Return which answer a grade is nearer to; None of 0.5."""
    return None if grade == 0.5 else grade > 0.5


def votes(opinions: Iterable[Mapping[str, float]], weights: Iterable[float] | None = None) -> dict[str, list[Vote]]:
    """Return the votes on each label, in the order of the opinions.

    >>> votes([{"hate_speech": True}, {"hate_speech": False}])["hate_speech"]
    [Vote(grade=True, weight=1.0), Vote(grade=False, weight=1.0)]
    """
    found: dict[str, list[Vote]] = {}
    for opinion, weight in zip(opinions, repeat(1.0) if weights is None else weights, strict=False):
        for label, grade in opinion.items():
            found.setdefault(label, []).append(Vote(grade, weight))
    return found
