"""Tweets to a TF-IDF matrix, in scikit-learn's manner. `scorer.py` does the same for one tweet without matrices."""

from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, hstack
from sklearn.base import BaseEstimator, TransformerMixin

from hate_speech_ai.features import names, ngrams
from hate_speech_ai.text import words


class TweetVectorizer(TransformerMixin, BaseEstimator):
    """TF-IDF of terms and of character n-grams, each block scaled to length one.

    A feature counts once in a text. Its weight is ln((1 + n) / (1 + df)) + 1, as in `TfidfVectorizer`; an n-gram's df
    is the number of distinct words of tweets that it stands in, n at most. The n-gram block is the sum of its distinct
    words' vectors, divided by the length that they would have if no two shared an n-gram: so the part of each word can
    be computed once and remembered, and costs the scorer nothing when the word comes again.

    A feature is kept if it stands in tweets of two authors, so that nobody's own words are in a vocabulary. A tweet
    whose author is not known counts as that of one more; so it stands in two distinct tweets at least.

    Args:
        max_terms, max_ngrams: how many are kept, the most frequent first.

    Attributes:
        terms_, ngrams_: the vocabularies, each sorted. The columns are the terms, then the n-grams.
        idf_: (features,), rounded to what an artifact stores.
    """

    def __init__(self, max_terms: int = 250_000, max_ngrams: int = 120_000) -> None:
        self.max_terms = max_terms
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
            ValueError: no term and no n-gram stands in tweets of two authors.
        """
        texts = _Texts(tweets)
        people = _people(authors, len(texts))
        shared_terms, shared_words, somebody = texts.shared(people)
        kept_terms, in_tweets, columns = _most_frequent(texts.terms, texts.counts(), shared_terms, self.max_terms)
        grams: dict[str, int] = {}
        rows = [[grams.setdefault(gram, len(grams)) for gram in ngrams(word)] for word in texts.words]
        spelt = _incidence(rows, len(grams))
        in_words = np.minimum(spelt.T @ texts.word_counts(), len(texts)).astype(np.int64)
        lengths = np.diff(spelt.indptr)
        shared_ngrams, _ = _shared(spelt.indices, np.repeat(somebody, lengths), len(grams))
        shared_ngrams[spelt.indices[np.repeat(shared_words, lengths)]] = True
        kept_ngrams, in_spellings, kept = _most_frequent(grams, in_words, shared_ngrams, self.max_ngrams)
        if not kept_terms and not kept_ngrams:
            raise ValueError("empty vocabulary: no word stands in tweets of two authors")
        df = np.concatenate([in_tweets, in_spellings])
        self.use(kept_terms, kept_ngrams, (np.log((1 + len(texts)) / (1 + df)) + 1).astype(np.float32))
        return self._weigh(texts.by_term(columns, len(self.terms_)), texts.by_word(), _select(spelt, kept))

    def use(self, terms: list[str], ngrams: list[str], idf: NDArray[np.float32]) -> Self:
        """Take over what an artifact stores, which is what another vectorizer has learned."""
        self.terms_, self.ngrams_ = terms, ngrams
        self.idf_ = idf.astype(np.float64)
        self._columns = {term: place for place, term in enumerate(terms)}
        self._ngram_columns = {ngram: place for place, ngram in enumerate(ngrams)}
        return self

    def transform(self, tweets: Iterable[str]) -> csr_array:
        texts = _Texts(tweets)
        columns = np.array([self._columns.get(term, -1) for term in texts.terms], dtype=np.int32)
        find = self._ngram_columns.get
        found = [[place for ngram in ngrams(word) if (place := find(ngram)) is not None] for word in texts.words]
        spelt = _incidence(found, len(self.ngrams_))
        return self._weigh(texts.by_term(columns, len(self.terms_)), texts.by_word(), spelt)

    def _weigh(self, by_term: csr_array, by_word: csr_array, spelt: csr_array) -> csr_array:
        """The two blocks, from 0/1 matrices: tweets x terms, tweets x words, words x n-grams."""
        count = len(self.terms_)
        weighted = by_term @ diags_array(self.idf_[:count])
        spelling = spelt @ diags_array(self.idf_[count:])
        scaled = _scale(by_word @ _squares(spelling)) @ by_word
        matrix: csr_array = hstack([_scale(_squares(weighted)) @ weighted, scaled @ spelling], format="csr")
        matrix.sort_indices()
        return matrix


class _Texts:
    """Tweets as term numbers and word numbers, read once; their tokens are not kept."""

    def __init__(self, tweets: Iterable[str]) -> None:
        self.terms: dict[str, int] = {}
        self.words: dict[str, int] = {}
        self._in_terms, self._in_words = array("i"), array("i")
        self._term_ends, self._word_ends = array("q", [0]), array("q", [0])
        for tweet in tweets:
            tokens = words(tweet)
            self._in_terms.extend(_numbers(self.terms, names(tokens)))
            self._in_words.extend(_numbers(self.words, [token.text for token in tokens]))
            self._term_ends.append(len(self._in_terms))
            self._word_ends.append(len(self._in_words))

    def __len__(self) -> int:
        return len(self._term_ends) - 1

    def counts(self) -> NDArray[np.int64]:
        return np.bincount(_numpy(self._in_terms), minlength=len(self.terms))

    def word_counts(self) -> NDArray[np.int64]:
        return np.bincount(_numpy(self._in_words), minlength=len(self.words))

    def shared(self, people: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
        """Which terms, and which words, stand in tweets of several people; and one of the people of each word."""
        terms, words = _numpy(self._in_terms), _numpy(self._in_words)
        shared_terms, _ = _shared(terms, np.repeat(people, np.diff(_numpy(self._term_ends))), len(self.terms))
        by_word = np.repeat(people, np.diff(_numpy(self._word_ends)))
        return shared_terms, *_shared(words, by_word, len(self.words))

    def by_term(self, columns: NDArray[np.int32], width: int) -> csr_array:
        """0/1, tweets x kept terms, where `columns` maps each term's number to its column, or to -1."""
        places = columns[_numpy(self._in_terms)]
        ends = np.concatenate([[0], np.cumsum(places >= 0)])[_numpy(self._term_ends)]
        return _ones(places[places >= 0], ends, width)

    def by_word(self) -> csr_array:
        """0/1, tweets x words."""
        return _ones(_numpy(self._in_words), _numpy(self._word_ends), len(self.words))


