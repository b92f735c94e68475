"""hate_speech_ai.training.map_regression: logistic regression with a prior, against scikit-learn, scipy and by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from hate_speech_ai.training.map_regression import Floats, fit_map

EXACT = 1e-9


def problem(seed: int = 0, rows: int = 200, columns: int = 12) -> dict[str, Any]:
    """Random rows, the last column of ones, each with a weight, and a prior."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(rows, columns)) * (random.random((rows, columns)) < 0.5)
    matrix[:, -1] = 1.0
    return {
        "matrix": csr_array(matrix),
        "targets": (random.random(rows) < expit(matrix @ random.normal(size=columns))).astype(float),
        "weights": random.uniform(0.2, 3.0, rows),
        "precision": random.uniform(0.1, 5.0, columns),
        "mean": random.normal(size=columns),
    }


def gradient(x: Floats, given: dict[str, Any]) -> Floats:
    matrix = given["matrix"].toarray()
    residuals = given["weights"] * (expit(matrix @ x) - given["targets"])
    return np.asarray(matrix.T @ residuals + given["precision"] * (x - given["mean"]))


def test_it_works() -> None:
    """One column, one prior, by hand: at the optimum the rows pull as much as the prior does."""
    matrix, targets, weights = csr_array(np.ones((3, 1))), np.array([1.0, 1.0, 0.0]), np.ones(3)

    [found] = fit_map(matrix, targets, weights, precision=np.array([2.0]), tolerance=EXACT)

    assert 3 * expit(found) - 2 == pytest.approx(-2.0 * found)


@pytest.mark.parametrize("strength", [0.1, 1.0, 20.0])
def test_around_zero_it_is_scikit_learns(strength: float) -> None:
    given = problem()
    matrix = given["matrix"].toarray()[:, :-1]

    found = fit_map(
        csr_array(np.hstack([matrix, np.ones((len(matrix), 1))])),
        given["targets"],
        given["weights"],
        precision=np.array([strength] * matrix.shape[1] + [1e-9]),  # scikit-learn leaves the intercept free
        tolerance=EXACT,
    )

    theirs = LogisticRegression(C=1 / strength, tol=1e-10, max_iter=10_000)
    theirs.fit(matrix, given["targets"], sample_weight=given["weights"])
    assert found == pytest.approx([*theirs.coef_[0], theirs.intercept_[0]], abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_around_a_mean_it_is_what_scipy_finds(seed: int) -> None:
    given = problem(seed)
    matrix = given["matrix"].toarray()

    def loss(x: Any) -> float:
        scores = matrix @ x
        entropy = np.sum(given["weights"] * (np.logaddexp(0, scores) - given["targets"] * scores))
        return float(entropy + np.sum(given["precision"] * (x - given["mean"]) ** 2) / 2)

    def slope(x: Any) -> Any:
        return gradient(x, given)

    expected = minimize(loss, given["mean"], jac=slope, method="L-BFGS-B", tol=1e-14)

    assert fit_map(**given, tolerance=EXACT) == pytest.approx(expected.x, abs=1e-4)


@hypothesis_settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 10))
def test_at_the_optimum_nothing_pulls(seed: int, rows: int, columns: int) -> None:
    given = problem(seed, rows, columns)

    found = fit_map(**given, tolerance=EXACT)

    assert np.abs(gradient(found, given)).max() < 1e-5 * (1 + np.abs(gradient(given["mean"], given)).max())


def test_as_it_is_used_it_is_near_the_optimum() -> None:
    given = problem()

    exact, usual = fit_map(**given, tolerance=EXACT), fit_map(**given)

    assert usual == pytest.approx(exact, abs=0.01)


def test_without_rows_it_is_the_mean_bit_for_bit() -> None:
    given = problem(rows=5)
    given |= {"matrix": given["matrix"][:0], "targets": np.empty(0), "weights": np.empty(0)}

    assert fit_map(**given).tobytes() == given["mean"].tobytes()


def test_rows_that_agree_with_the_mean_leave_it_bit_for_bit() -> None:
    given = problem()
    given["targets"] = expit(given["matrix"] @ given["mean"])

    assert fit_map(**given).tobytes() == given["mean"].tobytes()


