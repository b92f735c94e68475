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
#: Of a model that has an encoder's weights, so that an older program refuses it.
ENCODER_FORMAT = 4
MAX_BYTES = 256 * 1024 * 1024
_HEADER = "hate_speech_ai"
_ARRAYS = ("words", "patterns", "ngrams", "idf", "weights", "intercepts")
_ENCODER_ARRAYS = ("encoder_weights", "encoder_centre")


# What must be as it was when the model was made.
_EXPECTED = {"cleaning": CLEANING_VERSION, "features": FEATURES_VERSION, "stemmer": STEMMER}


class ArtifactError(ValueError):
    """The bytes are no model that this version of the program can serve; the message says why."""


@dataclass(frozen=True)
class EncoderView:
    """What a model makes of a text's vector: the product of a label's weights and the vector, less its centre.

    Attributes:
        sha256: the name of the encoder that makes the vectors.
        weights: float32 (labels, dimensions), in the order of the labels.
        centre: float32 (dimensions,), the vector of an average harmless text: it adds nothing, as no text does.
    """

    sha256: str
    weights: NDArray[np.float32]
    centre: NDArray[np.float32]


@dataclass(frozen=True)
class Artifact:
    """A model's content.

    Attributes:
        vocabulary: what it counts.
        weights: float16 (labels, features), coefficients in the order of `labels`.
        intercepts: float64 (labels,).
        curves: for each label, how its answers depend on the threshold.
        metadata: whatever else is worth keeping: data fingerprint, library versions, metrics.
        encoder: the second view of a text; None where the model only has the words.
    """

    labels: list[str]
    vocabulary: Vocabulary
    weights: NDArray[np.float16]
    intercepts: NDArray[np.float64]
    curves: dict[str, Curve]
    metadata: dict[str, Any]
    encoder: EncoderView | None = None

    def to_bytes(self) -> bytes:
        vocabulary = self.vocabulary
        header = {
            "format": ENCODER_FORMAT if self.encoder else FORMAT,
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
        if self.encoder:
            header["encoder"] = self.encoder.sha256
            tensors["encoder_weights"] = np.ascontiguousarray(self.encoder.weights)
            tensors["encoder_centre"] = np.ascontiguousarray(self.encoder.centre)
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
                encoder=_encoder(header, tensors),
            )
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise ArtifactError(f"the artifact lacks or garbles {error}") from error
        artifact._check()
        return artifact

    def _check(self) -> None:
        features, labels = len(self.vocabulary), len(self.labels)
        shapes: dict[str, tuple[NDArray[Any], tuple[int, ...], type]] = {
            "idf": (self.vocabulary.idf, (features,), np.float16),
            "weights": (self.weights, (labels, features), np.float16),
            "intercepts": (self.intercepts, (labels,), np.float64),
        }
        if self.encoder:
            dimensions = self.encoder.centre.size
            shapes["encoder_weights"] = (self.encoder.weights, (labels, dimensions), np.float32)
            shapes["encoder_centre"] = (self.encoder.centre, (dimensions,), np.float32)
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


def read_curves(content: bytes) -> dict[str, Curve]:
    """Return the curve of each label of an artifact, without making its vocabulary: that takes many times as long.

    Raises:
        ArtifactError: the content is no artifact, or its curves are impossible.
    """
    header, _ = _read(content)
    try:
        curves = {label: Curve(**curve) for label, curve in header["curves"].items()}
        if not all(curve.is_sound() for curve in curves.values()):
            raise ValueError("a curve that is impossible")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError(f"the artifact lacks or garbles {error}") from error
    return curves


def _encoder(header: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> EncoderView | None:
    if header["format"] != ENCODER_FORMAT:
        return None
    return EncoderView(str(header["encoder"]), *(tensors[name] for name in _ENCODER_ARRAYS))


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
    if (found := header.get("format")) not in (FORMAT, ENCODER_FORMAT):
        raise ArtifactError(f"the artifact's format is {found!r}; this program reads {FORMAT!r} and {ENCODER_FORMAT!r}")
    if missing := [name for name in _ARRAYS if name not in tensors]:
        raise ArtifactError(f"the artifact lacks {', '.join(missing)}")
    return header, tensors
