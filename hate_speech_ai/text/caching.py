"""Remember what was worked out about a string that a client wrote, in a bounded number of bytes.

A client chooses the strings, so it can fill any memory. A bound on the number of entries bounds nothing where one entry
may be a hundred times as large as another.
"""

from collections.abc import Callable
from functools import update_wrapper
from sys import getsizeof
from typing import TYPE_CHECKING, Any, TypeVar

Result = TypeVar("Result")

#: A longer string is rare, and nothing is remembered about it.
LONGEST_KEY = 40

# What the table itself takes for an entry.
_ENTRY = 100


class Remembered(dict[str, Result]):
    """A function of a string that remembers its results: `function(key)`, or `function[key]` in a third of the time.

    When there is no room for another result, all are forgotten: the common ones are soon back.

    Args:
        function: its result must not be changed by whoever gets it.
        most_bytes: that keys and results may take.
    """

    def __init__(self, function: Callable[[str], Result], most_bytes: int) -> None:
        super().__init__()
        update_wrapper(self, function)
        self.function = function
        self.most_bytes = most_bytes
        self.bytes = 0

    if TYPE_CHECKING:

        def __call__(self, key: str) -> Result: ...
    else:
        __call__ = dict.__getitem__

    def __missing__(self, key: str) -> Result:
        result = self.function(key)
        if len(key) <= LONGEST_KEY:
            size = _ENTRY + _size(key) + _size(result)
            if self.bytes + size > self.most_bytes:
                self.clear()
            if size <= self.most_bytes:
                self.bytes += size
                self[key] = result
        return result

    def clear(self) -> None:
        """Forget all."""
        super().clear()
        self.bytes = 0


def remember(*, megabytes: int) -> Callable[[Callable[[str], Result]], Remembered[Result]]:
    """Let a function of a string remember its results, in so many megabytes."""
    return lambda function: Remembered(function, megabytes * 1_000_000)


def _size(value: Any) -> int:
    return getsizeof(value) + (sum(map(_size, value)) if isinstance(value, tuple | list) else 0)
