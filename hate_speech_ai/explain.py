"""Why a model answered as it did: exact, because the model is linear.

A tweet's score before the sigmoid, its logit, is the intercept plus one summand for each feature. Each summand is given
to the tokens that it was found in, so that the tokens' contributions and the intercept sum to the logit. Where one part
of a long text decides, its tokens have contributions, and the others none.

What an encoder adds is exact as one number, too. It is no sum over words, so it is divided among them by leaving each
out, and a smallest set of words is looked for less far, because each step asks the encoder.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb

from hate_speech_ai.encoder.encoder_scorer import EncoderScorer
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Reading, Scorer, sigmoid
from hate_speech_ai.text import Part, Token, tokenize_with_offsets, without

# All sets of one size are tried where they are so few and have so few tokens to score: those of two of 30 tokens.
_MOST_TRIALS = 500
_MOST_TOKENS_TRIED = 15_000
# To remove tokens one by one, so many are scored, for all labels together: of a tweet of 70, all for one label.
_MOST_TOKENS_REMOVING = 5_000
# The same with an encoder: sets of one of 30 tokens, and so many removed one by one.
_MOST_TRIALS_ENCODED = 30
_MOST_REMOVED_ENCODED = 12


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
            `contributions`; empty where no set was found: the longer the text is and the more labels are explained, the
            shorter is the search. It is a smallest one if it has up to three tokens, in a tweet of up to 30; with an
            encoder, if it has up to two.
        encoder: what the encoder adds to the logit, all contributions together; None for a model without one.
    """

    label: str
    logit: float
    intercept: float
    contributions: list[Contribution]
    part: Part | None
    features: list[tuple[str, float]]
    counterfactual_tokens: list[int]
    encoder: float | None = None


def explain(
    scorer: Scorer, tweet: str, label: str = HATE_SPEECH, *, threshold: float | None = None, features: bool = True
) -> Explanation:
    """Explain a model's answer about a tweet.

    Args:
        threshold: from which probability on the answer is yes; that of the balanced point by default.
        features: whether to list them.

    Raises:
        KeyError: a label that the model does not answer.
    """
    threshold = scorer.thresholds[label] if threshold is None else threshold
    return explain_all(scorer, tweet, {label: threshold}, features=features)[label]


def explain_all(
    scorer: Scorer, tweet: str, thresholds: Mapping[str, float], *, features: bool = True
) -> dict[str, Explanation]:
    """Explain a model's answers about a tweet, in little more time than one of them.

    Args:
        thresholds: of each label to explain, from which probability on the answer is yes.
        features: whether to list them.

    Raises:
        KeyError: a label that the model does not answer.
    """
    tokens = tokenize_with_offsets(tweet)
    known = [scorer.knows(token) for token in tokens]
    search = _Search(scorer, tweet, tokens, thresholds)
    explanations: dict[str, Explanation] = {}
    for label in thresholds:
        reading = search.reading(label)
        values = search.values(label)
        begin, end = reading.part or (0, len(tokens))
        encoder = _encoder_part(scorer, tweet, tokens[begin:end], label)
        explanations[label] = Explanation(
            label=label,
            logit=reading.logit,
            intercept=scorer.intercept(label) - reading.cost,
            contributions=[
                Contribution(token.text, token.begin, token.end, value, is_known)
                for token, value, is_known in zip(tokens, values, known, strict=True)
            ],
            part=reading.part,
            features=_features(scorer, tokens[begin:end], label, encoder) if features else [],
            counterfactual_tokens=search.run(label),
            encoder=encoder,
        )
    return explanations


def contributions(scorer: Scorer, tweet: str, tokens: list[Token], label: str = HATE_SPEECH) -> list[float]:
    """Return what each token adds to the logit of a text that is read as a whole.

    A summand that belongs to several tokens is shared between them: a pair of words by its two words, a word that comes
    more than once by its places.
    """
    values = scorer.divided(tweet, tokens, label) if isinstance(scorer, EncoderScorer) else [0.0] * len(tokens)
    for summand in scorer.summands(tokens, label, by_ngram=False):
        share = summand.value / len(summand.places)
        for place in summand.places:
            values[place] += share
    return values


def _encoder_part(scorer: Scorer, tweet: str, tokens: list[Token], label: str) -> float | None:
    if not isinstance(scorer, EncoderScorer):
        return None
    return scorer.encoder_logits(tweet, tokens)[scorer.labels.index(label)]


