"""Bodies of /predict and /operating-points."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.http.fields import (
    BatchItemErrorSerializer,
    LabelNamesField,
    StrictBooleanField,
    StrictIntegerField,
    StrictSerializer,
    TextField,
    TweetsField,
)
from api.prediction.language import NOT_SUPPORTED
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.operating_points import BALANCED, NAMES


class PredictRequestSerializer(StrictSerializer):
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

    rules = {
        "oneOf": [{"required": ["tweet"]}, {"required": ["tweets"]}],
        "dependentSchemas": {"tweets": {"properties": {"explain": {"const": False}}}},
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len({"tweet", "tweets"} & attrs.keys()) != 1:
            raise serializers.ValidationError({"tweet": ["Send either tweet, a string, or tweets, a list of strings."]})
        if attrs.get("explain") and "tweets" in attrs:
            raise serializers.ValidationError(
                {"explain": ["Only a single tweet is explained: send tweet, not tweets."]}
            )
        return attrs


@extend_schema_field({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1})
class BaseRateField(serializers.FloatField):
    """A share that is neither none nor all."""


class OperatingPointsRequestSerializer(StrictSerializer):
    label = TextField(required=False, default=HATE_SPEECH, max_length=40)  # type: ignore[assignment]
    precision = serializers.FloatField(required=False, min_value=0, max_value=1)
    recall = serializers.FloatField(required=False, min_value=0, max_value=1)
    base_rate = BaseRateField(required=False)

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


class OperatingPointAnswerSerializer(serializers.Serializer[Any]):
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


class OperatingPointsAnswerSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    model_version = serializers.IntegerField()
    named = serializers.DictField(child=OperatingPointAnswerSerializer(), help_text=", ".join(NAMES))
    found = OperatingPointAnswerSerializer(
        allow_null=True,
        required=False,
        help_text="the highest recall at the precision asked for, or the highest precision at the recall asked for; "
        "null where no threshold reaches it",
    )


class ExplainedTokenSerializer(serializers.Serializer[Any]):
    word = serializers.CharField(help_text="as the model reads it")
    begin = serializers.IntegerField(help_text="its place in the tweet, in code points")
    end = serializers.IntegerField(help_text="exclusive")
    contribution = serializers.FloatField(help_text="to the logit: above 0 for the label, below 0 against it")
    known = serializers.BooleanField(help_text="whether the model knows the word, and not only parts of its spelling")


class ExplanationAnswerSerializer(serializers.Serializer[Any]):
    """`intercept` and the contributions sum to `logit`; the probability is its logistic function."""

    logit = serializers.FloatField()
    intercept = serializers.FloatField()
    encoder = serializers.FloatField(
        required=False,
        help_text="with MODEL=full: what the encoder adds to the logit, exactly. It is in the contributions, divided "
        "among the tokens by leaving each out, and what that leaves over equally",
    )
    tokens = ExplainedTokenSerializer(many=True, help_text="in the order of the tweet")
    part = serializers.ListField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text="of a long text, the part that decides: its first token, and the one behind its last; null where the "
        "whole text does",
    )
    counterfactual_tokens = serializers.ListField(
        child=serializers.IntegerField(), help_text="indices of the tokens without which the decision is the opposite"
    )


class LabelAnswerSerializer(serializers.Serializer[Any]):
    answer = serializers.BooleanField()
    probability = serializers.FloatField(min_value=0, max_value=1, help_text="calibrated")
    threshold = serializers.FloatField(help_text="answer is true from this probability on")
    explanation = ExplanationAnswerSerializer(required=False, help_text="with explain: true")


class PredictionSerializer(serializers.Serializer[Any]):
    is_hate_speech = serializers.BooleanField()
    probability = serializers.FloatField(min_value=0, max_value=1, help_text="calibrated")
    threshold = serializers.FloatField(help_text="is_hate_speech is true from this probability on")
    model_version = serializers.IntegerField()
    warnings = serializers.ListField(
        child=serializers.ChoiceField(
            choices=[
                ("empty_after_cleaning", "there was nothing to read"),
                ("no_known_words", "none of the words was in the training data"),
                ("truncated", "only the first 5,000 characters were read"),
                (NOT_SUPPORTED, "the text is clearly not English"),
            ]
        ),
        help_text="what makes the answer less reliable",
    )
    explanation = ExplanationAnswerSerializer(required=False, help_text="of is_hate_speech, with explain: true")
    labels = serializers.DictField(
        child=LabelAnswerSerializer(), required=False, help_text="the labels that were asked for"
    )


class BatchItemSerializer(serializers.Serializer[Any]):
    """A prediction, or `error` in its place."""

    is_hate_speech = serializers.BooleanField(required=False)
    probability = serializers.FloatField(required=False)
    threshold = serializers.FloatField(required=False)
    warnings = serializers.ListField(child=serializers.CharField(), required=False)
    labels = serializers.DictField(child=LabelAnswerSerializer(), required=False)
    error = BatchItemErrorSerializer(required=False)


class BatchPredictionSerializer(serializers.Serializer[Any]):
    model_version = serializers.IntegerField()
    results = BatchItemSerializer(many=True, help_text="in the order of the tweets")
