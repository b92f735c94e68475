"""Who says something about a tweet: an imported corpus, `corpus:<name>`, or an API key, `key:<number>`."""

_CORPUS, _KEY = "corpus:", "key:"


def corpus_source(name: str) -> str:
    """Return the source of a corpus's rows.

    >>> corpus_source("starter")
    'corpus:starter'
    """
    return f"{_CORPUS}{name}"


def key_source(number: int) -> str:
    """Return the source of a key's reviews.

    >>> key_source(7)
    'key:7'
    """
    return f"{_KEY}{number}"


def is_corpus(source: str) -> bool:
    return source.startswith(_CORPUS)


def is_key(source: str) -> bool:
    return source.startswith(_KEY)


def corpus_name(source: str) -> str:
    """Return a corpus's name; of another source, the source itself.

    >>> corpus_name("corpus:starter"), corpus_name("reviews")
    ('starter', 'reviews')
    """
    return source.removeprefix(_CORPUS)
