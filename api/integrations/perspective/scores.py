"""The answers: scores of a comment, and of its words."""

import math
from itertools import accumulate
from typing import Any

from api.integrations.perspective.attributes import Head, find_head, label_of
from api.integrations.perspective.errors import PerspectiveError
from api.integrations.perspective.messages import PROBABILITY, Analysis, Suggestion
from api.models import ApiKey, ReviewedTweet
from api.prediction import predicting
from api.prediction.loading import LoadedModel
from api.prediction.predicting import Chosen
from api.reviews import intake
from hate_speech_ai.explain import contributions
from hate_speech_ai.scorer import Score
from hate_speech_ai.text import is_readable, read, tokenize

_LONGEST = 200  # characters of a token or a community that the database keeps


def analyze(asked: Analysis, key: ApiKey | None) -> dict[str, Any]:
    """Return the answer to a request to analyze.

    Raises:
        PerspectiveError: an attribute or the language is not supported, and that was not to be passed over.
        ModelNotReady: there is no model yet.
    """
    comment = asked.comment
    languages = comment.languages
    heads: dict[str, Head] = {}
    for name in asked.thresholds:
        try:
            heads[name] = find_head(name)
            comment.require_language(name)
        except PerspectiveError:
            heads.pop(name, None)
            if not asked.drop_unsupported:
                raise
    judged: dict[Chosen, Score] = {}
    for chosen in dict.fromkeys(head.chosen for head in heads.values()):
        labels = [head.label for head in heads.values() if head.chosen == chosen]
        judged[chosen] = predicting.predict(chosen, comment.text, labels, key=key, store=asked.store)
    answer: dict[str, Any] = {
        "attributeScores": {
            name: scores
            for name, head in heads.items()
            if (scores := _scores(asked, name, head, judged[head.chosen].probabilities[head.label]))
        },
        "languages": languages,
        "detectedLanguages": [comment.detected] if comment.detected else [],
        "modelVersions": {name: head.model.version for name, head in heads.items()},
    }
    if comment.client_token is not None:
        answer["clientToken"] = comment.client_token
    if warnings := sorted({warning for score in judged.values() for warning in score.warnings}):
        answer["warnings"] = warnings
    return answer


def suggest(asked: Suggestion, key: ApiKey) -> ReviewedTweet:
    """Store a suggestion as a review of this key.

    Raises:
        PerspectiveError: an attribute or the language is not supported, or there is nothing to learn.
    """
    comment = asked.comment
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


def _scores(asked: Analysis, name: str, head: Head, probability: float) -> dict[str, Any]:
    """Return an attribute's scores, as far as they reach its threshold; empty where none does."""
    text, threshold = asked.comment.text, asked.thresholds[name]
    places = (_spans(head.model, text, head.label) if asked.spans else []) or [(0, utf16_length(text), probability)]
    spans = [
        {"begin": begin, "end": end, "score": {"value": value, "type": PROBABILITY}}
        for begin, end, value in places
        if value >= threshold
    ]
    summary = {"summaryScore": {"value": probability, "type": PROBABILITY}} if probability >= threshold else {}
    return {"spanScores": spans, **summary} if spans or summary else {}


def _spans(model: LoadedModel, text: str, label: str) -> list[tuple[int, int, float]]:
    """For each word its place, in UTF-16 code units, and its score.

    The score is the probability of a text of which only this word counted: the logistic function of the intercept and
    of what the word adds to the logit of the comment. A word that speaks for the label has more than a text without
    words, and a word that speaks against it less.
    """
    tokens = read(text)
    intercept = model.scorer.intercept(label)
    places = utf16_places(text)
    return [
        (places[token.begin], places[token.end], 1.0 / (1.0 + math.exp(-intercept - value)))
        for token, value in zip(tokens, contributions(model.scorer, tokens, label), strict=True)
    ]


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
