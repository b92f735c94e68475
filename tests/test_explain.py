"""hate_speech_ai.explain, and POST /predict with explain."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api.models import ModelVersion
from hate_speech_ai.artifact import Artifact
from hate_speech_ai.explain import explain, explain_all
from hate_speech_ai.scorer import Reading, Scorer
from hate_speech_ai.text import LONG, parts, tokenize_with_offsets, without
from tests.conftest import JSONClient, starter_rows

HATEFUL = "all muslims are vermin and should be deported"


@pytest.fixture(scope="module")
def scorer(artifact_bytes: bytes) -> Scorer:
    return Scorer(Artifact.from_bytes(artifact_bytes))


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def test_it_works(client: JSONClient, served: ModelVersion) -> None:
    answer = client.post("/predict", {"tweet": HATEFUL, "explain": True}).json()

    explanation = answer["explanation"]
    total = explanation["intercept"] + sum(token["contribution"] for token in explanation["tokens"])
    assert total == pytest.approx(explanation["logit"], abs=1e-9)
    assert probability(total) == pytest.approx(answer["probability"], abs=1e-9)
    assert [HATEFUL[token["begin"] : token["end"]] for token in explanation["tokens"]] == HATEFUL.split()
    contributions = {token["word"]: token["contribution"] for token in explanation["tokens"]}
    assert contributions["muslims"] > 0
    assert contributions["vermin"] > 0


def test_each_label_asked_for_has_its_own(client: JSONClient, served: ModelVersion) -> None:
    answer = client.post("/predict", {"tweet": HATEFUL, "explain": True, "labels": ["threat", "hate_speech"]}).json()

    for one in answer["labels"].values():
        assert probability(one["explanation"]["logit"]) == pytest.approx(one["probability"], abs=1e-9)
    assert answer["labels"]["hate_speech"]["explanation"] == answer["explanation"]
    assert answer["labels"]["threat"]["explanation"]["logit"] != answer["explanation"]["logit"]


def test_what_flips_the_decision_depends_on_the_operating_point(client: JSONClient, served: ModelVersion) -> None:
    points = served_scorer(served).operating_points["hate_speech"]
    tweet = next(
        row["tweet"]
        for row in starter_rows()
        if points["balanced"].threshold
        < served_scorer(served).score(row["tweet"]).probabilities["hate_speech"]
        < points["high_precision"].threshold
    )

    said = {
        point: client.post("/predict", {"tweet": tweet, "explain": True, "operating_point": point}).json()
        for point in ("balanced", "high_precision")
    }

    assert said["balanced"]["is_hate_speech"]
    assert not said["high_precision"]["is_hate_speech"]
    assert (
        said["balanced"]["explanation"]["counterfactual_tokens"]
        != said["high_precision"]["explanation"]["counterfactual_tokens"]
    )


def served_scorer(version: ModelVersion) -> Scorer:
    return Scorer(Artifact.from_bytes(bytes(version.artifact)))


@pytest.mark.parametrize("fields", [{"tweet": HATEFUL}, {"tweet": HATEFUL, "explain": False}])
def test_nothing_is_explained_unasked(client: JSONClient, served: ModelVersion, fields: dict[str, Any]) -> None:
    assert "explanation" not in client.post("/predict", fields).json()


@pytest.mark.parametrize(
    "fields", [{"tweet": HATEFUL, "explain": "yes"}, {"tweets": [HATEFUL], "explain": True}, {"explain": True}]
)
def test_it_refuses(client: JSONClient, served: ModelVersion, fields: dict[str, Any]) -> None:
    assert client.post("/predict", fields).status_code == 400


def test_every_label_of_every_starter_row_sums_to_its_logit(scorer: Scorer) -> None:
    for number, row in enumerate(starter_rows()[::50]):
        label = scorer.labels[number % len(scorer.labels)]
        explanation = explain(scorer, row["tweet"], label)
        total = explanation.intercept + math.fsum(one.value for one in explanation.contributions)
        expected = scorer.score(row["tweet"], (label,)).probabilities[label]

        assert probability(total) == pytest.approx(expected, abs=1e-9)


@hypothesis_settings(deadline=None)
@given(
    st.text(max_size=80)
    | st.builds(
        str.join,
        st.sampled_from([" ", ". "]),
        st.lists(st.sampled_from([*HATEFUL.split(), "v3rm1n", "k i l l", "not", "😡", "bread."]), max_size=70),
    )
)
def test_any_text_sums_to_its_logit(scorer: Scorer, tweet: str) -> None:
    explanation = explain(scorer, tweet)

    total = explanation.intercept + math.fsum(one.value for one in explanation.contributions)
    assert total == pytest.approx(explanation.logit, abs=1e-9)
    assert probability(explanation.logit) == pytest.approx(scorer.score(tweet).probabilities["hate_speech"], abs=1e-9)
    assert len(explanation.contributions) == len(tokenize_with_offsets(tweet))
    if explanation.part:
        begin, end = explanation.part
        assert explanation.part in parts(tweet, tokenize_with_offsets(tweet))
        assert not any(one.value for one in explanation.contributions[:begin] + explanation.contributions[end:])


def test_a_hidden_word_is_shown_where_it_stands(scorer: Scorer) -> None:
    tweet = "those v3rm1n should be d.e.p.o.r.t.e.d"

    found = {one.word: tweet[one.begin : one.end] for one in explain(scorer, tweet).contributions}

    assert found["vermin"] == "v3rm1n"
    assert found["deported"] == "d.e.p.o.r.t.e.d"


def left_of(scorer: Scorer, tweet: str, removed: Sequence[int]) -> Reading:
    """How a tweet is read without some of its tokens."""
    tokens = tokenize_with_offsets(tweet)
    rest = [token for place, token in enumerate(tokens) if place not in removed]
    return scorer.decisive(without(tweet, [tokens[place] for place in removed]), rest)


def test_the_dots_of_a_removed_link_end_no_sentence() -> None:
    text = "look at www.example.com/x and n.i.c.e words " + "of all people who live on that hill " * 3
    tokens = tokenize_with_offsets(text)
    dotted = [place for place, token in enumerate(tokens) if "." in text[token.begin : token.end]]
    rest = [token for place, token in enumerate(tokens) if place not in dotted]

    blanked = without(text, [tokens[place] for place in dotted])

    assert dotted
    # One sentence, in two windows; with the dots there were two sentences.
    assert parts(blanked, rest) == [(0, 24), (12, 28)]
    assert parts(text, rest) == [(0, 3), (3, 27), (15, 28)]


def test_without_the_named_words_the_decision_is_the_opposite(scorer: Scorer) -> None:
    flipped = 0
    for row in starter_rows()[::50]:
        tweet = row["tweet"]
        explanation = explain(scorer, tweet)
        if not explanation.counterfactual_tokens:
            continue
        threshold = scorer.thresholds["hate_speech"]
        after = probability(left_of(scorer, tweet, explanation.counterfactual_tokens).logit) >= threshold
        before = probability(explanation.logit) >= threshold
        assert before != after
        flipped += 1

    assert flipped > 50


def test_all_labels_at_once_are_explained_as_one_by_one(scorer: Scorer) -> None:
    for row in [*starter_rows()[::800], {"tweet": LONG_TEXT}]:
        together = explain_all(scorer, row["tweet"], scorer.thresholds)

        assert together == {label: explain(scorer, row["tweet"], label) for label in scorer.labels}


@pytest.mark.parametrize("copies", [5, 20, 100])
def test_the_words_named_of_a_very_long_text_turn_the_decision_too(scorer: Scorer, copies: int) -> None:
    text = f"{LONG_TEXT} " + " ".join(HARMLESS * copies)

    found = explain(scorer, text).counterfactual_tokens

    logits = [left_of(scorer, text, removed).logit for removed in ([], found)]
    assert not found or len({probability(logit) >= scorer.thresholds["hate_speech"] for logit in logits}) == 2


def test_words_that_are_not_known_are_named(scorer: Scorer) -> None:
    known = {one.word: one.known for one in explain(scorer, "the zxqvbrl people").contributions}

    assert known == {"the": True, "zxqvbrl": False, "people": True}


def test_every_feature_is_named_and_they_sum_to_the_logit(scorer: Scorer) -> None:
    explanation = explain(scorer, HATEFUL)

    assert explanation.intercept + sum(value for _, value in explanation.features) == pytest.approx(explanation.logit)
    strengths = [abs(value) for _, value in explanation.features]
    assert strengths == sorted(strengths, reverse=True)
    assert {"vermin", "<group>", "ermi"} <= {feature for feature, _ in explanation.features}


def test_no_smaller_set_of_words_turns_the_decision(scorer: Scorer) -> None:
    seen = 0
    for row in starter_rows()[::60]:
        tokens = tokenize_with_offsets(row["tweet"])
        found = explain(scorer, row["tweet"]).counterfactual_tokens
        if not 2 <= len(found) <= 3 or len(tokens) > 20:
            continue
        threshold = scorer.thresholds["hate_speech"]

        def answer(removed: Sequence[int], tweet: str = row["tweet"], threshold: float = threshold) -> bool:
            return probability(left_of(scorer, tweet, removed).logit) >= threshold

        for size in range(1, len(found)):
            for places in combinations(range(len(tokens)), size):
                assert answer(places) == answer(())
        seen += 1

    assert seen > 10


# Long texts

HARMLESS = [
    "the bus was late again and we waited in the rain.",
    "my sister baked two loaves of bread this morning.",
    "somebody left an umbrella in the library on monday.",
    "our train goes at nine from the other platform.",
]
LONG_TEXT = " ".join([*HARMLESS[:2], HATEFUL + ".", *HARMLESS[2:]])


def test_of_a_long_text_the_sentence_that_decides_is_named(scorer: Scorer) -> None:
    explanation = explain(scorer, LONG_TEXT)

    assert explanation.part is not None
    begin, end = explanation.part
    assert [one.word for one in explanation.contributions[begin:end]] == HATEFUL.split()
    said = {one.word: one.value for one in explanation.contributions}
    assert (said["muslims"] > 0, said["vermin"] > 0, said["bread"], said["umbrella"]) == (True, True, 0.0, 0.0)


def test_of_a_long_text_the_words_that_decide_sum_to_the_logit(scorer: Scorer) -> None:
    explanation = explain(scorer, LONG_TEXT)

    total = explanation.intercept + math.fsum(one.value for one in explanation.contributions)
    assert total == pytest.approx(explanation.logit, abs=1e-9)
    assert explanation.intercept == pytest.approx(scorer.intercept() - math.log(5))
    assert explanation.intercept + sum(value for _, value in explanation.features) == pytest.approx(explanation.logit)
    assert probability(total) == pytest.approx(scorer.score(LONG_TEXT).probabilities["hate_speech"], abs=1e-9)


def test_a_text_that_is_read_as_a_whole_has_no_part(scorer: Scorer) -> None:
    short, even = (explain(scorer, text) for text in (HATEFUL, " ".join([HATEFUL + "."] * 8)))

    assert (short.part, even.part) == (None, None)
    assert short.intercept == even.intercept == scorer.intercept()
    assert all(one.value for one in even.contributions)


def test_each_label_has_the_part_that_decides_it(scorer: Scorer) -> None:
    text = f"what a fucking shit day this was. {LONG_TEXT}"

    assert explain(scorer, text, "obscene").part == (0, 7)
    assert explain(scorer, text, "hate_speech").part != (0, 7)


def test_what_turns_the_answer_of_a_long_text_stands_in_its_hateful_sentence(scorer: Scorer) -> None:
    tokens = tokenize_with_offsets(LONG_TEXT)
    assert len(tokens) > LONG

    explanation = explain(scorer, LONG_TEXT)

    assert explanation.part is not None
    assert explanation.counterfactual_tokens
    assert set(explanation.counterfactual_tokens) <= set(range(*explanation.part))
    rest = [token for place, token in enumerate(tokens) if place not in explanation.counterfactual_tokens]
    assert probability(scorer.decisive(LONG_TEXT, rest).logit) < scorer.thresholds["hate_speech"]


def test_the_service_tells_the_part_too(client: JSONClient, served: ModelVersion) -> None:
    long, short = (
        client.post("/predict", {"tweet": tweet, "explain": True}).json()["explanation"]
        for tweet in (LONG_TEXT, HATEFUL)
    )

    assert short["part"] is None
    begin, end = long["part"]
    assert [token["word"] for token in long["tokens"][begin:end]] == HATEFUL.split()
    assert long["intercept"] + sum(token["contribution"] for token in long["tokens"]) == pytest.approx(long["logit"])
