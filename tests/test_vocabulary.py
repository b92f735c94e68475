"""hate_speech_ai.vocabulary and training.vectorizer: what a model counts, and how much each of it weighs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from hate_speech_ai.features import PIVOTS, ngrams, word_features
from hate_speech_ai.text import words
from hate_speech_ai.training.vectorizer import TweetVectorizer
from hate_speech_ai.vocabulary import Vocabulary, pack, unpack

NAMES = st.lists(st.text(st.characters(exclude_characters="\n")), unique=True).map(sorted)
TWEETS = ["deport all jews", "deport all women", "we hate rats", "we hate mondays", "deport the rats", "hate hate hate"]


def column(vocabulary: Vocabulary, name: str) -> int:
    return [feature for block in vocabulary.blocks for feature in block].index(name)


def block_of(matrix: np.ndarray, vocabulary: Vocabulary, block: int) -> np.ndarray:
    ends = np.cumsum([0, *map(len, vocabulary.blocks)])
    return matrix[:, ends[block] : ends[block + 1]]


def test_it_works() -> None:
    vectorizer = TweetVectorizer()

    matrix = vectorizer.fit_transform(TWEETS)

    vocabulary = vectorizer.vocabulary_
    assert vocabulary.words == ["all", "deport", "hate", "rat", "we"]
    assert {"<group>", "deport .. <group>"}.isdisjoint(vocabulary.words)
    assert "<exclude>" in vocabulary.patterns
    assert "dep" in vocabulary.ngrams
    assert matrix.shape == (6, len(vocabulary))
    assert vocabulary.tweets == 6


class TestPacking:
    @given(NAMES)
    def test_names_are_read_again(self, names: list[str]) -> None:
        assert unpack(pack(names)) == names

    def test_names_that_are_not_sorted_are_read_again_too(self) -> None:
        assert unpack(pack(["hated", "", "hat", "x", "hate"])) == ["hated", "", "hat", "x", "hate"]

    def test_what_many_names_share_is_written_once(self) -> None:
        names = [f"deport all of them now {number}" for number in range(100)]

        assert len(pack(names)) < 0.2 * sum(map(len, names))

    @pytest.mark.parametrize("shared", [199, 200, 201, 300])
    def test_names_that_share_very_much_are_read_again(self, shared: int) -> None:
        names = [f"{'x' * shared}{number}" for number in range(100)]

        assert unpack(pack(names)) == names

    def test_letters_of_two_bytes_that_begin_alike_are_kept_apart(self) -> None:
        assert unpack(pack(["é", "ê", "êa", "\ud83d", "\ud83e"])) == ["é", "ê", "êa", "\ud83d", "\ud83e"]

    @pytest.mark.parametrize("content", [b"\n", b" a\n", b"a", b" a\n\n b", b"\x1fa", b' a\n"bc', b" \xff"])
    def test_what_was_not_packed_is_refused(self, content: bytes) -> None:
        with pytest.raises(ValueError, match=r"."):
            unpack(np.frombuffer(content, dtype=np.uint8))

    @given(st.binary())
    def test_no_bytes_raise_anything_else(self, content: bytes) -> None:
        try:
            names = unpack(np.frombuffer(content, dtype=np.uint8))
        except ValueError:
            return
        assert all(isinstance(name, str) for name in names)


class TestWeights:
    def test_words_have_the_idf_of_scikit_learn(self) -> None:
        theirs = TfidfVectorizer(analyzer=lambda tweet: word_features(words(tweet)), binary=True).fit(TWEETS)
        expected = dict(zip(theirs.get_feature_names_out(), theirs.idf_, strict=True))

        vocabulary = TweetVectorizer().fit(TWEETS).vocabulary_

        found = dict(zip(vocabulary.words, vocabulary.idf.tolist(), strict=False))
        assert found == pytest.approx({name: expected[name] for name in found}, abs=1e-3)

    def test_a_block_is_divided_by_its_length_with_the_pivot(self) -> None:
        vectorizer = TweetVectorizer().fit(TWEETS)
        vocabulary = vectorizer.vocabulary_

        [row] = vectorizer.transform(["we hate rats, we really hate"]).toarray()

        idf = [float(vocabulary.idf[column(vocabulary, word)]) for word in ("we", "hate", "rat")]
        length = np.sqrt(np.square(idf).sum() + PIVOTS.words)
        found = [row[column(vocabulary, word)] for word in ("we", "hate", "rat")]
        assert found == pytest.approx([weight / length for weight in idf])

    def test_a_word_counts_once_however_often_it_stands_there(self) -> None:
        vectorizer = TweetVectorizer().fit(TWEETS)

        once, often = vectorizer.transform(["we hate", "we hate, we hate, we we hate hate"]).toarray()

        assert np.array_equal(once, often)

    def test_letters_that_nobody_knows_count_in_the_length(self) -> None:
        vectorizer = TweetVectorizer().fit(TWEETS)
        vocabulary = vectorizer.vocabulary_
        place = column(vocabulary, "hat")

        alone, inside = vectorizer.transform(["hate", "hatexyzzyq"]).toarray()

        known, unknown = [
            [gram for gram in ngrams(word) if (gram in vocabulary.ngrams) == in_it]
            for word, in_it in (("hatexyzzyq", True), ("hatexyzzyq", False))
        ]
        squares = sum(float(vocabulary.idf[column(vocabulary, gram)]) ** 2 for gram in known)
        squares += len(unknown) * vocabulary.unknown_idf**2
        assert len(unknown) > 5
        assert inside[place] == pytest.approx(float(vocabulary.idf[place]) / np.sqrt(squares + PIVOTS.ngrams))
        assert inside[place] < alone[place]

    def test_an_unknown_ngram_is_taken_for_a_rare_one(self) -> None:
        vocabulary = TweetVectorizer().fit(TWEETS).vocabulary_

        assert vocabulary.unknown_idf == pytest.approx(np.log(7) + 1, abs=0.0625)
        assert vocabulary.unknown_idf >= vocabulary.idf.max()

    @given(st.lists(st.text(st.characters()) | st.sampled_from(TWEETS), min_size=1, max_size=8))
    def test_no_block_of_any_text_is_longer_than_1(self, tweets: list[str]) -> None:
        vectorizer = TweetVectorizer().fit(TWEETS)

        matrix = vectorizer.transform(tweets).toarray()

        assert np.isfinite(matrix).all()
        for block in range(3):
            lengths = np.linalg.norm(block_of(matrix, vectorizer.vocabulary_, block), axis=1)
            # N-grams that several words share count for each of them.
            assert (lengths <= (1 if block < 2 else 8)).all()

    def test_a_tweet_that_cannot_be_read_is_empty(self) -> None:
        assert TweetVectorizer().fit(TWEETS).transform(["", "!?", "\u200b"]).nnz == 0

    def test_reading_tokens_gives_what_reading_tweets_gives(self) -> None:
        vectorizer = TweetVectorizer().fit(TWEETS)

        by_token = vectorizer.transform_tokens([words(tweet) for tweet in TWEETS])

        assert np.array_equal(by_token.toarray(), vectorizer.transform(TWEETS).toarray())

    def test_learning_and_reading_give_the_same(self) -> None:
        vectorizer = TweetVectorizer()

        learned = vectorizer.fit_transform(TWEETS)

        assert np.array_equal(learned.toarray(), vectorizer.transform(TWEETS).toarray())
        used = TweetVectorizer().use_vocabulary(vectorizer.vocabulary_)
        assert np.array_equal(used.transform(TWEETS).toarray(), learned.toarray())


class TestWhatIsKept:
    def test_two_words_must_stand_in_three_tweets(self) -> None:
        twice, thrice = (["green door", "a green door"] + ["the green door"] * more for more in (0, 1))

        assert "green" in TweetVectorizer().fit(twice).vocabulary_.words
        assert "green door" not in TweetVectorizer().fit(twice).vocabulary_.words
        assert "green door" in TweetVectorizer().fit(thrice).vocabulary_.words

    def test_a_feature_must_stand_in_tweets_of_two_authors(self) -> None:
        vectorizer = TweetVectorizer()

        vectorizer.fit_transform(["qwyx one", "qwyx two", "door one"], authors=["ann", "ann", "ben"])

        assert vectorizer.vocabulary_.words == ["one"]
        assert not any("wyx" in ngram for ngram in vectorizer.vocabulary_.ngrams)

    def test_the_most_frequent_are_kept(self) -> None:
        vectorizer = TweetVectorizer(max_words=2, max_patterns=1, max_ngrams=3).fit(TWEETS)

        assert vectorizer.vocabulary_.words == ["deport", "hate"]
        assert [len(block) for block in vectorizer.vocabulary_.blocks] == [2, 1, 3]

    @pytest.mark.parametrize("tweets", [[], ["one"], ["one", "two"], ["日", "本"]])
    def test_nothing_in_common_is_refused(self, tweets: list[str]) -> None:
        with pytest.raises(ValueError, match="empty vocabulary"):
            TweetVectorizer().fit_transform(tweets)


class TestOnABase:
    BASE = TweetVectorizer().fit(TWEETS).vocabulary_
    NEW = ["blorp again", "blorp in town", "we hate blorp"]

    def test_the_bases_features_keep_their_weight(self) -> None:
        vectorizer = TweetVectorizer(self.BASE).fit(self.NEW)

        vocabulary, columns = vectorizer.vocabulary_, vectorizer.base_columns_
        assert "blorp" in vocabulary.words
        assert all(block == sorted(block) for block in vocabulary.blocks)
        assert sorted(columns[columns >= 0]) == list(range(len(self.BASE)))
        assert np.array_equal(vocabulary.idf[columns >= 0], self.BASE.idf[columns[columns >= 0]])
        names, known = ([name for block in one.blocks for name in block] for one in (vocabulary, self.BASE))
        assert all(known[place] == name for name, place in zip(names, columns, strict=True) if place >= 0)
        assert columns[column(vocabulary, "blorp")] == -1

    def test_a_new_feature_is_as_rare_as_among_all_the_tweets(self) -> None:
        vocabulary = TweetVectorizer(self.BASE).fit(self.NEW).vocabulary_

        assert vocabulary.tweets == 9
        assert float(vocabulary.idf[column(vocabulary, "blorp")]) == pytest.approx(np.log(10 / 4) + 1, abs=1e-3)
        assert vocabulary.unknown_idf == self.BASE.unknown_idf

    def test_no_feature_stands_there_twice(self) -> None:
        vocabulary = TweetVectorizer(self.BASE).fit(TWEETS + self.NEW).vocabulary_

        assert all(len(set(block)) == len(block) for block in vocabulary.blocks)

    def test_tweets_that_add_nothing_leave_it_as_it_is(self) -> None:
        vectorizer = TweetVectorizer(self.BASE).fit(["one", "two"])

        assert vectorizer.vocabulary_.blocks == self.BASE.blocks
        assert list(vectorizer.base_columns_) == list(range(len(self.BASE)))

    def test_the_base_itself_is_all_of_the_base(self) -> None:
        used = TweetVectorizer(self.BASE).use_vocabulary(self.BASE)

        assert list(used.base_columns_) == list(range(len(self.BASE)))

    def test_only_so_many_are_added(self) -> None:
        vocabulary = TweetVectorizer(self.BASE, max_words=1, max_patterns=0, max_ngrams=2).fit(self.NEW).vocabulary_

        assert set(vocabulary.words) - set(self.BASE.words) == {"blorp"}
        assert len(vocabulary.ngrams) == len(self.BASE.ngrams) + 2
