"""Why a tweet is worth a person's time.

Uncertain answers teach most (D. Lewis, W. Gale, A Sequential Algorithm for Training Text Classifiers, SIGIR 1994). Of
words that it has never met, the model cannot even be uncertain; and where a group is named, a wrong yes hurts most.
"""

import math
from typing import NamedTuple

from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import URL, USER, Word, words
from hate_speech_ai.text.word_classes import IDENTITY

NEAR_THRESHOLD = "near_threshold"
UNKNOWN_WORDS = "unknown_words"
IDENTITY_TERM = "identity_term"

#: How far from the threshold an answer is near to it, in logits: at a threshold of 0.4, from 0.20 to 0.64.
NEAR = 1.0

_UNKNOWN_SHARE = 0.3
_MIN_UNKNOWN = 2
_NAMED = 5
_LONGEST_NAMED = 40


class Priority(NamedTuple):
    """What speaks for asking a person.

    Attributes:
        reasons: for each code a sentence.
        score: from 0, where nothing does, to 3; to compare tweets with.
    """

    reasons: dict[str, str]
    score: float


def worth(scorer: Scorer, tweet: str, probability: float) -> Priority:
    """Return the reasons for having a tweet reviewed.

    Each reason adds up to 1: for an answer at the threshold, a text without a known word, a group named in what is
    taken for hate speech.

    Args:
        probability: of hate_speech, by this model.
    """
    threshold = scorer.thresholds[HATE_SPEECH]
    distance = margin(probability, threshold)
    tokens = words(tweet)
    reasons: dict[str, str] = {}
    score = 0.0
    if abs(distance) <= NEAR:
        side = "above" if distance >= 0 else "below"
        reasons[NEAR_THRESHOLD] = f"{abs(distance):.2f} logits {side} the threshold of {threshold:.2f}."
        score += 1 - abs(distance) / NEAR
    spelt = [token for token in dict.fromkeys(tokens) if _is_word(token)]
    unknown = [token.surface for token in spelt if not scorer.knows(token)]
    if len(unknown) >= _MIN_UNKNOWN and len(unknown) >= _UNKNOWN_SHARE * len(spelt):
        reasons[UNKNOWN_WORDS] = f"{len(unknown)} of {len(spelt)} words are unknown to the model: {_name(unknown)}."
        score += len(unknown) / len(spelt)
    groups = list(dict.fromkeys(token.text for token in tokens if token.text in IDENTITY))
    if groups and distance >= -NEAR:
        answer = "the answer is yes" if distance >= 0 else "a yes is near"
        reasons[IDENTITY_TERM] = f"It names a group, and {answer}: {_name(groups)}."
        score += 1 if distance >= 0 else 1 + distance / NEAR
    return Priority(reasons, round(score, 4))


def margin(probability: float, threshold: float) -> float:
    """Return how far a probability lies above a threshold, in logits; both from 0 to 1.

    >>> margin(0.5, 0.5)
    0.0
    """
    return _logit(probability) - _logit(threshold)


def _logit(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(inside / (1 - inside))


def _is_word(token: Word) -> bool:
    return token.text not in (USER, URL) and token.text[0].isalpha()


def _name(words: list[str]) -> str:
    named = ", ".join(word[:_LONGEST_NAMED] for word in words[:_NAMED])
    return f"{named} and {len(words) - _NAMED} more" if len(words) > _NAMED else named
