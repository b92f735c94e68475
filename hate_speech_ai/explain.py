"""Why a model answered as it did: exact, because the model is linear.

A tweet's score before the sigmoid, its logit, is the intercept plus one summand for each feature. Each summand is given
to the tokens that it was found in, so that the tokens' contributions and the intercept sum to the logit. Where one part
of a long text decides, its tokens have contributions, and the others none.
"""

from dataclasses import dataclass
from itertools import combinations
from math import comb

from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer, sigmoid
from hate_speech_ai.text import Part, Token, read

_LONGEST_SEARCH = 200
_MOST_TRIALS = 500


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
    """An answer, taken apart into what each token contributes.

    Attributes:
        label: the question that was answered.
        logit: the score before the sigmoid: `intercept` plus the sum of the contributions.
        intercept: the score of a text without a known feature; less the cost of a part, where one decides.
        contributions: of every token, in the order of the text.
        part: of a long text, the tokens of the part that decides, as a range of places in `contributions`; None where
            the whole does.
        features: of every word, pattern and character n-gram that the model knows, the strongest first; the same sum.
        counterfactual_tokens: the tokens without which the answer would be the opposite, as indices into
            `contributions`; empty where no set was found. It is a smallest one if it has up to three tokens, in a
            tweet of up to 30.
    """

    label: str
    logit: float
    intercept: float
    contributions: list[Contribution]
    part: Part | None
    features: list[tuple[str, float]]
    counterfactual_tokens: list[int]


def explain(
    scorer: Scorer, tweet: str, label: str = HATE_SPEECH, *, threshold: float | None = None, features: bool = True
) -> Explanation:
    """Explain a model's answer about a tweet.

    Args:
        threshold: from which probability on the answer is yes; that of the balanced point unless told.
        features: whether to list them.

    Raises:
        KeyError: a label that the model does not answer.
    """
    tokens = read(tweet)
    reading = scorer.decisive(tweet, tokens, label)
    begin, end = reading.part or (0, len(tokens))
    values = [0.0] * len(tokens)
    values[begin:end] = contributions(scorer, tokens[begin:end], label)
    return Explanation(
        label=label,
        logit=reading.logit,
        intercept=scorer.intercept(label) - reading.cost,
        contributions=[
            Contribution(token.text, token.begin, token.end, value, scorer.knows(token))
            for token, value in zip(tokens, values, strict=True)
        ],
        part=reading.part,
        features=_features(scorer, tokens[begin:end], label) if features else [],
        counterfactual_tokens=_Search(scorer, tweet, tokens, label, threshold).run(values),
    )


def contributions(scorer: Scorer, tokens: list[Token], label: str = HATE_SPEECH) -> list[float]:
    """Return what each token adds to the logit of a text that is read as a whole.

    A summand that belongs to several tokens is shared between them: a pair of words by its two words, a word that comes
    more than once by its places.
    """
    values = [0.0] * len(tokens)
    for summand in scorer.summands(tokens, label):
        share = summand.value / len(summand.places)
        for place in summand.places:
            values[place] += share
    return values


def _features(scorer: Scorer, tokens: list[Token], label: str) -> list[tuple[str, float]]:
    total: dict[str, float] = {}
    for summand in scorer.summands(tokens, label):
        total[summand.feature] = total.get(summand.feature, 0.0) + summand.value
    return sorted(total.items(), key=lambda pair: (-abs(pair[1]), pair[0]))


class _Search:
    """For the fewest tokens whose removal turns the answer.

    Removing a token changes the weight of the others, since a text's features are scaled together; and another part of
    a long text may decide then. So each step scores the text that is left.
    """

    def __init__(self, scorer: Scorer, tweet: str, tokens: list[Token], label: str, threshold: float | None) -> None:
        self.scorer = scorer
        self.tweet = tweet
        self.tokens = tokens
        self.label = label
        self.threshold = scorer.thresholds[label] if threshold is None else threshold
        self.answer = self._answer(tokens)

    def run(self, values: list[float]) -> list[int]:
        if len(self.tokens) > _LONGEST_SEARCH:
            return []
        found = self._strongest_first(values)
        for size in range(1, len(found)):
            if comb(len(self.tokens), size) <= _MOST_TRIALS:
                for places in combinations(range(len(self.tokens)), size):
                    if self._flips(places):
                        return list(places)
        return self._without_needless(found)

    def _strongest_first(self, values: list[float]) -> list[int]:
        removed: list[int] = []
        left = dict(enumerate(values))
        while left:
            strongest = max(left, key=lambda place: left[place] if self.answer else -left[place])
            if (left[strongest] > 0) != self.answer or left[strongest] == 0:
                return []
            removed.append(strongest)
            if self._flips(removed):
                return removed
            kept = [place for place in range(len(self.tokens)) if place not in removed]
            left = dict(zip(kept, self._values([self.tokens[place] for place in kept]), strict=True))
        return []

    def _without_needless(self, removed: list[int]) -> list[int]:
        for place in list(removed):
            fewer = [other for other in removed if other != place]
            if fewer and self._flips(fewer):
                removed = fewer
        return sorted(removed)

    def _flips(self, removed: list[int] | tuple[int, ...]) -> bool:
        return self._answer([token for place, token in enumerate(self.tokens) if place not in removed]) != self.answer

    def _answer(self, tokens: list[Token]) -> bool:
        return sigmoid(self.scorer.decisive(self.tweet, tokens, self.label).logit) >= self.threshold

    def _values(self, tokens: list[Token]) -> list[float]:
        begin, end = self.scorer.decisive(self.tweet, tokens, self.label).part or (0, len(tokens))
        values = [0.0] * len(tokens)
        values[begin:end] = contributions(self.scorer, tokens[begin:end], self.label)
        return values
