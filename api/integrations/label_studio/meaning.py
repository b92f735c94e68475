"""What the choices of a labelling configuration say about labels."""

import re
from collections.abc import Collection
from typing import NamedTuple

from hate_speech_ai.labels import HATE_SPEECH

_OTHER_NAMES = {
    "hate": HATE_SPEECH,
    "hateful": HATE_SPEECH,
    "hatespeech": HATE_SPEECH,
    "toxicity": "toxic",
    "severe_toxicity": "severe_toxic",
    "profanity": "obscene",
    "obscenity": "obscene",
    "threatening": "threat",
    "insulting": "insult",
    # As of the corpora in which annotators chose between hate, offensive and neither.
    "offensive": "toxic",
    "offensive_language": "toxic",
    "identity_attack": "identity_hate",
}
_NO = ("not_", "no_", "non_", "not", "non", "no")  # "nothate", as in corpora; the longer ones first
_NEITHER = {"neither", "none", "none_of_these", "none_of_the_above", "neutral", "normal", "ok", "clean", "fine", "safe"}
_UNSURE = {
    *("unsure", "not_sure", "i_am_not_sure", "i_m_not_sure", "unclear", "not_clear", "undecided", "skip", "no_idea"),
    *("cannot_tell", "can_t_tell", "cannot_say", "can_t_say", "idk"),
    *("do_not_know", "don_t_know", "dont_know", "i_do_not_know", "i_don_t_know", "i_dont_know"),
}


class Choice(NamedTuple):
    """What a choice says: yes or no to a label; without a label, no to all that are asked (False) or nothing (None)."""

    label: str
    answer: bool | None


NOTHING = Choice("", None)


def meaning(value: str, tag: str, known: Collection[str]) -> Choice | None:
    """Return what a choice says; None where that is not clear."""
    name = _plain(value)
    if label := _label(name, known):
        return Choice(label, True)
    if name in _UNSURE:
        return NOTHING
    if name in _NEITHER:
        return Choice("", False)
    if name in ("yes", "no", "true", "false"):
        label = _label(_plain(tag).removeprefix("is_"), known)
        return Choice(label, name in ("yes", "true")) if label else None
    rest = next((name.removeprefix(no) for no in _NO if name.startswith(no)), "")
    if label := _label(rest, known):
        return Choice(label, False)
    return None


def _label(name: str, known: Collection[str]) -> str:
    label = name if name in known else _OTHER_NAMES.get(name, "")
    return label if label in known else ""


def _plain(value: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
