"""hate_speech_ai.features: what a model counts in a tweet."""

import hashlib
import subprocess
import sys
from importlib.metadata import version

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from hate_speech_ai.features import (
    FEATURES_VERSION,
    STEMMER,
    ngrams,
    pattern_features,
    patterns_with_places,
    stem,
    word_features,
    words_with_places,
)
from hate_speech_ai.text import Token, tokenize, tokenize_with_offsets, words
from hate_speech_ai.text.word_classes import IDENTITY, ROLES

TEXTS = st.text(st.characters()) | st.lists(
    st.sampled_from(
        ["we", "jews", "slut", "l1ed", "not", "deport", "rats", "\n", "h\na\nt\ne", "🇭\n🇦\n🇹\n🇪", "h a t e"]
    )
).map(" ".join)


def plain(*words: str) -> list[Token]:
    """Tokens that hide nothing."""
    return [Token(word, place, place + 1, word) for place, word in enumerate(words)]


def test_it_works() -> None:
    tokens = tokenize_with_offsets("They hated us!")

    assert words_with_places(tokens) == {"they": [0], "they hate": [0, 1], "hate": [1], "hate us": [1, 2], "us": [2]}
    assert patterns_with_places(tokens) == {"<self>": [2]}
    assert ngrams("hate") == [" ha", "hat", "ate", "te ", " hat", "hate", "ate ", " hate", "hate "]


@pytest.mark.parametrize(
    ("words", "same"),
    [("hate hates hated hating", "hate"), ("immigrant immigrants", "immigr"), ("liar liars", "liar")],
)
def test_inflections_are_one_word(words: str, same: str) -> None:
    assert {stem(word) for word in words.split()} == {same}


@pytest.mark.parametrize("token", ["_user_", "_url_", "😡", "not", "no", "нет", "日本語"])
def test_placeholders_emoji_and_negation_have_no_other_stem(token: str) -> None:
    assert stem(token) == token


def test_negation_is_a_pair_with_what_it_negates() -> None:
    assert "not human" in word_features(words("They are NOT human"))


@pytest.mark.parametrize("words", [[], ["a"], ["😡"]])
def test_short_tweets(words: list[str]) -> None:
    assert word_features(plain(*words)) == words
    assert pattern_features(plain(*words)) == []


def test_a_hidden_word_counts_as_itself_and_as_it_is_spelt() -> None:
    assert words_with_places(tokenize_with_offsets("they l1ed")) == {
        "they": [0],
        "they lie": [0, 1],
        "lie": [1],
        "l1ed": [1],
    }


def test_letters_of_another_script_do_not_count_as_a_spelling() -> None:
    assert words_with_places(tokenize_with_offsets("they liеd")) == words_with_places(
        tokenize_with_offsets("they lied")
    )  # with a Cyrillic letter


def test_a_word_that_comes_again_counts_once_and_knows_all_its_places() -> None:
    assert words_with_places(tokenize_with_offsets("hate hate hate")) == {"hate": [0, 1, 2], "hate hate": [0, 1, 1, 2]}


def patterns(text: str) -> set[str]:
    return set(pattern_features(words(text)))


def test_what_is_said_of_one_group_is_a_pattern_for_every_group() -> None:
    said, unseen = (patterns(f"we should deport all {group} now") for group in ("jews", "somalis"))

    assert said == unseen
    assert {"all <group>", "deport all <group>", "deport _ <group>", "<group> now", "all <group> now"} <= said


def test_a_pattern_is_made_of_the_words_that_stand_there() -> None:
    found = patterns_with_places(tokenize_with_offsets("we should deport all jews now"))

    assert found["<group>"] == [4]
    assert found["deport all <group>"] == [2, 3, 4]
    assert found["all <group> now"] == [3, 4, 5]
    assert found["<exclude> .. <group>"] == [2, 4]
    assert found["<self> .. <exclude> .. <group>"] == [0, 2, 4]


