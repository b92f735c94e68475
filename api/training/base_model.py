"""The base model of this installation: what serves first, and what every later model is learned on."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from api.reviews import erasure
from hate_speech_ai.artifact import Artifact, ArtifactError, sha256
from hate_speech_ai.encoder.loading import load_encoder
from hate_speech_ai.evaluation.everyday import Everyday, halves, read_everyday
from hate_speech_ai.training.recipe import recipe

# What a base model's file tells of itself, and a model of a night does not.
_STORY = ("metrics", "corpora", "trained_on", "recipe")


@dataclass(frozen=True)
class Base:
    """A base model.

    Attributes:
        content: the bytes of its file.
        sha256: of them.
    """

    artifact: Artifact
    content: bytes
    sha256: str


def load() -> Base | None:
    """Read the base model of the settings; None where models are to be trained from nothing.

    Raises:
        OSError: the file cannot be read.
        ArtifactError: it holds no base model that this version of the program can serve.
    """
    path: Path | None = settings.BASE_MODEL
    if path is None:
        return None
    content = path.read_bytes()
    try:
        artifact = Artifact.from_bytes(content)
    except ArtifactError as error:
        raise ArtifactError(f"{path} cannot be the base model: {error}") from error
    if (artifact.encoder is not None) != (settings.MODEL == "full"):
        views = "looks through an encoder" if artifact.encoder else "has no encoder"
        raise ArtifactError(f"{path} cannot be the base model: it {views}, and MODEL is {settings.MODEL}")
    if missing := [name for name in _STORY if name not in artifact.metadata]:
        raise ArtifactError(f"{path} is a model, but no base model: it does not tell its {', '.join(missing)}")
    return Base(artifact, content, sha256(content))


def made_with(base: Base | None) -> "hashlib._Hash":
    """Return a hash of what besides the rows decides a model.

    Of the base model itself it is the fingerprint: nothing is new to it.
    """
    content = [recipe(_encoder_of(base)), erasure.number_of_erasures(), base.sha256 if base else ""]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode())


def _encoder_of(base: Base | None) -> str:
    """Return the name of the encoder that models are learned with; empty where they have none."""
    if base is not None:
        return base.artifact.encoder.sha256 if base.artifact.encoder else ""
    return load_encoder(settings.ENCODER).sha256 if settings.MODEL == "full" else ""


def everyday() -> tuple[list[Everyday], list[Everyday]]:
    """Return the everyday tweets that thresholds are chosen with, and those that models are examined with."""
    return _everyday(settings.EVERYDAY)


@cache
def _everyday(path: Path) -> tuple[list[Everyday], list[Everyday]]:
    return halves(read_everyday(path))
