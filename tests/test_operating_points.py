"""Operating points: in the package, at POST /predict and at GET /operating-points."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.models import ModelVersion
from hate_speech_ai.artifact import Artifact
from hate_speech_ai.labels import LABELS
from hate_speech_ai.operating_points import MOST_EVERYDAY, NAMES, Curve, OperatingPoint
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import fingerprint, is_held_out
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.trainer import train
from tests.conftest import JSONClient, starter_rows

PROBABILITIES = np.array([0.9, 0.8, 0.8, 0.6, 0.5, 0.3, 0.2, 0.1])
ANSWERS = np.array([True, True, False, True, False, True, False, False])
CURVE = Curve.of(PROBABILITIES, ANSWERS)
ROWS = st.lists(st.tuples(st.floats(0.001, 0.999), st.booleans()), min_size=2, max_size=60).filter(
    lambda rows: len({answer for _, answer in rows}) == 2
)


def counted(threshold: float, probabilities: Any = PROBABILITIES, answers: Any = ANSWERS) -> tuple[float, float]:
    """Precision and recall, counted."""
    said = probabilities >= threshold
    return float((said & answers).sum() / said.sum()), float((said & answers).sum() / answers.sum())


def test_it_works() -> None:
    found = CURVE.highest_recall(precision=0.7)

    assert found is not None
    assert (found.precision, found.recall) == counted(found.threshold) == (0.75, 0.75)
    assert (CURVE.yes, CURVE.no, CURVE.base_rate) == (4, 4, 0.5)


@given(ROWS)
def test_every_point_says_what_counting_says(rows: list[tuple[float, bool]]) -> None:
    probabilities, answers = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])

    points = Curve.of(probabilities, answers).points()

    for point in points:
        assert (point.precision, point.recall) == pytest.approx(counted(point.threshold, probabilities, answers))
    assert points[-1].recall == 1.0


def test_calibration_says_about_what_counting_says() -> None:
    chance = np.random.default_rng(1)
    probabilities = chance.beta(0.5, 2, 20_000)
    answers = chance.random(20_000) < probabilities**2  # promised too much

    bins = Curve.of(probabilities, answers).calibration()

    assert [round(one.low, 1) for one in bins] == [place / 10 for place in range(10)]
    assert sum(one.tweets for one in bins) == pytest.approx(20_000, abs=20)
    for one in bins:
        inside = (probabilities >= one.low) & (probabilities < one.high)
        assert one.tweets == pytest.approx(inside.sum(), rel=0.05)
        assert one.with_label / one.tweets == pytest.approx(answers[inside].mean(), abs=0.03)


@given(ROWS, st.floats(0.01, 0.99), st.floats(0.05, 1))
def test_no_threshold_has_a_higher_recall(rows: list[tuple[float, bool]], base_rate: float, precision: float) -> None:
    curve = Curve.of(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))

    found = curve.highest_recall(precision, base_rate)

    better = [point for point in curve.points(base_rate) if point.precision >= precision]
    assert found is None if not better else found is not None and found.recall == max(p.recall for p in better)


def test_the_rarer_the_label_the_lower_the_precision_of_the_same_threshold() -> None:
    often, seldom = CURVE.points(0.5), CURVE.points(0.01)

    assert [point.threshold for point in often] == [point.threshold for point in seldom]
    assert [point.recall for point in often] == [point.recall for point in seldom]
    assert seldom[-1].precision == pytest.approx(0.01 / (0.01 + 0.99 * 0.5))  # half of the others reach it
    assert CURVE.highest_recall(0.9, 0.01) == CURVE.points(0.01)[0]


def test_what_no_threshold_reaches_is_none() -> None:
    worst = Curve.of(np.array([0.9, 0.1]), np.array([False, True]))

    assert worst.highest_recall(0.9) is None
    assert worst.named()["high_precision"].precision == 0.5


@pytest.mark.parametrize("answer", [True, False])
def test_a_curve_needs_both_answers(answer: bool) -> None:
    with pytest.raises(ValueError, match="with the label and tweets without"):
        Curve.of(np.array([0.1, 0.2]), np.array([answer, answer]))


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.2, 3.0])
def test_a_base_rate_is_a_share(rate: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        CURVE.points(rate)


def test_the_named_points_of_a_model(artifact_bytes: bytes) -> None:
    for points in Scorer(Artifact.from_bytes(artifact_bytes)).operating_points.values():
        assert list(points) == list(NAMES)
        assert points["high_recall"].recall >= 0.9
        f1 = {name: f1_of(point) for name, point in points.items()}
        assert f1["balanced"] == max(f1.values())
    assert points["high_precision"].precision >= points["balanced"].precision


def f1_of(point: OperatingPoint) -> float:
    return 2 * point.precision * point.recall / (point.precision + point.recall)


# Everyday tweets


@given(ROWS, st.lists(st.floats(0.001, 0.999), min_size=1, max_size=60))
def test_the_share_of_everyday_tweets_is_what_counting_says(
    rows: list[tuple[float, bool]], everyday: list[float]
) -> None:
    curve = Curve.of(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))

    points = curve.with_everyday(np.array(everyday), 0.1).points()

    for point in points:
        assert point.everyday == pytest.approx(np.mean(np.array(everyday) >= point.threshold), abs=1e-6)
    assert [(p.threshold, p.precision, p.recall) for p in points] == [
        (p.threshold, p.precision, p.recall) for p in curve.points()
    ]


def test_a_point_does_not_know_what_was_not_measured() -> None:
    assert {point.everyday for point in CURVE.points()} == {None}
    assert CURVE.named()["balanced"].everyday is None


@given(ROWS, st.lists(st.floats(0.001, 0.999), min_size=1, max_size=60), st.floats(0, 1))
def test_balanced_is_the_highest_f1_that_few_everyday_tweets_reach(
    rows: list[tuple[float, bool]], everyday: list[float], most: float
) -> None:
    curve = Curve.of(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))
    curve = curve.with_everyday(np.array(everyday), most)

    chosen = curve.named()["balanced"]

    allowed = [point for point in curve.points() if point.everyday is not None and point.everyday <= most]
    if allowed:
        assert chosen in allowed
        assert f1_of(chosen) == pytest.approx(max(f1_of(point) for point in allowed))
    else:
        assert chosen == curve.points()[0]  # the strictest that there is


def test_balanced_moves_up_until_few_everyday_tweets_are_flagged() -> None:
    everyday = np.array([0.55] * 5 + [0.05] * 95)

    thresholds = [CURVE.with_everyday(everyday, most).named()["balanced"].threshold for most in (0.0, 0.04, 0.05, 1.0)]

    assert thresholds[0] == thresholds[1] > 0.55 > thresholds[2] == thresholds[3] == CURVE.named()["balanced"].threshold


def test_the_other_points_are_where_they_were_whatever_everyday_tweets_say() -> None:
    before, after = (
        {name: point.threshold for name, point in curve.named().items()}
        for curve in (CURVE, CURVE.with_everyday(np.full(10, 0.95), 0.001))
    )

    assert before["balanced"] < after["balanced"]
    assert {name: before[name] for name in ("high_precision", "high_recall")} == {
        name: after[name] for name in ("high_precision", "high_recall")
    }


def test_thresholds_never_depend_on_the_base_rate() -> None:
    curve = CURVE.with_everyday(np.array([0.7, 0.4, 0.1, 0.1]), 0.3)

    often, seldom = (curve.named(rate) for rate in (0.5, 0.01))

    assert {name: point.threshold for name, point in often.items()} == {
        name: point.threshold for name, point in seldom.items()
    }
    assert often["balanced"].everyday == seldom["balanced"].everyday


def test_every_label_that_may_flag_few_everyday_tweets_has_a_small_share() -> None:
    assert set(MOST_EVERYDAY) == set(LABELS)
    assert all(0 < share <= 0.02 for share in MOST_EVERYDAY.values())
    assert MOST_EVERYDAY["hate_speech"] <= 0.005


@given(ROWS, st.floats(0.01, 0.99))
def test_balanced_is_where_it_is_put(rows: list[tuple[float, bool]], threshold: float) -> None:
    curve = Curve.of(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))

    put = curve.with_balanced(threshold)

    assert put.is_sound()
    assert put.named()["balanced"].threshold == threshold
    assert [point for point in put.points() if point.threshold != threshold] == [
        point for point in curve.points() if point.threshold != threshold
    ]
    assert put.recalls == sorted(put.recalls)
    assert not replace(put, balanced=2.0).is_sound()


# Two curves together


@given(ROWS, ROWS)
def test_two_curves_together_are_that_of_all_their_tweets(
    ours: list[tuple[float, bool]], theirs: list[tuple[float, bool]]
) -> None:
    one, two = (Curve.of(*map(np.array, zip(*rows, strict=True))) for rows in (ours, theirs))  # type: ignore[arg-type]

    mixed = one.mixed(two)

    assert (mixed.yes, mixed.no) == (one.yes + two.yes, one.no + two.no)
    assert mixed.is_sound()
    assert mixed.thresholds == sorted(set(mixed.thresholds), reverse=True)
    assert mixed.recalls == sorted(mixed.recalls)
    assert mixed.fallouts == sorted(mixed.fallouts)
    assert mixed.recalls[-1] == pytest.approx(1.0)


def test_a_curve_and_itself_is_itself() -> None:
    mixed = CURVE.mixed(CURVE)

    assert (mixed.yes, mixed.no) == (8, 8)
    assert mixed.thresholds == CURVE.thresholds
    assert mixed.recalls == pytest.approx(CURVE.recalls)
    assert mixed.fallouts == pytest.approx(CURVE.fallouts)


def test_of_many_tweets_the_mixed_curve_says_what_counting_says() -> None:
    random = np.random.default_rng(1)

    def rows(count: int, share: float, shift: float) -> tuple[Any, Any]:
        answers = random.random(count) < share
        return 1 / (1 + np.exp(-random.normal(np.where(answers, 1.0 + shift, -1.0 + shift), 1.0))), answers

    (ours, right), (theirs, true) = rows(3_000, 0.2, 0.0), rows(600, 0.6, 0.7)

    points = Curve.of(ours, right).mixed(Curve.of(theirs, true)).points()

    everything, answers = np.concatenate([ours, theirs]), np.concatenate([right, true])
    for point in points[10::20]:
        assert (point.precision, point.recall) == pytest.approx(counted(point.threshold, everything, answers), abs=0.02)


def test_few_tweets_move_a_curve_of_many_little() -> None:
    random = np.random.default_rng(1)
    answers = random.random(5_000) < 0.3
    curve = Curve.of(1 / (1 + np.exp(-random.normal(np.where(answers, 1.0, -1.0), 1.0))), answers)

    mixed = curve.mixed(CURVE)

    for name, point in curve.named().items():
        assert mixed.named()[name].recall == pytest.approx(point.recall, abs=0.02)
        assert mixed.named()[name].precision == pytest.approx(point.precision, abs=0.02)


def test_a_stricter_point_says_yes_less_often(client: JSONClient, served: ModelVersion) -> None:
    tweets = [row["tweet"] for row in starter_rows()[::30]]

    said = {
        point: client.post("/predict", {"tweets": tweets, "operating_point": point}).json()["results"]
        for point in NAMES
    }

    yes = {point: sum(one["is_hate_speech"] for one in results) for point, results in said.items()}
    assert yes["high_precision"] < yes["balanced"] < yes["high_recall"]
    probabilities = [[one["probability"] for one in results] for results in said.values()]
    assert probabilities[0] == probabilities[1] == probabilities[2]
    assert said["balanced"] == client.post("/predict", {"tweets": tweets}).json()["results"]


def test_further_labels_are_answered(client: JSONClient, served: ModelVersion) -> None:
    body = {"tweet": "fuck this bus", "labels": ["obscene", "threat", "obscene"]}

    answer = client.post("/predict", body).json()

    assert list(answer["labels"]) == ["obscene", "threat"]
    assert answer["labels"]["obscene"]["answer"]
    for one in answer["labels"].values():
        assert one["answer"] == (one["probability"] >= one["threshold"])
    results = client.post("/predict", {"tweets": ["fuck this bus"], "labels": ["obscene", "threat"]}).json()["results"]
    assert results[0]["labels"] == answer["labels"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"labels": ["nosuch"]}, "labels"),
        ({"labels": "toxic"}, "labels"),
        ({"labels": [3]}, "labels"),
        ({"labels": ["toxic"] * 21}, "labels"),
        ({"operating_point": "strict"}, "operating_point"),
        ({"operating_point": None}, "operating_point"),
    ],
)
def test_predict_refuses(client: JSONClient, served: ModelVersion, fields: dict[str, Any], named: str) -> None:
    answer = client.post("/predict", {"tweet": "hello", **fields})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [named]


def test_a_caller_finds_the_threshold_for_its_own_base_rate(client: JSONClient, served: ModelVersion) -> None:
    asked = "/operating-points?label=obscene&precision=0.9&base_rate="

    often, seldom = (client.get(f"{asked}{rate}").json() for rate in (0.3, 0.01))

    assert often["found"]["precision"] >= 0.9
    assert seldom["found"]["precision"] >= 0.9
    assert seldom["found"]["threshold"] > often["found"]["threshold"]
    assert seldom["found"]["recall"] < often["found"]["recall"]
    assert seldom["named"]["balanced"]["threshold"] == often["named"]["balanced"]["threshold"]
    assert seldom["named"]["balanced"]["precision"] < often["named"]["balanced"]["precision"]


@pytest.fixture(scope="module")
def before_and_after() -> tuple[list[Scorer], list[Scorer]]:
    """Four models, each trained on another seventh of the starter corpus, since one alone is lucky or not; and one
    trained on nearly all of it."""
    texts = {fingerprint(row["tweet"]): row for row in starter_rows()}
    rows = [(int(text[-4:], 16) % 100, row) for text, row in texts.items() if not is_held_out(text)]

    def trained(begin: int, end: int) -> Scorer:
        part = [row for place, row in rows if begin <= place < end]
        return Scorer(
            train([Example(row["tweet"], {"hate_speech": row["hate_speech"] == "1"}) for row in part]).artifact
        )

    return [trained(begin, begin + 15) for begin in (0, 15, 30, 45)], [trained(0, 90)]


@pytest.mark.parametrize(("point", "held"), [("high_precision", 0), ("high_recall", 1)])
def test_a_name_means_the_same_after_a_retrain(
    before_and_after: tuple[list[Scorer], list[Scorer]], point: str, held: int
) -> None:
    """On tweets that no model has seen: the threshold moves, what it is named after stays."""
    rows = [row for row in starter_rows() if is_held_out(fingerprint(row["tweet"]))]
    answers = np.array([row["hate_speech"] == "1" for row in rows])

    def measured(scorer: Scorer) -> tuple[float, float]:
        threshold = scorer.operating_points["hate_speech"][point].threshold
        probabilities = np.array(scorer.probabilities([row["tweet"] for row in rows]))
        return threshold, counted(threshold, probabilities, answers)[held]

    (before, meant), (after, means) = (
        np.array([measured(scorer) for scorer in scorers]).T for scorers in before_and_after
    )
    assert np.abs(after - before).max() > (0.05 if point == "high_precision" else 0.0)
    assert meant.mean() == pytest.approx(0.9, abs=0.04)
    assert means.mean() == pytest.approx(0.9, abs=0.04)


def test_the_points_are_those_that_decide(client: JSONClient, served: ModelVersion) -> None:
    named = client.get("/operating-points").json()["named"]

    for point, figures in named.items():
        answer = client.post("/predict", {"tweet": "hello", "operating_point": point}).json()
        assert answer["threshold"] == figures["threshold"]


def test_the_highest_precision_at_a_recall(client: JSONClient, served: ModelVersion) -> None:
    found = client.get("/operating-points?recall=0.5").json()["found"]

    assert found["recall"] >= 0.5
    assert found["precision"] > client.get("/operating-points?recall=0.95").json()["found"]["precision"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("label=nosuch", "label"),
        ("precision=2", "precision"),
        ("precision=much", "precision"),
        ("recall=-1", "recall"),
        ("base_rate=0", "base_rate"),
        ("base_rate=1", "base_rate"),
        ("precision=0.9&recall=0.9", "recall"),
        ("precison=0.9", "precison"),
    ],
)
def test_it_refuses(client: JSONClient, served: ModelVersion, query: str, named: str) -> None:
    answer = client.get(f"/operating-points?{query}")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [named]
