"""What goes in and out over HTTP."""

from typing import Any

import orjson
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.http.parsers import MAX_SINGLE_BODY
from api.http.problems import flatten
from api.models import AuditEntry, ModelVersion, Promotion, ReviewedTweet, ReviewEvent, TrainingRun
from api.prediction.language import NOT_SUPPORTED
from api.reviews import history
from api.reviews.intake import Opinion
from api.versions.comparison import with_tweets
from hate_speech_ai.labels import HATE_SPEECH, is_label_name, lean
from hate_speech_ai.operating_points import BALANCED, NAMES
from hate_speech_ai.text import is_readable, tokenize

MAX_BATCH = 1_000
MAX_LABELS = 20
MAX_ID = 2**31 - 1
_NUL = "The text must not contain NUL characters; remove them."
_NOT_TEXT = "This must be a string, not {kind}."


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that do not exist: a misspelt optional field would otherwise be lost without a word."""

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """What a request says, validated.

        Raises:
            ValidationError: a field is missing, unknown or wrong.
        """
        fields = cls(data=data)
        fields.is_valid(raise_exception=True)
        return dict(fields.validated_data)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := set(data) - set(self.fields)):
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"There is no such field. The fields are {known}."] for name in sorted(unknown)}
            )
        return super().to_internal_value(data)


@extend_schema_field({"type": "string"})
class TextField(serializers.Field[str, Any, str, Any]):
    """A string as it was sent: not trimmed, and never made out of a number."""

    def __init__(self, *, max_length: int | None = None, allow_blank: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.allow_blank = allow_blank

    def to_internal_value(self, data: Any) -> str:
        if problem := text_problem(data):
            raise serializers.ValidationError(problem)
        if not data.strip() and not self.allow_blank:
            raise serializers.ValidationError("This must not be blank.")
        if self.max_length is not None and len(data) > self.max_length:
            raise serializers.ValidationError(f"At most {self.max_length} characters; this has {len(data)}.")
        return str(data)

    def to_representation(self, value: Any) -> str:
        return str(value)


@extend_schema_field({"type": "boolean"})
class StrictBooleanField(serializers.Field[bool, Any, bool, Any]):
    """true or false; not 1, "yes" or "false"."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError(f"This must be true or false, not {kind_of(data)}.")
        return data

    def to_representation(self, value: Any) -> bool:
        return bool(value)


@extend_schema_field({"type": "integer", "minimum": 1})
class StrictIntegerField(serializers.Field[int, Any, int, Any]):
    """The number of something that is counted from 1; not "1", 1.0 or true."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError(f"This must be a whole number, not {kind_of(data)}.")
        if not 1 <= data <= MAX_ID:
            raise serializers.ValidationError(f"This must be a number from 1 to {MAX_ID}.")
        return data

    def to_representation(self, value: Any) -> int:
        return int(value)


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": ["boolean", "number"], "minimum": 0, "maximum": 1},
        "maxProperties": MAX_LABELS,
    }
)
class LabelsField(serializers.Field[dict[str, float], Any, dict[str, float], Any]):
    """Answers to labels by name: true, false, or a grade from 0 to 1. 0 and 1 are false and true."""

    def to_internal_value(self, data: Any) -> dict[str, float]:
        if not isinstance(data, dict):
            raise serializers.ValidationError('This must be an object such as {"threat": false}.')
        if len(data) > MAX_LABELS:
            raise serializers.ValidationError(f"At most {MAX_LABELS} labels; there are {len(data)}.")
        errors = {}
        answers: dict[str, float] = {}
        for name, answer in data.items():
            if not is_label_name(name):
                errors[name[:40].replace("\0", "")] = [
                    "A label's name has 1 to 40 lower-case letters, digits and underscores, a letter first."
                ]
            elif not isinstance(answer, bool | int | float):
                errors[name] = [f"This must be true, false or a number from 0 to 1, not {kind_of(answer)}."]
            elif not 0 <= answer <= 1:
                errors[name] = ["This must be true, false or a number from 0 to 1."]
            else:
                answers[name] = bool(answer) if answer in (0, 1) else answer
        if errors:
            raise serializers.ValidationError(errors)
        return answers

    def to_representation(self, value: Any) -> dict[str, float]:
        return dict(value)


@extend_schema_field({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_BATCH})
class TweetsField(serializers.Field[list[Any], Any, list[Any], Any]):
    """A list whose items are judged one by one later: a bad one must not cost the others their answer."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise serializers.ValidationError("This must be a list of strings.")
        if not 1 <= len(data) <= MAX_BATCH:
            raise serializers.ValidationError(f"The list must have 1 to {MAX_BATCH:,} tweets; it has {len(data):,}.")
        return data

    def to_representation(self, value: Any) -> list[Any]:
        return list(value)


