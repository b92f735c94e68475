"""The numbers of a fine-tuning."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.training.examples import Example

#: Labels of which there are few examples, or none too many.
RARE = (HATE_SPEECH, "severe_toxic", "threat", "identity_hate")


@dataclass(frozen=True)
class Recipe:
    """How the encoder is fine-tuned.

    Attributes:
        epochs: how often it sees each text.
        batch: texts at once.
        longest: word pieces of a text that are read.
        rate, head_rate, intercept_rate: the highest learning rates: of the encoder, of what stands on it, and of the
            intercept of each corpus.
        warm_up: steps until the rate is at its highest; from there it falls in a line to nothing.
        decay: AdamW's weight decay (Loshchilov and Hutter 2019).
        misspelt: the share of texts in which a word is misspelt.
        label_weights: how much the other labels' losses count, where that of hate speech counts 1.
        shares: corpus -> how many of its texts are read that have none of `RARE`; all of those that have one.
        seed: of the order and of what is chosen.
    """

    epochs: int = 1
    batch: int = 32
    longest: int = 40
    rate: float = 6e-5
    head_rate: float = 1e-3
    intercept_rate: float = 1e-2
    warm_up: int = 200
    decay: float = 0.01
    misspelt: float = 0.08
    label_weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "toxic": 0.5,
            "severe_toxic": 0.2,
            "obscene": 0.2,
            "threat": 0.3,
            "insult": 0.3,
            "identity_hate": 0.3,
        }
    )
    shares: Mapping[str, float] = field(
        default_factory=lambda: {
            "measuring_hate_speech": 0.3,
            "davidson2017": 0.3,
            "cad": 0.35,
            "jigsaw_toxic_sample": 0.35,
            "wiki_context_toxicity": 0.05,
        }
    )
    seed: int = 0

    def weight_of(self, label: str) -> float:
        """Return how much a label's loss counts."""
        return 1.0 if label == HATE_SPEECH else self.label_weights.get(label, 0.2)

    def share_of(self, example: Example) -> float:
        """Return the chance that an example is read."""
        return 1.0 if any(example.labels.get(label) for label in RARE) else self.shares.get(example.source, 1.0)
