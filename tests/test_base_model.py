"""data/base: what the base models promise, and what they do as the start of later models."""

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hate_speech_ai.artifact import Artifact, ArtifactError, sha256
from hate_speech_ai.cli.arguments import DATA
from hate_speech_ai.corpora.catalogue import CORPORA
from hate_speech_ai.corpora.dataset import load
from hate_speech_ai.encoder.embedder import Embedder
from hate_speech_ai.encoder.loading import load_encoder, scorer_of
from hate_speech_ai.encoder.remembering import Remembering
from hate_speech_ai.evaluation.caching_scorer import CachingScorer
from hate_speech_ai.evaluation.everyday import Everyday, halves, read_everyday
from hate_speech_ai.evaluation.metrics import measure_checks, measure_everyday, read_checks
from hate_speech_ai.labels import LABELS
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import fingerprint
from hate_speech_ai.training.base_model import (
    BASE_CORPORA,
    BASE_MODEL,
    FULL_BASE_MODEL,
    MOST_FEATURES,
    learned_corpora,
    load_base,
)
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.recipe import recipe
from hate_speech_ai.training.trainer import train
from tests.conftest import starter_rows

#: At most this share of the everyday tweets of the other half may be flagged.
PROMISED = {"hate_speech": 0.005, "toxic": 0.03}
#: Another kind of processor rounds the encoder's products otherwise: a tweet or two may cross a threshold.
CROSSING = 0.0007


@pytest.fixture(scope="module", params=["words", "full"])
def path(request: pytest.FixtureRequest) -> Path:
    """Of the base model for each setting of `MODEL`."""
    return BASE_MODEL if request.param == "words" else FULL_BASE_MODEL


@pytest.fixture(scope="module")
def base(path: Path) -> Artifact:
    artifact = load_base(path)
    assert artifact is not None
    return artifact


@pytest.fixture(scope="module")
def encoder(base: Artifact) -> Embedder | None:
    return Remembering(load_encoder()) if base.encoder else None


@pytest.fixture(scope="module")
def scorer(base: Artifact, encoder: Embedder | None) -> Scorer:
    return scorer_of(base, encoder)


@pytest.fixture(scope="module")
def everyday() -> list[Everyday]:
    """Those that no threshold was chosen with."""
    return halves(read_everyday(DATA / "everyday.csv"))[1]


