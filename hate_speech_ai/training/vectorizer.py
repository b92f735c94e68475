"""Tweets to a TF-IDF matrix, in scikit-learn's manner. `scorer.py` does the same for one tweet without matrices."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, hstack
from sklearn.base import BaseEstimator, TransformerMixin

from hate_speech_ai.features import PIVOTS, ngrams, pattern_features, word_features
from hate_speech_ai.text import Token, Word, words
from hate_speech_ai.vocabulary import Vocabulary

Floats = NDArray[np.float64]

_FEWEST_MEETINGS = 3


class TweetVectorizer(TransformerMixin, BaseEstimator):
    """TF-IDF of words, of patterns and of character n-grams.

    A feature counts once in a text. Its weight is ln((1 + n) / (1 + df)) + 1, as in `TfidfVectorizer`; an n-gram's df
    is the number of distinct words of tweets that it stands in, n at most. Each block is divided by its length, which
    is never taken for less than the root of `features.PIVOTS`: so a text of one word has no more of it than its share
    (pivoted normalisation: Singhal, Buckley, Mitra, SIGIR 1996). The n-gram block is the sum of its distinct words'
    vectors, and its length is the one that they would have if no two shared an n-gram, those outside the vocabulary
    included: so the part of each word can be computed once and remembered, and letters that nobody knows weaken what
    the known ones say.

    A feature is kept if it stands in tweets of two authors, so that nobody's own words are in a vocabulary. A tweet
    whose author is not known counts as that of one more; so it stands in two distinct tweets at least. One of several
    words must stand in three: two words that happen to meet twice in hate speech are not hateful.

    Args:
        base: a vocabulary to extend: its features keep their weight, new ones stand beside them.
        max_words, max_patterns, max_ngrams: how many are kept, or added, the most frequent first.

    Attributes:
        vocabulary_: what it has learned, or was given.
        base_columns_: int32 (features,), for each feature its column in the base, -1 where it is new.
    """

    def __init__(
        self,
        base: Vocabulary | None = None,
        *,
        max_words: int = 250_000,
        max_patterns: int = 100_000,
        max_ngrams: int = 120_000,
    ) -> None:
        self.base = base
        self.max_words = max_words
        self.max_patterns = max_patterns
        self.max_ngrams = max_ngrams

    def fit(self, tweets: Iterable[str], y: Any = None) -> Self:
        self.fit_transform(tweets)
        return self

    def fit_transform(
        self, tweets: Iterable[str], y: Any = None, *, authors: Sequence[str] = (), **params: Any
    ) -> csr_array:
        """Learn the vocabulary, and read the tweets with it.

        Args:
            authors: of each tweet, empty where not known; or nothing at all.

        Raises:
            ValueError: no feature stands in tweets of two authors.
        """
        texts = _Texts(words(tweet) for tweet in tweets)
        people = _people(authors, len(texts))
        total = len(texts) + (self.base.tweets if self.base else 0)
        spelling = _Spelling(texts, people, total)
        blocks = [
            _Block(texts.words.names, texts.words.counts(), texts.words.shared(people), self.max_words),
            _Block(texts.patterns.names, texts.patterns.counts(), texts.patterns.shared(people), self.max_patterns),
            _Block(spelling.grams, spelling.counts, spelling.shared, self.max_ngrams),
        ]
        known = [set(block) for block in self.base.blocks] if self.base else [set(), set(), set()]
        added = [block.most_frequent(total, without) for block, without in zip(blocks, known, strict=True)]
        if not any(names for names, _ in added) and self.base is None:
            raise ValueError("empty vocabulary: no word stands in tweets of two authors")
        self.vocabulary_, self.base_columns_ = _merged(self.base, added, total)
        self._columns = [_columns(block) for block in self.vocabulary_.blocks]
        return self._weigh(texts)

    def use_vocabulary(self, vocabulary: Vocabulary) -> Self:
        """Take over what an artifact stores, which is what another vectorizer has learned."""
        self.vocabulary_ = vocabulary
        self._columns = [_columns(block) for block in vocabulary.blocks]
        columns = np.arange(len(vocabulary)) if vocabulary is self.base else np.full(len(vocabulary), -1)
        self.base_columns_ = columns.astype(np.int32)
        return self

    def transform(self, tweets: Iterable[str]) -> csr_array:
        return self.transform_tokens(words(tweet) for tweet in tweets)

    def transform_tokens(self, texts: Iterable[Sequence[Token | Word]]) -> csr_array:
        """As `transform`, of texts that are read already."""
        return self._weigh(_Texts(texts))

    def _weigh(self, texts: "_Texts") -> csr_array:
        vocabulary = self.vocabulary_
        idf = vocabulary.idf.astype(np.float64)
        ends = np.cumsum([len(block) for block in vocabulary.blocks])
        of_words, of_patterns, of_ngrams = self._columns
        by_word = _weighted(texts.words.matrix(of_words), idf[: ends[0]], PIVOTS.words)
        by_pattern = _weighted(texts.patterns.matrix(of_patterns), idf[ends[0] : ends[1]], PIVOTS.patterns)
        spelt, unknown = _spelt(texts.tokens.names, of_ngrams)
        weighted = spelt @ diags_array(idf[ends[1] :])
        squares = _squares(weighted) + unknown * vocabulary.unknown_idf**2
        occurs = texts.tokens.occurrences()
        by_ngram = diags_array(1.0 / np.sqrt(occurs @ squares + PIVOTS.ngrams)) @ occurs @ weighted
        matrix: csr_array = hstack([by_word, by_pattern, by_ngram], format="csr")
        matrix.sort_indices()
        return matrix


class _Names:
    """Which names stand in which texts, as numbers."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self._found, self._ends = array("i"), array("q", [0])

    def add(self, names: Iterable[str]) -> None:
        """Add a text with its names; of those that come twice, one counts."""
        numbers = self.names
        self._found.extend([numbers.setdefault(name, len(numbers)) for name in dict.fromkeys(names)])
        self._ends.append(len(self._found))

    def counts(self) -> NDArray[np.int64]:
        """Count the texts of each name."""
        return np.bincount(_numpy(self._found), minlength=len(self.names))

    def shared(self, people: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return for each name whether it stands in texts of several people."""
        return _shared(*self.met(people), len(self.names))[0]

    def met(self, people: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the names in all texts, and for each of them whose text it is."""
        return _numpy(self._found), np.repeat(people, np.diff(_numpy(self._ends)))

    def occurrences(self) -> csr_array:
        """Return 0/1, texts x names."""
        return _ones(_numpy(self._found), _numpy(self._ends), len(self.names))

    def matrix(self, column: dict[str, int]) -> csr_array:
        """Return 0/1, texts x the columns of a vocabulary."""
        columns = np.array([column.get(name, -1) for name in self.names], dtype=np.int32)
        found = _numpy(self._found)
        places = columns[found] if len(found) else found
        ends = np.concatenate([[0], np.cumsum(places >= 0)])[_numpy(self._ends)]
        return _ones(places[places >= 0], ends, len(column))


class _Texts:
    """Texts as numbers of their features, read once; their tokens are not kept."""

    def __init__(self, texts: Iterable[Sequence[Token | Word]]) -> None:
        self.words, self.patterns, self.tokens = _Names(), _Names(), _Names()
        self._count = 0
        for tokens in texts:
            self.words.add(word_features(tokens))
            self.patterns.add(pattern_features(tokens))
            self.tokens.add([token.text for token in tokens])
            self._count += 1

    def __len__(self) -> int:
        return self._count


class _Spelling:
    """The n-grams of the texts' words: their numbers, in how many words of texts they stand, and who shares them."""

    def __init__(self, texts: _Texts, people: NDArray[np.int64], most: int) -> None:
        self.grams: dict[str, int] = {}
        rows = [[self.grams.setdefault(gram, len(self.grams)) for gram in ngrams(word)] for word in texts.tokens.names]
        spelt = _incidence(rows, len(self.grams))
        self.counts = np.minimum(spelt.T @ texts.tokens.counts(), most).astype(np.int64)
        shared_words, somebody = _shared(*texts.tokens.met(people), len(texts.tokens.names))
        lengths = np.diff(spelt.indptr)
        self.shared, _ = _shared(spelt.indices, np.repeat(somebody, lengths), len(self.grams))
        self.shared[spelt.indices[np.repeat(shared_words, lengths)]] = True


@dataclass(frozen=True)
class _Block:
    """The candidates for a block of a vocabulary."""

    numbers: dict[str, int]
    counts: NDArray[np.int64]
    allowed: NDArray[np.bool_]
    most: int

    def most_frequent(self, tweets: int, without: set[str]) -> tuple[list[str], NDArray[np.float16]]:
        """Return the names to add, sorted, and their idf."""
        kept = [
            (name, number)
            for name, number in self.numbers.items()
            if self.allowed[number]
            and name not in without
            and (self.counts[number] >= _FEWEST_MEETINGS or " " not in name.strip())
        ]
        kept.sort(key=lambda pair: (-self.counts[pair[1]], pair[0]))
        kept = sorted(kept[: self.most])
        df = self.counts[np.array([number for _, number in kept], dtype=np.int64)]
        return [name for name, _ in kept], (np.log((1 + tweets) / (1 + df)) + 1).astype(np.float16)


def _merged(
    base: Vocabulary | None, added: list[tuple[list[str], NDArray[np.float16]]], tweets: int
) -> tuple[Vocabulary, NDArray[np.int32]]:
    """Return the base's features and the new ones, each block sorted; and each feature's column in the base, or -1."""
    blocks, idfs, columns = [], [], []
    first = 0
    for known, (names, idf) in zip(base.blocks if base else [[], [], []], added, strict=True):
        old = base.idf[first : first + len(known)] if base else np.empty(0, np.float16)
        order = sorted(range(len(known) + len(names)), key=[*known, *names].__getitem__)
        both = [*known, *names]
        blocks.append([both[place] for place in order])
        idfs.append(np.concatenate([old, idf])[order] if order else old)
        columns.append([first + place if place < len(known) else -1 for place in order])
        first += len(known)
    unknown = base.unknown_idf if base else float(np.round(8 * (np.log(1 + tweets) + 1)) / 8)
    word_block, pattern_block, ngram_block = blocks
    vocabulary = Vocabulary(word_block, pattern_block, ngram_block, np.concatenate(idfs), unknown, tweets)
    return vocabulary, np.array([column for block in columns for column in block], dtype=np.int32)


def _weighted(ones: csr_array, idf: Floats, pivot: float) -> csr_array:
    weighted = ones @ diags_array(idf)
    scaled: csr_array = diags_array(1.0 / np.sqrt(_squares(weighted) + pivot)) @ weighted
    return scaled


def _spelt(words: Iterable[str], column: dict[str, int]) -> tuple[csr_array, Floats]:
    """Return 0/1, words x n-grams of the vocabulary; and how many of each word's n-grams are not in it."""
    rows, unknown = [], []
    for word in words:
        grams = ngrams(word)
        known = [place for gram in grams if (place := column.get(gram)) is not None]
        rows.append(known)
        unknown.append(len(grams) - len(known))
    return _incidence(rows, len(column)), np.array(unknown, dtype=np.float64)


def _columns(names: list[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _numpy(numbers: "array[int]") -> NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)


def _people(authors: Sequence[str], tweets: int) -> NDArray[np.int64]:
    """Return a number for each tweet's author; one of its own, where the author is not known."""
    if not any(authors):
        return np.arange(tweets, dtype=np.int64)
    known: dict[str | int, int] = {}
    numbers = [known.setdefault(author or place, len(known)) for place, author in enumerate(authors)]
    return np.array(numbers, dtype=np.int64)


def _shared(
    features: NDArray[Any], people: NDArray[np.int64], count: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which features are met with several people, by each meeting's feature and person; and one person each."""
    somebody = np.full(count, -1, dtype=np.int64)
    somebody[features] = people
    shared = np.zeros(count, dtype=np.bool_)
    shared[features[somebody[features] != people]] = True
    return shared, somebody


def _incidence(rows: list[list[int]], width: int) -> csr_array:
    places = np.fromiter((place for row in rows for place in row), dtype=np.int32)
    return _ones(places, np.cumsum([0, *map(len, rows)]), width)


def _ones(places: NDArray[Any], ends: NDArray[Any], width: int) -> csr_array:
    # 32 bits, because scikit-learn's estimators take no others.
    indices, indptr = places.astype(np.int32), ends.astype(np.int32)
    return csr_array((np.ones(len(places)), indices, indptr), shape=(len(ends) - 1, width))


def _squares(matrix: csr_array) -> Floats:
    return np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
