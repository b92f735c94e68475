"""hate_speech_ai.explain, and POST /predict with explain."""

import math
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api.models import ModelVersion
from hate_speech_ai.artifact import Artifact
from hate_speech_ai.explain import explain
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import read
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
    assert said["balanced"]["explanation"]["flipped_by"] != said["high_precision"]["explanation"]["flipped_by"]


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
    for number, row in enumerate(starter_rows()[::10]):
        label = scorer.labels[number % len(scorer.labels)]
        explanation = explain(scorer, row["tweet"], label)
        total = explanation.intercept + math.fsum(one.value for one in explanation.contributions)
        expected = scorer.score(row["tweet"], (label,)).probabilities[label]

        assert probability(total) == pytest.approx(expected, abs=1e-9)


@hypothesis_settings(deadline=None)
@given(
    st.text(max_size=80) | st.lists(st.sampled_from([*HATEFUL.split(), "v3rm1n", "k i l l", "not", "😡"])).map(" ".join)
)
def test_any_text_sums_to_its_logit(scorer: Scorer, tweet: str) -> None:
    explanation = explain(scorer, tweet)

    assert probability(explanation.logit) == pytest.approx(scorer.score(tweet).probabilities["hate_speech"], abs=1e-9)
    assert len(explanation.contributions) == len(read(tweet))


def test_a_hidden_word_is_shown_where_it_stands(scorer: Scorer) -> None:
    tweet = "those v3rm1n should be d.e.p.o.r.t.e.d"

    found = {one.word: tweet[one.begin : one.end] for one in explain(scorer, tweet).contributions}

    assert found["vermin"] == "v3rm1n"
    assert found["deported"] == "d.e.p.o.r.t.e.d"


def test_without_the_named_words_the_decision_is_the_opposite(scorer: Scorer) -> None:
    flipped = 0
    for row in starter_rows()[::25]:
        tweet = row["tweet"]
        explanation = explain(scorer, tweet)
        if not explanation.flipped_by:
            continue
        tokens = [token for place, token in enumerate(read(tweet)) if place not in explanation.flipped_by]
        threshold = scorer.thresholds["hate_speech"]
        before, after = probability(explanation.logit) >= threshold, scorer.probability(tokens) >= threshold
        assert before != after
        flipped += 1

    assert flipped > 50


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
    for row in starter_rows()[::40]:
        tokens = read(row["tweet"])
        found = explain(scorer, row["tweet"]).flipped_by
        if not 2 <= len(found) <= 3 or len(tokens) > 20:
            continue
        threshold = scorer.thresholds["hate_speech"]
        answer = scorer.probability(tokens) >= threshold
        for size in range(1, len(found)):
            for places in combinations(range(len(tokens)), size):
                rest = [token for place, token in enumerate(tokens) if place not in places]
                assert (scorer.probability(rest) >= threshold) == answer
        seen += 1

    assert seen > 10
