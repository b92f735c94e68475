"""What a model counts in a text."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LONGEST_PREFIX = 200
_FIRST_CODE = 32  # so that no code is a line break


@dataclass(frozen=True)
class Vocabulary:
    """The features of a model: the words, then the patterns, then the character n-grams.

    Attributes:
        words, patterns, ngrams: each sorted.
        idf: float16 (features,), above 0: ln((1 + n) / (1 + df)) + 1 of the tweets that the feature was first met in.
        unknown_idf: of an n-gram that is not among them.
        tweets: how many the frequencies were counted in.
    """

    words: list[str]
    patterns: list[str]
    ngrams: list[str]
    idf: NDArray[np.float16]
    unknown_idf: float
    tweets: int

    def __len__(self) -> int:
        return len(self.words) + len(self.patterns) + len(self.ngrams)

    @property
    def blocks(self) -> list[list[str]]:
        """The three lists in the order of the features."""
        return [self.words, self.patterns, self.ngrams]


def pack(names: list[str]) -> NDArray[np.uint8]:
    """Write sorted names without what each shares with the one before (front coding): half the size.

    A name is a byte that tells how many bytes are shared, then the others, then a line break. No name has one.
    """
    lines, before = [], b""
    for name in names:
        encoded = name.encode("utf-8", "surrogatepass")
        shared = 0
        for one, other in zip(encoded[:_LONGEST_PREFIX], before, strict=False):
            if one != other:
                break
            shared += 1
        lines.append(bytes((_FIRST_CODE + shared,)) + encoded[shared:])
        before = encoded
    return np.frombuffer(b"\n".join(lines), dtype=np.uint8)


def unpack(packed: NDArray[np.uint8]) -> list[str]:
    """Read what `pack` wrote.

    Raises:
        ValueError: it did not.

    >>> unpack(pack(["hat", "hate", "hated"]))
    ['hat', 'hate', 'hated']
    """
    content = packed.tobytes()
    if not content:
        return []
    names, before = [], b""
    for line in content.split(b"\n"):
        if not line or not 0 <= line[0] - _FIRST_CODE <= len(before):
            raise ValueError("a packed name does not begin with the length that it shares")
        before = before[: line[0] - _FIRST_CODE] + line[1:]
        names.append(before.decode("utf-8", "surrogatepass"))
    return names
