"""How far those who label tweets are believed.

A source is an imported corpus, `corpus:<name>`, or an API key, `key:<id>`. docs/decisions/0011-trust.md has the rules
and the figures that they come from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hate_speech_ai.evaluation.proportions import wilson
from hate_speech_ai.sources import is_key

# Below this share of agreement on tweets whose answer is known, a key's votes weigh less than one.
_FULL_WEIGHT = 0.7
# As if so many tweets had been judged before, and nearly all of them well: a first mistake says little.
_PRIOR_JUDGED, _PRIOR_AGREED = 10, 9
# At this confidence, an out-of-fold model contradicts 2-30 % of honest labels, and 30-47 % when 30 % of the labels are
# flipped.
_SURE = 0.9
# A moderator who corrects the model this often in a day is not doubted for it.
_FEWEST_CONTRADICTED = 30
# Nor one who corrects a corpus here and there.
_FEWEST_KNOWN = 20


@dataclass
class Reliability:
    """How a key's opinions compare with those of others about the same texts, by their answers to hate_speech.

    Attributes:
        gold, gold_agreed: texts that corpora answer, and those of them on which the key agrees with the corpora.
        peers, peers_agreed: the same with what other trusted keys say.
    """

    gold: int = 0
    gold_agreed: int = 0
    peers: int = 0
    peers_agreed: int = 0

    @property
    def smoothed_agreement(self) -> float:
        """The share of agreement, 0 to 1, as if the key had agreed on 9 of 10 more."""
        judged = self.gold + self.peers + _PRIOR_JUDGED
        return round((self.gold_agreed + self.peers_agreed + _PRIOR_AGREED) / judged, 4)

    @property
    def weight(self) -> float:
        """The weight of the key's vote, as `labels.decide` counts it: 1, or the share where that is below 0.7."""
        return 1.0 if self.smoothed_agreement >= _FULL_WEIGHT else self.smoothed_agreement

    def __add__(self, other: "Reliability") -> "Reliability":
        return Reliability(
            self.gold + other.gold,
            self.gold_agreed + other.gold_agreed,
            self.peers + other.peers,
            self.peers_agreed + other.peers_agreed,
        )

    def as_dict(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("gold", "gold_agreed", "peers", "peers_agreed")}
        return {**counts, "smoothed_agreement": self.smoothed_agreement, "weight": self.weight}


@dataclass
class NoiseEstimate:
    """What a model, without having seen them, says about a key's new labels.

    Attributes:
        new_labels: labels of this night that nobody approved one by one.
        confident: those of them on which the model was sure of an answer, whichever it was.
        contradicted: those on which it was sure of the other.
    """

    new_labels: int = 0
    confident: int = 0
    contradicted: int = 0

    def add(self, answer: bool, probability: float) -> None:
        """Count a label.

        Args:
            probability: of hate_speech, by a model that has not seen the label.
        """
        self.new_labels += 1
        if max(probability, 1 - probability) >= _SURE:
            self.confident += 1
            self.contradicted += answer != (probability >= 0.5)

    def as_dict(self) -> dict[str, int]:
        return {"new_labels": self.new_labels, "confident": self.confident, "contradicted": self.contradicted}


def compare(opinions: Iterable[Mapping[str, bool]], trusted: Sequence[str]) -> dict[str, Reliability]:
    """Each key's reliability.

    Args:
        opinions: for each text, what each source answers to hate_speech.
        trusted: the sources of keys that others are measured against.
    """
    reliabilities: dict[str, Reliability] = {}
    peers = set(trusted)
    for said in opinions:
        known = Counts.of(answer for source, answer in said.items() if not is_key(source)).majority
        of_peers = Counts.of(answer for source, answer in said.items() if source in peers)
        for source, answer in said.items():
            if not is_key(source):
                continue
            reliability = reliabilities.setdefault(source, Reliability())
            if known is not None:
                reliability.gold += 1
                reliability.gold_agreed += answer == known
            others = (of_peers.without(answer) if source in peers else of_peers).majority
            if others is not None:
                reliability.peers += 1
                reliability.peers_agreed += answer == others
    return reliabilities


class Counts(NamedTuple):
    """Answers to one question: with one person's taken out, the others are counted without looking at each again."""

    yes: int
    all: int

    @classmethod
    def of(cls, answers: Iterable[bool]) -> "Counts":
        found = list(answers)
        return cls(sum(found), len(found))

    def without(self, answer: bool) -> "Counts":
        return Counts(self.yes - answer, self.all - 1)

    @property
    def majority(self) -> bool | None:
        """The majority's answer; None for a tie, or without answers."""
        return None if 2 * self.yes == self.all else 2 * self.yes > self.all


def reasons_to_quarantine(
    reliability: Reliability, doubt: NoiseEstimate, *, max_contradicted: float, min_agreement: float
) -> list[str]:
    """Return why a key's new labels are not believed; empty if they are. The words follow "the new labels of ...".

    Both are judged by the end of Wilson's 95 % interval that speaks for the key, so that few labels convict nobody.

    Args:
        max_contradicted: the share of labels that a model may contradict where it is sure; 0 to 1.
        min_agreement: the share of tweets with a known answer to get right; 0 to 1.
    """
    found = []
    if doubt.contradicted >= _FEWEST_CONTRADICTED and wilson(doubt.contradicted, doubt.confident)[0] > max_contradicted:
        found.append(
            f"contradict in {doubt.contradicted} of {doubt.confident} cases what a model that has not seen them is "
            f"sure of, surely more than {max_contradicted:.0%}"
        )
    if (
        doubt.new_labels
        and reliability.gold >= _FEWEST_KNOWN
        and wilson(reliability.gold_agreed, reliability.gold)[1] < min_agreement
    ):
        found.append(
            f"come from a key that agrees on only {reliability.gold_agreed} of {reliability.gold} tweets whose "
            f"answer is known, surely less than {min_agreement:.0%}"
        )
    return found
