"""hate_speech_ai.scorer: the same answers as scikit-learn, without it."""

import math
from itertools import islice
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.corpora import reader
from hate_speech_ai.corpora.catalogue import CORPORA
from hate_speech_ai.corpora.corpus import Corpus, Row
from hate_speech_ai.scorer import EMPTY, TRUNCATED, UNKNOWN, Scorer, sigmoid
from hate_speech_ai.text import LONG, Token, parts, tokenize_with_offsets
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
    readings: list[list[Token]] = []  # of every tweet the whole, and of a long one its parts
    owners, costs = [], []
    for place, tweet in enumerate(tweets):
        tokens = tokenize_with_offsets(tweet)
        ranges = parts(tweet, tokens)
        readings += [tokens, *(tokens[begin:end] for begin, end in ranges)]
        owners += [place] * (1 + len(ranges))
        costs += [0.0] + [math.log(len(ranges))] * len(ranges) if ranges else [0.0]
    matrix = trained.vectorizer.transform_tokens(readings)
    for label in scorer.labels:
        expected = np.full(len(tweets), -np.inf)
        np.maximum.at(expected, owners, trained.heads[label].decision_function(matrix) - costs)
        difference = np.abs([sigmoid(logit) - score[label] for logit, score in zip(expected, scores, strict=True)])
        assert difference.max() <= 1e-9, (label, tweets[int(difference.argmax())])


def test_it_works(scorer: Scorer) -> None:
    hateful, kind = (
        scorer.score(tweet) for tweet in ("all muslims are vermin, kill them", "have a lovely day, everyone")
    )

    assert set(hateful.probabilities) == {"hate_speech"}
    assert (
        0 < kind.probabilities["hate_speech"] < scorer.thresholds["hate_speech"] < hateful.probabilities["hate_speech"]
    )
    assert hateful.warnings == kind.warnings == []


def test_every_head_equals_scikit_learn_on_the_starter_corpus(trained: Any, scorer: Scorer) -> None:
    tweets = [row["tweet"] for row in starter_rows()[::3]]

    assert len(scorer.labels) >= 5
    assert sum(len(tokenize_with_offsets(tweet)) > LONG for tweet in tweets) > 100
    assert_equal_to_scikit_learn(trained, scorer, tweets)


def test_the_pipeline_of_scikit_learn_judges_a_short_text_alike(trained: Any, scorer: Scorer) -> None:
    tweets = [row["tweet"] for row in starter_rows()[::50] if len(tokenize_with_offsets(row["tweet"])) <= LONG]

    for label in scorer.labels:
        expected = trained.pipeline(label).predict_proba(tweets)[:, 1]
        assert scorer.probabilities(tweets, label) == pytest.approx(expected, abs=1e-9)


@pytest.mark.skipif(not SHARED.exists(), reason="needs the folder with the public corpora")
@pytest.mark.parametrize(("corpus", "file"), REAL_TWEETS, ids=[corpus.name for corpus, _ in REAL_TWEETS])
def test_every_head_equals_scikit_learn_on_real_tweets(trained: Any, scorer: Scorer, corpus: Corpus, file: str) -> None:
    rows = islice(reader.read(corpus, SHARED / "datasets" / file), 1_000)
    tweets = [row.tweet for row in rows if isinstance(row, Row)]

    assert len(tweets) > 900
    assert_equal_to_scikit_learn(trained, scorer, tweets)


@hypothesis.settings(deadline=None)  # it compares; how long it takes is the machine's affair
@given(
    tweets=st.lists(
        st.text(st.characters())
        | st.builds(str.join, st.sampled_from([" ", ". ", "\n"]), st.lists(WORDS, max_size=100)),
        min_size=1,
        max_size=30,
    )
)
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
    ("tweet", "warnings"),
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
def test_warnings_say_what_weakens_the_answer(scorer: Scorer, tweet: str, warnings: list[str]) -> None:
    assert scorer.score(tweet).warnings == warnings


HATEFUL = "all muslims are vermin and should be deported."
HARMLESS = [
    "the bus was late again and we waited in the rain.",
    "my sister baked two loaves of bread this morning.",
    "somebody left an umbrella in the library on monday.",
    "our train goes at nine from the other platform.",
    "the garden needs water before the weekend comes.",
    "he painted the kitchen yellow and it looks bright.",
    "they moved the meeting to thursday after lunch.",
    "a new bakery opened beside the old post office.",
    "we walked along the river until it was dark.",
    "grandfather fixed the bicycle with a piece of string.",
]


