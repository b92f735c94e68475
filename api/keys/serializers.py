"""Bodies of /keys and /reviewed-tweets/approve."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.http.fields import StrictBooleanField, StrictSerializer, StrictUUIDField, TextField
from api.models import ApiKey, ReviewedTweet, ReviewerAgreement

MAX_IDS = 1_000  # which a body of 64 KB has room for


class ReviewerSerializer(serializers.ModelSerializer[ReviewerAgreement]):
    class Meta:
        model = ReviewerAgreement
        fields = ("reviewer", "label", "alpha", "tweets")


class ReliabilityAnswerSerializer(serializers.Serializer[Any]):
    """As the last training saw it. Agreement is about hate_speech."""

    gold = serializers.IntegerField(help_text="texts of its reviews that corpora answer, too")
    gold_agreed = serializers.IntegerField(help_text="those on which it agrees with them")
    peers = serializers.IntegerField(help_text="texts that other trusted keys answer, too")
    peers_agreed = serializers.IntegerField()
    smoothed_agreement = serializers.FloatField(help_text="of agreement, as if it had agreed on 9 of 10 more")
    weight = serializers.FloatField(help_text="of its votes: 1, or smoothed_agreement where that is below 0.7")
    new_labels = serializers.IntegerField(help_text="labels that the training would have learned, approved by nobody")
    confident = serializers.IntegerField(help_text="those about which a model was sure that had not seen them")
    contradicted = serializers.IntegerField(help_text="those of them where it was sure of the opposite")
    deferred = serializers.IntegerField(help_text="labels above the key's share of that run, left for another")
    at = serializers.DateTimeField()


class KeySerializer(serializers.ModelSerializer[ApiKey]):
    reviews = serializers.SerializerMethodField(help_text="how many there are, by status")
    reliability = serializers.SerializerMethodField(help_text="null before the first training with its reviews")
    reviewers = ReviewerSerializer(
        many=True, source="shown_reviewers", help_text="the 100 with the most tweets: agreement with everybody else"
    )

    class Meta:
        model = ApiKey
        fields = (
            "prefix",
            "name",
            "scopes",
            "trust",
            "created_at",
            "expires_at",
            "revoked_at",
            "reviews",
            "reliability",
            "reviewers",
        )

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_reviews(self, key: ApiKey) -> dict[str, int]:
        counts = {status: getattr(key, status) for status in ReviewedTweet.Status.values}
        return {status: count for status, count in counts.items() if count}

    @extend_schema_field(ReliabilityAnswerSerializer(allow_null=True))
    def get_reliability(self, key: ApiKey) -> dict[str, Any] | None:
        return key.reliability or None


class TrustRequestSerializer(StrictSerializer):
    trust = serializers.ChoiceField(ApiKey.Trust.choices)
    reason = TextField(max_length=500)
    approve_pending = StrictBooleanField(required=False, help_text="with trusted: approve what waits, too")
    include_learned = StrictBooleanField(
        required=False, help_text="with quarantined: also what models have learned; the next does without it"
    )

    rules = {
        "if": {"properties": {"trust": {"const": ApiKey.Trust.TRUSTED.value}}},
        "then": {"properties": {"include_learned": {"const": False}}},
        "else": {"properties": {"approve_pending": {"const": False}}},
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        other = "include_learned" if attrs["trust"] == ApiKey.Trust.TRUSTED else "approve_pending"
        if attrs.get(other):
            raise serializers.ValidationError({other: [f"This does not go with trust: {attrs['trust']}."]})
        attrs.pop(other, None)
        return attrs


class TrustAnswerSerializer(serializers.Serializer[Any]):
    trust = serializers.ChoiceField(ApiKey.Trust.choices)
    reviews = serializers.IntegerField(help_text="that were approved, or that were quarantined")


class ApproveRequestSerializer(StrictSerializer):
    ids = serializers.ListField(
        child=StrictUUIDField(), required=False, min_length=1, max_length=MAX_IDS, help_text="receipts"
    )
    key = TextField(required=False, max_length=16, help_text="a key's prefix: all of its reviews that wait")
    reason = TextField(required=False, allow_blank=True, max_length=500)

    rules = {"oneOf": [{"required": ["ids"]}, {"required": ["key"]}]}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len({"ids", "key"} & attrs.keys()) != 1:
            raise serializers.ValidationError({"ids": ["Send either ids, a list of receipts, or key, a key's prefix."]})
        return attrs


class ApproveAnswerSerializer(serializers.Serializer[Any]):
    approved = serializers.IntegerField(help_text="reviews; those that were not quarantined stay as they are")
