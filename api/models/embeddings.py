"""What the encoder made of texts, so that a night asks it only about new ones."""

import hashlib
from collections.abc import Iterable

from django.db import models

_AT_ONCE = 500


class Embeddings(models.QuerySet["Embedding"]):
    """Finds vectors by their texts."""

    def forget(self, tweets: Iterable[str]) -> None:
        """Delete what was made of tweets; where another row has the same one, the next training makes it again."""
        names = sorted(set(map(Embedding.text_name, tweets)))
        for start in range(0, len(names), _AT_ONCE):
            self.filter(text__in=names[start : start + _AT_ONCE]).delete()


class Embedding(models.Model):
    """A text's vector. Whoever forgets the text deletes it; a training deletes those that it does not need."""

    text = models.CharField(max_length=64, help_text="the SHA-256 of the text, in hex")
    encoder = models.CharField(max_length=64, help_text="the name of the encoder, in hex")
    vector = models.BinaryField(help_text="float32, little-endian")

    objects = Embeddings.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["text", "encoder"], name="embedded_once")]

    def __str__(self) -> str:
        return f"the vector of {self.text[:12]}"

    @staticmethod
    def text_name(tweet: str) -> str:
        """Return the name under which a text's vector is kept."""
        return hashlib.sha256(tweet.encode(errors="replace")).hexdigest()
