"""Scoring with the second view: the words' logit, and what the encoder's vector of the text adds to it."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from hate_speech_ai.artifact import Artifact, EncoderView
from hate_speech_ai.encoder.embedder import Embedder, EncoderUnavailable
from hate_speech_ai.encoder.reading import encoder_text
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import Token, Word, tokenize_with_offsets, without

_MAX_REMEMBERED = 4_096
# So often a text is read again to divide the encoder's part among its words.
_MOST_LEFT_OUT = 48


class EncoderScorer(Scorer):
    """A model with both views.

    Raises:
        EncoderUnavailable: the encoder is another than the model was trained with.
    """

    views = ("words", "encoder")
    _read = staticmethod(tokenize_with_offsets)

    def __init__(self, artifact: Artifact, encoder: Embedder) -> None:
        super().__init__(artifact)
        view = view_through(artifact, encoder)
        self._encoder = encoder
        self._weights = view.weights.astype(np.float64)
        self._centre = view.centre.astype(np.float64)
        # By a hash of the text: leaving out a word of a long text changes one of its parts, and not the others.
        self._remembered: dict[bytes, list[float]] = {}

    def logits(self, tweet: str, tokens: Sequence[Token | Word], labels: Sequence[str]) -> list[float]:
        said = super().logits(tweet, tokens, labels)
        added = self.encoder_logits(tweet, tokens)
        return [logit + added[self._columns[label]] for label, logit in zip(labels, said, strict=True)]

    def encoder_logits(self, tweet: str, tokens: Sequence[Token | Word]) -> list[float]:
        """Return what the encoder adds to the logit of each of the model's labels; nothing for a text without words.

        Args:
            tokens: of the text, or of a part of it, as `tokenize_with_offsets` has them.
        """
        read = encoder_text(tweet, [token for token in tokens if isinstance(token, Token)])
        if not read:
            return [0.0] * len(self.labels)
        name = blake2b(read.encode(errors="replace"), digest_size=16).digest()
        if (known := self._remembered.get(name)) is not None:
            return known
        vector = self._encoder.embed([read])[0].astype(np.float64)
        # Not a BLAS, so that another number of labels gives the same sums.
        added: list[float] = np.add.reduce(self._weights * (vector - self._centre), axis=1).tolist()
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[name] = added
        return added

    def divided(self, tweet: str, tokens: Sequence[Token], label: str) -> list[float]:
        """Divide what the encoder adds to a label's logit among the words, by leaving each out.

        A vector is no sum over words. What a word is worth is what is lost without it (occlusion: Li, Monroe, Jurafsky,
        arXiv:1612.08220, 2016); what these leave of the whole, or have too much, is divided equally, so that the parts
        sum to it. Of a text of more than 48 words, neighbours are left out together, and share what is lost.
        """
        column = self._columns[label]
        whole = self.encoder_logits(tweet, tokens)[column]
        step = -(-len(tokens) // _MOST_LEFT_OUT)
        lost: list[float] = []
        for start in range(0, len(tokens), max(step, 1)):
            gone, left = tokens[start : start + step], [*tokens[:start], *tokens[start + step :]]
            share = (whole - self.encoder_logits(without(tweet, gone), left)[column]) / len(gone)
            lost += [share] * len(gone)
        rest = (whole - sum(lost)) / max(len(tokens), 1)
        return [value + rest for value in lost]


def view_through(artifact: Artifact, encoder: Embedder | None) -> EncoderView:
    """Return a model's second view, if this is the encoder that it needs.

    Raises:
        EncoderUnavailable: it is another one, or none; or the model has no such view.
    """
    view = artifact.encoder
    if view is None:
        raise EncoderUnavailable("the model was trained without an encoder")
    if encoder is None or view.sha256 != encoder.sha256 or view.centre.size != encoder.dimensions:
        here = f"the encoder here is {encoder.sha256[:12]}" if encoder else "there is none here"
        raise EncoderUnavailable(
            f"the model needs the encoder {view.sha256[:12]}, and {here}: put back the one that it was trained with, "
            "or train again"
        )
    return view
