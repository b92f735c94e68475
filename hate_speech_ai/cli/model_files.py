"""Model files that commands read and write."""

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hate_speech_ai.artifact import MAX_BYTES, Artifact, ArtifactError, sha256
from hate_speech_ai.operating_points import BALANCED
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training.base_model import BASE_MODEL

if TYPE_CHECKING:  # these bring scikit-learn
    pass
from hate_speech_ai.cli.arguments import UsageError


@dataclass(frozen=True)
class Model:
    """A model file that was read.

    Attributes:
        name: as the file was given.
        sha256: of its content, in hex.
        artifact: what the file holds.
        thresholds: for each label, the probability from which the answer is yes at the chosen operating point.
    """

    name: str
    sha256: str
    artifact: Artifact
    scorer: Scorer
    thresholds: dict[str, float]


def load_model(path: Path, option: str = "--model", *, operating_point: str = BALANCED) -> Model:
    """Load a model; raise UsageError if the file is missing or holds no model that this version can serve."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(
                f"{option}: {path} has more than {MAX_BYTES:,} bytes, and so is no model; give another file"
            )
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{option}: {path} cannot be read ({error.strerror}); give a file that `train --output` wrote"
        ) from error
    try:
        artifact = Artifact.from_bytes(content)
    except ArtifactError as error:
        raise UsageError(f"{option}: {path} is no model that this version reads: {error}; train it again") from error
    scorer = Scorer(artifact)
    thresholds = {label: points[operating_point].threshold for label, points in scorer.operating_points.items()}
    return Model(str(path), sha256(content), artifact, scorer, thresholds)


def labels_of(model: Model, wanted: list[str] | None, default: list[str] | None = None) -> list[str]:
    """Return the labels to answer: those wanted, else the default, else all that the model knows.

    Raises UsageError: the model does not answer one of them.
    """
    for label in wanted or []:
        if label not in model.scorer.labels:
            known = ", ".join(model.scorer.labels)
            raise UsageError(f"--label: {model.name} does not answer {label!r}; it answers {known}")
    return list(dict.fromkeys(wanted or default or model.scorer.labels))


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="a model that `train` wrote")


def add_base(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base",
        type=lambda value: None if value == "none" else Path(value),
        default=BASE_MODEL,
        metavar="FILE",
        help="the model to learn on top of (data/base/model.safetensors); none to train from nothing",
    )


def load_base_model(options: argparse.Namespace) -> tuple[Artifact | None, str]:
    """Return the model of `--base` and its SHA-256; None and an empty one where there is none.

    Raises UsageError: the file is missing, or holds no model that this version can serve.
    """
    if options.base is None:
        return None, ""
    model = load_model(options.base, "--base")
    return model.artifact, model.sha256


def refuse_unwritable(path: Path) -> None:
    """Raise UsageError if a model cannot be written there. Ask before minutes go into training."""
    if path.is_dir():
        raise UsageError(f"--output: {path} is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise UsageError(f"--output: there is no folder {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"--output: nothing may be written to {path.parent}; choose another folder")


def write_model(path: Path, content: bytes) -> None:
    """Write a model aside and rename it: whoever reads the file meets the old model or the new one, whole.

    Raises UsageError: it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            partial = Path(folder) / "model"
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
    except OSError as error:
        raise UsageError(f"--output: {path} cannot be written ({error.strerror}); choose another file") from error
