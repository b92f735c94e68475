"""Reading Perspective's requests. Names come as `doNotStore` or `do_not_store`; null counts as left out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from api.http.fields import MAX_LABELS, text_problem
from api.integrations.perspective.errors import Malformed, PerspectiveError
from api.prediction import language

#: Bytes of a comment, in UTF-8.
MAX_COMMENT = 20_480
PROBABILITY = "PROBABILITY"
_TEXT_TYPES = ("TEXT_TYPE_UNSPECIFIED", "PLAIN_TEXT", "HTML")
_SCORE_TYPES = ("SCORE_TYPE_UNSPECIFIED", PROBABILITY, "STD_DEV_SCORE", "PERCENTILE", "RAW")
# `user_id` is what the old demos send.
_IGNORED = {"userId"}


@dataclass(frozen=True)
class Comment:
    """What both methods are told about a comment.

    Attributes:
        text: not blank.
        requested: the languages that the client names; empty where it leaves that to us.
        detected: what the language looks like; None where it cannot be said.
        client_token: to be echoed; None where there is none.
        community: who says so.
    """

    text: str
    requested: list[str]
    detected: str | None
    client_token: str | None
    community: str

    @property
    def languages(self) -> list[str]:
        """The languages that count.

        Raises:
            PerspectiveError: none is named, and none was found.
        """
        if self.requested:
            return self.requested
        if self.detected is None:
            raise PerspectiveError("Unable to detect language", "LANGUAGE_DETECTION_FAILED")
        return [self.detected]

    def require_language(self, attribute: str) -> None:
        """Raise PerspectiveError if the comment is in a language that our models do not read."""
        if foreign := [code for code in self.languages if not language.is_supported(code)]:
            raise PerspectiveError(
                f"Attribute {attribute} does not support request languages: {', '.join(foreign)}",
                "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
                languageNotSupportedByAttributeError={
                    "attribute": attribute,
                    "requestedLanguages" if self.requested else "detectedLanguages": foreign,
                },
            )


@dataclass(frozen=True)
class Analysis:
    """A request to analyze: for each attribute by the name it was asked by, from which score on it is told."""

    comment: Comment
    thresholds: dict[str, float]
    spans: bool
    drop_unsupported: bool
    store: bool


@dataclass(frozen=True)
class Suggestion:
    """A request to suggest scores: for each attribute, the score that a person gives the comment."""

    comment: Comment
    scores: dict[str, float]


def read_analysis(body: Any) -> Analysis:
    """Read a message, or raise PerspectiveError or Malformed in the words of Google's service."""
    fields = _object(
        body,
        "",
        *("comment", "context", "requestedAttributes", "languages", "communityId", "clientToken", "sessionId"),
        *("spanAnnotations", "doNotStore", "dropUnsupportedAttributes"),
    )
    comment = _comment(fields)
    asked = fields.get("requestedAttributes")
    if not asked:
        raise PerspectiveError("Missing requested_attributes", "NO_REQUESTED_ATTRIBUTES")
    return Analysis(
        comment,
        thresholds={name: _threshold(name, options) for name, options in _attributes(asked, "requested_attributes")},
        spans=_flag(fields, "spanAnnotations"),
        drop_unsupported=_flag(fields, "dropUnsupportedAttributes"),
        store=not _flag(fields, "doNotStore"),
    )


def read_suggestion(body: Any) -> Suggestion:
    """Read a message, or raise PerspectiveError or Malformed in the words of Google's service."""
    fields = _object(
        body, "", "comment", "context", "attributeScores", "languages", "communityId", "clientToken", "sessionId"
    )
    comment = _comment(fields)
    suggested = fields.get("attributeScores")
    if not suggested:
        raise PerspectiveError("Missing attribute_scores")
    return Suggestion(
        comment, scores={name: _suggested(name, scores) for name, scores in _attributes(suggested, "attribute_scores")}
    )


def _comment(fields: dict[str, Any]) -> Comment:
    text = _entry(fields.get("comment", {}), "comment")
    if not text.strip():
        raise PerspectiveError("Comment must be non-empty.", "COMMENT_EMPTY")
    if len(text.encode()) > MAX_COMMENT:
        raise PerspectiveError("Comment text too long.", "COMMENT_TOO_LONG")
    _check_context(fields.get("context", {}))
    codes = fields.get("languages", [])
    if not isinstance(codes, list):
        raise Malformed("Invalid value at 'languages', expected a list of language codes", "languages")
    _text(fields, "sessionId")
    return Comment(
        text,
        requested=[_string(code, "languages") for code in codes],
        detected=language.detect(text),
        client_token=_text(fields, "clientToken"),
        community=_text(fields, "communityId") or "",
    )


def _entry(value: Any, where: str) -> str:
    """Return the text of a comment, or of an entry of its context."""
    fields = _object(value, where, "text", "type")
    kind = fields.get("type", "PLAIN_TEXT")
    if kind not in _TEXT_TYPES:
        raise PerspectiveError("Unknown text type")
    if kind == "HTML":
        raise PerspectiveError("Currently, only 'PLAIN_TEXT' comments are supported")
    return _string(fields.get("text", ""), f"{where}.text")


