"""Bodies of the paths about reviewed tweets."""

from typing import Any

import orjson
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.http.fields import BatchItemErrorSerializer, LabelsField, StrictBooleanField, StrictSerializer, TextField
from api.http.parsers import MAX_SINGLE_BODY
from api.http.problems import flatten
from api.models import LEARNED, ModelVersion, ReviewedTweet, ReviewEvent
from api.reviews import resolution
from api.reviews.intake import Annotation
from hate_speech_ai.labels import HATE_SPEECH, rounded_answer
from hate_speech_ai.text import is_readable, tokenize


class ReviewRequestSerializer(StrictSerializer):
    tweet = TextField()
    is_hate_speech = StrictBooleanField()
    labels = LabelsField(required=False)
    external_id = TextField(required=False, allow_blank=True, max_length=200)
    reviewer = TextField(required=False, allow_blank=True, max_length=200)
    author = TextField(
        required=False, allow_blank=True, max_length=200, help_text="of the tweet; only a keyed hash of it is stored"
    )

    def validate_tweet(self, tweet: str) -> str:
        if not is_readable(tokenize(tweet)):
            raise serializers.ValidationError("There is no word in this tweet that a model could learn from.")
        return tweet

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        labels = attrs.setdefault("labels", {})
        if rounded_answer(labels.setdefault(HATE_SPEECH, attrs["is_hate_speech"])) == (not attrs["is_hate_speech"]):
            raise serializers.ValidationError({"labels.hate_speech": ["This contradicts is_hate_speech."]})
        return attrs


def read_lines(lines: list[tuple[int, str | None]]) -> list[tuple[int, Annotation | dict[str, Any]]]:
    """Lines as `JSONLinesParser` gives them: for each its number, and the review or what is wrong with it."""
    fields = ReviewRequestSerializer()  # one for all of them: building it takes longer than reading a line with it
    return [(number, _read_line(fields, text)) for number, text in lines]


def _read_line(fields: ReviewRequestSerializer, text: str | None) -> Annotation | dict[str, Any]:
    if text is None:
        return {"code": "parse_error", "detail": "The line is not UTF-8."}
    if len(text.encode()) > MAX_SINGLE_BODY:
        return {"code": "body_too_large", "detail": "The line is too large: 64 KB for one tweet."}
    try:
        content = fields.run_validation(orjson.loads(text))
    except orjson.JSONDecodeError as error:
        return {"code": "parse_error", "detail": f"The line is not valid JSON: {error}."}
    except serializers.ValidationError as error:
        detail = "The review has invalid fields; see errors."
        return {"code": "invalid", "detail": detail, "errors": flatten(error.detail)}
    return to_annotation(content)


def to_annotation(content: dict[str, Any]) -> Annotation:
    """Return what `ReviewRequest` has validated."""
    return Annotation(
        tweet=content["tweet"],
        labels=content["labels"],
        external_id=content.get("external_id", ""),
        reviewer=content.get("reviewer", ""),
        author=content.get("author", ""),
    )


FIRST_STATUSES = ["pending", "held_out", "quarantined", "superseded", "duplicate"]


class ReviewAcceptedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="the receipt: GET /reviewed-tweets/<id> says what became of the review")
    status = serializers.ChoiceField(choices=FIRST_STATUSES)


class StepSerializer(serializers.ModelSerializer[ReviewEvent]):
    class Meta:
        model = ReviewEvent
        fields = ("at", "status", "reason", "version", "probability")
        extra_kwargs = {
            "reason": {"help_text": "a sentence"},
            "version": {"help_text": "that served, or that learned it"},
            "probability": {"help_text": "of hate_speech, by that version"},
        }


class ResolutionSerializer(serializers.Serializer[Any]):
    """What the sources say about a label of this text. The majority decides, and the newest where it is a tie."""

    yes = serializers.FloatField(
        help_text="votes: one for each source whose newest opinion, not withdrawn, is yes; a grade is shared out"
    )
    no = serializers.FloatField()
    effective_answer = serializers.BooleanField(
        allow_null=True, help_text="the answer that models learn from, or are measured on; null where there is none"
    )
    decided_by = serializers.ChoiceField(choices=["majority", "newest", "undecided"])


