"""Why a model answered as it did: exact, because the model is linear.

A tweet's score before the sigmoid, its logit, is the intercept plus one product for each n-gram. Each product is given
to the tokens that the n-gram was found in, so that the tokens' contributions and the intercept sum to the logit.
"""

from dataclasses import dataclass

from hate_speech_ai.features import stem
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import Token, read

_LONGEST_SEARCH = 200


@dataclass(frozen=True)
class Contribution:
    """What one token adds to the logit.

    Attributes:
        word: as the model reads it.
        begin, end: its place in the original text, in code points, end exclusive.
        value: above 0 it speaks for the label, below 0 against it.
        known: whether the model knows the word itself, and not only parts of its spelling.
    """

    word: str
    begin: int
    end: int
    value: float
    known: bool


@dataclass(frozen=True)
class Explanation:
    """Attributes:
    label: the question that was answered.
    logit: the score before the sigmoid: `intercept` plus the sum of the contributions.
    intercept: the score of a text without a known n-gram.
    contributions: of every token, in the order of the text.
    flipped_by: the tokens without which the answer would be the opposite, as indices into `contributions`: a smallest
        set that was found by taking away the strongest; empty where no set does it.
    """

    label: str
    logit: float
    intercept: float
    contributions: list[Contribution]
    flipped_by: list[int]


def explain(scorer: Scorer, tweet: str, label: str = HATE_SPEECH) -> Explanation:
    """Explain a model's answer about a tweet.

    Raises:
        KeyError: a label that the model does not answer.
    """
    tokens = read(tweet)
    values = contributions(scorer, tokens, label)
    intercept = scorer.intercept(label)
    known = [scorer.word_feature(stem(token.text)) is not None for token in tokens]
    return Explanation(
        label=label,
        logit=intercept + sum(values),
        intercept=intercept,
        contributions=[
            Contribution(token.text, token.begin, token.end, value, familiar)
            for token, value, familiar in zip(tokens, values, known, strict=True)
        ],
        flipped_by=_flip(scorer, tokens, values, label),
    )


def contributions(scorer: Scorer, tokens: list[Token], label: str = HATE_SPEECH) -> list[float]:
    """What each token adds to the logit.

    An n-gram that stands in several tokens is shared between them: a pair of words by its two words, a word or a
    spelling that comes more than once by its places, a character n-gram by how often each token has it.
    """
    places = _places(scorer, tokens)
    values = [0.0] * len(tokens)
    for feature, product in scorer.products(tokens, label):
        for place in places[feature]:
            values[place] += product / len(places[feature])
    return values


def _places(scorer: Scorer, tokens: list[Token]) -> dict[int | None, list[int]]:
    """The tokens that each feature was found in, as often as it was."""
    places: dict[int | None, list[int]] = {}
    stems = [stem(token.text) for token in tokens]
    for place, token in enumerate(tokens):
        places.setdefault(scorer.word_feature(stems[place]), []).append(place)
        if place + 1 < len(tokens):
            pair = scorer.word_feature(f"{stems[place]} {stems[place + 1]}")
            places.setdefault(pair, []).extend((place, place + 1))
        if token.surface != token.text:
            places.setdefault(scorer.word_feature(token.surface), []).append(place)
        for feature in scorer.char_features(token.text):
            places.setdefault(feature, []).append(place)
    return places


def _flip(scorer: Scorer, tokens: list[Token], values: list[float], label: str) -> list[int]:
    """The fewest tokens, strongest first, whose removal turns the answer; then those that were not needed are put back.

    Removing a token changes the weight of the others, since a text's features are scaled to length one. So each step
    scores the text that is left.
    """
    threshold = scorer.thresholds[label]
    answer = scorer.probability(tokens, label) >= threshold
    if len(tokens) > _LONGEST_SEARCH:
        return []
    removed: list[int] = []
    left = dict(enumerate(values))
    while left:
        strongest = max(left, key=lambda place: left[place] if answer else -left[place])
        if (left[strongest] > 0) != answer or left[strongest] == 0:
            return []
        removed.append(strongest)
        kept = [place for place in range(len(tokens)) if place not in removed]
        rest = [tokens[place] for place in kept]
        if (scorer.probability(rest, label) >= threshold) != answer:
            return _without_needless(scorer, tokens, removed, answer, label)
        left = dict(zip(kept, contributions(scorer, rest, label), strict=True))
    return []


def _without_needless(scorer: Scorer, tokens: list[Token], removed: list[int], answer: bool, label: str) -> list[int]:
    for place in list(removed):
        fewer = [other for other in removed if other != place]
        rest = [token for index, token in enumerate(tokens) if index not in fewer]
        if fewer and (scorer.probability(rest, label) >= scorer.thresholds[label]) != answer:
            removed = fewer
    return sorted(removed)
