"""The base model, which ships with the repository: what it is made of, and what every later model is learned on.

`data/base/README.md` is its model card; docs/decisions/0015-base-model.md has the reasons.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hate_speech_ai.artifact import Artifact

#: Where the base model lies.
BASE_MODEL = Path(__file__).resolve().parent.parent.parent / "data" / "base" / "model.safetensors"
#: The same with an encoder beside the words.
FULL_BASE_MODEL = BASE_MODEL.with_name("full.safetensors")

#: The corpora that it has learned, besides the starter corpus, in the order in which they are read. Their rows are not
#: in the repository; the model card has their terms.
BASE_CORPORA = (
    "davidson2017",
    "hatexplain",
    "measuring_hate_speech",
    "jigsaw_toxic_sample",
    "gab_hate_corpus",
    "cad",
    "wiki_context_toxicity",
    "dynahate",
)
#: How many features it keeps: with all of them, ROC-AUC is the same; with 280,000, lower by 0.002.
MOST_FEATURES = 350_000


def load_base(path: Path | None = BASE_MODEL) -> Artifact | None:
    """Read a base model; None where there is to be none.

    Raises:
        OSError: the file cannot be read.
        ArtifactError: it holds no model that this version of the program can serve.
    """
    return Artifact.from_bytes(path.read_bytes()) if path else None


def learned_corpora(base: Artifact | None) -> Mapping[str, Any]:
    """Return the names of the corpora that a base model has learned, with their rows."""
    found = base.metadata.get("corpora", {}) if base else {}
    return found if isinstance(found, dict) else {}
