"""hate_speech_ai.evaluation.metrics: figures that can be checked by hand."""

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.evaluation.caching_scorer import CachingScorer
from hate_speech_ai.evaluation.everyday import Everyday
from hate_speech_ai.evaluation.metrics import (
    CapabilityCheck,
    agreement,
    best_threshold,
    evaluate,
    measure,
    measure_everyday,
)
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training.examples import Example

SCORES = [0.9, 0.8, 0.4, 0.3, 0.2]
ANSWERS = [True, False, True, False, False]
TENTHS_OF_PERMILLE = st.integers(1, 9_999).map(lambda number: number / 10_000)


def test_it_works() -> None:
    metrics = measure(SCORES, ANSWERS, threshold=0.35)

    # Yes to 0.9, 0.8 and 0.4: two rightly, one wrongly, none missed.
    assert (metrics.true_positives, metrics.false_positives) == (2, 1)
    assert (metrics.false_negatives, metrics.true_negatives) == (0, 2)
    assert (metrics.precision, metrics.recall, metrics.f1) == (0.6667, 1.0, 0.8)
    # Of the six pairs of a yes and a no, one is the wrong way round: 0.4 below 0.8.
    assert metrics.roc_auc == 0.8333
    # Half of all yes at precision 1, the other half at precision 2/3.
    assert metrics.pr_auc == 0.8333
    assert (metrics.rows, metrics.positives, metrics.threshold) == (5, 2, 0.35)


def test_figures_are_plain_json() -> None:
    scores: Any = np.array(SCORES)
    answers: Any = np.array(ANSWERS)
    figures = measure(scores, answers, threshold=0.5).as_dict()

    assert json.loads(json.dumps(figures)) == figures


@pytest.mark.parametrize(("threshold", "yes"), [(0.9, 1), (0.91, 0), (0.4, 3), (0.0001, 5)])
def test_a_probability_at_the_threshold_is_a_yes(threshold: float, yes: int) -> None:
    metrics = measure(SCORES, ANSWERS, threshold)

    assert metrics.true_positives + metrics.false_positives == yes


def test_where_nothing_is_found_the_figures_are_0() -> None:
    metrics = measure(SCORES, ANSWERS, threshold=0.95)

    assert (metrics.f1, metrics.precision, metrics.recall) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("answer", [True, False])
def test_curves_are_not_defined_for_one_class(answer: bool) -> None:
    metrics = measure([0.9, 0.1], [answer, answer], threshold=0.5)

    assert (metrics.roc_auc, metrics.pr_auc) == (None, None)
    assert (metrics.rows, metrics.positives) == (2, 2 * answer)


@pytest.mark.parametrize(("scores", "answers"), [([], []), ([0.5], []), ([0.5], [True, False]), ([], [True])])
def test_no_rows_or_rows_without_answers_are_refused(scores: list[float], answers: list[bool]) -> None:
    with pytest.raises(ValueError, match=r"."):
        measure(scores, answers, threshold=0.5)


def f1_at(threshold: float, scores: list[float], answers: list[bool]) -> float:
    found = [answer for score, answer in zip(scores, answers, strict=True) if score >= threshold]
    return 2 * sum(found) / (len(found) + sum(answers))


def test_the_best_threshold_by_hand() -> None:
    # At 0.4 two of three are right and none is missed: F1 is 0.8. At 0.9 it is 0.67, at 0.2 it is 0.57.
    assert 0.3 < best_threshold(np.array(SCORES), np.array(ANSWERS)) <= 0.4


@given(st.lists(st.tuples(TENTHS_OF_PERMILLE, st.booleans()), min_size=1).filter(lambda rows: any(a for _, a in rows)))
def test_no_other_threshold_is_better(rows: list[tuple[float, bool]]) -> None:
    scores, answers = [score for score, _ in rows], [answer for _, answer in rows]

    threshold = best_threshold(np.array(scores), np.array(answers))

    best = max(f1_at(score, scores, answers) for score in scores)
    assert f1_at(threshold, scores, answers) == pytest.approx(best)


@pytest.mark.parametrize("score", [0.50006, 0.12345678, 1 / 3, 2 / 3])
def test_the_best_threshold_finds_what_it_was_chosen_for(score: float) -> None:
    scores, answers = [score, score, score / 2], [True, True, False]

    assert f1_at(best_threshold(np.array(scores), np.array(answers)), scores, answers) == 1


@pytest.mark.parametrize("score", [0.0, 1.0, 1e-12, 1 - 1e-12])
def test_the_best_threshold_is_between_0_and_1(score: float) -> None:
    assert 0 < best_threshold(np.array([score, score]), np.array([True, True])) < 1


def test_agreement_by_hand() -> None:
    opinions = {
        "1": {"ann": True, "bob": True},
        "2": {"ann": True, "bob": False},
        "3": {"ann": False, "bob": False},
        "4": {"ann": False, "bob": False},
    }

    # Observed disagreement: 2 of 8 ordered answers. Expected of 3 yes and 5 no: 2 * 3 * 5 / (8 * 7).
    assert agreement(opinions) == pytest.approx(1 - (2 / 8) / (30 / 56), abs=5e-5)


def test_agreement_by_hand_where_some_tweets_have_more_opinions() -> None:
    opinions = {
        "1": {"ann": True, "bob": True, "cid": True},
        "2": {"ann": False, "bob": False},
        "3": {"ann": True, "bob": False, "cid": False},
    }

    # Tweet 3 has 4 disagreeing ordered pairs, over 2 other opinions each: 2 of 8. Expected: 2 * 4 * 4 / (8 * 7).
    assert agreement(opinions) == pytest.approx(1 - (2 / 8) / (32 / 56), abs=5e-5)


