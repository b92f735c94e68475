"""Two versions side by side: the package's part, and GET /models/<id>/compare/<id>."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from api.models import ModelVersion, ReviewedTweet
from api.reviews.intake import add
from hate_speech_ai.artifact import Artifact
from hate_speech_ai.evaluation.model_diff import ScoreMap, changed_words
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.trainer import train
from tests.conftest import AsKey, MakeVersion, starter_examples, starter_rows


@pytest.fixture(scope="module")
def other_bytes() -> bytes:
    """The model of most tests, but for it "wibble" is hate speech."""
    slang = [Example(f"wibble {number}", {"hate_speech": True}) for number in range(60)]
    return train(starter_examples(6) + slang).artifact.to_bytes()


@pytest.fixture
def rows(db: None) -> list[ReviewedTweet]:
    for row in starter_rows()[::40]:
        add(tweet=row["tweet"], labels={"hate_speech": row["hate_speech"] == "1"}, source="corpus:starter")
    return list(ReviewedTweet.objects.filter(held_out=True))


def test_it_works(
    as_key: AsKey, served: ModelVersion, make_version: MakeVersion, other_bytes: bytes, rows: list[ReviewedTweet]
) -> None:
    newer = make_version(other_bytes)

    answer = as_key("admin").get(f"/models/{served.pk}/compare/{newer.pk}").json()

    assert answer["versions"] == {"old": served.pk, "new": newer.pk}
    assert answer["rows"] == len(rows) > 20
    old, new = (Scorer(Artifact.from_bytes(bytes(version.artifact))) for version in (served, newer))
    said = {
        str(row.receipt): [
            scorer.probabilities([row.tweet])[0] >= scorer.thresholds["hate_speech"] for scorer in (old, new)
        ]
        for row in rows
    }
    flipped = answer["changed"]
    assert flipped["became_positive"] == sum(after and not before for before, after in said.values())
    assert flipped["became_negative"] == sum(before and not after for before, after in said.values())
    assert {one["id"] for one in flipped["examples"]} <= {name for name, (one, two) in said.items() if one != two}
    assert answer["changed_words"][0]["word"] == "wibbl"
    assert answer["changed_words"][0]["old"] == 0


def test_a_version_and_itself(as_key: AsKey, served: ModelVersion, rows: list[ReviewedTweet]) -> None:
    answer = as_key("admin").get(f"/models/{served.pk}/compare/{served.pk}").json()

    assert answer["changed"] == {"became_positive": 0, "became_negative": 0, "corrected": 0, "examples": []}
    assert answer["score_map"]["old"] == pytest.approx(answer["score_map"]["new"])
    assert answer["changed_words"] == []


def test_reviewers_have_no_influence_on_the_rows(
    as_key: AsKey, served: ModelVersion, rows: list[ReviewedTweet]
) -> None:
    reviewer = as_key("review")
    for number in range(60):
        reviewer.post("/add-reviewed-tweet", {"tweet": f"a tweet of mine {number}", "is_hate_speech": True})
    assert ReviewedTweet.objects.filter(held_out=True).count() > len(rows)

    assert as_key("admin").get(f"/models/{served.pk}/compare/{served.pk}").json()["rows"] == len(rows)


def test_without_held_out_rows_there_is_no_map(as_key: AsKey, served: ModelVersion) -> None:
    answer = as_key("admin").get(f"/models/{served.pk}/compare/{served.pk}").json()

    assert (answer["rows"], answer["score_map"]) == (0, None)


def test_it_refuses(as_key: AsKey, served: ModelVersion, make_version: MakeVersion) -> None:
    broken = make_version(b"no model")

    assert as_key("admin").get(f"/models/{served.pk}/compare/99").status_code == 404
    assert as_key("admin").get(f"/models/{served.pk}/compare/{broken.pk}").status_code == 400
    assert as_key("review").get(f"/models/{served.pk}/compare/{served.pk}").status_code == 403


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 1)), min_size=1, max_size=80))
def test_the_map_is_scikit_learns(pairs: list[tuple[int, float]]) -> None:
    old, new = [pair[0] / 20 for pair in pairs], [pair[1] for pair in pairs]

    found = ScoreMap.of(old, new)

    expected = IsotonicRegression(out_of_bounds="clip").fit(old, new).predict(np.linspace(-0.1, 1.1, 50))
    assert [found(score) for score in np.linspace(-0.1, 1.1, 50)] == pytest.approx(expected, abs=1e-6)
    assert found.new == sorted(found.new)


@pytest.mark.parametrize(("old", "new"), [([], []), ([0.1], []), ([0.1], [0.2, 0.3])])
def test_a_map_needs_pairs(old: list[float], new: list[float]) -> None:
    with pytest.raises(ValueError, match="as many new scores"):
        ScoreMap.of(old, new)


def test_a_word_that_is_gone_counts_as_nothing(artifact_bytes: bytes, other_bytes: bytes) -> None:
    old, new = (Scorer(Artifact.from_bytes(content)) for content in (other_bytes, artifact_bytes))

    assert [(one.word, one.new) for one in changed_words(old, new, most=1)] == [("wibbl", 0.0)]
