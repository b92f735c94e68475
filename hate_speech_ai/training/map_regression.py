"""Logistic regression with a Gaussian prior whose mean is given: the maximum a posteriori (MAP) estimate.

With a prior around zero this is the usual L2-regularised logistic regression. With a prior around a trained model's
weights, rows move only what they speak about (C. Chelba, A. Acero, Adaptation of Maximum Entropy Capitalizer, EMNLP
2004). scikit-learn's solvers take neither a mean nor an offset, so this is a solver of our own.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array
from scipy.special import expit

Floats = NDArray[np.float64]

_MOST_STEPS = 40
_MOST_DIRECTIONS = 60
_FORCING = 0.3
_SUFFICIENT = 1e-4
_ROWS_AT_ONCE = 20_000
# Of an answer with probability 1/2, halved: what answers vary by, more or less, where a model has learned.
_VARIANCE = 0.125


def fit_map(
    matrix: csr_array,
    targets: Floats,
    weights: Floats,
    *,
    precision: Floats,
    mean: Floats | None = None,
    start: Floats | None = None,
    offset: Floats | float = 0.0,
    tolerance: float = 2e-3,
) -> Floats:
    """Minimise sum(weights * cross_entropy(targets, sigmoid(matrix @ x + offset))) + sum(precision * (x - mean)^2) / 2.

    Newton's method, whose directions come from conjugate gradients with a diagonal preconditioner (C.-J. Lin, R. Weng,
    S. Keerthi, Trust Region Newton Method for Large-Scale Logistic Regression, JMLR 2008, with a line search instead of
    the region). Sums are made by numpy and scipy alone, not by a BLAS, so that another processor gives the same bits.

    Args:
        matrix: (rows, columns); a column of ones makes an intercept.
        targets: (rows,), from 0 to 1: the share of yes, so that an answer may be a probability.
        weights: (rows,), how much an error on each row counts.
        precision: (columns,), above 0: one over the prior's variance.
        mean: (columns,), the prior's; zero if it is left out.
        offset: (rows,), what is known of each row's score besides, and not learned.
        start: (columns,), where to begin; the mean if it is left out. It decides the time, not the result.
        tolerance: it ends where the gradient has this share of its length at the prior's mean.

    Returns:
        (columns,): the coefficients.
    """
    centre = np.zeros(matrix.shape[1]) if mean is None else mean
    transposed = matrix.T
    x = (centre if start is None else start).copy()
    scores = matrix @ x + offset
    loss = _loss(scores, targets, weights, precision, x - centre)
    scale = precision + _diagonal(matrix, weights * _VARIANCE)
    away = transposed @ (weights * (expit(matrix @ centre + offset) - targets))
    enough = tolerance * _length(away, scale)
    for _ in range(_MOST_STEPS):
        chances = expit(scores)
        gradient = transposed @ (weights * (chances - targets)) + precision * (x - centre)
        if _length(gradient, scale) <= max(enough, 1e-9):
            break
        bends = weights * chances * (1.0 - chances)
        direction = _direction(matrix, transposed, bends, precision, scale, gradient)
        along, slope = matrix @ direction, _sum(gradient * direction)
        step = 1.0
        while step > 1e-6:
            moved, moved_scores = x + step * direction, scores + step * along
            moved_loss = _loss(moved_scores, targets, weights, precision, moved - centre)
            if moved_loss <= loss + _SUFFICIENT * step * slope:
                break
            step /= 2
        x, scores, loss = moved, moved_scores, moved_loss
    return x


def _direction(
    matrix: csr_array, transposed: csc_array, bends: Floats, precision: Floats, scale: Floats, gradient: Floats
) -> Floats:
    """Return an approximate solution of Hessian @ direction = -gradient."""
    direction = np.zeros_like(gradient)
    residual = -gradient
    scaled = residual / scale
    search = scaled.copy()
    size = first = _sum(residual * scaled)
    for _ in range(_MOST_DIRECTIONS):
        product = transposed @ (bends * (matrix @ search)) + precision * search
        amount = size / _sum(search * product)
        direction += amount * search
        residual -= amount * product
        scaled = residual / scale
        before, size = size, _sum(residual * scaled)
        if size <= _FORCING**2 * first:
            break
        search = scaled + (size / before) * search
    return direction


def _diagonal(matrix: csr_array, bends: Floats) -> Floats:
    """Return the diagonal of matrix.T @ diag(bends) @ matrix, without a second matrix of the same size."""
    total = np.zeros(matrix.shape[1])
    for first in range(0, matrix.shape[0], _ROWS_AT_ONCE):
        part = matrix[first : first + _ROWS_AT_ONCE]
        part.data *= part.data
        total += part.T @ bends[first : first + _ROWS_AT_ONCE]
    return total


def _length(gradient: Floats, scale: Floats) -> float:
    """Return the length of a gradient whose parts are measured by the curvature."""
    return float(np.sqrt(_sum(gradient * gradient / scale)))


def _loss(scores: Floats, targets: Floats, weights: Floats, precision: Floats, moved: Floats) -> float:
    return _sum(weights * (np.logaddexp(0.0, scores) - targets * scores)) + _sum(precision * moved * moved) / 2


def _sum(values: Floats) -> float:
    return float(np.add.reduce(values))