@extend_schema_field({"type": "array", "items": {"type": "string"}, "maxItems": MAX_LABELS})
class LabelNamesField(serializers.Field[list[str], Any, list[str], Any]):
    """Names of labels, each once."""

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(name, str) for name in data):
            raise serializers.ValidationError('This must be a list of names such as ["threat"].')
        if len(data) > MAX_LABELS:
            raise serializers.ValidationError(f"At most {MAX_LABELS} labels; there are {len(data)}.")
        return list(dict.fromkeys(data))

    def to_representation(self, value: Any) -> list[str]:
        return list(value)


class PredictRequest(StrictSerializer):
    tweet = TextField(required=False, allow_blank=True)
    tweets = TweetsField(required=False)
    labels = LabelNamesField(required=False, help_text="further labels to answer, by name")
    operating_point = serializers.ChoiceField(
        list(NAMES), required=False, default=BALANCED, help_text="which threshold decides: see GET /operating-points"
    )
    model_version = StrictIntegerField(
        required=False, help_text="of a version that is to answer, whichever serves: the same answer for ever"
    )
    do_not_store = StrictBooleanField(
        required=False, help_text="never keep these texts for the review queue, whatever the operator has set"
    )
    explain = StrictBooleanField(required=False, help_text="say which words the answer comes from; for one tweet")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len({"tweet", "tweets"} & attrs.keys()) != 1:
            raise serializers.ValidationError({"tweet": ["Send either tweet, a string, or tweets, a list of strings."]})
        if attrs.get("explain") and "tweets" in attrs:
            raise serializers.ValidationError(
                {"explain": ["Only a single tweet is explained: send tweet, not tweets."]}
            )
        return attrs


class OperatingPointsRequest(StrictSerializer):
    label = TextField(required=False, default=HATE_SPEECH, max_length=40)  # type: ignore[assignment]
    precision = serializers.FloatField(required=False, min_value=0, max_value=1)
    recall = serializers.FloatField(required=False, min_value=0, max_value=1)
    base_rate = serializers.FloatField(required=False)

    def validate_base_rate(self, rate: float) -> float:
        if not 0 < rate < 1:
            raise serializers.ValidationError("This must lie between 0 and 1, both excluded.")
        return rate

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if {"precision", "recall"} <= attrs.keys():
            raise serializers.ValidationError(
                {"recall": ["Ask for a precision or for a recall: the other is what is maximised."]}
            )
        return attrs


class OperatingPointAnswer(serializers.Serializer[Any]):
    """All figures from 0 to 1, estimated on tweets that the model was not trained on."""

    threshold = serializers.FloatField()
    precision = serializers.FloatField(help_text="to expect where base_rate of the tweets have the label")
    recall = serializers.FloatField()
    base_rate = serializers.FloatField()
    everyday = serializers.FloatField(
        allow_null=True,
        help_text="the share of ordinary text that reaches the threshold, measured on everyday tweets that come with "
        "the service; null for a label for which they were not asked",
    )


class OperatingPointsAnswer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    model_version = serializers.IntegerField()
    named = serializers.DictField(child=OperatingPointAnswer(), help_text=", ".join(NAMES))
    found = OperatingPointAnswer(
        allow_null=True,
        required=False,
        help_text="the highest recall at the precision asked for, or the highest precision at the recall asked for; "
        "null where no threshold reaches it",
    )


class ExplainedToken(serializers.Serializer[Any]):
    word = serializers.CharField(help_text="as the model reads it")
    begin = serializers.IntegerField(help_text="its place in the tweet, in code points")
    end = serializers.IntegerField(help_text="exclusive")
    contribution = serializers.FloatField(help_text="to the logit: above 0 for the label, below 0 against it")
    known = serializers.BooleanField(help_text="whether the model knows the word, and not only parts of its spelling")


class ExplanationAnswer(serializers.Serializer[Any]):
    """`intercept` and the contributions sum to `logit`; the probability is its logistic function."""

    logit = serializers.FloatField()
    intercept = serializers.FloatField()
    tokens = ExplainedToken(many=True, help_text="in the order of the tweet")
    part = serializers.ListField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text="of a long text, the part that decides: its first token, and the one behind its last; null where the "
        "whole text does",
    )
    flipped_by = serializers.ListField(
        child=serializers.IntegerField(), help_text="indices of the tokens without which the decision is the opposite"
    )


