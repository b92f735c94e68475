"""Bodies of /train and /training-runs."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.http.fields import StrictBooleanField, StrictSerializer, TextField
from api.models import ApprovalRequest, ReviewedTweet, TrainingRun

_EXAMPLES = 5
_MOST_IDS = 100


class ApprovalSerializer(serializers.ModelSerializer[ApprovalRequest]):
    key = serializers.CharField(source="key.prefix", help_text="the prefix of the key whose reviews they are")
    key_name = serializers.CharField(source="key.name")
    words = serializers.ListField(child=serializers.CharField(), help_text="stems that the reviews are about")
    changed = serializers.ListField(
        child=serializers.FloatField(),
        allow_null=True,
        help_text="share of test sentences that the words would decide otherwise, without the bound and with it",
    )
    reviews = serializers.SerializerMethodField(help_text="how many")

    class Meta:
        model = ApprovalRequest
        fields: tuple[str, ...] = (
            "id",
            "key",
            "key_name",
            "kind",
            "label",
            "answer",
            "words",
            "reviews",
            "learned",
            "changed",
            "decision",
            "decided_by",
            "decided_at",
            "reason",
        )

    @extend_schema_field(serializers.IntegerField())
    def get_reviews(self, approval: ApprovalRequest) -> int:
        return approval.reviews.count()


class ExampleSerializer(serializers.ModelSerializer[ReviewedTweet]):
    id = serializers.UUIDField(source="receipt", help_text="the receipt")

    class Meta:
        model = ReviewedTweet
        fields = ("id", "tweet", "labels", "reviewer", "status")


class ApprovalWithExamplesSerializer(ApprovalSerializer):
    examples = serializers.SerializerMethodField(help_text="up to five of the reviews")

    class Meta(ApprovalSerializer.Meta):
        fields = (*ApprovalSerializer.Meta.fields, "examples")

    @extend_schema_field(ExampleSerializer(many=True))
    def get_examples(self, approval: ApprovalRequest) -> list[dict[str, Any]]:
        return list(ExampleSerializer(approval.reviews.order_by("pk")[:_EXAMPLES], many=True).data)


class DecisionRequestSerializer(StrictSerializer):
    approve = StrictBooleanField(
        help_text="true: the reviews count in full from the next training on; false: they count no more"
    )
    reason = TextField(max_length=500, help_text="for the audit log")
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**53),
        required=False,
        min_length=1,
        max_length=_MOST_IDS,
        help_text="of the requests that are decided; all that are open, without",
    )


@extend_schema_field(
    {
        "type": ["object", "null"],
        "description": "web processes that answer with the promoted version when the run ends, and of how many",
        "properties": {"processes": {"type": "integer"}, "of": {"type": "integer"}},
    }
)
class ServedByField(serializers.JSONField):
    """What `heartbeat.serving` counted; null before a run has ended."""


class RunSerializer(serializers.ModelSerializer[TrainingRun]):
    approvals = ApprovalSerializer(many=True, read_only=True, help_text="what the run asks a person")
    served_by = ServedByField(read_only=True)

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
            "approvals",
            "figures",
            "version",
            "served_by",
        )


class DecisionAnswerSerializer(serializers.Serializer[Any]):
    approvals = ApprovalSerializer(many=True)
    next_run = serializers.UUIDField(help_text="the training run that is queued for it")


class TrainRequestSerializer(StrictSerializer):
    """POST /train takes no fields."""