def test_hate_in_one_sentence_is_found_among_many_harmless_ones(scorer: Scorer) -> None:
    harmless, mixed = " ".join(HARMLESS), " ".join([*HARMLESS[:5], HATEFUL, *HARMLESS[5:]])

    alone, without, found = scorer.probabilities([HATEFUL, harmless, mixed])

    assert without < scorer.thresholds["hate_speech"] < found < alone
    assert sigmoid(scorer.logits(mixed, tokenize_with_offsets(mixed), ("hate_speech",))[0]) < found


@pytest.mark.parametrize("others", [7, 10])
def test_a_part_counts_less_the_more_parts_there_are(scorer: Scorer, others: int) -> None:
    text = " ".join([HATEFUL, *HARMLESS[:others]])

    reading = scorer.decisive(text, tokenize_with_offsets(text))

    assert reading.part == (0, 8)
    assert reading.cost == pytest.approx(math.log(1 + others))
    assert reading.logit == pytest.approx(
        scorer.decisive(HATEFUL, tokenize_with_offsets(HATEFUL)).logit - math.log(1 + others)
    )


def test_a_text_that_is_not_long_is_read_as_a_whole(scorer: Scorer) -> None:
    text = f"{HARMLESS[0]} {HATEFUL}"

    reading = scorer.decisive(text, tokenize_with_offsets(text))

    assert (reading.part, reading.cost) == (None, 0.0)
    assert reading.logit == scorer.logits(text, tokenize_with_offsets(text), ("hate_speech",))[0]


def test_a_long_text_without_full_stops_hides_nothing(scorer: Scorer) -> None:
    harmless = " ".join(HARMLESS).replace(".", "")
    hidden = " ".join([*HARMLESS[:5], HATEFUL, *HARMLESS[5:]]).replace(".", "")

    assert scorer.probabilities([harmless])[0] < scorer.thresholds["hate_speech"] < scorer.probabilities([hidden])[0]


def test_a_text_that_is_hateful_as_a_whole_is_read_as_a_whole(scorer: Scorer) -> None:
    text = " ".join(["muslims are vermin, and jews, and women, and gays: we hate all of you."] * 12)

    reading = scorer.decisive(text, tokenize_with_offsets(text))

    assert (reading.part, reading.cost) == (None, 0.0)
    assert reading.logit == scorer.logits(text, tokenize_with_offsets(text), ("hate_speech",))[0]


@pytest.mark.parametrize("length", [LONG - 1, LONG, LONG + 1, 200])
def test_no_part_makes_a_text_less_hateful_than_the_whole(scorer: Scorer, length: int) -> None:
    text = ". ".join((HATEFUL.rstrip(".").split() * 30)[:length])

    whole = scorer.logits(text, tokenize_with_offsets(text), scorer.labels)

    said = scorer.score(text, scorer.labels).probabilities
    assert all(said[label] >= sigmoid(logit) for label, logit in zip(scorer.labels, whole, strict=True))


def test_each_label_has_the_part_that_decides_it(scorer: Scorer) -> None:
    text = f"what a fucking shit day this was. {HATEFUL} " + " ".join(HARMLESS)

    decided = {
        label: scorer.decisive(text, tokenize_with_offsets(text), label).part for label in ("obscene", "hate_speech")
    }

    assert decided["obscene"] == (0, 7)
    assert decided["hate_speech"] == (7, 15)


def test_letters_that_nobody_knows_weaken_what_the_known_ones_say(scorer: Scorer) -> None:
    """So that a name is not hateful for the slur that its letters hold."""
    word, name = (scorer.logits(text, tokenize_with_offsets(text), ("obscene",))[0] for text in ("shit", "qwxshitqwx"))

    assert scorer.intercept("obscene") - 1 < name < word - 2


def test_what_cannot_be_read_gets_the_answer_of_no_words_at_all(scorer: Scorer) -> None:
    assert scorer.score("... !!").probabilities == scorer.score("").probabilities


def test_a_label_that_the_model_does_not_answer_is_refused(scorer: Scorer) -> None:
    with pytest.raises(KeyError):
        scorer.score("hello", ("nosuch",))