class LabelAnswer(serializers.Serializer[Any]):
    answer = serializers.BooleanField()
    probability = serializers.FloatField(min_value=0, max_value=1, help_text="calibrated")
    threshold = serializers.FloatField(help_text="answer is true from this probability on")
    explanation = ExplanationAnswer(required=False, help_text="with explain: true")


class Prediction(serializers.Serializer[Any]):
    is_hate_speech = serializers.BooleanField()
    probability = serializers.FloatField(min_value=0, max_value=1, help_text="calibrated")
    threshold = serializers.FloatField(help_text="is_hate_speech is true from this probability on")
    model_version = serializers.IntegerField()
    notes = serializers.ListField(
        child=serializers.ChoiceField(
            choices=[
                ("empty_after_cleaning", "there was nothing to read"),
                ("no_known_words", "no word of it was in the training data"),
                ("truncated", "only the first 5,000 characters were read"),
                (NOT_SUPPORTED, "it is clearly not English"),
            ]
        ),
        help_text="what weakens the answer",
    )
    explanation = ExplanationAnswer(required=False, help_text="of is_hate_speech, with explain: true")
    labels = serializers.DictField(child=LabelAnswer(), required=False, help_text="the labels that were asked for")


class BatchItemError(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class BatchItem(serializers.Serializer[Any]):
    """A prediction, or `error` in its place."""

    is_hate_speech = serializers.BooleanField(required=False)
    probability = serializers.FloatField(required=False)
    threshold = serializers.FloatField(required=False)
    notes = serializers.ListField(child=serializers.CharField(), required=False)
    labels = serializers.DictField(child=LabelAnswer(), required=False)
    error = BatchItemError(required=False)


class BatchPrediction(serializers.Serializer[Any]):
    model_version = serializers.IntegerField()
    results = BatchItem(many=True, help_text="in the order of the tweets")


class ReviewRequest(StrictSerializer):
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
        if lean(labels.setdefault(HATE_SPEECH, attrs["is_hate_speech"])) == (not attrs["is_hate_speech"]):
            raise serializers.ValidationError({"labels.hate_speech": ["This contradicts is_hate_speech."]})
        return attrs


def read_lines(lines: list[tuple[int, str | None]]) -> list[tuple[int, Opinion | dict[str, Any]]]:
    """Lines as `JSONLinesParser` gives them: for each its number, and the review or what is wrong with it."""
    fields = ReviewRequest()  # one for all of them: building it takes longer than reading a line with it
    return [(number, _read_line(fields, text)) for number, text in lines]


def _read_line(fields: ReviewRequest, text: str | None) -> Opinion | dict[str, Any]:
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
    return to_opinion(content)


def to_opinion(content: dict[str, Any]) -> Opinion:
    """What `ReviewRequest` has validated."""
    return Opinion(
        tweet=content["tweet"],
        labels=content["labels"],
        external_id=content.get("external_id", ""),
        reviewer=content.get("reviewer", ""),
        author=content.get("author", ""),
    )


FIRST_STATUSES = ["pending", "held_out", "quarantined", "superseded", "duplicate"]


class ReviewAccepted(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="the receipt: GET /reviewed-tweets/<id> says what became of the review")
    status = serializers.ChoiceField(choices=FIRST_STATUSES)


class Step(serializers.ModelSerializer[ReviewEvent]):
    class Meta:
        model = ReviewEvent
        fields = ("at", "status", "reason", "version", "probability")
        extra_kwargs = {
            "reason": {"help_text": "a sentence"},
            "version": {"help_text": "that served, or that learned it"},
            "probability": {"help_text": "of hate_speech, by that version"},
        }


class Resolution(serializers.Serializer[Any]):
    """What the sources say about a label of this text. The majority decides, and the newest where it is a tie."""

    yes = serializers.FloatField(
        help_text="votes: one for each source whose newest opinion, not withdrawn, is yes; a grade is shared out"
    )
    no = serializers.FloatField()
    counts = serializers.BooleanField(
        allow_null=True, help_text="the answer that models learn from, or are measured on; null where there is none"
    )
    decided_by = serializers.ChoiceField(choices=["majority", "newest", "nobody"])


class Review(serializers.ModelSerializer[ReviewedTweet]):
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
        return lean(review.labels.get(HATE_SPEECH, 0.5))

    def get_probability_before(self, review: ReviewedTweet) -> float | None:
        first = next(iter(review.events.all()), None)
        return first.probability if first else None

    def get_probability_after(self, review: ReviewedTweet) -> float | None:
        learned = [event.probability for event in review.events.all() if event.status in history.LEARNED]
        return learned[-1] if learned else None


class Receipt(Review):
    history = Step(many=True, source="events", help_text="oldest first")
    resolution = serializers.SerializerMethodField(help_text="for each label, what the sources say about this text now")

    class Meta(Review.Meta):
        fields = (*Review.Meta.fields, "history", "resolution")

    @extend_schema_field(serializers.DictField(child=Resolution()))
    def get_resolution(self, review: ReviewedTweet) -> dict[str, Any]:
        return history.resolution(review)


class ReviewsRequest(StrictSerializer):
    key = TextField(required=False, max_length=16, help_text="by its prefix; with the scope admin")
    status = serializers.ChoiceField(choices=ReviewedTweet.Status.choices, required=False)
    external_id = TextField(required=False, max_length=200, help_text="exactly this")
    reviewer = TextField(required=False, max_length=200, help_text="exactly this")
    since = serializers.DateTimeField(
        required=False, help_text="came in at this time or later, as 2026-11-21T07:00:00Z"
    )


class BulkItemError(BatchItemError):
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="where fields are invalid: what is wrong with each",
    )