def _numpy(numbers: "array[int]") -> NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)


def _numbers(known: dict[str, int], found: list[str]) -> list[int]:
    """The number of each distinct name; one that is new gets the next."""
    return [known.setdefault(name, len(known)) for name in dict.fromkeys(found)]


def _people(authors: Sequence[str], tweets: int) -> NDArray[np.int64]:
    """A number for each tweet's author; one of its own, where the author is not known."""
    if not any(authors):
        return np.arange(tweets, dtype=np.int64)
    known: dict[str | int, int] = {}
    numbers = [known.setdefault(author or place, len(known)) for place, author in enumerate(authors)]
    return np.array(numbers, dtype=np.int64)


def _shared(
    features: NDArray[Any], people: NDArray[np.int64], count: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which features are met with several people, from each meeting's feature and person; and one person of each."""
    somebody = np.full(count, -1, dtype=np.int64)
    somebody[features] = people
    shared = np.zeros(count, dtype=np.bool_)
    shared[features[somebody[features] != people]] = True
    return shared, somebody


def _most_frequent(
    numbers: dict[str, int], counts: NDArray[np.int64], allowed: NDArray[np.bool_], most: int
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int32]]:
    """The names to keep, sorted; their counts; and for each number its column, or -1."""
    kept = [(name, number) for name, number in numbers.items() if allowed[number]]
    kept.sort(key=lambda pair: (-counts[pair[1]], pair[0]))
    kept = sorted(kept[:most])
    columns = np.full(len(numbers), -1, dtype=np.int32)
    chosen = np.array([number for _, number in kept], dtype=np.int64)
    columns[chosen] = np.arange(len(kept), dtype=np.int32)
    return [name for name, _ in kept], counts[chosen], columns


def _incidence(rows: list[list[int]], width: int) -> csr_array:
    places = np.fromiter((place for row in rows for place in row), dtype=np.int32)
    return _ones(places, np.cumsum([0, *map(len, rows)]), width)


def _ones(places: NDArray[Any], ends: NDArray[Any], width: int) -> csr_array:
    # 32 bits, because scikit-learn's solvers take no others.
    indices, indptr = places.astype(np.int32), ends.astype(np.int32)
    return csr_array((np.ones(len(places)), indices, indptr), shape=(len(ends) - 1, width))


def _select(matrix: csr_array, columns: NDArray[np.int32]) -> csr_array:
    kept = np.flatnonzero(columns >= 0)
    return matrix[:, kept[np.argsort(columns[kept])]]


def _squares(matrix: csr_array) -> NDArray[np.float64]:
    return np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()


def _scale(squares: NDArray[np.float64]) -> Any:
    return diags_array(1.0 / np.sqrt(np.where(squares > 0, squares, 1.0)))
