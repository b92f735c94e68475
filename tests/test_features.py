"""hate_speech_ai.features: what a model counts in a tweet."""

import subprocess
import sys
from importlib.metadata import version

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from hate_speech_ai.features import STEMMER, names, ngrams, stem, terms
from hate_speech_ai.text import Token, read, words


def plain(*words: str) -> list[Token]:
    """Tokens that hide nothing."""
    return [Token(word, place, place + 1, word) for place, word in enumerate(words)]


def test_it_works() -> None:
    tokens = read("They hated us!")

    assert terms(tokens) == {"they": [0], "they hate": [0, 1], "hate": [1], "hate us": [1, 2], "us": [2]}
    assert ngrams("hate") == [" ha", "hat", "ate", "te ", " hat", "hate", "ate ", " hate", "hate "]


@pytest.mark.parametrize(
    ("words", "same"), [("hate hates hated hating", "hate"), ("immigrant immigrants", "immigr"), ("liar liars", "liar")]
)
def test_inflections_are_one_word(words: str, same: str) -> None:
    assert {stem(word) for word in words.split()} == {same}


@pytest.mark.parametrize("token", ["_user_", "_url_", "😡", "not", "no", "нет", "日本語"])
def test_placeholders_emoji_and_negation_have_no_other_stem(token: str) -> None:
    assert stem(token) == token


def test_negation_is_a_pair_with_what_it_negates() -> None:
    assert "not human" in terms(read("They are NOT human"))


@pytest.mark.parametrize("words", [[], ["a"], ["😡"]])
def test_short_tweets(words: list[str]) -> None:
    assert list(terms(plain(*words))) == words


def test_a_hidden_word_counts_as_itself_and_as_it_is_spelt() -> None:
    assert terms(read("they l1ed")) == {"they": [0], "they lie": [0, 1], "lie": [1], "l1ed": [1]}


def test_letters_of_another_script_do_not_count_as_a_spelling() -> None:
    assert terms(read("they liеd")) == terms(read("they lied"))  # with a Cyrillic letter


def test_a_term_that_comes_again_counts_once_and_knows_all_its_places() -> None:
    assert terms(read("hate hate hate")) == {"hate": [0, 1, 2], "hate hate": [0, 1, 1, 2]}


def test_what_is_said_of_one_group_is_a_pattern_for_every_group() -> None:
    said, unseen = (terms(read(f"we should deport all {group} now")) for group in ("jews", "somalis"))

    common = {term for term in said.keys() & unseen.keys() if "<group>" in term}
    assert {"all <group>", "deport all <group>", "deport _ <group>", "<group> now", "all <group> now"} <= common


def test_a_slur_is_another_class_than_a_neutral_name() -> None:
    assert "a <slur>" in terms(read("what a tranny"))
    assert "a <group>" in terms(read("what a woman"))


@given(st.text(st.characters(exclude_categories=["Z", "Cc", "Cs"]), min_size=1, max_size=40))
def test_a_words_ngrams_are_those_of_scikit_learn(word: str) -> None:
    analyzer = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5), lowercase=False).build_analyzer()

    assert ngrams(word) == list(dict.fromkeys(analyzer(word)))


@given(st.text(st.characters()) | st.lists(st.sampled_from(["we", "jews", "slut", "l1ed", "not"])).map(" ".join))
def test_no_token_raises_and_every_place_exists(text: str) -> None:
    tokens = read(text)

    found = terms(tokens)
    assert {place for places in found.values() for place in places} == set(range(len(tokens)))
    assert len(found) <= 11 * len(tokens)
    assert set(names(words(text))) == set(found)


@pytest.mark.parametrize("word", ["ational" * 700, "9" * 5_000, "y'" * 2_500, "\u05d0" * 5_000])
def test_an_endless_word_costs_no_more_than_a_long_one(word: str) -> None:
    assert stem(word) == word
    assert len(ngrams(word)) <= 42 - 2 + 42 - 3 + 42 - 4


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