class BulkItem(serializers.Serializer[Any]):
    """`id` and `status` as POST /add-reviewed-tweet has them, or `error` in their place."""

    line = serializers.IntegerField(help_text="its number in the body, from 1")
    id = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=FIRST_STATUSES, required=False)
    error = BulkItemError(required=False)


class BulkAnswer(serializers.Serializer[Any]):
    added = serializers.IntegerField(help_text="lines that are new reviews")
    duplicates = serializers.IntegerField(help_text="lines that repeat what this key said last")
    refused = serializers.IntegerField(help_text="lines with an error, of which nothing is stored")
    results = BulkItem(many=True, help_text="in the order of the lines")


class Confusion(serializers.Serializer[Any]):
    true_positives = serializers.IntegerField()
    false_positives = serializers.IntegerField()
    false_negatives = serializers.IntegerField()
    true_negatives = serializers.IntegerField()


class Estimate(serializers.Serializer[Any]):
    """From 0 to 1, with the 95 % interval."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class LiveEstimates(serializers.Serializer[Any]):
    precision = Estimate(allow_null=True)
    recall = Estimate(allow_null=True)
    base_rate = Estimate(allow_null=True, help_text="the share of hate speech among what is predicted")
    reasons = serializers.DictField(child=serializers.CharField(), help_text="for each figure that is null: why")
    audited = serializers.IntegerField(help_text="predictions that chance picked and people answered")
    unanswered = serializers.IntegerField(help_text="those that the queue came to, and nobody has answered")
    since = serializers.DateTimeField(allow_null=True, help_text="when the first of them was made")


class LiveAnswer(LiveEstimates):
    model_version = serializers.IntegerField()
    all_versions = LiveEstimates(help_text="of all that was answered in PREDICTIONS_DAYS, by whichever version")


class MeasuredOn(serializers.Serializer[Any]):
    held_out = serializers.DictField(
        child=serializers.IntegerField(), help_text="source: tweets. Of the base model, corpora that it was built from"
    )
    checks = serializers.IntegerField()
    everyday = serializers.IntegerField()


class ScoreAnswer(serializers.Serializer[Any]):
    score = serializers.FloatField(help_text="F1 of hate_speech at the served threshold")
    precision = serializers.FloatField()
    recall = serializers.FloatField()
    roc_auc = serializers.FloatField()
    pr_auc = serializers.FloatField()
    confusion = Confusion()
    threshold = serializers.FloatField()
    model_version = serializers.IntegerField()
    trained_at = serializers.DateTimeField()
    evaluated_on = serializers.IntegerField(help_text="held-out tweets, none of which was trained on")
    trained_on = serializers.IntegerField(help_text="tweets")
    labels = serializers.DictField(help_text="the same figures for every label of the model")
    by_source = serializers.DictField(help_text="the same figures of hate_speech for each corpus, and for reviews")
    checks = serializers.DictField(
        help_text="the share of data/checks.csv that is answered rightly, of all and by capability; "
        "empty for a version from before there were checks"
    )
    everyday = serializers.DictField(
        child=serializers.FloatField(),
        help_text="label: the share of everyday tweets that it flags, of those without the label",
    )
    measured_on = MeasuredOn()
    live = LiveAnswer(
        allow_null=True,
        help_text="on what is predicted here, from a random audit; null where STORE_PREDICTIONS is off",
    )


class Run(serializers.ModelSerializer[TrainingRun]):
    class Meta:
        model = TrainingRun
        fields = (
            "id",
            "kind",
            "status",
            "outcome",
            "requested_by",
            "created_at",
            "started_at",
            "finished_at",
            "attempts",
            "step",
            "progress",
            "reasons",
            "figures",
            "version",
            "served_by",
        )


class FlippedTweet(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="of the receipt")
    tweet = serializers.CharField(allow_null=True, required=False, help_text="for admins; null where it is forgotten")
    label = serializers.BooleanField(help_text="what people say")  # type: ignore[assignment]
    old = serializers.FloatField()
    new = serializers.FloatField()


class Flipped(serializers.Serializer[Any]):
    to_yes = serializers.IntegerField()
    to_no = serializers.IntegerField()
    for_the_better = serializers.IntegerField(help_text="of both")
    examples = FlippedTweet(many=True, help_text="up to 20, the greatest change first")


class ScoreMapAnswer(serializers.Serializer[Any]):
    """Points of a rising line, straight in between."""

    old = serializers.ListField(child=serializers.FloatField())
    new = serializers.ListField(child=serializers.FloatField(), help_text="what tweets with the old score have now")


class ChangedWord(serializers.Serializer[Any]):
    word = serializers.CharField(help_text="a stem, or the class <group> or <slur>")
    old = serializers.FloatField(help_text="what it adds to the logit before the text is scaled; 0 where unknown")
    new = serializers.FloatField()


class Change(serializers.Serializer[Any]):
    """What a promotion changed, on held-out tweets of corpora; empty where it was the first, or confirmed a version."""

    before = serializers.IntegerField(required=False, help_text="the version that served")
    rows = serializers.IntegerField(required=False)
    flipped = Flipped(required=False)
    score_map = ScoreMapAnswer(allow_null=True, required=False)
    problem = serializers.CharField(required=False, help_text="why nothing could be measured")


class Comparison(serializers.Serializer[Any]):
    versions = serializers.DictField(child=serializers.IntegerField())
    metrics = serializers.DictField(help_text="of both, each on the held-out tweets of its own training run")
    rows = serializers.IntegerField(help_text="held-out corpus tweets on which decisions and scores are compared")
    flipped = Flipped()
    score_map = ScoreMapAnswer(allow_null=True)
    changed_words = ChangedWord(many=True, help_text="20, the greatest change first")


class Audit(serializers.ModelSerializer[AuditEntry]):
    class Meta:
        model = AuditEntry
        fields = ("at", "by", "action", "target", "reason", "details")


class TrainRequest(StrictSerializer):
    """POST /train takes no fields."""


class PromotionSerializer(serializers.ModelSerializer[Promotion]):
    class Meta:
        model = Promotion
        fields: tuple[str, ...] = ("version", "at", "by", "reason", "confirmed")


class PromotionDetail(PromotionSerializer):
    change = serializers.SerializerMethodField()

    class Meta(PromotionSerializer.Meta):
        fields = (*PromotionSerializer.Meta.fields, "change")

    @extend_schema_field(Change())
    def get_change(self, promotion: Promotion) -> dict[str, Any]:
        """With the examples' texts, if the caller has looked them up."""
        found: dict[str, Any] = promotion.change
        return with_tweets(found, self.context["tweets"]) if "tweets" in self.context else found


class Version(serializers.ModelSerializer[ModelVersion]):
    promotions = PromotionSerializer(many=True)
    serving = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields: tuple[str, ...] = (
            "id",
            "created_at",
            "sha256",
            "parent",
            "serving",
            "data_fingerprint",
            "trained_on",
            "evaluated_on",
            "metrics",
            "recipe",
            "base",
            "learned_from",
            "kept",
            "retired",
            "to_retire",
            "promotions",
        )

    def get_serving(self, version: ModelVersion) -> bool:
        return bool(version.pk == self.context["champion"])


class VersionDetail(Version):
    promotions = PromotionDetail(many=True)


def text_problem(value: Any) -> str:
    """What is wrong with a value that should be text; empty where nothing is."""
    if not isinstance(value, str):
        return _NOT_TEXT.format(kind=kind_of(value))
    return _NUL if "\0" in value else ""


def kind_of(value: Any) -> str:
    """What JSON calls a value's type."""
    names = {bool: "a boolean", str: "a string", list: "a list", dict: "an object", type(None): "null"}
    return names.get(type(value), "a number")