def _check_context(value: Any) -> None:
    """Check the context, although nothing uses it: a mistake in it must not pass."""
    fields = _object(value, "context", "entries", "articleAndParentComment")
    if len(fields) == 2:
        raise PerspectiveError(
            "Context can have either entries or article_and_parent_comment, but both fields were populated."
        )
    entries = fields.get("entries", [])
    if not isinstance(entries, list):
        raise Malformed("Invalid value at 'context.entries', expected a list", "context.entries")
    for entry in entries:
        _entry(entry, "context.entries")
    around = _object(
        fields.get("articleAndParentComment", {}), "context.article_and_parent_comment", "article", "parentComment"
    )
    for entry in around.values():
        _entry(entry, "context.article_and_parent_comment")


def _attributes(value: Any, where: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise Malformed(f"Invalid value at '{where}', expected an object", where)
    if len(value) > MAX_LABELS:
        raise PerspectiveError(f"At most {MAX_LABELS} attributes, not {len(value)}")
    return [(name, {} if options is None else options) for name, options in value.items()]


def _threshold(name: str, options: Any) -> float:
    where = f"requested_attributes[{name[:100]}]"
    fields = _object(options, where, "scoreType", "scoreThreshold")
    _check_score_type(name, fields.get("scoreType", PROBABILITY), where)
    threshold = fields.get("scoreThreshold", 0.0)
    if isinstance(threshold, dict):  # as Jigsaw's simple-server sends it
        threshold = _object(threshold, f"{where}.score_threshold", "value").get("value", 0.0)
    return _number(threshold, f"{where}.score_threshold")


def _suggested(name: str, scores: Any) -> float:
    where = f"attribute_scores[{name[:100]}]"
    fields = _object(scores, where, "summaryScore", "spanScores")
    spans = fields.get("spanScores", [])
    if not isinstance(spans, list):
        raise Malformed(f"Invalid value at '{where}.span_scores', expected a list", f"{where}.span_scores")
    for span in spans:  # checked, so that what is sent is right; a review is about the whole comment
        of_span = _object(span, f"{where}.span_scores", "begin", "end", "score")
        for end in ("begin", "end"):
            _number(of_span.get(end, 0 if end == "begin" else None), f"{where}.span_scores.{end}")
        _score(name, of_span.get("score"), f"{where}.span_scores.score")
    if "summaryScore" not in fields:
        raise PerspectiveError(f"Attribute {name[:100]} has no summary_score: only whole comments are reviewed here")
    return _score(name, fields["summaryScore"], f"{where}.summary_score")


def _score(name: str, value: Any, where: str) -> float:
    fields = _object(value, where, "value", "type")
    _check_score_type(name, fields.get("type", PROBABILITY), where)
    score = _number(fields.get("value"), f"{where}.value")
    if not 0 <= score <= 1:
        raise Malformed(f"Invalid value at '{where}.value', expected a number from 0 to 1", f"{where}.value")
    return score


def _check_score_type(name: str, kind: Any, where: str) -> None:
    if kind not in _SCORE_TYPES:
        raise Malformed(f"Invalid value at '{where}', expected one of {', '.join(_SCORE_TYPES)}", where)
    if kind not in (PROBABILITY, "SCORE_TYPE_UNSPECIFIED"):
        raise PerspectiveError(f"Requested score type {kind} is not supported by attribute {name[:100]}")


# Values of the JSON types.


def _object(value: Any, where: str, *names: str) -> dict[str, Any]:
    """Return an object's fields by their camel-case names."""
    if not isinstance(value, dict):
        field = where or "body"
        raise Malformed(f"Invalid value at '{field}', expected an object", field)
    known = _spellings(names)
    fields = {}
    for name, content in value.items():
        if name not in known:
            at = f" at '{where}'" if where else ""
            raise Malformed(
                f'Invalid JSON payload received. Unknown name "{name[:100]}"{at}: Cannot find field.', where
            )
        if content is not None and known[name] not in _IGNORED:
            fields[known[name]] = content
    return fields


@cache
def _spellings(names: tuple[str, ...]) -> Mapping[str, str]:
    known = {name: name for name in (*names, *_IGNORED)}
    return known | {re.sub("([A-Z])", r"_\1", name).lower(): name for name in known}


def _flag(fields: dict[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise Malformed(f"Invalid value at '{name}', expected true or false", name)
    return value


def _text(fields: dict[str, Any], name: str) -> str | None:
    return _string(fields[name], name) if name in fields else None


def _string(value: Any, where: str) -> str:
    if problem := text_problem(value):
        raise Malformed(f"Invalid value at '{where}': {problem}", where)
    return str(value)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed(f"Invalid value at '{where}', expected a number", where)
    return value
