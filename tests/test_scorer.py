"""hate_speech_ai.scorer: the same answers as scikit-learn, without it."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.corpora import CORPORA, Corpus, Row, read
from hate_speech_ai.scorer import EMPTY, TRUNCATED, UNKNOWN, Scorer
from tests.conftest import SHARED, starter_rows

REAL_TWEETS = [
    (CORPORA["davidson2017"], "davidson2017/labeled_data.csv"),
    (CORPORA["twitter_hate_av"], "twitter_hate_av/train.csv"),
    (Corpus("hateval", "text", label_columns={"hate_speech": "label"}), "hateval2019_en/train.csv"),
    (
        Corpus("measuring", "text", label_columns={"hate_speech": "label"}),
        "measuring_hate_speech/measuring_hate_speech_binary.csv",
    ),
    (Corpus("jigsaw", "comment_text", label_columns={"toxic": "toxic"}), "jigsaw_toxic_sample/train_natural.csv.gz"),
]
WORDS = st.sampled_from(
    ["you", "all", "not", "hate", "love", "kill", "muslims", "women", "😡", "@ann", "http://t.co/x", "xyzzy"]
)


@pytest.fixture(scope="module")
def scorer(artifact_bytes: bytes) -> Scorer:
    return Scorer(Artifact.from_bytes(artifact_bytes))


def assert_equal_to_scikit_learn(trained: Any, scorer: Scorer, tweets: list[str]) -> None:
    scores = [scorer.score(tweet, scorer.labels).probabilities for tweet in tweets]
    for label in scorer.labels:
        expected = trained.pipeline(label).predict_proba(tweets)[:, 1]
        difference = np.abs(expected - [score[label] for score in scores])
        assert difference.max() <= 1e-9, (label, tweets[int(difference.argmax())])


def test_it_works(scorer: Scorer) -> None:
    hateful, kind = (
        scorer.score(tweet) for tweet in ("all muslims are vermin, kill them", "have a lovely day, everyone")
    )

    assert set(hateful.probabilities) == {"hate_speech"}
    assert (
        0 < kind.probabilities["hate_speech"] < scorer.thresholds["hate_speech"] < hateful.probabilities["hate_speech"]
    )
    assert hateful.notes == kind.notes == []


def test_every_head_equals_scikit_learn_on_the_starter_corpus(trained: Any, scorer: Scorer) -> None:
    assert len(scorer.labels) >= 5
    assert_equal_to_scikit_learn(trained, scorer, [row["tweet"] for row in starter_rows()])


@pytest.mark.skipif(not SHARED.exists(), reason="needs the folder with the public corpora")
@pytest.mark.parametrize(("corpus", "file"), REAL_TWEETS, ids=[corpus.name for corpus, _ in REAL_TWEETS])
def test_every_head_equals_scikit_learn_on_real_tweets(trained: Any, scorer: Scorer, corpus: Corpus, file: str) -> None:
    rows = islice(read(corpus, SHARED / "datasets" / file), 1_000)
    tweets = [row.tweet for row in rows if isinstance(row, Row)]

    assert len(tweets) > 900
    assert_equal_to_scikit_learn(trained, scorer, tweets)


@given(tweets=st.lists(st.text(st.characters()) | st.lists(WORDS, max_size=100).map(" ".join), min_size=1, max_size=30))
def test_every_head_equals_scikit_learn_on_any_text(trained: Any, scorer: Scorer, tweets: list[str]) -> None:
    assert_equal_to_scikit_learn(trained, scorer, tweets)


@pytest.mark.parametrize("piece", ["hate ", "you are ", "a", "😡", "@ann ", "kill them all muslims ", "\ufdfa"])
def test_every_head_equals_scikit_learn_where_a_word_stands_a_thousand_times(
    trained: Any, scorer: Scorer, piece: str
) -> None:
    assert_equal_to_scikit_learn(trained, scorer, [piece * count for count in (2, 63, 64, 65, 66, 1_000, 6_000)])


@given(st.text(st.characters()))
def test_a_probability_is_between_0_and_1(scorer: Scorer, tweet: str) -> None:
    assert all(0 <= share <= 1 for share in scorer.score(tweet, scorer.labels).probabilities.values())


def test_a_probability_does_not_depend_on_what_was_asked_before(artifact_bytes: bytes, scorer: Scorer) -> None:
    tweets = [row["tweet"] for row in starter_rows()[:200]]
    fresh = Scorer(Artifact.from_bytes(artifact_bytes))

    assert fresh.probabilities(reversed(tweets)) == scorer.probabilities(tweets)[::-1]


def test_probabilities_are_those_of_the_label_asked_for(scorer: Scorer) -> None:
    tweets = ["all muslims are vermin", "you idiot", ""]

    for label in scorer.labels:
        assert scorer.probabilities(tweets, label) == [scorer.score(t, (label,)).probabilities[label] for t in tweets]


@pytest.mark.parametrize(
    ("tweet", "notes"),
    [
        ("they hate us", []),
        ("", [EMPTY]),
        (" \u200b!?... ", [EMPTY]),
        ("@ann @bob https://t.co/x", [EMPTY]),
        ("xyzzyqwv", [UNKNOWN]),
        ("@ann xyzzyqwv https://t.co/x", [UNKNOWN]),
        ("xyzzyqwv women", []),
        ("日本語のツイート", [UNKNOWN]),
        ("we like this " * 500, [TRUNCATED]),
        ("!" * 5_001, [EMPTY, TRUNCATED]),
        ("we like it".ljust(5_000), []),
    ],
)
def test_notes_say_what_weakens_the_answer(scorer: Scorer, tweet: str, notes: list[str]) -> None:
    assert scorer.score(tweet).notes == notes


def test_what_cannot_be_read_gets_the_answer_of_no_words_at_all(scorer: Scorer) -> None:
    assert scorer.score("... !!").probabilities == scorer.score("").probabilities


def test_a_label_that_the_model_does_not_answer_is_refused(scorer: Scorer) -> None:
    with pytest.raises(KeyError):
        scorer.score("hello", ("nosuch",))