def _features(scorer: Scorer, tokens: list[Token], label: str, encoder: float | None) -> list[tuple[str, float]]:
    total: dict[str, float] = {} if encoder is None else {"<encoder>": encoder}
    for summand in scorer.summands(tokens, label):
        total[summand.feature] = total.get(summand.feature, 0.0) + summand.value
    return sorted(total.items(), key=lambda pair: (-abs(pair[1]), pair[0]))


class _Search:
    """For the fewest tokens whose removal turns an answer.

    Removing a token changes the weight of the others, since a text's features are scaled together; and another part of
    a long text may decide then. So each step scores the text that is left. How much is scored does not grow with the
    text or with the number of labels: the longer the text, the fewer steps, and a step is for all labels.
    """

    def __init__(self, scorer: Scorer, tweet: str, tokens: list[Token], thresholds: Mapping[str, float]) -> None:
        self.scorer = scorer
        self.tweet = tweet
        self.tokens = tokens
        self.thresholds = thresholds
        self.most_removed = _MOST_TOKENS_REMOVING // max(1, len(tokens) * len(thresholds))
        self.most_trials = _MOST_TRIALS
        self.is_encoded = isinstance(scorer, EncoderScorer)
        if self.is_encoded:
            self.most_removed = min(self.most_removed, _MOST_REMOVED_ENCODED)
            self.most_trials = _MOST_TRIALS_ENCODED
        self._tried: dict[tuple[int, ...], dict[str, Reading]] = {}

    def reading(self, label: str, removed: Iterable[int] = ()) -> Reading:
        """Return how the text is read without some of its tokens."""
        removed = tuple(sorted(removed))
        if removed not in self._tried:
            text = without(self.tweet, [self.tokens[place] for place in removed])
            readings = self.scorer.readings(text, self._without(removed), list(self.thresholds))
            self._tried[removed] = dict(zip(self.thresholds, readings, strict=True))
        return self._tried[removed][label]

    def values(self, label: str, removed: Iterable[int] = ()) -> list[float]:
        """Return what each token that is left adds to the logit: nothing outside the part that decides."""
        left = self._without(removed)
        begin, end = self.reading(label, removed).part or (0, len(left))
        values = [0.0] * len(left)
        gone = [self.tokens[place] for place in removed] if self.is_encoded else []
        text = without(self.tweet, gone) if gone else self.tweet
        values[begin:end] = contributions(self.scorer, text, left[begin:end], label)
        return values

    def run(self, label: str) -> list[int]:
        """Return the places of the tokens to remove; nothing where it finds none."""
        found = self._strongest_first(label)
        for size in range(1, len(found)):
            trials = comb(len(self.tokens), size)
            if trials <= self.most_trials and trials * len(self.tokens) <= _MOST_TOKENS_TRIED:
                for places in combinations(range(len(self.tokens)), size):
                    if self._flips(label, places):
                        return list(places)
        return self._without_needless(label, found)

    def _strongest_first(self, label: str) -> list[int]:
        sign = 1 if self._answer(label) else -1
        removed: list[int] = []
        left = list(range(len(self.tokens)))
        values = dict(zip(left, self.values(label), strict=True))
        while left and len(removed) < self.most_removed:
            if removed and not self.is_encoded:
                values = dict(zip(left, self.values(label, removed), strict=True))
            place = max(left, key=lambda place: sign * values[place])
            if sign * values[place] <= 0:
                break
            removed.append(place)
            left.remove(place)
            if self._flips(label, removed):
                return removed
        return []

    def _without_needless(self, label: str, removed: list[int]) -> list[int]:
        for place in list(removed):
            fewer = [other for other in removed if other != place]
            if fewer and self._flips(label, fewer):
                removed = fewer
        return sorted(removed)

    def _flips(self, label: str, removed: Iterable[int]) -> bool:
        return self._answer(label, removed) != self._answer(label)

    def _answer(self, label: str, removed: Iterable[int] = ()) -> bool:
        return sigmoid(self.reading(label, removed).logit) >= self.thresholds[label]

    def _without(self, removed: Iterable[int]) -> list[Token]:
        gone = set(removed)
        return [token for place, token in enumerate(self.tokens) if place not in gone]
