"""How far one source alone may move a model, and what a person is asked before it moves further.

What a source says alone, and nobody has approved, is a claim. Two rules bound what claims do; both compare them with
the base, which has learned none of them. docs/decisions/0017-influence.md has the reasons and the figures.

- Of the claims about one word that contradict what the base is sure of, the first ten are learned, and the others are
  set aside. Of claims of hate that are hateful for nothing but the group that they name, none is learned.
- What claims teach about a word is taken back so far that it changes the decision on hardly any harmless sentence that
  carries the word, or, where they are claims of harmlessness, on hardly any hateful one.

A model's score is a sum over features, so what a word does to a sentence is exact and cheap. The second rule projects
the coefficients of the word's own features onto the segment between the base's and the learned ones.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hate_speech_ai.features import stem
from hate_speech_ai.text import words
from hate_speech_ai.text.word_classes import GROUP, IDENTITY
from hate_speech_ai.training.examples import Example
from hate_speech_ai.vocabulary import Vocabulary

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Probabilities = Callable[[Sequence[str]], Floats]

#: Claims about one word that contradict a sure base: so many are learned.
MOST_CONTRADICTING = 10
#: The same of claims of hate whose text is harmless but for the group that it names: a single one of them takes the
#: share of harmless tweets about the group that are judged hateful from 1 to 10 or 19 %.
MOST_AGAINST_GROUPS = 0
#: From this probability of either answer on, the base is sure.
SURE = 0.9
# Words in more than one of a hundred tweets are about nothing in particular.
_COMMON = 0.01
# A word that these times as many claims hold as chance would give.
_LIFT = 3.0
# Of other claims, approved ones or those of another source, so many confirm a word.
_APPROVED = 10
_OTHERS = 5
_TOGETHER = 0.5
_MOST_NAMES = 6

# A person is asked about so many claims; or about this share of a source's claims, if these are more than a few.
_MANY, _FEW, _LEAST_SHARE = 10, 3, 0.05

# In the place of a word that names a group.
_MASK = "friends"

CONTRADICTS, MOVES = "contradicts", "moves"


@dataclass(frozen=True)
class Doubt:
    """What a source alone says about a word, and a person is asked about.

    Attributes:
        kind: `contradicts`, claims that were set aside; or `moves`, claims that were learned, and bounded.
        source: whose claims.
        answer: what they say.
        words: stems; more than one where they stand together.
        names_group: whether one of them is a neutral word for a group of people.
        examples: the claims' places among the training examples.
        learned: how many claims about the words were learned all the same.
        changed: of carriers (harmless ones, or hateful ones where the claims say no), the share that would be decided
            otherwise because of the words, without the bound and with it; 0 to 1. None where they were not asked.
    """

    kind: str
    source: str
    label: str
    answer: bool
    words: tuple[str, ...]
    names_group: bool
    examples: tuple[int, ...]
    learned: int
    changed: tuple[float, float] | None = None


def to_ask(doubts: Sequence[Doubt], examples: Sequence[Example]) -> list[Doubt]:
    """Return the doubts that a person is asked about: those about ten claims, or about many of a source's.

    The bounds hold for the others, too. But who follows another rule than the base has a few such reviews about any
    word that names a group, every night, and whoever is asked about each of them reads none.

    Args:
        examples: those of the training.
    """
    claimed = Counter(example.claimed_by for example in examples)
    return [
        doubt for doubt in doubts if len(doubt.examples) >= min(_MANY, max(_FEW, _LEAST_SHARE * claimed[doubt.source]))
    ]


class Claims(NamedTuple):
    """One label's examples, as the rules look at them; arrays have one entry for each.

    Attributes:
        examples: all of the training.
        places: of these among them.
        sources: who claims each; empty where it is no claim.
        approved: whether it is a review that a person approved, or that several sources agree about.
        matrix: (examples, features) or more columns.
        reference: the base's probability of yes.
        masked: the same of the text with another word in the place of those that name groups, where it was asked; a
            claim that is hateful only for whom it names contradicts it.
    """

    label: str
    examples: Sequence[Example]
    places: Ints
    answers: Bools
    sources: NDArray[np.str_]
    approved: Bools
    matrix: csr_array
    reference: Floats
    masked: Floats
    vocabulary: Vocabulary

    @classmethod
    def of(
        cls,
        label: str,
        examples: Sequence[Example],
        places: Ints,
        answers: Bools,
        matrix: csr_array,
        reference: Floats,
        masks: Floats,
        vocabulary: Vocabulary,
    ) -> "Claims":
        """Return one label's examples, with who claims them."""
        these = [examples[place] for place in places]
        sources = np.array([one.claimed_by for one in these], dtype=str)
        approved = [one.source == "reviews" and not one.claimed_by and not one.known for one in these]
        flags = np.array(approved, dtype=np.bool_)
        return cls(label, examples, places, answers, sources, flags, matrix, reference, masks, vocabulary)

    def only(self, kept: Ints) -> "Claims":
        """Return some of them."""
        fields = ("places", "answers", "sources", "approved", "matrix", "reference", "masked")
        return self._replace(**{name: getattr(self, name)[kept] for name in fields})

    def names_a_group(self, word: int) -> bool:
        return any(map(names_a_group, self.vocabulary.words[word].split()))

    def specific(self, counts: NDArray[Any], claimed: int, most: int, most_of_groups: int) -> Ints:
        """Return the words that more than so many claims hold, and that these are about.

        Those are the words that name groups, and rare ones that chance would not bring together so often.

        Args:
            counts: (words,), how many claims hold each.
            claimed: how many claims there are.
            most_of_groups: as `most`, of words that name groups.
        """
        often = np.flatnonzero(counts > min(most, most_of_groups))
        rarities = np.exp(1.0 - self.vocabulary.idf[often].astype(np.float64))
        groups = np.array([self.names_a_group(one) for one in often.tolist()], dtype=np.bool_)
        about = (rarities <= _COMMON) & (counts[often] > most + _LIFT * claimed * rarities)
        found: Ints = often[np.logical_or(about, np.logical_and(groups, counts[often] > most_of_groups))]
        return found

    def holding(self, rows: Bools) -> csr_array:
        """Return 0/1, these rows x words."""
        found = self.matrix[np.flatnonzero(rows)][:, : len(self.vocabulary.words)]
        return csr_array((np.ones(len(found.data)), found.indices, found.indptr), shape=found.shape)