def test_a_slur_is_another_class_than_a_neutral_name() -> None:
    assert "a <slur>" in patterns("what a tranny")
    assert "a <group>" in patterns("what a woman")


def test_what_is_said_of_a_group_may_stand_before_it_or_behind_it() -> None:
    assert "<violence> .. <group>" in patterns("kill all those jews")
    assert "<group> .. <violence>" in patterns("jews should all be killed")


@pytest.mark.parametrize(("between", "near"), [(0, True), (6, True), (7, False), (30, False)])
def test_a_word_far_away_does_not_belong_to_a_group(between: int, near: bool) -> None:
    text = f"killed {'so ' * between}jews"

    assert ("<violence> .. <group>" in patterns(text)) == near
    assert ("kill .. <group>" in patterns(text)) == near


def test_who_denies_or_reports_it_is_part_of_the_pattern() -> None:
    assert "<report> .. <bad> .. <group>" in patterns("he said disgusting jews")
    assert "<neg> .. <group> .. <animal>" in patterns("never call muslims rats")


@pytest.mark.parametrize("text", ["what a lovely day", "the bus is late again", ""])
def test_without_a_word_of_a_class_there_is_no_pattern(text: str) -> None:
    assert patterns(text) == set()


def test_without_a_group_only_the_classes_count() -> None:
    assert patterns("we killed the rats") == {"<self>", "<violence>", "<animal>"}


@pytest.mark.parametrize("place", range(4))
def test_a_slur_that_means_something_else_names_nobody(place: int) -> None:
    word = ("cracker", "chink", "coon", "spade")[place]

    assert patterns(f"a {word} in the box") == set()


@pytest.mark.parametrize("listed", [IDENTITY, ROLES], ids=["groups", "roles"])
def test_every_listed_word_is_found_as_it_is_read(listed: dict[str, str]) -> None:
    assert [word for word in listed if tokenize(word) != [word]] == []


def test_the_listed_words_are_those_that_models_of_these_features_have_learned() -> None:
    """Another word, or another class, is another feature: it needs a new `FEATURES_VERSION`."""
    lines = sorted(f"{word} {name}\n" for listed in (IDENTITY, ROLES) for word, name in listed.items())

    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert (FEATURES_VERSION, digest[:16]) == (3, "266275f763333b57")


@given(st.text(st.characters(exclude_categories=["Z", "Cc", "Cs"]), min_size=1, max_size=40))
def test_a_words_ngrams_are_those_of_scikit_learn(word: str) -> None:
    analyzer = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5), lowercase=False).build_analyzer()

    assert ngrams(word) == list(dict.fromkeys(analyzer(word)))


@given(TEXTS)
def test_no_text_raises_and_every_place_exists(text: str) -> None:
    tokens = tokenize_with_offsets(text)

    found, around = words_with_places(tokens), patterns_with_places(tokens)

    assert {place for places in found.values() for place in places} == set(range(len(tokens)))
    assert {place for places in around.values() for place in places} <= set(range(len(tokens)))
    assert len(found) <= 3 * len(tokens)


@given(TEXTS)
def test_the_fast_way_finds_what_the_way_with_places_finds(text: str) -> None:
    assert set(word_features(words(text))) == set(words_with_places(tokenize_with_offsets(text)))
    assert set(pattern_features(words(text))) == set(patterns_with_places(tokenize_with_offsets(text)))


@given(TEXTS)
def test_no_feature_has_a_line_break(text: str) -> None:
    """It would end the name in an artifact."""
    tokens = words(text)
    spelt = [ngram for token in tokens for ngram in ngrams(token.text)]

    assert [feature for feature in [*word_features(tokens), *pattern_features(tokens), *spelt] if "\n" in feature] == []


def test_the_work_on_a_text_full_of_groups_grows_no_faster_than_the_text() -> None:
    short, long = (len(pattern_features(words("jews deport " * count))) for count in (100, 400))

    assert long < 4.5 * short


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
