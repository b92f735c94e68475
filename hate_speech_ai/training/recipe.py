"""What besides the rows decides the bytes of an artifact: the numbers of the training, and the libraries.

docs/decisions/0006-classifier.md and 0015-base-model.md have the figures that chose them. Without scikit-learn, so that
whoever only asks for the recipe starts in a moment.
"""

import platform
from importlib.metadata import version
from typing import Any

from hate_speech_ai.features import FEATURES_VERSION, STEMMER
from hate_speech_ai.text import CLEANING_VERSION

FOLDS = 3
#: On top of a base, whose weights each fold has to lean on.
FOLDS_ON_BASE = 2
#: All core rows together count as this share of the others, as far as one of them need not count more than the most.
CORE_SHARE = 0.65
MOST_WEIGHT = 8.0
#: Of the naive Bayes weights: what an unseen feature counts, and how much of the weight is used.
SMOOTHING = 0.1
NB_POWER = 0.5
#: The prior's precision: of an n-gram, because spelling shall say less than words; of what a source's tweets have in
#: common; and of an intercept.
NGRAM_PRECISION = 2.0
SOURCE_PRECISION = 1.0
INTERCEPT_PRECISION = 0.01

#: On top of a base model, how much an error on a row counts: of a review, of an imported corpus, of one that the base
#: has learned as well, and of the rows that hold the model where the base is.
REVIEW_WEIGHT = 8.0
CORPUS_WEIGHT = 0.25
LEARNED_CORPUS_WEIGHT = 0.05
KNOWN_WEIGHT = 2.0
#: The prior's precision: of the base's features, of what a source's tweets have in common, and of the intercept.
BASE_PRECISION = 0.3
BASE_SOURCE_PRECISION = 6.0
BASE_INTERCEPT_PRECISION = 1_000.0

#: Of a model with an encoder: what its vectors are multiplied by before they are learned from, and the prior's
#: precision of their weights, from nothing and on top of a base. From nothing, the prior of the words beside it is this
#: many times as precise: what the encoder understands need not be learned once more word by word.
ENCODER_SCALE = 1.0
ENCODER_PRECISION = 30.0
WORDS_BESIDE_ENCODER = 2.0
ENCODER_BASE_PRECISION = 1_000.0


def recipe(encoder: str = "") -> dict[str, Any]:
    """Return the recipe as an artifact and a version keep it.

    Args:
        encoder: the name of the encoder that the model looks through, if there is one.
    """
    view = {
        "sha256": encoder,
        "scale": ENCODER_SCALE,
        "precision": ENCODER_PRECISION,
        "words_beside": WORDS_BESIDE_ENCODER,
        "base_precision": ENCODER_BASE_PRECISION,
    }
    return {
        **({"encoder": view} if encoder else {}),
        "cleaning": CLEANING_VERSION,
        "features": FEATURES_VERSION,
        "stemmer": STEMMER,
        "vocabulary": "features in the tweets of two authors or more; without an author, a tweet is its own",
        "classifier": "logistic regression; from nothing: balanced, naive Bayes weights as the prior's variance, an "
        f"intercept for each source, core rows {CORE_SHARE} of the others, Platt scaling on out-of-fold scores "
        f"({FOLDS} folds by the hash of the text); on a base: a Gaussian prior around its weights, precision "
        f"{BASE_PRECISION}, weights {REVIEW_WEIGHT} (reviews), {CORPUS_WEIGHT} (corpora), {LEARNED_CORPUS_WEIGHT} "
        f"(those of the base), {KNOWN_WEIGHT} (what it knows, and everyday tweets), {FOLDS_ON_BASE} folds; balanced "
        "stays near the base's",
        "libraries": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
        },
    }
