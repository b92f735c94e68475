"""The encoder that comes with the repository, and the scorer for a model with or without one."""

from functools import cache
from pathlib import Path

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.encoder.embedder import Embedder, Encoder
from hate_speech_ai.encoder.encoder_scorer import EncoderScorer
from hate_speech_ai.scorer import Scorer

#: Where the encoder lies.
ENCODER = Path(__file__).resolve().parent.parent.parent / "data" / "encoder"


@cache
def load_encoder(folder: Path = ENCODER, *, threads: int = 1) -> Encoder:
    """Return the encoder in a folder, which is loaded once.

    Raises:
        EncoderUnavailable: there is none, or what it needs is not installed.
    """
    return Encoder(folder, threads=threads)


def scorer_of(artifact: Artifact, encoder: Embedder | None = None) -> Scorer:
    """Return the scorer of a model.

    Args:
        encoder: that makes its vectors, if it looks at any; the one of the repository, if it is left out.

    Raises:
        EncoderUnavailable: the model needs an encoder that is not here.
    """
    if artifact.encoder is None:
        return Scorer(artifact)
    return EncoderScorer(artifact, encoder or load_encoder())
