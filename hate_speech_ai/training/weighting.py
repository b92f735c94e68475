"""How heads weigh features and rows, choose folds, and are calibrated."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.recipe import NB_POWER, SMOOTHING

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def half(answers: Bools) -> float:
    """Return the weight with which these answers count as half of all."""
    return len(answers) / (2 * int(answers.sum()))


def hashes(examples: Sequence[Example], seed: int) -> Ints:
    """Return a number for each example, from its text, that chooses its fold.

    Adding a row leaves the others in their folds, and so the thresholds that are chosen on them.
    """
    key = seed.to_bytes(8, "big", signed=True)
    digests = (hashlib.blake2b(one.tweet.encode(errors="replace"), digest_size=4, key=key) for one in examples)
    return np.array([int.from_bytes(digest.digest(), "big") for digest in digests], dtype=np.int64)


def nb_weights(matrix: csr_array, answers: Bools, weights: Floats, width: int) -> Floats:
    """Return how unlike each of `width` features is among the tweets with the label and those without; 1 on average."""
    yes = SMOOTHING + (matrix.T @ (weights * answers))[:width]
    no = SMOOTHING + (matrix.T @ (weights * ~answers))[:width]
    strengths = np.abs(np.log((yes / yes.sum()) / (no / no.sum()))) ** NB_POWER
    strengths /= max(float(np.sqrt(np.mean(strengths**2))), 1e-9)
    rounded: Floats = np.maximum(strengths, 1e-2).astype(np.float32).astype(np.float64)
    return rounded


def platt(scores: Floats, answers: Bools) -> tuple[float, float]:
    """Return slope and shift of the logistic curve over the scores."""
    platt = LogisticRegression(C=1e6).fit(scores.reshape(-1, 1), answers)
    slope, shift = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    if slope <= 0:  # nothing was learned, and turning every score round would hide it
        return 1.0, 0.0
    # Rounded, because another processor may sum in another order.
    return float(f"{slope:.6g}"), float(f"{shift:.6g}")
