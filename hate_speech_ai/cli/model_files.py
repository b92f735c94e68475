"""Model files that commands read and write."""

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hate_speech_ai.artifact import MAX_BYTES, Artifact, ArtifactError, sha256
from hate_speech_ai.cli.arguments import UsageError
from hate_speech_ai.encoder.embedder import Encoder, EncoderUnavailable
from hate_speech_ai.encoder.loading import ENCODER, load_encoder, scorer_of
from hate_speech_ai.operating_points import BALANCED
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training.base_model import BASE_MODEL, FULL_BASE_MODEL


@dataclass(frozen=True)
class Model:
    """A model file that was read.

    Attributes:
        name: as the file was given.
        sha256: of its content, in hex.
        artifact: what the file holds.
        encoder: that it looks through; None where it only has the words.
        thresholds: for each label, the probability from which the answer is yes at the chosen operating point.
    """

    name: str
    sha256: str
    artifact: Artifact
    encoder: Encoder | None
    scorer: Scorer
    thresholds: dict[str, float]


def load_model(
    path: Path, option: str = "--model", *, operating_point: str = BALANCED, encoder: Path = ENCODER
) -> Model:
    """Load a model, with its encoder if it looks through one.

    Raises UsageError: the file is missing or holds no model that this version can serve, or its encoder is not there.
    """
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
    try:
        found = load_encoder(encoder) if artifact.encoder else None
        scorer = scorer_of(artifact, found)
    except EncoderUnavailable as error:
        raise UsageError(f"{option}: {path} cannot be asked: {error}") from error
    thresholds = {label: points[operating_point].threshold for label, points in scorer.operating_points.items()}
    return Model(str(path), sha256(content), artifact, found, scorer, thresholds)


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
    add_encoder(parser)


def add_encoder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--encoder", type=Path, default=ENCODER, metavar="FOLDER", help="of a model that has one (data/encoder)"
    )


def add_base(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base",
        type=lambda value: None if value == "none" else Path(value),
        default=BASE_MODEL,
        metavar="FILE",
        help="the model to learn on top of (data/base/model.safetensors); none to train from nothing",
    )
    add_full(parser)


def add_full(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--full", action="store_true", help="look through the encoder, too; the base is data/base/full.safetensors"
    )
    add_encoder(parser)


def load_base_model(options: argparse.Namespace) -> tuple[Artifact | None, str, Encoder | None]:
    """Return the model of `--base`, its SHA-256 and the encoder to learn with; None and empty where there is none.

    Raises UsageError: a file is missing, or holds no model that this version can serve.
    """
    if options.base is None:
        return None, "", encoder_of(options)
    model = load_model(
        FULL_BASE_MODEL if options.full and options.base == BASE_MODEL else options.base,
        "--base",
        encoder=options.encoder,
    )
    if options.full and model.encoder is None:
        raise UsageError(f"--full: {model.name} has no encoder to learn on top of; give another --base, or none")
    return model.artifact, model.sha256, model.encoder


def encoder_of(options: argparse.Namespace) -> Encoder | None:
    """Return the encoder of `--encoder` where `--full` asks for it. Raises UsageError: it is not there."""
    try:
        return load_encoder(options.encoder, threads=os.cpu_count() or 1) if options.full else None
    except EncoderUnavailable as error:
        raise UsageError(f"--encoder: {error}") from error


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
