"""Perspective's attributes: labels of ours by LABEL_OF, and any other by its own name in capitals, as HATE_SPEECH."""

from typing import NamedTuple

from api.integrations.perspective.errors import Refused
from api.models import ModelVersion
from api.prediction import active_model
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.labels import LABELS
from hate_speech_ai.recorded_scores import LABEL_OF


class Head(NamedTuple):
    """Who answers an attribute."""

    model: active_model.ActiveModel
    label: str


def find_head(attribute: str) -> Head:
    """The head for an attribute, `TOXICITY` of the model that serves or `TOXICITY@17` of version 17.

    Raises:
        Refused: there is no such attribute, or no such version, or it does not have that head.
    """
    name, pinned, version = attribute.partition("@")
    try:
        model = active_model.pinned(_number(version)) if pinned else active_model.get()
        label = LABEL_OF.get(name) or _own_label(name)
        if label in model.scorer.labels:
            return Head(model, label)
    except (ValueError, ModelVersion.DoesNotExist, ArtifactError):
        pass
    raise _unknown(attribute)


def label_of(attribute: str) -> str:
    """The label that a suggested score is about; a version makes no difference to what people say.

    Raises:
        Refused: there is no such attribute. Unlike POST /add-reviewed-tweet, a new name makes no new label here:
            Perspective has more attributes than we have heads.
    """
    name = attribute.partition("@")[0]
    label = LABEL_OF.get(name) or _own_label(name)
    if label in LABELS or label in active_model.get().scorer.labels:
        return label
    raise _unknown(attribute)


def _own_label(name: str) -> str:
    return name.lower() if name.isupper() else ""


def _number(version: str) -> int:
    """Raises: ValueError: this is no number of a version that the database could hold."""
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise ValueError(version)
    return int(version)


def _unknown(attribute: str) -> Refused:
    return Refused(f"Unknown requested attribute: {attribute[:100]}")
