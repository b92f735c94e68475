"""How many of the held-out tweets that a model's score is made of one key alone may answer."""

import math
from collections import Counter
from collections.abc import Sequence

from hate_speech_ai.text import fingerprint
from hate_speech_ai.training.examples import Example

# Of the held-out texts that others answer, a key alone may add this share, or so many.
_MOST = 0.1
_FEWEST = 50


def capped(held_out: Sequence[Example]) -> list[Example]:
    """Leave out what one key alone says above its share, so that it cannot make the score.

    Which texts are held out is no secret, so a key can send as many of them as it likes. Those with the smallest
    fingerprints stay. Where there are no others, all do.
    """
    counts = Counter(example.claimed_by for example in held_out)
    left = {
        source: max(_FEWEST, math.ceil(_MOST * (len(held_out) - count)))
        for source, count in counts.items()
        if source and count < len(held_out)
    }
    if all(counts[source] <= most for source, most in left.items()):
        return list(held_out)
    kept = set()
    for place in sorted(range(len(held_out)), key=lambda place: fingerprint(held_out[place].tweet)):
        source = held_out[place].claimed_by
        if source not in left:
            kept.add(place)
        elif left[source]:
            kept.add(place)
            left[source] -= 1
    return [example for place, example in enumerate(held_out) if place in kept]
