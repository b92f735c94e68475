"""An encoder that reads each text once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hate_speech_ai.encoder.embedder import Embedder


class Remembering:
    """An encoder that keeps every vector that it has made, and gives the same ones. Its memory grows with each text."""

    def __init__(self, encoder: Embedder) -> None:
        self.encoder, self.sha256, self.dimensions = encoder, encoder.sha256, encoder.dimensions
        self._known: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        new = sorted({text for text in texts if text not in self._known})
        self._known.update(zip(new, self.encoder.embed(new), strict=True))
        return np.array([self._known[text] for text in texts], np.float32).reshape(len(texts), self.dimensions)
