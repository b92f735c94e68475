"""Live precision and recall from a random audit: right on average, and within their intervals as often as promised."""

import numpy as np
import pytest

from hate_speech_ai.evaluation.bootstrap import Interval
from hate_speech_ai.evaluation.live_sample import MORE, SampledAnswer, estimate, inclusion_probability

THRESHOLD = 0.5
SHARE = 0.02


def traffic(rng: np.random.Generator, predictions: int = 15_000) -> tuple[np.ndarray, np.ndarray]:
    """What is true of each, 4 % of it yes, and what the model says, as a probability."""
    truth = rng.random(predictions) < 0.04
    return truth, 1 / (1 + np.exp(-rng.normal(np.where(truth, 1.0, -3.5), 1.6)))


def band(found: Interval) -> tuple[float, float]:
    """Its ends, where there are both."""
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def audit(rng: np.random.Generator, truth: np.ndarray, scores: np.ndarray) -> list[SampledAnswer]:
    said = scores >= THRESHOLD
    chances = np.array([inclusion_probability(score, THRESHOLD, SHARE) for score in scores])
    return [
        SampledAnswer(str(place), bool(said[place]), bool(truth[place]), float(chances[place]))
        for place in np.flatnonzero(rng.random(len(truth)) < chances)
    ]


def right(said: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    both = (said & truth).sum()
    return both / said.sum(), both / truth.sum()


def test_the_truth_lies_within_the_interval_about_95_times_in_100_and_the_mean_is_right() -> None:
    rng = np.random.default_rng(7)
    inside = {"precision": 0, "recall": 0}
    errors: dict[str, list[float]] = {"precision": [], "recall": []}
    sets = 200
    for _ in range(sets):
        truth, scores = traffic(rng)
        live = estimate(audit(rng, truth, scores), resamples=300)
        for name, known in zip(inside, right(scores >= THRESHOLD, truth), strict=True):
            found = getattr(live, name)
            inside[name] += found.low <= known <= found.high
            errors[name].append(found.value - known)

    for name in inside:
        assert 0.90 <= inside[name] / sets <= 0.99, (name, inside)
        assert abs(np.mean(errors[name])) < 3 * np.std(errors[name]) / np.sqrt(sets) + 0.005


def test_reviews_of_what_the_model_is_unsure_of_would_say_something_else() -> None:
    rng = np.random.default_rng(7)
    truth, scores = traffic(rng, 100_000)
    said = scores >= THRESHOLD
    near = np.argsort(abs(scores - THRESHOLD))[:1000]

    precision, recall = right(said, truth)
    biased_precision, biased_recall = right(said[near], truth[near])

    assert biased_precision < precision - 0.1
    assert biased_recall < recall - 0.1
    live = estimate(audit(rng, truth, scores))
    assert live.precision is not None
    assert live.recall is not None
    assert live.precision.value == pytest.approx(precision, abs=0.06)
    assert live.recall.value == pytest.approx(recall, abs=0.06)


def test_the_weights_are_what_is_not_drawn() -> None:
    answers = [SampledAnswer(f"yes {n}", True, n < 30, 0.5) for n in range(40)]
    answers += [SampledAnswer(f"no {n}", False, n < 5, 0.1) for n in range(100)]

    live = estimate(answers)

    assert live.audited == 140
    assert live.precision is not None
    assert live.recall is not None
    assert live.base_rate is not None
    assert live.precision.value == 0.75
    assert live.recall.value == round(60 / (60 + 50), 4)
    assert live.base_rate.value == round(110 / (80 + 1000), 4)
    low, high = band(live.recall)
    assert live.recall.value is not None
    assert low < live.recall.value < high


def test_the_same_audit_gives_the_same_figures() -> None:
    answers = [SampledAnswer(str(n), n % 3 == 0, n % 2 == 0, 0.1) for n in range(200)]

    assert estimate(answers) == estimate(answers)


def test_a_text_that_came_often_counts_as_often_but_is_one_answer() -> None:
    answers = [SampledAnswer(str(n), n < 50, n % 4 > 0, 0.1) for n in range(150)]
    viral = estimate([*answers, *[SampledAnswer("viral", True, False, 0.1)] * 50]).precision
    many = estimate([*answers, *[SampledAnswer(f"other {n}", True, False, 0.1) for n in range(50)]]).precision

    assert viral is not None
    assert many is not None
    assert viral.value == many.value
    (low, high), (low_of_many, high_of_many) = band(viral), band(many)
    assert high - low > 1.5 * (high_of_many - low_of_many)


def test_no_error_found_is_not_no_error() -> None:
    answers = [SampledAnswer(f"yes {n}", True, True, 0.1) for n in range(30)]
    answers += [SampledAnswer(f"no {n}", False, False, 0.1) for n in range(60)]

    live = estimate(answers)

    assert live.precision is not None
    assert live.recall is not None
    assert (live.precision.value, live.precision.high) == (1.0, 1.0)
    assert 0.85 < band(live.precision)[0] < 0.95
    assert 0.8 < band(live.recall)[0] < 0.95


def test_of_too_few_nothing_is_said_but_why() -> None:
    live = estimate([SampledAnswer(str(n), True, True, 0.1) for n in range(19)])

    assert (live.precision, live.recall, live.base_rate) == (None, None, None)
    assert "19 audited predictions were yes; 20 are needed" in live.reasons["precision"]
    assert set(live.reasons) == {"precision", "recall", "base_rate"}
    assert estimate([]).audited == 0


def test_what_says_yes_or_nearly_is_drawn_more_often() -> None:
    assert inclusion_probability(0.6, 0.5, 0.02) == inclusion_probability(0.2, 0.5, 0.02) == MORE * 0.02
    assert inclusion_probability(0.1, 0.5, 0.02) == 0.02
    assert inclusion_probability(0.6, 0.5, 0.5) == 1.0
    assert inclusion_probability(0.6, 0.5, 0.0) == 0.0
