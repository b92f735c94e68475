"""Perspective's attributes: labels of ours by LABEL_OF, and any other by its own name in capitals, as HATE_SPEECH."""

from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings

from api.integrations.perspective.errors import PerspectiveError
from api.models import ModelVersion
from api.prediction import active_model, predicting
from api.prediction.loading import LoadedModel
from api.prediction.predicting import Chosen
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.evaluation.perspective_scores import LABEL_OF
from hate_speech_ai.labels import LABELS

_EXPERIMENTAL = (
    *("AFFINITY", "ALIENATION", "COMPASSION", "CURIOSITY", "FEARMONGERING", "GENERALIZATION", "IDENTITY_ATTACK"),
    *("INSULT", "MORAL_OUTRAGE", "NUANCE", "PERSONAL_STORY", "POWER_APPEAL", "PROFANITY", "REASONING", "RESPECT"),
    *("SCAPEGOATING", "SEVERE_TOXICITY", "THREAT", "TOXICITY"),
)
#: The attributes of Perspective's documentation that no label of ours asks. A model may have learned one by its name.
OTHERS = frozenset(
    (
        *("ATTACK_ON_AUTHOR", "ATTACK_ON_COMMENTER", "FLIRTATION", "INCOHERENT", "INFLAMMATORY", "LIKELY_TO_REJECT"),
        *("OBSCENE", "SEXUALLY_EXPLICIT", "SPAM", "TOXICITY_FAST", "UNSUBSTANTIAL"),
        *(f"{name}_EXPERIMENTAL" for name in _EXPERIMENTAL),
    )
)


#: A model version's number, and a label that it answers: equal ones have equal scores.
Place = tuple[int, str]


class Head(NamedTuple):
    """Who answers an attribute."""

    chosen: Chosen
    label: str

    @property
    def place(self) -> Place:
        return self.model.version, self.label

    @property
    def model(self) -> LoadedModel:
        return self.chosen.model


def dropped(attributes: Iterable[str]) -> set[str]:
    """Return those of the attributes that are left out of the answer, as the setting says.

    An attribute that no documentation names is a mistake, and stays one; so does a version that is asked by its number.
    And where nothing would be left, nothing is left out: who asks for FLIRTATION alone must not take silence for a no.

    Raises:
        ModelNotReady: there is no model yet.
    """
    asked = set(attributes)
    others = asked & OTHERS if settings.DROP_UNSUPPORTED_ATTRIBUTES else set()
    found = {name for name in others if _own_label(name) not in active_model.get().scorer.labels}
    return found if found < asked else set()


def find_head(attribute: str) -> Head:
    """Return the head for an attribute, `TOXICITY` of the model that serves or `TOXICITY@17` of version 17.

    Raises:
        PerspectiveError: there is no such attribute, or no such version, or it does not have that head.
    """
    name, pinned, version = attribute.partition("@")
    try:
        chosen = predicting.numbered(_number(version)) if pinned else predicting.serving()
        label = LABEL_OF.get(name) or _own_label(name)
        if label in chosen.model.scorer.labels:
            return Head(chosen, label)
    except (ValueError, ModelVersion.DoesNotExist, ArtifactError):
        pass
    raise _unknown(attribute)


def versions_of(attributes: Iterable[str]) -> int:
    """Return how many model versions attributes ask, before any is loaded."""
    return len({attribute.partition("@")[2] for attribute in attributes})


def label_of(attribute: str) -> str:
    """Return the label that a suggested score is about; a version makes no difference to what people say.

    Raises:
        PerspectiveError: there is no such attribute. Unlike POST /add-reviewed-tweet, a new name makes no new label
            here: Perspective has more attributes than we have heads.
    """
    name = attribute.partition("@")[0]
    label = LABEL_OF.get(name) or _own_label(name)
    if label in LABELS or label in active_model.get().scorer.labels:
        return label
    raise _unknown(attribute)


def _own_label(name: str) -> str:
    return name.lower() if name.isupper() else ""


def _number(version: str) -> int:
    """Return the version's number; raise ValueError unless the database could hold it."""
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise ValueError(version)
    return int(version)


def _unknown(attribute: str) -> PerspectiveError:
    return PerspectiveError(f"Unknown requested attribute: {attribute[:100]}")
