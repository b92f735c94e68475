"""The gate: whether a candidate may serve."""

import pytest

from hate_speech_ai.gate import Answers, judge

ANSWERS = [True] * 10 + [False] * 10


def model(right: int) -> Answers:
    """Right about `right` of the ten hateful tweets and about all others: precision 1, recall right/10."""
    return [0.9] * right + [0.1] * (20 - right), 0.5


def test_the_first_model_serves() -> None:
    verdict = judge(ANSWERS, candidate=model(1), champion=None, max_drop=0.02)

    assert verdict.reasons == []
    assert set(verdict.figures) == {"candidate"}


@pytest.mark.parametrize("right", [9, 10])
def test_no_worse_than_the_champion_may_serve(right: int) -> None:
    assert judge(ANSWERS, candidate=model(right), champion=model(9), max_drop=0.0).reasons == []


def test_a_worse_candidate_must_not_serve() -> None:
    reasons = judge(ANSWERS, candidate=model(5), champion=model(10), max_drop=0.02).reasons

    assert [reason.split(" on ")[0] for reason in reasons] == ["F1", "PR-AUC"]
    assert "20 held-out tweets falls from 1.0000 to 0.6667" in reasons[0]


def test_a_small_drop_is_forgiven() -> None:
    assert judge(ANSWERS, candidate=model(9), champion=model(10), max_drop=0.06).reasons == []
    assert judge(ANSWERS, candidate=model(9), champion=model(10), max_drop=0.05).reasons != []


def test_a_threshold_that_was_lost_is_noticed() -> None:
    scores, _ = model(10)

    reasons = judge(ANSWERS, candidate=(scores, 0.95), champion=model(10), max_drop=0.02).reasons

    assert len(reasons) == 1
    assert reasons[0].startswith("F1 ")


def test_a_ranking_that_was_lost_is_noticed() -> None:
    same_decisions = [0.6] * 10 + [0.4] * 10
    champion = ([0.9] * 9 + [0.2] + [0.1] * 10, 0.5)
    candidate = ([0.9] * 9 + [0.05] + [0.1] * 10, 0.5)
    assert judge(ANSWERS, candidate=(same_decisions, 0.5), champion=champion, max_drop=0.0).reasons == []

    reasons = judge(ANSWERS, candidate=candidate, champion=champion, max_drop=0.02).reasons

    assert len(reasons) == 1
    assert reasons[0].startswith("PR-AUC ")


def test_both_models_figures_are_shown() -> None:
    figures = judge(ANSWERS, candidate=model(5), champion=model(10), max_drop=0.02).figures

    assert (figures["candidate"]["recall"], figures["champion"]["recall"]) == (0.5, 1.0)


def test_figures_that_are_not_defined_are_no_reason() -> None:
    only_yes = [True] * 4

    verdict = judge(only_yes, candidate=([0.9] * 4, 0.5), champion=([0.8] * 4, 0.5), max_drop=0.0)

    assert verdict.reasons == []
    assert verdict.figures["candidate"]["pr_auc"] is None
