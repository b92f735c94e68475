"""hate_speech_ai.training.trainer: from labelled tweets to a model."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from scipy.sparse import csr_array

from api.models import ReviewedTweet
from api.reviews.corpora import import_corpus
from api.training.dataset import read
from hate_speech_ai.artifact import Artifact, sha256
from hate_speech_ai.corpora.catalogue import own
from hate_speech_ai.evaluation.everyday import Everyday
from hate_speech_ai.evaluation.metrics import measure
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import fingerprint, is_held_out
from hate_speech_ai.training.examples import Example, NotEnoughData
from hate_speech_ai.training.heads import HeadLearner
from hate_speech_ai.training.recipe import recipe
from hate_speech_ai.training.trainer import MAX_LABELS, MIN_EXAMPLES, learnable, train
from hate_speech_ai.training.vectorizer import TweetVectorizer
from tests.conftest import starter_rows

WORDS = ("lake", "bakery", "morning", "train")


def examples(yes: int = 60, no: int = 60, **labels: bool) -> list[Example]:
    """Tweets of the starter corpus, so many with hate speech and so many without; `labels` are answered for all."""
    answers: dict[str, list[str]] = {"1": [], "0": []}
    for row in starter_rows():
        answers[row["hate_speech"]].append(row["tweet"])
    return [
        Example(tweet, {"hate_speech": answer == "1", **labels})
        for answer, count in (("1", yes), ("0", no))
        for tweet in answers[answer][:count]
    ]


def answering(rows: list[Example], label: str, yes: int, no: int) -> list[Example]:
    """The same rows; the first of them also answer `label`."""
    answers = [True] * yes + [False] * no
    return [
        Example(row.tweet, {**row.labels, label: answer} if answer is not None else row.labels)
        for row, answer in zip(rows, answers + [None] * (len(rows) - len(answers)), strict=True)
    ]


def mixed() -> list[Example]:
    """A thousand tweets of two sources, one of them core, with two labels."""
    return [
        Example(
            row["tweet"],
            {label: row[label] == "1" for label in ("hate_speech", "toxic")},
            source=row["id"][0],
            in_domain=number % 2 == 0,
        )
        for number, row in enumerate(starter_rows()[::23])
    ]


FRAMES = ("{} again", "look at the {}", "another {} on the bus", "every {} in town", "no {} here", "a {} lives there")
EVERYDAY = [
    Everyday(str(number), "chat", f"{word} {number} {more}")
    for number in range(25)
    for word in ("yes", "no", "ok", "maybe", "lol", "bye", "see you", "thank you")
    for more in ("then", "tomorrow", "at lunch", "i think", "haha")
]


def reviews(word: str = "blorp", count: int = 24, hateful: bool = True) -> list[Example]:
    """What reviewers say about a word."""
    return [
        Example(f"{frame.format(word)} {number}", {"hate_speech": hateful}, source="reviews", in_domain=True)
        for number in range(-(-count // len(FRAMES)))
        for frame in FRAMES
    ][:count]


def weight(artifact: Artifact, word: str, label: str = "hate_speech") -> float:
    """What a word says for a label; 0 where it is unknown."""
    words = artifact.vocabulary.words
    return float(artifact.weights[artifact.labels.index(label), words.index(word)]) if word in words else 0.0


def test_labels_beyond_the_most_are_not_learned_but_the_usual_ones_are() -> None:
    answers = {"threat": MIN_EXAMPLES, **{f"made_up_{n}": MIN_EXAMPLES + n for n in range(MAX_LABELS + 20)}}
    examples = [
        Example(f"{label} {answer} {n}", {label: answer}, source="s")
        for label, count in answers.items()
        for answer in (True, False)
        for n in range(count)
    ]

    found = learnable(examples)

    assert len(found) == MAX_LABELS
    assert "threat" in found
    assert set(found) - {"threat"} == {f"made_up_{n}" for n in range(21, MAX_LABELS + 20)}


def test_it_works() -> None:
    trained = train(examples(), seed=3, metadata={"trained_on": 120})
    artifact = Artifact.from_bytes(trained.artifact.to_bytes())

    assert artifact.labels == ["hate_speech"]
    assert artifact.curves["hate_speech"].base_rate == 0.5
    assert artifact.metadata == {"recipe": recipe(), "seed": 3, "trained_on": 120}


def test_it_learns_what_holds_for_tweets_that_it_never_saw(trained: Any) -> None:
    rows = [row for row in starter_rows() if is_held_out(fingerprint(row["tweet"]))]
    answers = [row["hate_speech"] == "1" for row in rows]
    metrics = measure(Scorer(trained.artifact).probabilities([row["tweet"] for row in rows]), answers, 0.5)

    assert metrics.roc_auc is not None
    assert metrics.roc_auc > 0.85


def test_its_probabilities_are_calibrated(trained: Any) -> None:
    rows = [row for row in starter_rows() if is_held_out(fingerprint(row["tweet"]))]
    scores = Scorer(trained.artifact).probabilities([row["tweet"] for row in rows])

    assert np.mean(scores) == pytest.approx(np.mean([row["hate_speech"] == "1" for row in rows]), abs=0.07)


def test_the_same_rows_give_the_same_bytes() -> None:
    rows = answering(examples(), "spam", 55, 60)

    assert train(rows).artifact.to_bytes() == train(rows).artifact.to_bytes()


def hashes() -> list[str]:
    """Of a model from nothing, and of one on a base."""
    base = train(mixed(), metadata={"corpora": {"starter": 1000}}).artifact
    rows = [replace(row, known=True) for row in mixed()[::4]] + reviews()
    return [
        sha256(artifact.to_bytes())
        for artifact in (train(mixed()).artifact, train(rows, base=base, everyday=EVERYDAY).artifact)
    ]


@pytest.fixture(scope="module")
def hashes_here() -> list[str]:
    return hashes()


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "12345"},
        {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL"},
        {"OPENBLAS_NUM_THREADS": "4", "OMP_NUM_THREADS": "4"},
    ],
    ids=["another process", "an older processor", "more threads"],
)
def test_the_same_rows_give_the_same_bytes_elsewhere(environment: dict[str, str], hashes_here: list[str]) -> None:
    code = """if True:
        import django
        django.setup()
        from tests.test_training import hashes
        print(*hashes())
    """

    command = [sys.executable, "-W", "ignore", "-c", code]
    other = subprocess.run(
        command, cwd=settings.BASE_DIR, env=os.environ | environment, capture_output=True, text=True, check=True
    )

    assert other.stdout.split() == hashes_here


def test_other_rows_give_other_bytes() -> None:
    rows = examples()
    changed = [Example(rows[0].tweet, {"hate_speech": False}), *rows[1:]]

    assert train(rows).artifact.to_bytes() != train(changed).artifact.to_bytes()


def test_what_a_source_alone_says_is_not_served() -> None:
    """Two sources, each with a word of its own; nearly all of one is hate speech, hardly any of the other."""
    rows: list[Example] = []
    for source, share in (("grim", 9), ("mild", 1)):
        for number in range(300):
            hateful = number % 10 < share
            word = "vermin" if hateful else "people"
            rows.append(Example(f"{word} and {source} {number}", {"hate_speech": hateful}, source=source))
    mixed = train(rows).artifact
    alone = train([Example(row.tweet, row.labels) for row in rows]).artifact

    def rounded_answer(artifact: Artifact) -> float:
        """How much more the one source's name says than the other's."""
        grim, mild = (weight(artifact, word) for word in ("grim", "mild"))
        return grim - mild

    assert 0 < rounded_answer(mixed) < 0.7 * rounded_answer(alone)


def test_core_rows_outvote_many_others() -> None:
    others = [Example(f"zanzibar {number}", {"hate_speech": number % 10 != 0}) for number in range(1_000)]
    said = [Example(f"zanzibar is fine {number}", {"hate_speech": False}) for number in range(60)]
    rest = examples()

    def judge(rows: list[Example]) -> float:
        return Scorer(train([*rest, *others, *rows]).artifact).probabilities(["zanzibar is fine"])[0]

    assert judge([replace(row, in_domain=True) for row in said]) < judge(said)


def weights_of(rows: list[Example]) -> list[float]:
    """How much an error on each of them counts."""
    return list(HeadLearner(rows, None, TweetVectorizer(), csr_array((0, 0)), 0, 0)._weights(np.arange(len(rows))))


@pytest.mark.parametrize(
    ("core", "others", "counts"), [(0, 9, None), (100, 0, 1), (100, 100, 1), (10, 100, 6.5), (1, 999, 8)]
)
def test_core_rows_together_count_as_two_thirds_of_the_others(core: int, others: int, counts: float | None) -> None:
    rows = [Example("tweet", {}, in_domain=place < core) for place in range(core + others)]

    weights = weights_of(rows)

    assert set(weights[core:]) <= {1.0}
    assert set(weights[:core]) == ({counts} if counts else set())


def test_a_row_counts_as_much_as_its_weight() -> None:
    rows = [
        Example("tweet", {}, weight=weight, in_domain=core)
        for weight, core in ((0.5, False), (2.0, False), (3.0, True))
    ]

    assert weights_of(rows) == pytest.approx([0.5, 2.0, 3.0 * 0.65 * 2.5])


def test_rows_with_more_weight_outvote_others() -> None:
    said = [Example(f"zanzibar is fine {number}", {"hate_speech": False}, weight=0.1) for number in range(60)]
    others = [Example(f"zanzibar is vile {number}", {"hate_speech": True}) for number in range(60)]
    rest = examples()

    def judge(weight: float) -> float:
        rows = [replace(row, weight=weight) for row in said]
        return Scorer(train([*rest, *others, *rows]).artifact).probabilities(["zanzibar"])[0]

    assert judge(10.0) < judge(0.1)


@pytest.mark.parametrize(("yes", "no"), [(49, 60), (60, 49), (0, 60), (60, 0)])
def test_a_label_with_fewer_than_50_examples_is_not_learned(yes: int, no: int) -> None:
    rows = answering(examples(), "spam", yes, no)

    assert learnable(rows) == train(rows).artifact.labels == ["hate_speech"]


def test_a_label_with_50_examples_is_learned() -> None:
    rows = answering(answering(examples(), "spam", 50, 50), "insult", 50, 50)

    artifact = train(rows).artifact

    assert MIN_EXAMPLES == 50
    assert learnable(rows) == artifact.labels == ["hate_speech", "insult", "spam"]
    assert set(artifact.curves) == set(artifact.labels)


def test_a_row_that_does_not_answer_a_label_is_no_no() -> None:
    assert learnable(answering(examples(yes=400, no=400), "spam", 100, 0)) == ["hate_speech"]


def test_a_row_that_does_not_answer_a_label_does_not_count_for_it() -> None:
    rows = answering(examples(), "spam", 60, 60)
    silent = [Example(f"zanzibar number {number}", {"hate_speech": number % 2 == 0}) for number in range(40)]

    artifact = train([*rows, *silent]).artifact

    assert weight(artifact, "zanzibar") != 0
    assert weight(artifact, "zanzibar", "spam") == 0


def test_labels_are_answered_each_by_its_own_head() -> None:
    rows = examples(60, 60)
    opposite = [Example(row.tweet, {**row.labels, "spam": not row.labels["hate_speech"]}) for row in rows]

    artifact = train(opposite).artifact

    assert np.corrcoef(*artifact.weights)[0, 1] < -0.99


@pytest.mark.parametrize(("yes", "no"), [(0, 0), (60, 49), (49, 60), (120, 0), (0, 120)])
def test_too_few_tweets_are_refused_with_their_number(yes: int, no: int) -> None:
    with pytest.raises(NotEnoughData) as refused:
        train(examples(yes, no))

    assert str(refused.value) == (f"training needs 50 tweets with hate_speech and 50 without; there are {yes} and {no}")


def test_answers_to_other_labels_do_not_make_up_for_hate_speech() -> None:
    rows = [Example(row.tweet, {"toxic": row.labels["hate_speech"]}) for row in examples()]

    with pytest.raises(NotEnoughData, match="there are 0 and 0"):
        train(rows)


@pytest.mark.parametrize("script", [0x4E00, 0x1F600], ids=["ideographs", "emoji"])
def test_tweets_without_a_word_in_common_are_refused(script: int) -> None:
    rows = [Example(chr(script + number), {"hate_speech": number % 2 == 0}) for number in range(200)]

    with pytest.raises(NotEnoughData, match="no word in common"):
        train(rows)


def test_progress_is_told_from_start_to_end() -> None:
    told: list[tuple[str, float]] = []

    train(answering(examples(), "spam", 60, 60), progress=lambda step, share: told.append((step, share)))

    assert {"learning hate_speech", "learning spam"} <= {step for step, _ in told}
    assert all(0 <= earlier < later <= 1 for (_, earlier), (_, later) in pairwise(told))


def test_held_out_rows_play_no_part(db: None, tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text("".join(_as_json(row) for row in starter_rows()[::12]))
    import_corpus(own("some", text_column="tweet", label_columns={}), path)
    before = read(None)
    for row in ReviewedTweet.objects.filter(held_out=True):
        row.labels = {"hate_speech": not row.labels["hate_speech"]}
        row.save()
    after = read(None)

    assert len(before.held_out) > 50
    assert after.held_out != before.held_out
    assert not [example for example in after.training if is_held_out(fingerprint(example.tweet))]
    assert train(after.training).artifact.to_bytes() == train(before.training).artifact.to_bytes()


def _as_json(row: dict[str, str]) -> str:
    return json.dumps({"tweet": row["tweet"], "hate_speech": row["hate_speech"]}) + "\n"


@pytest.mark.parametrize(
    ("authors", "known"),
    [
        (["ann"] * 4, False),
        (["ann", "ann", "ann", "ben"], True),
        (["ann", "ann", "ann", ""], True),
        (["", ""], True),
        ([""], False),
        ([], False),
    ],
)
def test_one_persons_own_words_enter_no_vocabulary(authors: list[str], known: bool) -> None:
    texts = [f"{word} qwyxbl" for word in WORDS[: len(authors)]]
    own = [Example(text, {"hate_speech": True}, author=author) for text, author in zip(texts, authors, strict=True)]

    artifact = train(examples() + own).artifact

    assert ("qwyxbl" in artifact.vocabulary.words) == known
    assert any("wyxb" in ngram for ngram in artifact.vocabulary.ngrams) == known


def test_what_one_tweet_repeats_in_several_words_enters_no_vocabulary() -> None:
    artifact = train([*examples(), Example("qwyxbl qwyxbls #qwyxbling", {"hate_speech": True})]).artifact

    features = [feature for block in artifact.vocabulary.blocks for feature in block]
    assert not any("wyxb" in feature for feature in features)


def test_authors_change_nothing_but_the_vocabulary() -> None:
    rows = examples()
    everybody = [replace(row, author=f"author {number}") for number, row in enumerate(rows)]

    assert train(everybody).artifact.to_bytes() == train(rows).artifact.to_bytes()


def test_a_row_more_leaves_the_others_in_their_folds() -> None:
    before, after = train(mixed()), train([Example("blorps", {"hate_speech": True}, "x"), *mixed()])

    moved = np.abs(before.out_of_fold["hate_speech"] - after.out_of_fold["hate_speech"][1:])

    assert np.mean(moved) < 0.01


# Everyday tweets


def test_few_everyday_tweets_reach_the_balanced_threshold() -> None:
    alone, careful = (train(mixed(), everyday=tweets).artifact for tweets in ([], EVERYDAY))

    points = Scorer(careful).operating_points
    said = Scorer(careful).probabilities([one.tweet for one in EVERYDAY])
    flagged = np.mean([value >= points["hate_speech"]["balanced"].threshold for value in said])
    assert points["hate_speech"]["balanced"].everyday == pytest.approx(flagged, abs=1e-6)
    assert flagged <= 0.003
    assert Scorer(alone).operating_points["hate_speech"]["balanced"].everyday is None


def test_everyday_tweets_teach_nothing() -> None:
    alone, careful = (train(mixed(), everyday=tweets).artifact for tweets in ([], EVERYDAY))

    assert np.array_equal(alone.weights, careful.weights)
    assert np.array_equal(alone.intercepts, careful.intercepts)


def test_an_everyday_tweet_that_swears_does_not_count_for_obscene() -> None:
    rows = [
        Example(row["tweet"], {label: row[label] == "1" for label in ("hate_speech", "obscene")})
        for row in starter_rows()[::23]
    ]
    swearing = [Everyday("1", "chat", "what the fuck, lol", frozenset({"obscene"})), Everyday("2", "chat", "see you")]

    curves = train(rows, everyday=swearing).artifact.curves

    assert set(curves["obscene"].everyday) <= {0.0, 1.0}  # of one tweet
    assert set(curves["hate_speech"].everyday) <= {0.0, 0.5, 1.0}  # of two


# How many features


def test_the_features_with_the_largest_weights_are_kept() -> None:
    every, some = train(mixed()).artifact, train(mixed(), most_features=2_000).artifact

    assert len(some.vocabulary) == 2_000
    names = [(place, name) for place, block in enumerate(every.vocabulary.blocks) for name in block]
    strengths = np.abs(every.weights).max(axis=0) * every.vocabulary.idf.astype(float)
    sizes = dict(zip(names, strengths, strict=True))
    kept = {(place, name) for place, block in enumerate(some.vocabulary.blocks) for name in block}
    assert min(sizes[name] for name in kept) >= max(size for name, size in sizes.items() if name not in kept)
    assert np.array_equal(some.intercepts, every.intercepts)
    assert weight(some, "muslim") == weight(every, "muslim") != 0


def test_no_feature_is_lost_where_there_are_fewer_than_may_be() -> None:
    assert train(examples(), most_features=1_000_000).artifact.to_bytes() == train(examples()).artifact.to_bytes()


# On a base


@pytest.fixture(scope="module")
def base() -> Artifact:
    """A model that has learned the starter corpus and one other."""
    return train(mixed(), metadata={"corpora": {"starter": 1000, "davidson2017": 10}}, everyday=EVERYDAY).artifact


def known_rows() -> list[Example]:
    return [replace(row, known=True) for row in mixed()]


def probe(artifact: Artifact, tweet: str = "I met a blorp") -> float:
    return Scorer(artifact).probabilities([tweet])[0]


def test_with_only_known_rows_the_base_stays_as_it_is(base: Artifact) -> None:
    trained = train(known_rows(), base=base)

    artifact = trained.artifact
    assert artifact.labels == base.labels
    assert artifact.vocabulary.blocks == base.vocabulary.blocks
    assert artifact.vocabulary.idf.tobytes() == base.vocabulary.idf.tobytes()
    assert artifact.weights.tobytes() == base.weights.tobytes()
    assert artifact.intercepts.tobytes() == base.intercepts.tobytes()
    assert artifact.curves == base.curves
    assert all(np.isnan(unseen).all() for unseen in trained.out_of_fold.values())


def test_without_a_row_the_base_stays_as_it_is(base: Artifact) -> None:
    artifact = train([], base=base).artifact

    assert artifact.weights.tobytes() == base.weights.tobytes()
    assert artifact.curves == base.curves


def test_known_rows_teach_nothing_whatever_they_say(base: Artifact) -> None:
    turned = [replace(row, labels={label: not yes for label, yes in row.labels.items()}) for row in known_rows()]

    assert train(turned, base=base).artifact.weights.tobytes() == base.weights.tobytes()


def test_reviews_teach_a_new_word_and_leave_the_rest_alone(base: Artifact) -> None:
    taught = train(known_rows() + reviews(), base=base).artifact

    assert probe(taught) > probe(base) + 0.3
    tweets = [row["tweet"] for row in starter_rows()[5::40]]
    moved = np.abs(np.array(Scorer(taught).probabilities(tweets)) - Scorer(base).probabilities(tweets))
    assert moved.mean() < 0.01
    assert moved.max() < 0.15


def test_reviews_turn_a_word_that_the_base_knows(base: Artifact) -> None:
    assert weight(base, "vermin") > 0

    taught = train(known_rows() + reviews("vermin", 60, hateful=False), base=base).artifact

    assert probe(taught, "vermin again") < probe(base, "vermin again") - 0.2


def test_what_the_base_knows_holds_it(base: Artifact) -> None:
    tweets = [row["tweet"] for row in starter_rows()[5::40]]
    before = np.array(Scorer(base).probabilities(tweets))

    held, free = (train(rows + reviews(), base=base).artifact for rows in (known_rows(), []))

    drifts = [np.abs(Scorer(taught).probabilities(tweets) - before).mean() for taught in (held, free)]
    assert drifts[0] < 0.5 * drifts[1]


def test_one_review_is_enough_on_a_base(base: Artifact) -> None:
    [review] = reviews(count=1)

    artifact = train([*known_rows(), review], base=base).artifact

    assert probe(artifact, review.tweet) > probe(base, review.tweet)


def test_a_review_counts_more_than_a_corpus_and_that_more_than_one_that_the_base_has_learned(base: Artifact) -> None:
    def risen(**fields: Any) -> float:
        rows = [replace(row, **fields) for row in reviews(count=12)]
        return probe(train(known_rows() + rows, base=base).artifact) - probe(base)

    review = risen()
    corpus = risen(in_domain=False, source="corpus:hatexplain")
    learned = risen(in_domain=False, source="corpus:davidson2017")

    assert review > corpus > learned > 0
    assert learned == pytest.approx(risen(in_domain=False, source="davidson2017"))


def test_a_row_with_more_weight_teaches_more_on_a_base(base: Artifact) -> None:
    light, heavy = (
        probe(train(known_rows() + [replace(row, weight=weight) for row in reviews(count=6)], base=base).artifact)
        for weight in (0.05, 1.0)
    )

    assert probe(base) < light < heavy


def test_the_base_keeps_its_features_and_new_ones_stand_beside_them(base: Artifact) -> None:
    vocabulary = train(known_rows() + reviews(), base=base).artifact.vocabulary

    assert "blorp" not in base.vocabulary.words
    assert "blorp" in vocabulary.words
    assert all(set(old) <= set(new) for old, new in zip(base.vocabulary.blocks, vocabulary.blocks, strict=True))
    assert all(block == sorted(block) for block in vocabulary.blocks)
    before, after = (dict(zip(one.words, one.idf.tolist(), strict=False)) for one in (base.vocabulary, vocabulary))
    assert {word: after[word] for word in before} == before


def test_known_rows_add_no_feature(base: Artifact) -> None:
    rows = [replace(row, known=True) for row in reviews("qwyxbl")]

    vocabulary = train(known_rows() + rows + reviews(), base=base).artifact.vocabulary

    assert "qwyxbl" not in vocabulary.words
    assert not any("wyxb" in ngram for ngram in vocabulary.ngrams)


def test_one_persons_own_words_enter_no_vocabulary_on_a_base_either(base: Artifact) -> None:
    own = [replace(row, author="ann") for row in reviews("qwyxbl")]
    others = [replace(row, author=str(number)) for number, row in enumerate(reviews("zanzibar"))]

    words = train(own + others, base=base).artifact.vocabulary.words

    assert ("qwyxbl" in words, "zanzibar" in words) == (False, True)


def test_a_label_of_the_base_that_no_new_row_answers_stays(base: Artifact) -> None:
    artifact = train(known_rows() + reviews(), base=base).artifact

    known = [artifact.vocabulary.words.index(word) for word in base.vocabulary.words]
    place = base.labels.index("toxic")
    assert np.array_equal(artifact.weights[place, known], base.weights[place, : len(known)])
    assert artifact.intercepts[place] == base.intercepts[place]
    assert artifact.curves["toxic"] == base.curves["toxic"]


@pytest.mark.parametrize(("yes", "no", "labels"), [(50, 50, ["spam"]), (49, 50, []), (50, 49, [])])
def test_a_label_that_the_base_does_not_answer_is_learned_from_nothing(
    base: Artifact, yes: int, no: int, labels: list[str]
) -> None:
    rows = answering(examples(), "spam", yes, no)

    artifact = train(rows, base=base).artifact

    assert learnable(rows, base) == artifact.labels == [*base.labels, *labels]


def test_the_curve_on_a_base_is_of_its_tweets_and_the_new_ones(base: Artifact) -> None:
    rows = reviews(count=24) + reviews("pastry", 12, hateful=False)

    mixed_curve = train(known_rows() + rows, base=base).artifact.curves["hate_speech"]

    before = base.curves["hate_speech"]
    assert (mixed_curve.yes, mixed_curve.no) == (before.yes + 24, before.no + 12)


def test_a_few_reviews_leave_the_threshold_where_it_was_on_the_base(base: Artifact) -> None:
    """The best one on each night's rows jumps from one tweet's score to the next."""
    before = train(known_rows(), base=base, everyday=EVERYDAY).artifact.curves["hate_speech"]
    rows = reviews("pastry", 3, hateful=False) + reviews(count=3)

    after = train(known_rows() + rows, base=base, everyday=EVERYDAY).artifact.curves["hate_speech"]

    threshold = before.named()["balanced"].threshold
    assert after.named()["balanced"].threshold == pytest.approx(threshold, abs=0.01)
    assert after.named()["balanced"].everyday is not None


def test_everyday_tweets_hold_a_model_where_the_base_is(base: Artifact) -> None:
    rows = known_rows() + reviews("lunch", 24) + reviews("pastry", 3, hateful=False)
    texts = [one.tweet for one in EVERYDAY if "lunch" in one.tweet]

    before, free, held = (
        np.mean(Scorer(artifact).probabilities(texts))
        for artifact in (
            base,
            train(rows, base=base).artifact,
            train(rows, base=base, everyday=EVERYDAY).artifact,
        )
    )

    assert abs(held - before) < abs(free - before) / 2


def test_rows_that_all_say_the_same_leave_the_curve(base: Artifact) -> None:
    artifact = train(known_rows() + reviews(), base=base).artifact

    assert artifact.curves["hate_speech"] == base.curves["hate_speech"]


def test_what_a_source_alone_says_is_not_served_on_a_base_either(base: Artifact) -> None:
    grim = [
        Example(f"{frame.format('zanzibar')} {n}", {"hate_speech": True}, "grim") for frame in FRAMES for n in range(9)
    ]
    mild = [
        Example(f"{frame.format('zanzibar')} at {n}", {"hate_speech": False}, "mild")
        for frame in FRAMES
        for n in range(9)
    ]
    apart, together = (
        train([*known_rows(), *(replace(row, source=row.source if named else "one") for row in grim + mild)], base=base)
        for named in (True, False)
    )

    assert abs(weight(apart.artifact, "at") - weight(base, "at")) < abs(
        weight(together.artifact, "at") - weight(base, "at")
    )


def test_only_new_rows_have_probabilities_by_a_model_that_had_not_seen_them(base: Artifact) -> None:
    rows = known_rows()[:200] + reviews()

    unseen = train(rows, base=base).out_of_fold["hate_speech"]

    assert list(np.isnan(unseen)) == [row.known for row in rows]
    assert ((unseen[200:] > 0) & (unseen[200:] < 1)).all()


def test_metadata_tell_of_the_recipe_on_a_base_too(base: Artifact) -> None:
    artifact = train(known_rows()[:50], base=base, seed=4, metadata={"base": "ab" * 32}).artifact

    assert artifact.metadata == {"recipe": recipe(), "seed": 4, "base": "ab" * 32}
