"""hate_speech_ai.features: what a model counts in a tweet."""

import subprocess
import sys
from importlib.metadata import version

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from hate_speech_ai.features import STEMMER, char_ngrams, ngrams_of_word, stem, word_ngrams
from hate_speech_ai.text import Token, read


def plain(*words: str) -> list[Token]:
    """Tokens that hide nothing."""
    return [Token(word, place, place + 1, word) for place, word in enumerate(words)]


def test_it_works() -> None:
    tokens = read("They hated us!")

    assert word_ngrams(tokens) == ["they", "hate", "us", "they hate", "hate us"]
    assert char_ngrams(plain("hate")) == [" ha", "hat", "ate", "te ", " hat", "hate", "ate ", " hate", "hate "]


@pytest.mark.parametrize(
    ("words", "same"), [("hate hates hated hating", "hate"), ("immigrant immigrants", "immigr"), ("liar liars", "liar")]
)
def test_inflections_are_one_word(words: str, same: str) -> None:
    assert {stem(word) for word in words.split()} == {same}


@pytest.mark.parametrize("token", ["_user_", "_url_", "😡", "not", "no", "нет", "日本語"])
def test_placeholders_emoji_and_negation_have_no_other_stem(token: str) -> None:
    assert stem(token) == token


def test_negation_is_a_pair_with_what_it_negates() -> None:
    assert "not human" in word_ngrams(read("They are NOT human"))


@pytest.mark.parametrize("words", [[], ["a"], ["😡"]])
def test_short_tweets(words: list[str]) -> None:
    assert word_ngrams(plain(*words)) == words
    assert char_ngrams(plain(*words)) == [f" {word} " for word in words]


def test_a_hidden_word_counts_as_itself_and_as_it_is_spelt() -> None:
    tokens = read("they l1ed")

    assert word_ngrams(tokens) == ["they", "lie", "they lie", "l1ed"]
    assert char_ngrams(tokens) == char_ngrams(plain("they", "lied"))


@given(st.text(st.characters(exclude_categories=["Z", "Cc", "Cs"]), min_size=1, max_size=40))
def test_a_words_ngrams_are_those_of_scikit_learn(word: str) -> None:
    analyzer = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5), lowercase=False).build_analyzer()

    assert ngrams_of_word(word) == analyzer(word)


@given(st.lists(st.text(min_size=1, max_size=6)))
def test_ngrams_never_cross_from_one_word_into_the_next(words: list[str]) -> None:
    assert char_ngrams(plain(*words)) == [ngram for word in words for ngram in ngrams_of_word(word)]


@given(st.text(st.characters()) | st.text("aeioushdgyl'", max_size=60))
def test_no_token_raises(text: str) -> None:
    tokens = read(text)

    hidden = [token for token in tokens if token.surface != token.text]
    assert len(word_ngrams(tokens)) == max(2 * len(tokens) - 1, 0) + len(hidden)
    assert all(3 <= len(ngram) <= 5 for ngram in char_ngrams(tokens))


@pytest.mark.parametrize("word", ["ational" * 700, "9" * 5_000, "y'" * 2_500, "\u05d0" * 5_000])
def test_an_endless_word_costs_no_more_than_a_long_one(word: str) -> None:
    assert stem(word) == word
    assert len(ngrams_of_word(word)) == len(ngrams_of_word("x" * 40))


def test_the_stemmer_is_named_with_its_version() -> None:
    assert version("stemming") in STEMMER


def test_scoring_needs_no_training_library() -> None:
    code = (
        "import hate_speech_ai.scorer, sys; print([*{'sklearn', 'scipy', 'pandas', 'nltk', 'django'} & {*sys.modules}])"
    )

    found = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )

    assert found.stdout == "[]\n"