def test_what_no_row_has_stays_at_the_mean() -> None:
    given = problem()
    matrix = given["matrix"].toarray()
    matrix[:, 3] = 0.0

    assert fit_map(**given | {"matrix": csr_array(matrix)})[3] == given["mean"][3]


def test_the_surer_the_prior_the_nearer_the_mean() -> None:
    given = problem()

    distances = [
        np.linalg.norm(fit_map(**given | {"precision": given["precision"] * factor}, tolerance=EXACT) - given["mean"])
        for factor in (0.1, 1.0, 10.0, 1e6)
    ]

    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-3


def test_a_row_with_weight_3_is_a_row_three_times() -> None:
    given = problem(rows=20)
    weights = np.arange(20) % 3 + 1.0
    repeated = np.repeat(np.arange(20), weights.astype(int))

    once = fit_map(**given | {"weights": weights}, tolerance=EXACT)
    often = fit_map(
        **given
        | {
            "matrix": given["matrix"][repeated],
            "targets": given["targets"][repeated],
            "weights": np.ones(len(repeated)),
        },
        tolerance=EXACT,
    )

    assert once == pytest.approx(often, abs=1e-6)


def test_a_row_with_weight_0_is_no_row() -> None:
    given = problem()
    weights = given["weights"].copy()
    weights[::2] = 0.0

    without = {name: given[name][1::2] for name in ("matrix", "targets", "weights")}
    assert fit_map(**given | {"weights": weights}, tolerance=EXACT) == pytest.approx(
        fit_map(**given | without, tolerance=EXACT), abs=1e-6
    )


def test_an_answer_may_be_a_probability() -> None:
    """The share of yes: a row that says 0.25 is a quarter of a yes and three quarters of a no."""
    given = problem(rows=30)
    both = {
        "matrix": csr_array(np.vstack([given["matrix"].toarray()] * 2)),
        "targets": np.array([1.0] * 30 + [0.0] * 30),
        "weights": np.array([0.25] * 30 + [0.75] * 30),
    }

    shares = fit_map(**given | {"targets": np.full(30, 0.25), "weights": np.ones(30)}, tolerance=EXACT)

    assert shares == pytest.approx(fit_map(**given | both, tolerance=EXACT), abs=1e-6)


@pytest.mark.parametrize(
    "start", [np.zeros(12), np.full(12, 30.0), np.full(12, -300.0)], ids=["near", "far", "farther"]
)
def test_where_it_begins_decides_nothing(start: Floats) -> None:
    given = problem()

    assert fit_map(**given, start=start, tolerance=EXACT) == pytest.approx(fit_map(**given, tolerance=EXACT), abs=1e-5)


def test_what_it_is_given_stays_as_it_was() -> None:
    given = problem()
    before = {name: (array.toarray() if name == "matrix" else array.copy()) for name, array in given.items()}
    start = np.ones(12)

    fit_map(**given, start=start)

    after = {name: (array.toarray() if name == "matrix" else array) for name, array in given.items()}
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert np.array_equal(start, np.ones(12))


def test_rows_that_can_be_told_apart_perfectly_have_an_end() -> None:
    matrix = csr_array(np.array([[1.0], [1.0], [-1.0], [-1.0]]))

    [found] = fit_map(matrix, np.array([1.0, 1.0, 0.0, 0.0]), np.ones(4), precision=np.array([1e-4]), tolerance=EXACT)

    assert 4 * expit(-found) == pytest.approx(1e-4 * found, rel=1e-4)


def test_columns_of_very_unlike_size_are_no_trouble() -> None:
    given = problem()
    scale = np.array([1e-3, 1e3] * 6)
    scaled = {"matrix": csr_array(given["matrix"].toarray() * scale), "mean": given["mean"] / scale}
    scaled["precision"] = given["precision"] * scale**2

    found = fit_map(**given | scaled, tolerance=EXACT)

    assert found * scale == pytest.approx(fit_map(**given, tolerance=EXACT), abs=1e-4)


def test_the_same_rows_give_the_same_bits() -> None:
    assert fit_map(**problem()).tobytes() == fit_map(**problem()).tobytes()