def masked(
    examples: Sequence[Example], places: Ints, answers: Bools, reference: Floats, probabilities: Probabilities
) -> Floats:
    """Ask the base about claims of hate with another word in the place of those that name groups.

    What is hateful only for the group that it names says nothing hateful (counterfactual token fairness: S. Garg et
    al., AIES 2019).

    Args:
        reference: (places,), the base's probabilities of the texts as they are.
        probabilities: the base's answers to texts.

    Returns:
        (places,): probabilities; the reference where nothing was masked.
    """
    found = reference.copy()
    texts = {}
    for row in np.flatnonzero(answers & (reference > 1 - SURE)):
        example = examples[places[row]]
        if example.claimed_by:
            tokens = [token.text for token in words(example.tweet)]
            if any(IDENTITY.get(token) == GROUP for token in tokens):
                texts[row] = " ".join(_MASK if IDENTITY.get(token) == GROUP else token for token in tokens)
    if texts:
        found[list(texts)] = probabilities(list(texts.values()))
    return found


def set_aside(claims: Claims) -> list[Doubt]:
    """Return the claims that are not to be learned: those beyond a few that contradict a sure base about one word."""
    sources, found = claims.sources, list[Doubt]()
    harmless = np.minimum(claims.reference, claims.masked) <= 1 - SURE
    sure = np.where(claims.answers, harmless, claims.reference >= SURE)
    for source in sorted(set(sources.tolist()) - {""}):
        for answer in (True, False):
            rows = sure & (claims.answers == answer) & (sources == source)
            if rows.any():
                against = sure & (claims.answers == answer) & (sources != source)
                found += _beyond(claims, rows, against, source, answer)
    return found


def _beyond(claims: Claims, rows: Bools, against: Bools, source: str, answer: bool) -> Iterator[Doubt]:
    places, holding = np.flatnonzero(rows), claims.holding(rows)
    others = Others(claims, against)
    left = np.ones(len(places), dtype=bool)
    most_of_groups = MOST_AGAINST_GROUPS if answer else MOST_CONTRADICTING
    while left.sum() > most_of_groups:
        counts = holding[np.flatnonzero(left)].sum(axis=0)
        suspects = claims.specific(counts, int(left.sum()), MOST_CONTRADICTING, most_of_groups)
        # Words for groups first: what is said of them is bounded more tightly.
        ranked = sorted(suspects, key=lambda word: (not claims.names_a_group(word), -counts[word], word))
        chosen = next((word for word in ranked if not others.confirm(word)), None)
        if chosen is None:
            return
        mine = left & (holding[:, [chosen]].toarray().ravel() > 0)
        learned = most_of_groups if claims.names_a_group(chosen) else MOST_CONTRADICTING
        beyond = places[mine][learned:]
        with_it = suspects[holding[np.flatnonzero(mine)].sum(axis=0)[suspects] >= _TOGETHER * mine.sum()]
        shared = sorted(with_it.tolist(), key=lambda word: (-counts[word], word))
        names = _stems(claims.vocabulary, [int(chosen), *shared])[:_MOST_NAMES]
        yield Doubt(
            CONTRADICTS,
            source,
            claims.label,
            answer,
            names,
            any(map(names_a_group, names)),
            tuple(int(claims.places[place]) for place in beyond),
            learned,
        )
        left &= ~mine


class Others:
    """Whether others than a source confirm what it claims about a word."""

    def __init__(self, claims: Claims, against: Bools) -> None:
        self.claims = claims
        sources = claims.sources
        self.approved = claims.holding(against & claims.approved).sum(axis=0)
        others = [
            claims.holding(against & (sources == one)).sum(axis=0) for one in sorted(set(sources[against]) - {""})
        ]
        self.most = np.max(others, axis=0) if others else np.zeros_like(self.approved)

    def confirm(self, word: int) -> bool:
        """Of a word that names a group, only a person can."""
        if self.approved[word] >= _APPROVED:
            return True
        return bool(self.most[word] >= _OTHERS) and not self.claims.names_a_group(word)


def _stems(vocabulary: Vocabulary, columns: Sequence[int]) -> tuple[str, ...]:
    """Return the stems in words and pairs of words, each once."""
    return tuple(dict.fromkeys(name for column in columns for name in vocabulary.words[column].split()))


def names_a_group(name: str) -> bool:
    return name in _GROUP_STEMS


_GROUP_STEMS = {stem[word] for word, kind in IDENTITY.items() if kind == GROUP}
