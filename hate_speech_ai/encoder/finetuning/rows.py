"""The texts that an encoder is fine-tuned on, cut into batches."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from hate_speech_ai.encoder.finetuning.recipe import Recipe
from hate_speech_ai.encoder.reading import encoder_text
from hate_speech_ai.encoder.unseen import is_unseen
from hate_speech_ai.labels import LABELS
from hate_speech_ai.text import fingerprint
from hate_speech_ai.training.examples import Example

_VOWELS = "aeiou"
_SHORTEST_MISSPELT = 4


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as the encoder is given it.

    Attributes:
        ids: of its word pieces, with those that mark its beginning and end.
        answers: one for each of `LABELS`: 1, 0, or -1 where nobody answered.
        corpus: the place of its corpus among all.
        weight: how much its loss counts.
    """

    ids: list[int]
    answers: tuple[int, ...]
    corpus: int
    weight: float


def encode(
    examples: Iterable[Example], tokenizer: Tokenizer, recipe: Recipe, corpora: Sequence[str]
) -> list[EncodedText]:
    """Return the texts to learn from, in the order of the examples, without those that it must not learn from."""
    chosen = random.Random(recipe.seed)
    found = []
    for example in examples:
        if is_unseen(fingerprint(example.tweet)) or chosen.random() >= recipe.share_of(example):
            continue
        text = encoder_text(example.tweet)
        if chosen.random() < recipe.misspelt:
            text = misspell(text, chosen)
        answers = tuple(int(example.labels[label]) if label in example.labels else -1 for label in LABELS)
        found.append(
            EncodedText(pieces(tokenizer, text, recipe.longest), answers, corpora.index(example.source), example.weight)
        )
    return found


def pieces(tokenizer: Tokenizer, text: str, longest: int) -> list[int]:
    """Return the ids of a text's word pieces, at most `longest`, with the end mark last."""
    ids: list[int] = tokenizer.encode(text).ids
    return ids if len(ids) <= longest else [*ids[: longest - 1], ids[-1]]


def misspell(text: str, chosen: random.Random) -> str:
    """Return a text with a letter changed in one or two of its longer words, as people do by mistake or on purpose."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if len(word) >= _SHORTEST_MISSPELT and word.isalpha()]
    for place in chosen.sample(places, min(len(places), chosen.choice((1, 1, 2)))):
        words[place] = _changed(words[place], chosen)
    return " ".join(words)


def _changed(word: str, chosen: random.Random) -> str:
    at = chosen.randrange(1, len(word) - 1)
    match chosen.randrange(5):
        case 0:  # two letters change places
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case 1:
            return word[:at] + word[at] + word[at:]
        case 2:
            return word[:at] + word[at + 1 :]
        case 3:
            vowels = [place for place, letter in enumerate(word) if place and letter in _VOWELS]
            at = chosen.choice(vowels) if vowels else at
            return word[:at] + chosen.choice(_VOWELS) + word[at + 1 :]
        case _:
            return word[:at] + " " + word[at:]


def batches(texts: Sequence[EncodedText], recipe: Recipe, epoch: int) -> list[list[int]]:
    """Return the places of the texts in each batch of an epoch: texts of about one length together."""
    chosen = random.Random(f"{recipe.seed} {epoch}")
    order = list(range(len(texts)))
    chosen.shuffle(order)
    found: list[list[int]] = []
    for begin in range(0, len(order), recipe.batch * 64):
        pool = sorted(order[begin : begin + recipe.batch * 64], key=lambda place: len(texts[place].ids))
        found += [pool[at : at + recipe.batch] for at in range(0, len(pool), recipe.batch)]
    chosen.shuffle(found)
    return found
