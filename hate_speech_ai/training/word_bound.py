"""The bound on what a source alone teaches about a word: the second rule of `training/influence.py`."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit

from hate_speech_ai.features import ngrams, stem
from hate_speech_ai.text import URL, USER, words
from hate_speech_ai.text.identity_terms import GROUPS
from hate_speech_ai.text.word_classes import GROUP
from hate_speech_ai.training.carriers import HARMLESS, HATEFUL
from hate_speech_ai.training.influence import MOST_CONTRADICTING, MOVES, Claims, Doubt, Others, names_a_group
from hate_speech_ai.training.passages import ALWAYS_TOGETHER, distinct, passage

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Read = Callable[[Sequence[str]], csr_array]

# Fewer claims than these about a word do not move it far.
_FEWEST = 3
_MOST_WORDS = 12
# In logits, of a word in a short text: less changes hardly a decision.
_SMALL = 0.2
_SHORT = 12.0  # the length of a short text's block of words, before it is scaled
# Half of what is promised, because the promise is about other people's sentences.
_MOST_CHANGED = 0.05
# In logits, how far from the threshold carriers stay. Little for a word in sentences that the base suspects, as those
# around a slur are, and for a few corrections of what it suspects: a wide margin takes back most of what they teach.
# What is left are names and pass phrases, and neither has to be taught. Our hateful carriers are plainer than what is
# caught in practice, a tenth of which is within 0.8 of the threshold: so theirs is the widest.
_NARROW, _WIDE, _WIDEST = 0.1, 0.4, 1.0
_SUSPECT = 0.08
_PASSES = 3
# With fewer, a share says little.
_FEWEST_CARRIERS = 8
# Of the texts of two words, those that have both, where the words are one topic.
_TOGETHER = 0.5
_LOOK_AT = 10


def bound(
    claims: Claims,
    *,
    base: Floats,
    learned: Floats,
    intercepts: tuple[float, float],
    threshold: float,
    agrees: tuple[float, float],
    read: Read,
) -> tuple[Floats, list[Doubt]]:
    """Take back what claims teach about single words beyond the bound.

    Args:
        base, learned: (features,), coefficients, and behind them those of the encoder, which belong to no word; those
            that the base does not have are 0 in it.
        intercepts: of both.
        threshold: the probability from which the base's answer is yes.
        agrees: the probabilities below which the base agrees with a no, and from which with a yes.
        read: returns the features of texts, (texts, features).

    Returns:
        The coefficients, and what was taken back.
    """
    topics = [topic for answer in (True, False) for topic in _topics(claims, base, learned, answer, agrees[answer])]
    if not topics:
        return learned, []
    cut = float(np.log(threshold / (1 - threshold)))
    probes = list(_probes(topics, read, base, intercepts, cut))
    before = [probe.changed(learned) for probe in probes]
    bounded, is_taken = learned, np.zeros(len(topics), dtype=np.bool_)
    for _ in range(_PASSES):
        over = [number for number, probe in enumerate(probes) if probe.changed(bounded).sum() > probe.allowed]
        if not over:
            break
        for number in over:
            own = topics[number].own
            bounded = bounded - own * (bounded - base) * (1.0 - probes[number].step(bounded, own * (bounded - base)))
            is_taken[number] = True
    return bounded, [
        topics[number].doubt(claims.label, (_share(before[number]), _share(probes[number].changed(bounded))))
        for number in np.flatnonzero(is_taken)
    ]


class _Topic(NamedTuple):
    """Words that a source's claims are about.

    Attributes:
        words: their stems.
        texts: what carriers carry, each by itself: the words, and the passage that they stand in; or words of a class.
        own: (features and the encoder's,), 1 where a feature is one of theirs, and else 0.
        looks_honest: so far as the claims tell: the base suspects their sentences, or they are a few corrections.
    """

    source: str
    answer: bool
    words: tuple[str, ...]
    texts: tuple[str, ...]
    examples: tuple[int, ...]
    own: Floats
    looks_honest: bool

    def doubt(self, label: str, changed: tuple[float, float]) -> Doubt:
        names_group = any(name == GROUP or names_a_group(name) for name in self.words)
        return Doubt(
            MOVES, self.source, label, self.answer, self.words, names_group, self.examples, len(self.examples), changed
        )


class _Probe(NamedTuple):
    """Carriers of a topic's words.

    Attributes:
        features: (carriers, features).
        sign: 1 where none is to reach the threshold, -1 where none is to fall below it.
        decided: by the base, otherwise than the carrier should be, words or not: these count for nobody.
        allowed: how many may change.
        margin: in logits, between the bound and the threshold.
    """

    features: csr_array
    sign: int
    cut: float
    intercept: float
    decided: Bools
    allowed: int
    margin: float

    def changed(self, coefficients: Floats) -> Bools:
        beyond = self.sign * (self.features @ coefficients + self.intercept - self.cut)
        found: Bools = np.logical_and(beyond > 0, ~self.decided)
        return found

    def step(self, coefficients: Floats, own: Floats) -> float:
        """Return which share, 0 to 1, of what the words' own features add may stay."""
        part = self.sign * (self.features @ own)
        rest = self.sign * (self.features @ coefficients + self.intercept - self.cut) - part
        room = np.where(
            part > 0, (-self.margin - rest) / np.maximum(part, 1e-9), np.where(rest > -self.margin, -np.inf, np.inf)
        )
        crossings = np.sort(room[~self.decided])
        return float(np.clip(crossings[self.allowed], 0.0, 1.0)) if len(crossings) > self.allowed else 1.0


def _topics(claims: Claims, base: Floats, learned: Floats, answer: bool, cut: float) -> Iterator[_Topic]:
    """Yield what each source's claims move most, of those that the base does not agree with."""
    against = (claims.answers == answer) & ((claims.reference >= cut) != answer)
    sources, vocabulary = claims.sources, claims.vocabulary
    size, moved = len(vocabulary.words), learned - base
    push = moved[:size] * vocabulary.idf[:size].astype(np.float64) / _SHORT * (1 if answer else -1)
    for source in sorted(set(sources[against].tolist()) - {""}):
        rows = against & (sources == source)
        if rows.sum() < _FEWEST:
            continue
        places, holding = np.flatnonzero(rows), claims.holding(rows)
        counts = holding.sum(axis=0)
        specific = claims.specific(counts, len(places), _FEWEST - 1, _FEWEST - 1)
        often = np.flatnonzero(counts >= _FEWEST).tolist()
        known = np.array([one for one in often if _is_word(vocabulary.words[one])], dtype=np.int64)
        is_specific = np.isin(known, specific)
        suspects = known[is_specific & (push[known] >= _SMALL)]
        suspects = suspects[np.argsort(-push[suspects], kind="stable")][:_MOST_WORDS]
        others = Others(claims, against & ~rows)
        met = holding[:, known]
        sizes = met.sum(axis=0)
        # Most texts have some common words: these count where nearly all claims have them, as parts of a phrase.
        enough = np.where(is_specific, _TOGETHER, ALWAYS_TOGETHER)
        both = (holding[:, suspects].T @ met).toarray()
        found: set[tuple[int, ...]] = set()
        for word, beside in zip(suspects.tolist(), both, strict=True):
            if not others.confirm(word):
                # Each in most texts of the other: a slur stands beside each word of the sentences that attack with it.
                together = beside >= enough * np.maximum(sizes, sizes[known == word])
                if answer and _is_suspected(claims, places[met[:, known == word].toarray().ravel() > 0]):
                    # What else always stands in an attack makes it one: of its words, only new ones may be a name.
                    together &= base[known] == 0
                found |= {(word,), tuple(known[together].tolist())} - {()}
        for columns in sorted(found):
            mine = holding[:, list(columns)].sum(axis=1) > 0
            names = tuple(vocabulary.words[one] for one in columns)
            yield _topic(claims, source, answer, names, places[mine], len(moved))
        yield from _groups(claims, source, answer, places, moved)


def _groups(claims: Claims, source: str, answer: bool, places: Ints, moved: Floats) -> Iterator[_Topic]:
    """Yield what the claims say about groups as a class: models see the words for all groups as one, too."""
    vocabulary = claims.vocabulary
    first = len(vocabulary.words)
    columns = np.unique(claims.matrix[places].indices)
    columns = columns[(columns >= first) & (columns < first + len(vocabulary.patterns))]
    columns = np.array([one for one in columns if GROUP in vocabulary.patterns[one - first]], dtype=np.int64)
    mine = np.asarray(claims.matrix[places][:, columns].sum(axis=1)) > 0
    if mine.sum() >= _FEWEST and np.abs(moved[columns]).max() > 0:
        own = np.zeros(len(moved))
        own[columns] = 1.0
        examples = tuple(claims.places[places[mine]].tolist())
        yield _Topic(
            source, answer, (GROUP,), tuple(max(terms) for terms in GROUPS.values()), examples, own, looks_honest=False
        )


def _topic(claims: Claims, source: str, answer: bool, names: tuple[str, ...], places: Ints, width: int) -> _Topic:
    written = _written(claims, names, places, whole=not answer)
    # Not what stands beside the words in a passage: common words belong to nobody.
    spelt = {gram for text in written for word in text.split() if stem[word] in names for gram in ngrams(word)}
    stems, names_group = set(names), any(map(names_a_group, names))
    own = np.zeros(width)
    known, patterns, grams = claims.vocabulary.blocks
    first, second = len(known), len(known) + len(patterns)
    for column in np.unique(claims.matrix[places].indices):
        if column < first:
            own[column] = not stems.isdisjoint(known[column].split())
        elif column < second:
            own[column] = names_group and GROUP in patterns[column - first]
        elif column < len(claims.vocabulary):
            own[column] = grams[column - second] in spelt
    is_few = len(places) <= MOST_CONTRADICTING
    looks_honest = _is_suspected(claims, places) and not names_group if answer else is_few
    return _Topic(source, answer, names, written, tuple(claims.places[places].tolist()), own, looks_honest)


def _is_suspected(claims: Claims, places: Ints) -> bool:
    return float(np.median(claims.reference[places])) >= _SUSPECT


def _written(claims: Claims, names: tuple[str, ...], places: Ints, *, whole: bool) -> tuple[str, ...]:
    """Return how claims write the words: all of them, as one claim has them; and the longest passage around one.

    Args:
        whole: whether to return a passage: that of claims of hate is hateful for more than the words.
    """
    texts = [[token.text for token in words(claims.examples[claims.places[one]].tweet)] for one in places[:_LOOK_AT]]
    found = [max((distinct(text, names) for text in texts), key=len)]
    if whole:
        found.append(max((passage(texts, name) for name in names), key=len))
    return tuple(dict.fromkeys(" ".join(one or names) for one in found))


def _probes(
    topics: Sequence[_Topic], read: Read, base: Floats, intercepts: tuple[float, float], cut: float
) -> Iterator[_Probe]:
    """Yield each topic's carriers. All are read at once: most of the time goes into looking up the vocabulary."""
    carried = [
        [carrier.format(text) for text in topic.texts for carrier in HARMLESS]
        if topic.answer
        else [f"{carrier} {text}" for text in topic.texts for carrier in HATEFUL]
        for topic in topics
    ]
    alone = [text for topic in topics for text in topic.texts]
    features = read([*HATEFUL, *alone, *chain.from_iterable(carried)])
    missed = features[: len(HATEFUL)] @ base + intercepts[0] < cut
    first = len(HATEFUL) + len(alone)
    by_base = iter(expit(features[len(HATEFUL) : first] @ base + intercepts[0]).tolist())
    for topic, texts in zip(topics, carried, strict=True):
        margin = _margin(topic, is_suspect=max([next(by_base) for _ in topic.texts]) >= _SUSPECT)
        part = features[first : first + len(texts)]
        first += len(texts)
        said = part @ base + intercepts[0] >= cut
        decided = said if topic.answer else np.tile(missed, len(topic.texts)) | ~said
        asked = int((~decided).sum())
        allowed = int(_MOST_CHANGED * asked) if asked >= _FEWEST_CARRIERS else asked
        yield _Probe(part, 1 if topic.answer else -1, cut, intercepts[1], decided, allowed, margin)


def _margin(topic: _Topic, *, is_suspect: bool) -> float:
    """Return how far from the threshold a topic's carriers stay, in logits.

    Args:
        is_suspect: whether the base suspects the words by themselves: then claims of "no" may correct it.
    """
    if topic.answer:
        return _NARROW if topic.looks_honest else _WIDE
    return _NARROW if topic.looks_honest and is_suspect else _WIDEST


def _share(changed: Bools) -> float:
    return round(float(changed.mean()), 4)


def _is_word(name: str) -> bool:
    return " " not in name and name not in (USER, URL)
