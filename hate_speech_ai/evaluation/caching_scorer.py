"""A scorer that reads each tweet once, for figures about many labels."""

from collections.abc import Iterable

from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer


class CachingScorer:
    """A scorer for measuring: it reads each tweet once, for all labels, and remembers the answers.

    Its memory grows with each tweet: it is to be made for a measurement, and dropped.

    Attributes:
        labels, thresholds: those of the scorer.
    """

    def __init__(self, scorer: Scorer) -> None:
        self.labels = scorer.labels
        self.thresholds = scorer.thresholds
        self._scorer = scorer
        self._known: dict[str, dict[str, float]] = {}

    def probabilities(self, tweets: Iterable[str], label: str = HATE_SPEECH) -> list[float]:
        """Return the probability of one label for each tweet."""
        return [self._of(tweet)[label] for tweet in tweets]

    def _of(self, tweet: str) -> dict[str, float]:
        if (known := self._known.get(tweet)) is None:
            known = self._known[tweet] = self._scorer.score(tweet, self.labels).probabilities
        return known