def test_tweets_with_one_opinion_do_not_count() -> None:
    both = {"1": {"ann": True, "bob": True}, "2": {"ann": False, "bob": False}, "3": {"ann": True, "bob": False}}
    alone = {"4": {"ann": True}, "5": {"bob": False}, "6": {}}

    assert agreement(both | alone) == agreement(both)


def test_full_agreement_is_1_and_disagreement_is_below_0() -> None:
    alike = {str(number): {"ann": number % 2 == 0, "bob": number % 2 == 0} for number in range(10)}
    opposed = {str(number): {"ann": number % 2 == 0, "bob": number % 2 == 1} for number in range(10)}

    assert agreement(alike) == 1
    assert agreement(opposed) is not None
    assert agreement(opposed) < 0  # type: ignore[operator]


@pytest.mark.parametrize(
    "opinions",
    [{}, {"1": {"ann": True}, "2": {"bob": False}}, {"1": {"ann": True, "bob": True}, "2": {"ann": True, "bob": True}}],
)
def test_agreement_may_not_be_defined(opinions: dict[str, dict[str, bool]]) -> None:
    assert agreement(opinions) is None


@given(st.lists(st.tuples(TENTHS_OF_PERMILLE, st.booleans()), min_size=2))
def test_a_higher_threshold_never_finds_more(rows: list[tuple[float, bool]]) -> None:
    scores, answers = [score for score, _ in rows], [answer for _, answer in rows]

    recalls = [measure(scores, answers, threshold).recall for threshold in (0.1, 0.3, 0.5, 0.7, 0.9)]

    assert all(lower >= higher for lower, higher in pairwise(recalls))


# A model as a whole


class Told(Scorer):
    """Answers what it was told, to every label."""

    def __init__(self, said: dict[str, float], **thresholds: float) -> None:
        self.labels = list(thresholds)
        self.thresholds = thresholds
        self.said = said

    def probabilities(self, tweets: Iterable[str], label: str = HATE_SPEECH) -> list[float]:
        return [self.said[tweet] for tweet in tweets]


SAID = {"vile": 0.9, "rude": 0.6, "lol": 0.2, "no": 0.1, "what the fuck": 0.7}
SCORER = Told(SAID, hate_speech=0.8, toxic=0.5, obscene=0.5)
EVERYDAY = [
    Everyday("1", "chat", "lol"),
    Everyday("2", "chat", "no"),
    Everyday("3", "chat", "rude"),
    Everyday("4", "swearing", "what the fuck", frozenset({"obscene"})),
]


def test_everyday_tweets_that_are_flagged_by_hand() -> None:
    # toxic: two of four reach 0.5. obscene: the one that swears does not count, one of the other three is flagged.
    assert measure_everyday(SCORER, EVERYDAY) == {
        "rows": 4,
        "flagged": {"hate_speech": 0.0, "toxic": 0.5, "obscene": 0.3333},
    }


def test_an_everyday_tweet_at_the_threshold_is_flagged() -> None:
    assert measure_everyday(Told(SAID, hate_speech=0.2), EVERYDAY[:2])["flagged"] == {"hate_speech": 0.5}
    assert measure_everyday(Told(SAID, hate_speech=0.2001), EVERYDAY[:2])["flagged"] == {"hate_speech": 0.0}


def test_a_label_of_your_own_is_not_measured_on_everyday_tweets() -> None:
    """Nobody has said whether they have it."""
    assert measure_everyday(Told(SAID, hate_speech=0.8, spam=0.1), EVERYDAY)["flagged"] == {"hate_speech": 0.0}


def test_where_all_everyday_tweets_have_a_label_it_is_not_measured() -> None:
    assert measure_everyday(Told(SAID, hate_speech=0.8, obscene=0.1), EVERYDAY[3:])["flagged"] == {"hate_speech": 0.0}


def test_what_is_stored_with_a_version() -> None:
    held_out = [
        Example("vile", {"hate_speech": True, "toxic": True}, source="corpus:a"),
        Example("lol", {"hate_speech": False}, source="corpus:a"),
        Example("rude", {"hate_speech": True}, source="key:1"),
        Example("no", {"toxic": False}, source="key:1"),
    ]
    checks = [CapabilityCheck("1", "everyday", "lol", False), CapabilityCheck("2", "insult", "rude", True)]

    metrics = evaluate(SCORER, held_out, checks, EVERYDAY)

    assert set(metrics) == {"hate_speech", "toxic", "by_source", "checks", "everyday"}
    assert metrics["hate_speech"] == measure([0.9, 0.2, 0.6], [True, False, True], 0.8).as_dict()
    assert metrics["toxic"] == measure([0.9, 0.1], [True, False], 0.5).as_dict()
    assert metrics["by_source"] == {
        "corpus:a": measure([0.9, 0.2], [True, False], 0.8).as_dict(),
        "key:1": measure([0.6], [True], 0.8).as_dict(),
    }
    assert metrics["checks"]["passed"] == 0.5
    assert metrics["everyday"] == measure_everyday(SCORER, EVERYDAY)
    assert json.loads(json.dumps(metrics)) == metrics


def test_what_there_is_nothing_to_measure_on_is_left_out() -> None:
    assert evaluate(SCORER, [], [], []) == {"by_source": {}}


def test_a_scorer_that_remembers_answers_as_the_one_that_it_asks(artifact_bytes: bytes) -> None:
    scorer = Scorer(Artifact.from_bytes(artifact_bytes))
    remembering = CachingScorer(scorer)
    tweets = ["all muslims are vermin", "have a nice day", "", "all muslims are vermin"]

    assert (remembering.labels, remembering.thresholds) == (scorer.labels, scorer.thresholds)
    for label in (*scorer.labels, HATE_SPEECH):
        assert remembering.probabilities(tweets, label) == scorer.probabilities(tweets, label)
