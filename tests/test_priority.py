"""Why a tweet is worth a person's time."""

from typing import Any

import pytest

from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.priority import NEAR, margin, worth
from hate_speech_ai.scorer import Scorer


@pytest.fixture(scope="module")
def scorer(trained: Any) -> Scorer:
    return Scorer(trained.artifact)


def moved(scorer: Scorer, logits: float) -> float:
    """The probability that lies so far above the threshold."""
    threshold = scorer.thresholds[HATE_SPEECH]
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if margin(middle, threshold) < logits else (low, middle)
    return low


def test_a_sure_answer_about_known_words_is_worth_nothing(scorer: Scorer) -> None:
    assert worth(scorer, "thank you for the lovely birthday cake", 0.001) == ({}, 0.0)


def test_near_the_threshold_says_how_near(scorer: Scorer) -> None:
    near, nearer = (worth(scorer, "thank you for the cake", moved(scorer, -logits)) for logits in (0.8, 0.25))

    assert near.reasons["near_threshold"].startswith("0.80 logits below the threshold of 0.")
    assert near.score == pytest.approx(0.2, abs=0.01)
    assert nearer.score == pytest.approx(0.75, abs=0.01)
    assert "above" in worth(scorer, "thank you", moved(scorer, 0.5)).reasons["near_threshold"]
    assert "near_threshold" not in worth(scorer, "thank you", moved(scorer, NEAR + 0.01)).reasons


def test_unknown_words_are_named(scorer: Scorer) -> None:
    found = worth(scorer, "@ann the quiblets and wozzles 123 😀", 0.001)

    assert found.reasons == {"unknown_words": "2 of 4 words are unknown to the model: quiblets, wozzles."}
    assert found.score == 0.5


def test_many_unknown_words_are_not_all_named(scorer: Scorer) -> None:
    found = worth(scorer, " ".join(f"zyx{letter}qv" for letter in "abcdefghij"), 0.001)

    assert "10 of 10 words" in found.reasons["unknown_words"]
    assert found.reasons["unknown_words"].endswith("and 5 more.")


def test_one_unknown_word_is_no_reason(scorer: Scorer) -> None:
    assert worth(scorer, "hello wozzles", 0.001).reasons == {}


def test_a_group_is_a_reason_where_the_answer_is_yes_or_nearly(scorer: Scorer) -> None:
    text = "women and immigrants are welcome here"

    yes, near, no = (worth(scorer, text, moved(scorer, logits)).reasons for logits in (2, -0.5, -2))

    assert yes["identity_term"] == "It names a group, and the answer is yes: women, immigrants."
    assert "a yes is near" in near["identity_term"]
    assert "identity_term" not in no


@pytest.mark.parametrize("text", ["", "@ann https://t.co/x", "😀", "\u200b"])
def test_text_that_cannot_be_read(scorer: Scorer, text: str) -> None:
    assert worth(scorer, text, 0.0) == ({}, 0.0)
    assert worth(scorer, text, 1.0) == ({}, 0.0)
