"""Reading Perspective's requests."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from api.http.fields import MAX_LABELS
from api.integrations.perspective.errors import Malformed, PerspectiveError
from api.integrations.perspective.protobuf_json import (
    read_enum,
    read_flag,
    read_list,
    read_number,
    read_object,
    read_string,
    read_text,
)
from api.prediction import language

#: Bytes of a comment, in UTF-8.
MAX_COMMENT = 20_480
PROBABILITY = "PROBABILITY"
# In the order of their numbers.
_TEXT_TYPES = ("TEXT_TYPE_UNSPECIFIED", "PLAIN_TEXT", "HTML")
_SCORE_TYPES = ("SCORE_TYPE_UNSPECIFIED", PROBABILITY, "STD_DEV_SCORE", "PERCENTILE", "RAW")


@dataclass(frozen=True)
class Comment:
    """What both methods are told about a comment.

    Attributes:
        text: not blank.
        requested: the languages that the client names; empty where it leaves that to us.
        client_token: to be echoed; None where there is none.
        community: who says so.
    """

    text: str
    requested: list[str]
    client_token: str | None
    community: str

    @cached_property
    def detected(self) -> str | None:
        """What the language looks like; None where it cannot be said. To say it takes reading the text."""
        return language.detect(self.text)

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

    @cached_property
    def _foreign(self) -> list[str]:
        return [code for code in self.languages if not language.is_supported(code)]

    def require_language(self, attribute: str) -> None:
        """Raise PerspectiveError if the comment is in a language that our models do not read."""
        if foreign := self._foreign:
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
    """A request to analyze: for each attribute by the name it was asked by, from which score on it is told.

    Their number is not limited here: some may be left out.
    """

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
    fields = read_object(
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
        spans=read_flag(fields, "spanAnnotations"),
        drop_unsupported=read_flag(fields, "dropUnsupportedAttributes"),
        store=not read_flag(fields, "doNotStore"),
    )


def read_suggestion(body: Any) -> Suggestion:
    """Read a message, or raise PerspectiveError or Malformed in the words of Google's service."""
    fields = read_object(
        body, "", "comment", "context", "attributeScores", "languages", "communityId", "clientToken", "sessionId"
    )
    comment = _comment(fields)
    suggested = fields.get("attributeScores")
    if not suggested:
        raise PerspectiveError("Missing attribute_scores")
    if len(suggested) > MAX_LABELS:
        raise too_many(len(suggested))
    return Suggestion(
        comment, scores={name: _suggested(name, scores) for name, scores in _attributes(suggested, "attribute_scores")}
    )


def too_many(attributes: int) -> PerspectiveError:
    return PerspectiveError(f"At most {MAX_LABELS} attributes, not {attributes}")


def _comment(fields: dict[str, Any]) -> Comment:
    text = _entry(fields.get("comment", {}), "comment")
    if not text.strip():
        raise PerspectiveError("Comment must be non-empty.", "COMMENT_EMPTY")
    if len(text.encode()) > MAX_COMMENT:
        raise PerspectiveError("Comment text too long.", "COMMENT_TOO_LONG")
    _check_context(fields.get("context", {}))
    read_text(fields, "sessionId")
    return Comment(
        text,
        requested=[read_string(code, "languages") for code in read_list(fields.get("languages", []))],
        client_token=read_text(fields, "clientToken"),
        community=read_text(fields, "communityId") or "",
    )


def _entry(value: Any, where: str) -> str:
    """Return the text of a comment, or of an entry of its context."""
    fields = read_object(value, where, "text", "type")
    kind = read_enum(fields.get("type", "PLAIN_TEXT"), _TEXT_TYPES)
    if kind is None:
        raise PerspectiveError("Unknown text type")
    if kind == "HTML":
        raise PerspectiveError("Currently, only 'PLAIN_TEXT' comments are supported")
    return read_string(fields.get("text", ""), f"{where}.text")


def _check_context(value: Any) -> None:
    """Check the context, although nothing uses it: a mistake in it must not pass."""
    fields = read_object(value, "context", "entries", "articleAndParentComment")
    if len(fields) == 2:
        raise PerspectiveError(
            "Context can have either entries or article_and_parent_comment, but both fields were populated."
        )
    for entry in read_list(fields.get("entries", [])):
        _entry(entry, "context.entries")
    around = read_object(
        fields.get("articleAndParentComment", {}), "context.article_and_parent_comment", "article", "parentComment"
    )
    for entry in around.values():
        _entry(entry, "context.article_and_parent_comment")


def _attributes(value: Any, where: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise Malformed(f"Invalid value at '{where}', expected an object", where)
    return [(name, {} if options is None else options) for name, options in value.items()]


def _threshold(name: str, options: Any) -> float:
    where = f"requested_attributes[{name[:100]}]"
    fields = read_object(options, where, "scoreType", "scoreThreshold")
    _check_score_type(name, fields.get("scoreType", PROBABILITY), where)
    threshold = fields.get("scoreThreshold", 0.0)
    if isinstance(threshold, dict):  # as Jigsaw's simple-server sends it
        threshold = read_object(threshold, f"{where}.score_threshold", "value").get("value", 0.0)
    return read_number(threshold, f"{where}.score_threshold")


def _suggested(name: str, scores: Any) -> float:
    where = f"attribute_scores[{name[:100]}]"
    fields = read_object(scores, where, "summaryScore", "spanScores")
    # Checked, so that what is sent is right; a review is about the whole comment.
    for span in read_list(fields.get("spanScores", [])):
        of_span = read_object(span, f"{where}.span_scores", "begin", "end", "score")
        for end in ("begin", "end"):
            read_number(of_span.get(end, 0 if end == "begin" else None), f"{where}.span_scores.{end}")
        _score(name, of_span.get("score"), f"{where}.span_scores.score")
    if "summaryScore" not in fields:
        raise PerspectiveError(f"Attribute {name[:100]} has no summary_score: only whole comments are reviewed here")
    return _score(name, fields["summaryScore"], f"{where}.summary_score")


def _score(name: str, value: Any, where: str) -> float:
    fields = read_object(value, where, "value", "type")
    _check_score_type(name, fields.get("type", PROBABILITY), where)
    score = read_number(fields.get("value"), f"{where}.value")
    if not 0 <= score <= 1:
        raise Malformed(f"Invalid value at '{where}.value', expected a number from 0 to 1", f"{where}.value")
    return score


def _check_score_type(name: str, kind: Any, where: str) -> None:
    known = read_enum(kind, _SCORE_TYPES)
    if known is None:
        raise Malformed(f"Invalid value at '{where}', expected one of {', '.join(_SCORE_TYPES)}", where)
    if known not in (PROBABILITY, "SCORE_TYPE_UNSPECIFIED"):
        raise PerspectiveError(f"Requested score type {known} is not supported by attribute {name[:100]}")
