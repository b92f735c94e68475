"""The second view: the encoder, models that look through it, and what they promise."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hate_speech_ai.artifact import Artifact, ArtifactError
from hate_speech_ai.encoder.embedder import MODEL_FILE, Encoder, EncoderUnavailable
from hate_speech_ai.encoder.encoder_scorer import EncoderScorer
from hate_speech_ai.encoder.loading import load_encoder, scorer_of
from hate_speech_ai.encoder.reading import encoder_text
from hate_speech_ai.explain import explain
from hate_speech_ai.scorer import Scorer, sigmoid
from hate_speech_ai.text import tokenize_with_offsets
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.trainer import train
from hate_speech_ai.training.vectorizer import TweetVectorizer
from tests.conftest import starter_examples
from tests.tiny_encoder import TINY_ENCODER

TWEETS = (
    "they are all vermin",
    "I would never say: they are all vermin",
    "have a lovely day",
    "@ann 😡 https://t.co/x",
)
LONG = f"{'The bus was late again and I read my book for a while. ' * 6}All of them are vermin."


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(TINY_ENCODER)


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return [replace(one, in_domain=True) for one in starter_examples(24)]


@pytest.fixture(scope="module")
def full(examples: list[Example], encoder: Encoder) -> Artifact:
    """A model with both views."""
    return Artifact.from_bytes(train(examples, encoder=encoder).artifact.to_bytes())


@pytest.fixture(scope="module")
def scorer(full: Artifact, encoder: Encoder) -> Scorer:
    return scorer_of(full, encoder)


def test_a_text_has_the_same_vector_alone_and_beside_any_other(encoder: Encoder) -> None:
    texts = [*TWEETS, LONG, "", "x" * 3_000] * 12
    together = Encoder(TINY_ENCODER, threads=2).embed(texts)

    assert together.shape == (len(texts), encoder.dimensions)
    for text, vector in zip(texts[:7], together, strict=False):
        np.testing.assert_allclose(encoder.embed([text])[0], vector, atol=1e-6)


def test_the_name_is_that_of_all_that_decides_the_vectors(encoder: Encoder, tmp_path: Path) -> None:
    for path in TINY_ENCODER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert Encoder(tmp_path).sha256 == encoder.sha256

    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace("vermin", "vermin") + "\n")
    assert Encoder(tmp_path).sha256 != encoder.sha256


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EncoderUnavailable, match=r"model\.onnx cannot be read"):
        Encoder(tmp_path)
    (tmp_path / MODEL_FILE).write_bytes(b"no model")
    (tmp_path / "tokenizer.json").write_bytes((TINY_ENCODER / "tokenizer.json").read_bytes())
    with pytest.raises(EncoderUnavailable, match="holds no encoder"):
        Encoder(tmp_path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EncoderUnavailable, match=r"needs the package onnxruntime; .*requirements-full\.txt"):
        Encoder(TINY_ENCODER)


def test_both_views_add_up(full: Artifact, encoder: Encoder, scorer: Scorer) -> None:
    assert scorer.views == ("words", "encoder")
    assert full.encoder is not None
    features = TweetVectorizer().use_vocabulary(full.vocabulary).transform(TWEETS)
    vectors = encoder.embed([encoder_text(tweet) for tweet in TWEETS]) - full.encoder.centre
    logits = features @ full.weights.T.astype(float) + vectors @ full.encoder.weights.T + full.intercepts

    for tweet, expected in zip(TWEETS, logits, strict=True):
        said = scorer.score(tweet, full.labels).probabilities.values()
        np.testing.assert_allclose(list(said), [sigmoid(value) for value in expected], atol=1e-6)
    assert scorer.probabilities([""]) == [sigmoid(full.intercepts[0])]


def test_a_model_is_refused_without_its_encoder(full: Artifact, encoder: Encoder) -> None:
    assert full.encoder is not None
    other = replace(full, encoder=replace(full.encoder, sha256="0" * 64))
    with pytest.raises(
        ArtifactError, match=f"needs the encoder 0{{12}}, .* is {encoder.sha256[:12]}: put back the one"
    ):
        scorer_of(other, encoder)
    with pytest.raises(EncoderUnavailable, match="there is none here"):
        train(starter_examples(400), base=full)


def test_a_model_of_words_is_what_it_was(examples: list[Example], full: Artifact, encoder: Encoder) -> None:
    words = train(examples[:300]).artifact

    assert words.encoder is None
    assert b'"format\\": 3' in words.to_bytes()[:100_000]
    assert train(examples[:50], base=words, encoder=encoder).artifact.encoder is None
    assert scorer_of(words).views == ("words",)


def test_nothing_new_leaves_the_base_as_it_is(full: Artifact, examples: list[Example], encoder: Encoder) -> None:
    known = [replace(one, known=True) for one in examples[:40]]
    again = train(known, base=full, encoder=encoder).artifact

    assert full.encoder is not None
    assert again.encoder is not None
    np.testing.assert_array_equal(again.weights, full.weights)
    np.testing.assert_array_equal(again.encoder.weights, full.encoder.weights)


def reviews(count: int, claimed_by: str = "") -> list[Example]:
    texts = [f"the {animal} next door are blorks {number}" for number in range(20) for animal in ("dogs", "people")]
    example = Example("", {"hate_speech": True}, source="reviews", in_domain=True, claimed_by=claimed_by)
    return [replace(example, tweet=text) for text in texts[:count]]


def test_reviews_of_a_new_word_take_effect(full: Artifact, examples: list[Example], encoder: Encoder) -> None:
    known = [replace(one, known=True) for one in examples[:200]]
    taught = train(known + reviews(40), base=full, encoder=encoder).artifact

    [before], [after] = (scorer_of(one, encoder).probabilities(["those blorks again"]) for one in (full, taught))
    assert after > 0.5
    assert after > before + 0.3


def test_what_one_key_says_alone_moves_words_and_not_the_encoder(
    full: Artifact, examples: list[Example], encoder: Encoder
) -> None:
    known = [replace(one, known=True) for one in examples[:200]]
    claimed = train(known + reviews(40, claimed_by="key:1"), base=full, encoder=encoder).artifact
    approved = train(known + reviews(40), base=full, encoder=encoder).artifact

    assert full.encoder is not None
    assert claimed.encoder is not None
    assert approved.encoder is not None
    np.testing.assert_array_equal(claimed.encoder.weights, full.encoder.weights)
    place = full.labels.index("hate_speech")
    assert np.abs(approved.encoder.weights[place] - full.encoder.weights[place]).max() > 0
    [before], [after] = (scorer_of(one, encoder).probabilities(["those blorks again"]) for one in (full, claimed))
    assert after > before


@pytest.mark.parametrize("tweet", [*TWEETS, LONG, "so " * 100, ""])
def test_an_explanation_sums_to_the_logit(scorer: Scorer, tweet: str) -> None:
    found = explain(scorer, tweet)
    contributions = [one.value for one in found.contributions]

    assert sigmoid(found.logit) == pytest.approx(scorer.probabilities([tweet])[0], abs=1e-9)
    assert found.intercept + sum(contributions) == pytest.approx(found.logit, abs=1e-9)
    assert found.intercept + sum(value for _, value in found.features) == pytest.approx(found.logit, abs=1e-9)


def test_the_part_of_the_encoder_is_one_exact_number(full: Artifact, encoder: Encoder, scorer: Scorer) -> None:
    assert isinstance(scorer, EncoderScorer)
    assert full.encoder is not None
    tweet = TWEETS[1]
    tokens = tokenize_with_offsets(tweet)
    found = explain(scorer, tweet)
    [vector] = encoder.embed([encoder_text(tweet)]) - full.encoder.centre

    assert found.encoder == pytest.approx(float(vector @ full.encoder.weights[0]), abs=1e-6)
    assert dict(found.features)["<encoder>"] == found.encoder
    divided = scorer.divided(tweet, tokens, "hate_speech")
    assert sum(divided) == pytest.approx(found.encoder, abs=1e-9)
    # The word without which most is lost has the largest part.
    without = [
        scorer.encoder_logits(
            tweet[: one.begin] + " " * len(one.surface) + tweet[one.end :], [two for two in tokens if two != one]
        )[0]
        for one in tokens
    ]
    assert np.argmax(divided) == np.argmin(without)


def test_a_hateful_sentence_in_a_long_text_is_read_by_itself(scorer: Scorer) -> None:
    found = scorer.decisive(LONG, tokenize_with_offsets(LONG))

    assert found.part is not None
    begin, _ = found.part
    assert tokenize_with_offsets(LONG)[begin].text == "all"