class ReviewSerializer(serializers.ModelSerializer[ReviewedTweet]):
    id = serializers.UUIDField(source="receipt")
    status = serializers.ChoiceField(choices=ReviewedTweet.Status.choices)
    is_hate_speech = serializers.SerializerMethodField()
    labels = LabelsField()
    trained_in = serializers.PrimaryKeyRelatedField[ModelVersion](
        read_only=True, allow_null=True, help_text="the version that trained or conflict is about"
    )
    probability_before = serializers.SerializerMethodField(
        help_text="of hate_speech, by the model that served when the review came in; null without one"
    )
    probability_after = serializers.SerializerMethodField(
        help_text="of hate_speech, by the version in trained_in when it was made; null until there is one"
    )

    class Meta:
        model = ReviewedTweet
        fields: tuple[str, ...] = (
            "id",
            "status",
            "tweet",
            "is_hate_speech",
            "labels",
            "external_id",
            "reviewer",
            "created_at",
            "trained_in",
            "probability_before",
            "probability_after",
        )

    def get_is_hate_speech(self, review: ReviewedTweet) -> bool | None:
        return rounded_answer(review.labels.get(HATE_SPEECH, 0.5))

    def get_probability_before(self, review: ReviewedTweet) -> float | None:
        first = next(iter(review.events.all()), None)
        return first.probability if first else None

    def get_probability_after(self, review: ReviewedTweet) -> float | None:
        learned = [event.probability for event in review.events.all() if event.status in LEARNED]
        return learned[-1] if learned else None


class ReceiptSerializer(ReviewSerializer):
    history = StepSerializer(many=True, source="events", help_text="oldest first")
    resolution = serializers.SerializerMethodField(
        help_text="for each label, the votes about this text: those of this key; of others once a model has learned it"
    )

    class Meta(ReviewSerializer.Meta):
        fields = (*ReviewSerializer.Meta.fields, "history", "resolution")

    @extend_schema_field(serializers.DictField(child=ResolutionSerializer()))
    def get_resolution(self, review: ReviewedTweet) -> dict[str, Any]:
        return resolution.of(review, asked_by=self.context["key"])


class ReviewsRequestSerializer(StrictSerializer):
    key = TextField(required=False, max_length=16, help_text="by its prefix; with the scope admin")
    status = serializers.ChoiceField(choices=ReviewedTweet.Status.choices, required=False)
    external_id = TextField(required=False, max_length=200, help_text="exactly this")
    reviewer = TextField(required=False, max_length=200, help_text="exactly this")
    since = serializers.DateTimeField(
        required=False, help_text="came in at this time or later, as 2026-11-21T07:00:00Z"
    )


class BulkItemErrorSerializer(BatchItemErrorSerializer):
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="where fields are invalid: what is wrong with each",
    )


class BulkItemSerializer(serializers.Serializer[Any]):
    """`id` and `status` as POST /add-reviewed-tweet has them, or `error` in their place."""

    line = serializers.IntegerField(help_text="its number in the body, from 1")
    id = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=FIRST_STATUSES, required=False)
    error = BulkItemErrorSerializer(required=False)


class BulkAnswerSerializer(serializers.Serializer[Any]):
    added = serializers.IntegerField(help_text="lines that are new reviews")
    duplicates = serializers.IntegerField(help_text="lines that repeat what this key said last")
    refused = serializers.IntegerField(help_text="lines with an error, of which nothing is stored")
    results = BulkItemSerializer(many=True, help_text="in the order of the lines")


class ForgetRequestSerializer(StrictSerializer):
    text = TextField(required=False, help_text="every row with this text, as it is after cleaning; corpora too")
    external_id = TextField(required=False, max_length=200, help_text="as it was sent")
    reviewer = TextField(required=False, max_length=200, help_text="as it was sent")
    author = TextField(required=False, max_length=200, help_text="as it was sent")
    reason = TextField(max_length=500, help_text="for the audit log; do not name the person here")
    retire_versions = StrictBooleanField(
        required=False,
        help_text="also delete the models that may have learned from it; the one that serves, as soon as another does",
    )
    remember = StrictBooleanField(
        required=False, help_text="keep it from coming back, by a keyed fingerprint; true without this field"
    )

    rules = {"anyOf": [{"required": [name]} for name in ("text", "external_id", "reviewer", "author")]}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not {"text", "external_id", "reviewer", "author"} & attrs.keys():
            raise serializers.ValidationError(
                {"text": ["Say what to forget: text, external_id, reviewer or author; what is given must all agree."]}
            )
        return attrs


class ErasureSerializer(serializers.Serializer[Any]):
    """An act of forgetting that keeps something from coming back. It does not say what."""

    id = serializers.UUIDField(source="erasure")
    at = serializers.DateTimeField()
    named = serializers.SerializerMethodField(help_text="what it was named by, such as text, or reviewer and author")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_named(self, entry: dict[str, Any]) -> list[str]:
        return str(entry["kind"]).split(",")


class LiftRequestSerializer(StrictSerializer):
    reason = TextField(max_length=500, help_text="for the audit log; do not name the person here")


class ForgetAnswerSerializer(serializers.Serializer[Any]):
    rows = serializers.IntegerField(help_text="reviewed tweets that are deleted")
    versions = serializers.ListField(
        child=serializers.IntegerField(), help_text="kept versions that may have learned from them, oldest first"
    )
    retired = serializers.ListField(child=serializers.IntegerField(), help_text="those that are retired now")
    serving = serializers.IntegerField(allow_null=True, help_text="the one of them that serves, until another does")
