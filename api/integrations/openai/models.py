"""The models that can be asked, as OpenAI lists its own."""

from datetime import datetime
from typing import Any

from api.integrations.openai.moderation import asks_what_serves, no_such_model, version_in
from api.models import ModelVersion
from api.prediction import active_model

#: The name that OpenAI's clients send where they are told none; the model that serves answers to it.
LATEST = "omni-moderation-latest"
OWNER = "hate-speech-detection"


def list_models() -> dict[str, Any]:
    """Return the list: the model that serves by OpenAI's name for it, and every version that can be asked.

    Raises:
        ModelNotReady: none is loaded yet.
    """
    versions = ModelVersion.objects.filter(retired_reason="").order_by("-pk").values_list("pk", "created_at")
    numbered = [_model(f"hate-speech-{number}", made_at) for number, made_at in versions]
    return {"object": "list", "data": [find_model(LATEST), *numbered]}


def find_model(name: str) -> dict[str, Any]:
    """Return one model by any name that moderations take. To name a version does not load it.

    Raises:
        ModelNotFound: there is no such model, or it is retired.
        ModelNotReady: none is loaded yet.
    """
    if asks_what_serves(name):
        return _model(name, active_model.get().trained_at)
    version = ModelVersion.objects.filter(pk=version_in(name)).first()
    if version is None or version.retired_reason:
        raise no_such_model(name, f"it is retired ({version.retired_reason})" if version else "")
    return _model(name, version.created_at)


def _model(name: str, made_at: datetime) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": int(made_at.timestamp()), "owned_by": OWNER}
