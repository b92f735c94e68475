"""Bodies of /train and /training-runs."""

from rest_framework import serializers

from api.http.fields import StrictSerializer
from api.models import TrainingRun


class RunSerializer(serializers.ModelSerializer[TrainingRun]):
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


class TrainRequestSerializer(StrictSerializer):
    """POST /train takes no fields."""
