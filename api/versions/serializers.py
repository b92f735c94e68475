"""Bodies of /score and /models."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.models import ModelVersion, Promotion
from api.versions.comparison import with_tweets

_NULL = "null for callers without a key"
_VIEWS = "what the version looks at in a text: its words, and with MODEL=full what an encoder makes of it"


class ConfusionSerializer(serializers.Serializer[Any]):
    true_positives = serializers.IntegerField()
    false_positives = serializers.IntegerField()
    false_negatives = serializers.IntegerField()
    true_negatives = serializers.IntegerField()


class EstimateSerializer(serializers.Serializer[Any]):
    """From 0 to 1, with the 95 % interval."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class LiveEstimatesSerializer(serializers.Serializer[Any]):
    precision = EstimateSerializer(allow_null=True)
    recall = EstimateSerializer(allow_null=True)
    base_rate = EstimateSerializer(allow_null=True, help_text="the share of hate speech among what is predicted")
    reasons = serializers.DictField(child=serializers.CharField(), help_text="for each figure that is null: why")
    audited = serializers.IntegerField(help_text="predictions that chance picked and people answered")
    unanswered = serializers.IntegerField(help_text="those that the queue came to, and nobody has answered")
    since = serializers.DateTimeField(allow_null=True, help_text="when the first of them was made")


class LiveAnswerSerializer(LiveEstimatesSerializer):
    model_version = serializers.IntegerField()
    all_versions = LiveEstimatesSerializer(
        help_text="of all that was answered in PREDICTION_RETENTION_DAYS, by whichever version"
    )


class MeasuredOnSerializer(serializers.Serializer[Any]):
    held_out = serializers.DictField(
        child=serializers.IntegerField(), help_text="source: tweets. Of the base model, corpora that it was built from"
    )
    checks = serializers.IntegerField()
    everyday = serializers.IntegerField()


class ScoreAnswerSerializer(serializers.Serializer[Any]):
    score = serializers.FloatField(help_text="F1 of hate_speech at the served threshold")
    precision = serializers.FloatField()
    recall = serializers.FloatField()
    roc_auc = serializers.FloatField()
    pr_auc = serializers.FloatField()
    confusion = ConfusionSerializer()
    threshold = serializers.FloatField()
    model_version = serializers.IntegerField()
    views = serializers.ListField(child=serializers.CharField(), help_text=_VIEWS)
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
    measured_on = MeasuredOnSerializer()
    production = LiveAnswerSerializer(
        allow_null=True,
        help_text="on what is predicted here, from a random audit; null where PREDICTION_SAMPLE_RATE is off",
    )


class FlippedTweetSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="of the receipt")
    tweet = serializers.CharField(allow_null=True, required=False, help_text="for admins; null where it is forgotten")
    label = serializers.BooleanField(help_text="what people say")  # type: ignore[assignment]
    old = serializers.FloatField()
    new = serializers.FloatField()


class FlippedSerializer(serializers.Serializer[Any]):
    became_positive = serializers.IntegerField()
    became_negative = serializers.IntegerField()
    corrected = serializers.IntegerField(help_text="of both")
    examples = FlippedTweetSerializer(many=True, help_text="up to 20, the greatest change first")


class ScoreMapAnswerSerializer(serializers.Serializer[Any]):
    """Points of a rising line, straight in between."""

    old = serializers.ListField(child=serializers.FloatField())
    new = serializers.ListField(child=serializers.FloatField(), help_text="what tweets with the old score have now")


class ChangedWordSerializer(serializers.Serializer[Any]):
    word = serializers.CharField(help_text="a stem, or the class <group> or <slur>")
    old = serializers.FloatField(help_text="what it adds to the logit before the text is scaled; 0 where unknown")
    new = serializers.FloatField()


class ChangeSerializer(serializers.Serializer[Any]):
    """What a promotion changed, on held-out tweets of corpora; empty where it was the first, or confirmed a version."""

    previous_version = serializers.IntegerField(required=False, help_text="the version that served")
    rows = serializers.IntegerField(required=False)
    changed = FlippedSerializer(required=False)
    score_map = ScoreMapAnswerSerializer(allow_null=True, required=False)
    problem = serializers.CharField(required=False, help_text="why nothing could be measured")


class ComparisonSerializer(serializers.Serializer[Any]):
    versions = serializers.DictField(child=serializers.IntegerField())
    metrics = serializers.DictField(help_text="of both, each on the held-out tweets of its own training run")
    rows = serializers.IntegerField(help_text="held-out corpus tweets on which decisions and scores are compared")
    changed = FlippedSerializer()
    score_map = ScoreMapAnswerSerializer(allow_null=True)
    changed_words = ChangedWordSerializer(many=True, help_text="20, the greatest change first")


class _WithWordsOfPeople(serializers.ModelSerializer[Any]):
    """Leaves out who acted and why, which may name customers, where the context says `anonymous`."""

    words_of_people: tuple[str, ...] = ()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        said: dict[str, Any] = super().to_representation(instance)
        return said | dict.fromkeys(self.words_of_people) if self.context.get("anonymous") else said


class PromotionSerializer(_WithWordsOfPeople):
    words_of_people = ("by", "reason")
    by = serializers.CharField(allow_null=True, allow_blank=True, help_text=_NULL)
    reason = serializers.CharField(allow_null=True, allow_blank=True, help_text=_NULL)

    class Meta:
        model = Promotion
        fields: tuple[str, ...] = ("version", "at", "by", "reason", "confirmed")


class PromotionDetailSerializer(PromotionSerializer):
    change = serializers.SerializerMethodField()

    class Meta(PromotionSerializer.Meta):
        fields = (*PromotionSerializer.Meta.fields, "change")

    @extend_schema_field(ChangeSerializer())
    def get_change(self, promotion: Promotion) -> dict[str, Any]:
        """With the examples' texts, if the caller has looked them up."""
        found: dict[str, Any] = promotion.change
        return with_tweets(found, self.context["tweets"]) if "tweets" in self.context else found


class VersionSerializer(_WithWordsOfPeople):
    words_of_people = ("kept_reason", "retired_reason", "retire_when_replaced_reason")
    kept_reason = serializers.CharField(allow_null=True, allow_blank=True, help_text=_NULL)
    retired_reason = serializers.CharField(allow_null=True, allow_blank=True, help_text=_NULL)
    retire_when_replaced_reason = serializers.CharField(allow_null=True, allow_blank=True, help_text=_NULL)
    promotions = PromotionSerializer(many=True)
    serving = serializers.SerializerMethodField()
    views = serializers.SerializerMethodField(help_text=_VIEWS)

    class Meta:
        model = ModelVersion
        fields: tuple[str, ...] = (
            "id",
            "created_at",
            "sha256",
            "parent",
            "serving",
            "views",
            "data_fingerprint",
            "trained_on",
            "evaluated_on",
            "metrics",
            "recipe",
            "base",
            "learned_from",
            "kept_reason",
            "retired_reason",
            "retire_when_replaced_reason",
            "promotions",
        )

    def get_views(self, version: ModelVersion) -> list[str]:
        return ["words", "encoder"] if "encoder" in version.recipe else ["words"]

    def get_serving(self, version: ModelVersion) -> bool:
        return bool(version.pk == self.context["champion"])


class VersionDetailSerializer(VersionSerializer):
    promotions = PromotionDetailSerializer(many=True)
