"""hate_speech_ai.evaluation.bootstrap: the same figures as by metrics, and intervals that hold what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hate_speech_ai.evaluation.bootstrap import FIGURES, Answers, differences, draw, intervals
from hate_speech_ai.evaluation.metrics import measure

SCORES = [0.9, 0.8, 0.4, 0.3, 0.2]
TRUTH = [True, False, True, False, False]
SHARED_WITH_MEASURE = ("f1", "precision", "recall", "roc_auc", "pr_auc")


def some_rows(rows: int, seed: int = 0) -> tuple[list[float], list[bool]]:
    rng = np.random.default_rng(seed)
    truth = rng.random(rows) < 0.3
    scores = np.clip(rng.normal(0.35 + 0.25 * truth, 0.2), 0, 1).round(3)  # rounded: some are equal
    return scores.tolist(), truth.tolist()


def test_it_works() -> None:
    figures = intervals(Answers(SCORES, 0.35), TRUTH)

    assert list(figures) == list(FIGURES)
    for figure in figures.values():
        assert figure.value is not None
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= figure.value <= figure.high


@given(
    st.lists(st.tuples(st.integers(0, 20).map(lambda number: number / 20), st.booleans()), min_size=1).filter(
        lambda rows: any(answer for _, answer in rows)
    ),
    st.floats(0, 1),
)
def test_the_figures_are_those_of_measure(rows: list[tuple[float, bool]], threshold: float) -> None:
    scores, truth = [score for score, _ in rows], [answer for _, answer in rows]

    figures = intervals(Answers(scores, threshold), truth, resamples=0)

    expected = measure(scores, truth, threshold).as_dict()
    assert {name: figures[name].value for name in SHARED_WITH_MEASURE} == pytest.approx(
        {name: expected[name] for name in SHARED_WITH_MEASURE}, abs=1.01e-4
    )


def test_calibration_error_by_hand() -> None:
    # Bins of 1/15: 0.95 and 0.99 share one (promised 1.94, came true 1), 0.1 and 0.12 another (0.22, 0), 0.5 is alone.
    figures = intervals(Answers([0.95, 0.1, 0.99, 0.5, 0.12], 0.5), [True, False, False, True, False], resamples=0)

    assert figures["ece"].value == pytest.approx((0.94 + 0.22 + 0.5) / 5, abs=1e-4)


def test_a_score_of_1_is_in_the_last_bin() -> None:
    figures = intervals(Answers([1.0, 0.94], 0.5), [False, True], resamples=0)

    # Promised 1.94, came true 1. In bins of their own, they would be off by 1 and 0.06.
    assert figures["ece"].value == pytest.approx(0.94 / 2, abs=1e-4)


def test_resamples_are_those_of_a_plain_bootstrap() -> None:
    scores, truth = some_rows(300)
    rng = np.random.default_rng(7)
    aucs = []
    for _ in range(400):
        drawn = rng.integers(300, size=300)
        auc = measure(np.array(scores)[drawn].tolist(), np.array(truth)[drawn].tolist(), 0.5).roc_auc
        assert auc is not None
        aucs.append(auc)

    found = intervals(Answers(scores, 0.5), truth)["roc_auc"]

    # Two draws of the same distribution: the ends differ by a fraction of the interval's width, about 0.1.
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(aucs, [2.5, 97.5])), abs=0.015)


def test_more_rows_make_it_narrower() -> None:
    def width(rows: int) -> float:
        scores, truth = some_rows(rows)
        figure = intervals(Answers(scores, 0.5), truth)["f1"]
        assert figure.low is not None
        assert figure.high is not None
        return figure.high - figure.low

    assert width(4000) < 0.6 * width(400)


def test_the_same_seed_gives_the_same() -> None:
    scores, truth = some_rows(100)
    answers = Answers(scores, 0.5)

    assert intervals(answers, truth, seed=3) == intervals(answers, truth, seed=3)
    assert intervals(answers, truth, seed=3) != intervals(answers, truth, seed=4)


def test_a_curve_of_one_class_is_not_defined() -> None:
    figures = intervals(Answers([0.9, 0.2], 0.5), [True, True])

    for name in ("roc_auc", "pr_auc"):
        assert (figures[name].value, figures[name].low, figures[name].high) == (None, None, None)
    assert figures["recall"].value == 0.5


def test_where_nothing_is_found_the_figures_are_0() -> None:
    figures = intervals(Answers(SCORES, 0.95), TRUTH, resamples=0)

    assert [figures[name].value for name in ("f1", "precision", "recall")] == [0, 0, 0]


def test_where_there_is_nothing_to_find_they_are_not_defined() -> None:
    figures = intervals(Answers([0.9, 0.2], 0.5), [False, False])

    assert [figures[name].value for name in FIGURES if name != "ece"] == [None] * 5
    assert figures["ece"].value == 0.55


@pytest.mark.parametrize(("scores", "truth"), [([], []), ([0.5], []), ([0.5], [True, False])])
def test_no_rows_or_rows_without_answers_are_refused(scores: list[float], truth: list[bool]) -> None:
    with pytest.raises(ValueError, match="rows"):
        intervals(Answers(scores, 0.5), truth)


def test_a_model_does_not_differ_from_itself() -> None:
    scores, truth = some_rows(200)

    for gain in differences(Answers(scores, 0.5), Answers(scores, 0.5), truth).values():
        assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_a_better_model_is_better_for_sure_where_a_paired_comparison_shows_it() -> None:
    scores, truth = some_rows(400)
    better = [score + 0.02 if answer else score - 0.02 for score, answer in zip(scores, truth, strict=True)]

    gain = differences(Answers(scores, 0.5), Answers(better, 0.5), truth)["roc_auc"]
    alone = intervals(Answers(scores, 0.5), truth)["roc_auc"]

    assert gain.low is not None
    assert gain.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert 0 < gain.low < gain.high
    assert gain.high - gain.low < (alone.high - alone.low) / 2


@pytest.mark.parametrize("rows", [1, 300, 20_000, 1_200_000])
def test_resamples_are_drawn_as_many_at_a_time_as_memory_allows(rows: int) -> None:
    at_once = next(iter(draw(rows, 1000, seed=0)))

    assert at_once.shape == (max(1, min(1000, 1_000_000 // rows)), rows)
    assert set(at_once.sum(axis=1)) == {rows}
