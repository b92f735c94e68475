"""How far those who label tweets are believed."""

import pytest

from hate_speech_ai.annotator_reliability import NoiseEstimate, Reliability, reasons_to_quarantine
from hate_speech_ai.evaluation.proportions import wilson

LIMITS = {"max_contradicted": 0.2, "min_agreement": 0.7}


@pytest.mark.parametrize(
    ("contradicted", "confident", "believed"),
    [(0, 0, True), (29, 29, True), (30, 110, True), (32, 100, False), (210, 1000, True), (230, 1000, False)],
)
def test_labels_that_a_sure_model_contradicts(contradicted: int, confident: int, believed: bool) -> None:
    assert (
        reasons_to_quarantine(Reliability(), NoiseEstimate(confident, confident, contradicted), **LIMITS) == []
    ) == believed


@pytest.mark.parametrize(
    ("agreed", "gold", "believed"), [(0, 19, True), (0, 20, False), (13, 20, True), (62, 100, True), (60, 100, False)]
)
def test_labels_of_a_key_that_is_wrong_about_known_tweets(agreed: int, gold: int, believed: bool) -> None:
    assert (reasons_to_quarantine(Reliability(gold, agreed), NoiseEstimate(new_labels=1), **LIMITS) == []) == believed
    assert reasons_to_quarantine(Reliability(gold, agreed), NoiseEstimate(), **LIMITS) == []


def test_wilsons_interval() -> None:
    # R. G. Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
