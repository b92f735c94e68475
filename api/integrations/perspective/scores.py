"""The answers: scores of a comment, and of its words."""

import math
from collections.abc import Collection
from itertools import accumulate
from typing import Any

from api.http.fields import MAX_LABELS
from api.integrations.perspective.attributes import Head, Place, dropped, find_head, label_of, versions_of
from api.integrations.perspective.errors import PerspectiveError
from api.integrations.perspective.messages import PROBABILITY, Analysis, Suggestion, too_many
from api.models import ApiKey, ReviewedTweet
from api.prediction import predicting
from api.prediction.budget import Budget
from api.prediction.predicting import Chosen
from api.reviews import intake
from hate_speech_ai.explain import contributions
from hate_speech_ai.text import is_readable, tokenize, tokenize_with_offsets

Span = tuple[int, int, float]

_LONGEST = 200  # characters of a token or a community that the database keeps


def analyze(asked: Analysis, key: ApiKey | None, budget: Budget) -> dict[str, Any]:
    """Return the answer to a request to analyze.

    Raises:
        PerspectiveError: an attribute or the language is not supported, and that was not to be passed over.
        ModelNotReady: there is no model yet.
        TooMuchWork: the budget does not allow it.
    """
    comment = asked.comment
    left_out = dropped(asked.thresholds)
    names = [name for name in asked.thresholds if name not in left_out]
    if len(names) > MAX_LABELS:
        raise too_many(len(names))
    # Before anything is read: once by each version, and once for each attribute's list of words.
    budget.read(comment.text, versions_of(names) + (len(names) if asked.spans else 0))
    languages = comment.languages
    heads: dict[str, Head] = {}
    for name in names:
        try:
            heads[name] = find_head(name)
            comment.require_language(name)
        except PerspectiveError:
            heads.pop(name, None)
            left_out.add(name)
            if not asked.drop_unsupported:
                raise
    spans = _spans(comment.text, heads.values(), budget) if asked.spans else {}
    probabilities, warnings = _judge(asked, heads.values(), key)
    answer: dict[str, Any] = {
        "attributeScores": {
            name: scores
            for name, head in heads.items()
            if (scores := _scores(asked, name, probabilities[head.place], spans.get(head.place)))
        },
        "languages": languages,
        "detectedLanguages": [comment.detected] if comment.detected else [],
        "modelVersions": {name: head.model.version for name, head in heads.items()},
    }
    if comment.client_token is not None:
        answer["clientToken"] = comment.client_token
    if warnings:
        answer["warnings"] = warnings
    if left_out:
        answer["droppedAttributes"] = [name for name in asked.thresholds if name in left_out]
    return answer


def _judge(asked: Analysis, heads: Collection[Head], key: ApiKey | None) -> tuple[dict[Place, float], list[str]]:
    """Return the probability at each place, and what weakens it. Each version reads the text once, whatever its names.

    Where a version is asked for by its number and as the one that serves, it answers as the latter.
    """
    versions: dict[int, Chosen] = {}
    for head in sorted(heads, key=lambda head: head.chosen.by_number, reverse=True):
        versions[head.model.version] = head.chosen
    probabilities: dict[Place, float] = {}
    warnings: set[str] = set()
    for version, chosen in versions.items():
        labels = list(dict.fromkeys(head.label for head in heads if head.model.version == version))
        score = predicting.predict(chosen, asked.comment.text, labels, key=key, store=asked.store)
        probabilities |= {(version, label): score.probabilities[label] for label in labels}
        warnings.update(score.warnings)
    return probabilities, sorted(warnings)


def suggest(asked: Suggestion, key: ApiKey, budget: Budget) -> ReviewedTweet:
    """Store a suggestion as a review of this key.

    Raises:
        PerspectiveError: an attribute or the language is not supported, or there is nothing to learn.
        TooMuchWork: the budget does not allow it.
    """
    comment = asked.comment
    budget.read(comment.text)
    labels: dict[str, float] = {}
    for name, score in asked.scores.items():
        labels[label_of(name)] = bool(score) if score in (0, 1) else score
        comment.require_language(name)
    if not is_readable(tokenize(comment.text)):
        raise PerspectiveError("There is no word in this comment that a model could learn from.")
    review, _ = intake.add(
        tweet=comment.text,
        labels=labels,
        source=key.source,
        key=key,
        external_id=(comment.client_token or "")[:_LONGEST],
        reviewer=comment.community[:_LONGEST],
    )
    return review


def _scores(asked: Analysis, name: str, probability: float, spans: list[Span] | None) -> dict[str, Any]:
    """Return an attribute's scores, as far as they reach its threshold; empty where none does."""
    threshold = asked.thresholds[name]
    told = [
        {"begin": begin, "end": end, "score": {"value": value, "type": PROBABILITY}}
        for begin, end, value in spans or [(0, utf16_length(asked.comment.text), probability)]
        if value >= threshold
    ]
    summary = {"summaryScore": {"value": probability, "type": PROBABILITY}} if probability >= threshold else {}
    return {"spanScores": told, **summary} if told or summary else {}


def _spans(text: str, heads: Collection[Head], budget: Budget) -> dict[Place, list[Span]]:
    """Return for each place the words, in UTF-16 code units, and their scores. The text is read once for all.

    The score is the probability of a text of which only this word counted: the logistic function of the intercept and
    of what the word adds to the logit of the comment. A word that speaks for the label has more than a text without
    words, and a word that speaks against it less.
    """
    tokens = tokenize_with_offsets(text)
    budget.answer(len(tokens) * len(heads))
    places = utf16_places(text)
    found: dict[Place, list[Span]] = {}
    for head in heads:
        if head.place not in found:
            scorer = head.model.scorer
            intercept = scorer.intercept(head.label)
            found[head.place] = [
                (places[token.begin], places[token.end], 1.0 / (1.0 + math.exp(-intercept - value)))
                for token, value in zip(tokens, contributions(scorer, text, tokens, head.label), strict=True)
            ]
    return found


def utf16_length(text: str) -> int:
    """Return how long JavaScript and Java find a text.

    >>> utf16_length("a😡")
    3
    """
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def utf16_places(text: str) -> list[int]:
    """Return where each character begins, in UTF-16 code units, and where the text ends.

    >>> utf16_places("a😡b")
    [0, 1, 3, 4]
    """
    return list(accumulate((1 + (character > "\uffff") for character in text), initial=0))