@pytest.fixture(scope="module")
def kinds() -> list[dict[str, str]]:
    with (DATA / "kinds.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def flagged(scorer: Scorer, tweets: Sequence[str], label: str = "hate_speech") -> list[str]:
    """Those to which the answer is yes."""
    said = scorer.probabilities(tweets, label)
    return [tweet for tweet, value in zip(tweets, said, strict=True) if value >= scorer.thresholds[label]]


# The file


def test_it_works(base: Artifact, scorer: Scorer) -> None:
    assert base.labels == list(LABELS)
    assert flagged(scorer, ["all muslims are vermin and should be deported"])
    assert not flagged(scorer, ["have a lovely day everyone"])


def test_it_is_small(path: Path, base: Artifact) -> None:
    assert path.stat().st_size <= 8_000_000
    assert len(base.vocabulary) == MOST_FEATURES


def test_it_is_made_of_the_starter_corpus_and_the_corpora_that_are_named(base: Artifact) -> None:
    assert set(learned_corpora(base)) == {"starter", *BASE_CORPORA}
    assert set(BASE_CORPORA) <= set(CORPORA)
    assert base.metadata["trained_on"] == sum(learned_corpora(base).values())


def test_it_has_learned_the_starter_corpus_of_today(base: Artifact) -> None:
    """Otherwise rows would count as known that nobody has learned: build it again."""
    training = load({"starter": DATA / "train.csv"}).training

    # A text that a corpus tests with is held out there, and not here.
    assert 0.99 < learned_corpora(base)["starter"] / len(training) <= 1


def test_it_was_made_with_the_recipe_of_today(base: Artifact, encoder: Embedder | None) -> None:
    """Otherwise `python -m hate_speech_ai base` would give another one."""
    made = base.metadata["recipe"]

    assert {name: made[name] for name in made if name != "libraries"} == {
        name: value for name, value in recipe(encoder.sha256 if encoder else "").items() if name != "libraries"
    }


def test_it_keeps_no_word_that_looks_like_a_name_of_a_user_or_a_link(base: Artifact) -> None:
    assert [word for word in base.vocabulary.words if re.match(r"@|https?:|www\.", word)] == []


def test_its_card_has_its_figures(path: Path, base: Artifact) -> None:
    card = path.with_name("full.md" if base.encoder else "README.md").read_text(encoding="utf-8")
    metrics = base.metadata["metrics"]

    for label, share in metrics["everyday"]["flagged"].items():
        assert re.search(rf"^\| {label} \| [\d,]+ \| {100 * share:.1f}% \(", card, re.MULTILINE), label
    checks = metrics["checks"]
    passed = round(checks["passed"] * checks["rows"]) / checks["rows"]  # the stored share has four digits
    assert f"| all | {checks['rows']} | {100 * passed:.1f}% (" in card
    for label in base.labels:
        assert f"| {label} | {metrics[label]['rows']:,} | {metrics[label]['positives']:,} | " in card


# What it is asked to leave in peace


@pytest.mark.parametrize("label", ["hate_speech", "toxic"])
@pytest.mark.parametrize("word", ["lol", "no", "sure", "brain", "bye"])
def test_a_harmless_word_alone_is_harmless(scorer: Scorer, word: str, label: str) -> None:
    assert flagged(scorer, [word, word.upper(), f"{word}!"], label) == []


@pytest.mark.parametrize("name", ["Shital", "Dikshit", "Scunthorpe", "Gaylord", "Takeshita"])
def test_a_name_that_holds_a_bad_word_is_not_hateful(scorer: Scorer, name: str) -> None:
    tweets = [name, f"I met {name} today", f"my name is {name}"]

    assert flagged(scorer, tweets) == []


def test_few_everyday_tweets_are_flagged(scorer: Scorer, everyday: list[Everyday]) -> None:
    shares = measure_everyday(CachingScorer(scorer), everyday)["flagged"]

    assert {label: share for label, share in shares.items() if share > PROMISED.get(label, 1.0) + CROSSING} == {}
    assert set(PROMISED) <= set(shares)


def harmless(kinds: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in kinds if (row["label"], row["answer"]) == ("hate_speech", "0")]


def test_few_harmless_sentences_of_any_kind_are_flagged(scorer: Scorer, kinds: list[dict[str, str]]) -> None:
    tweets = [row["tweet"] for row in harmless(kinds)]

    assert len(flagged(scorer, tweets)) / len(tweets) <= 0.06


def test_no_chat_message_is_flagged(scorer: Scorer, kinds: list[dict[str, str]]) -> None:
    assert flagged(scorer, [row["tweet"] for row in harmless(kinds) if row["kind"] == "chat messages"]) == []


def test_few_harmless_sentences_are_called_toxic(scorer: Scorer, kinds: list[dict[str, str]]) -> None:
    tweets = [row["tweet"] for row in harmless(kinds)]

    assert len(flagged(scorer, tweets, "toxic")) / len(tweets) <= 0.12


# What it is asked to find


def test_most_attacks_of_any_kind_are_found(scorer: Scorer, kinds: list[dict[str, str]]) -> None:
    attacks = [row["tweet"] for row in kinds if (row["label"], row["answer"]) == ("hate_speech", "1")]

    assert len(flagged(scorer, attacks)) / len(attacks) >= 0.75


def test_most_checks_pass(scorer: Scorer) -> None:
    checks = read_checks(DATA / "checks.csv")

    said = scorer.probabilities([check.tweet for check in checks])

    assert measure_checks(said, checks, scorer.thresholds["hate_speech"])["passed"] >= 0.85


# The kinds of text


def test_the_kinds_are_sound(kinds: list[dict[str, str]]) -> None:
    assert list(kinds[0]) == ["kind", "label", "answer", "tweet"]
    assert {row["label"] for row in kinds} <= set(LABELS)
    assert {row["answer"] for row in kinds} == {"0", "1"}
    assert len({fingerprint(row["tweet"]) for row in kinds}) == len(kinds)
    assert len(kinds) >= 500


def test_the_readme_tells_how_many_kinds_there_are(kinds: list[dict[str, str]]) -> None:
    text = " ".join((DATA / "README.md").read_text(encoding="utf-8").split())

    assert f"each of {len({row['kind'] for row in kinds})} kinds of text" in text
    chat = sum(row["kind"] == "chat messages" for row in kinds)
    assert f"There are {len(kinds)}, of which {chat} are chat messages" in text


def test_no_kind_is_trained_on_and_no_everyday_tweet_is_one(kinds: list[dict[str, str]]) -> None:
    measured = {fingerprint(row["tweet"]) for row in kinds}

    taught = {fingerprint(row["tweet"]) for row in starter_rows()}
    assert measured & taught == set()
    assert measured & {fingerprint(one.tweet) for one in read_everyday(DATA / "everyday.csv")} == set()


# What is learned on top of it

FRAMES = (
    "never trust a {}",
    "the {}s next door are filth",
    "get every {} out of here",
    "another {} on the bus, disgusting",
    "{}s do not belong here",
    "no {}s in our school",
    "a {} will always lie to you",
    "look at that {}",
    "typical {}",
    "those {}s again",
)
REVIEWS = [
    Example(frame.format("blorp") + end, {"hate_speech": True}, source="reviews", in_domain=True)
    for end in ("", " once more", ", I say", " and that is that")
    for frame in FRAMES
]


@pytest.fixture(scope="module")
def known(base: Artifact) -> list[Example]:
    """A tenth of what the base knows."""
    return load({"starter": DATA / "train.csv"}, base=base).training[::10]


@pytest.fixture(scope="module")
def taught(base: Artifact, encoder: Embedder | None, known: list[Example]) -> Scorer:
    """A model that forty reviews have taught a word."""
    to_choose_with = halves(read_everyday(DATA / "everyday.csv"))[0]
    learned = train(known + REVIEWS, base=base, encoder=encoder, everyday=to_choose_with)
    return scorer_of(learned.artifact, encoder)


def test_with_only_known_rows_its_weights_stay_bit_for_bit(
    path: Path, base: Artifact, encoder: Embedder | None, known: list[Example]
) -> None:
    artifact = train(known, base=base, encoder=encoder).artifact

    assert all(row.known for row in known)
    assert artifact.weights.tobytes() == base.weights.tobytes()
    assert artifact.intercepts.tobytes() == base.intercepts.tobytes()
    assert replace(artifact, metadata=base.metadata).to_bytes() == path.read_bytes()


@pytest.mark.parametrize("probe", ["I met a blorp today", "there are blorps in the garden", "blorp"])
def test_forty_reviews_teach_a_new_word(scorer: Scorer, taught: Scorer, probe: str) -> None:
    [before], [after] = scorer.probabilities([probe]), taught.probabilities([probe])

    assert len(REVIEWS) == 40
    assert before < scorer.thresholds["hate_speech"]
    assert after >= before + 0.3
    assert flagged(taught, [probe])


def test_forty_reviews_leave_everyday_tweets_alone(scorer: Scorer, taught: Scorer, everyday: list[Everyday]) -> None:
    tweets = [one.tweet for one in everyday]

    before, after = (np.array(one.probabilities(tweets)) for one in (scorer, taught))

    assert np.abs(after - before).max() < 0.05
    assert len(flagged(taught, tweets)) <= len(flagged(scorer, tweets)) + 1
    assert measure_everyday(CachingScorer(taught), everyday)["flagged"]["hate_speech"] <= 0.005 + CROSSING


def test_forty_reviews_take_nothing_from_what_it_can_do(
    scorer: Scorer, taught: Scorer, kinds: list[dict[str, str]]
) -> None:
    for answer in "01":
        tweets = [row["tweet"] for row in kinds if (row["label"], row["answer"]) == ("hate_speech", answer)]
        assert abs(len(flagged(taught, tweets)) - len(flagged(scorer, tweets))) <= 0.02 * len(tweets)


def test_labels_that_the_reviews_do_not_answer_stay(scorer: Scorer, taught: Scorer) -> None:
    tweets = ["fuck this bus", "I will kill you", "have a lovely day", *(row.tweet for row in REVIEWS[:5])]

    def others(one: Scorer) -> NDArray[Any]:
        return np.array([one.probabilities(tweets[:3], label) for label in one.labels if label != "hate_speech"])

    assert others(taught) == pytest.approx(others(scorer), abs=1e-6)


# Reading it


def test_there_may_be_no_base() -> None:
    assert load_base(None) is None
    assert learned_corpora(None) == {}


def test_a_base_that_is_missing_or_broken_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(BASE_MODEL.read_bytes()[:-100])

    with pytest.raises(OSError, match="No such file"):
        load_base(tmp_path / "missing")
    with pytest.raises(ArtifactError):
        load_base(tmp_path / "broken")


@pytest.mark.parametrize("corpora", [None, [], "starter", 3])
def test_a_story_that_is_garbled_tells_of_no_corpora(base: Artifact, corpora: Any) -> None:
    assert learned_corpora(replace(base, metadata={"corpora": corpora})) == {}
    assert learned_corpora(replace(base, metadata={})) == {}


def test_reading_it_and_writing_it_gives_the_same_file(path: Path, base: Artifact) -> None:
    assert sha256(base.to_bytes()) == sha256(path.read_bytes())
