"""A trained model as bytes: data, never code.

An artifact is one file in the safetensors format: numeric arrays, the vocabulary as text, and a JSON header that tells
the model's story. Reading one executes nothing, and the same model always gives the same bytes.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from hate_speech_ai.features import FEATURES_VERSION, STEMMER
from hate_speech_ai.labels import HATE_SPEECH, is_label_name
from hate_speech_ai.operating_points import Curve
from hate_speech_ai.text import CLEANING_VERSION
from hate_speech_ai.vocabulary import Vocabulary, pack, unpack

FORMAT = 3
MAX_BYTES = 256 * 1024 * 1024
_HEADER = "hate_speech_ai"
_ARRAYS = ("words", "patterns", "ngrams", "idf", "weights", "intercepts")


# What must be as it was when the model was made.
_EXPECTED = {"format": FORMAT, "cleaning": CLEANING_VERSION, "features": FEATURES_VERSION, "stemmer": STEMMER}


class ArtifactError(ValueError):
    """The bytes are no model that this version of the program can serve; the message says why."""


@dataclass(frozen=True)
class Artifact:
    """A model's content.

    Attributes:
        vocabulary: what it counts.
        weights: float16 (labels, features), coefficients in the order of `labels`.
        intercepts: float64 (labels,).
        curves: for each label, how its answers depend on the threshold.
        metadata: whatever else is worth keeping: data fingerprint, library versions, metrics.
    """

    labels: list[str]
    vocabulary: Vocabulary
    weights: NDArray[np.float16]
    intercepts: NDArray[np.float64]
    curves: dict[str, Curve]
    metadata: dict[str, Any]

    def to_bytes(self) -> bytes:
        vocabulary = self.vocabulary
        header = {
            "format": FORMAT,
            "cleaning": CLEANING_VERSION,
            "features": FEATURES_VERSION,
            "stemmer": STEMMER,
            "labels": self.labels,
            "unknown_idf": vocabulary.unknown_idf,
            "tweets": vocabulary.tweets,
            "curves": {label: curve.as_dict() for label, curve in self.curves.items()},
            "metadata": self.metadata,
        }
        tensors: dict[str, NDArray[Any]] = {
            "words": pack(vocabulary.words),
            "patterns": pack(vocabulary.patterns),
            "ngrams": pack(vocabulary.ngrams),
            "idf": np.ascontiguousarray(vocabulary.idf),
            "weights": np.ascontiguousarray(self.weights),  # safetensors writes the memory as it lies
            "intercepts": np.ascontiguousarray(self.intercepts),
        }
        # One metadata key: with several, safetensors writes them in random order.
        return save(tensors, metadata={_HEADER: json.dumps(header, sort_keys=True)})

    @classmethod
    def from_bytes(cls, content: bytes) -> "Artifact":
        """Read and check an artifact.

        Raises:
            ArtifactError: truncated or altered content, another format, cleaning or stemmer, impossible numbers.
        """
        if len(content) > MAX_BYTES:
            raise ArtifactError(f"the artifact has {len(content):,} bytes; at most {MAX_BYTES:,} are read")
        header, tensors = _read(content)
        for name, expected in _EXPECTED.items():
            if header.get(name) != expected:
                raise ArtifactError(f"the artifact's {name} is {header.get(name)!r}; this program reads {expected!r}")
        try:
            artifact = cls(
                labels=list(header["labels"]),
                vocabulary=Vocabulary(
                    unpack(tensors["words"]),
                    unpack(tensors["patterns"]),
                    unpack(tensors["ngrams"]),
                    tensors["idf"],
                    float(header["unknown_idf"]),
                    int(header["tweets"]),
                ),
                weights=tensors["weights"],
                intercepts=tensors["intercepts"],
                curves={label: Curve(**curve) for label, curve in header["curves"].items()},
                metadata=dict(header["metadata"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise ArtifactError(f"the artifact lacks or garbles {error}") from error
        artifact._check()
        return artifact

    def _check(self) -> None:
        features = len(self.vocabulary)
        shapes: dict[str, tuple[NDArray[Any], tuple[int, ...], type]] = {
            "idf": (self.vocabulary.idf, (features,), np.float16),
            "weights": (self.weights, (len(self.labels), features), np.float16),
            "intercepts": (self.intercepts, (len(self.labels),), np.float64),
        }
        if not features or HATE_SPEECH not in self.labels:
            raise ArtifactError("the artifact has no vocabulary, or does not answer hate_speech")
        for name, (array, shape, kind) in shapes.items():
            if array.shape != shape or array.dtype != kind:
                raise ArtifactError(f"the artifact's {name} are {array.dtype}{array.shape}, not {kind.__name__}{shape}")
            if not np.isfinite(array).all():
                raise ArtifactError(f"the artifact's {name} are not all finite numbers")
        if not (self.vocabulary.idf > 0).all() or not 0 < self.vocabulary.unknown_idf < 1_000:
            raise ArtifactError("the artifact's idf are not all above 0")
        if self.vocabulary.tweets < 1:
            raise ArtifactError("the artifact's vocabulary was counted in no tweet")
        if not all(isinstance(label, str) and is_label_name(label) for label in self.labels):
            raise ArtifactError("the artifact's labels are not label names")
        for label in self.labels:
            if label not in self.curves or not self.curves[label].is_sound():
                raise ArtifactError(f"the artifact's curve of {label} is missing or impossible")


def sha256(content: bytes) -> str:
    """Return the name under which an artifact is stored and checked: the SHA-256 of its bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def _read(content: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    try:
        tensors = load(content)
        # The format: eight bytes of length, then a JSON object. `load` has just checked both.
        length = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_HEADER])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactError(f"the content is not an artifact: {error}") from error
    if not isinstance(header, dict):
        raise ArtifactError("the artifact's header is not an object")
    if (found := header.get("format")) not in (FORMAT, None):
        raise ArtifactError(f"the artifact's format is {found!r}; this program reads {FORMAT!r}")
    if missing := [name for name in _ARRAYS if name not in tensors]:
        raise ArtifactError(f"the artifact lacks {', '.join(missing)}")
    return header, tensors
