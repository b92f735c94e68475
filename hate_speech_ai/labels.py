"""The questions a model answers about a tweet."""

import re
from collections.abc import Iterable, Mapping, Sequence

HATE_SPEECH = "hate_speech"

#: The labels that `data/train.csv` and the public corpora answer, in the order in which they are shown.
LABELS = (HATE_SPEECH, "toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Names that stand beside the labels in a version's figures.
_RESERVED = {"by_source", "checks"}


def is_label_name(name: str) -> bool:
    """Whether `name` may name a label: 1 to 40 lower-case letters, digits and underscores, a letter first.

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


def resolve(opinions: Iterable[Mapping[str, bool]]) -> dict[str, bool]:
    """One answer for each label out of several people's answers about one tweet.

    The majority decides; where it is a tie, the newest opinion does.

    Args:
        opinions: what each person said, oldest first.

    >>> resolve([{"hate_speech": True}, {"hate_speech": False, "toxic": True}])
    {'hate_speech': False, 'toxic': True}
    """
    return {label: decide(answers) for label, answers in votes(opinions).items()}


def decide(answers: Sequence[bool]) -> bool:
    """The answer of the majority; where it is a tie, the last."""
    yes = sum(answers)
    no = len(answers) - yes
    return answers[-1] if yes == no else yes > no


def votes(opinions: Iterable[Mapping[str, bool]]) -> dict[str, list[bool]]:
    """The answers to each label, in the order of the opinions.

    >>> votes([{"hate_speech": True}, {"hate_speech": False, "toxic": True}])
    {'hate_speech': [True, False], 'toxic': [True]}
    """
    answers: dict[str, list[bool]] = {}
    for opinion in opinions:
        for label, answer in opinion.items():
            answers.setdefault(label, []).append(answer)
    return answers
