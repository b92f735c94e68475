"""Keys over HTTP: who reviews, how far their labels are believed, and what waits for approval."""

from typing import Any

from django.core.management import CommandError
from django.db.models import Count, Q
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http.authentication import required_key
from api.http.pagination import PAGE, Page, page
from api.keys import trust
from api.models import ApiKey, ReviewedTweet, ReviewerAgreement
from api.serializers import StrictBooleanField, StrictSerializer, TextField

MAX_IDS = 1_000  # which a body of 64 KB has room for


class Reviewer(serializers.ModelSerializer[ReviewerAgreement]):
    class Meta:
        model = ReviewerAgreement
        fields = ("reviewer", "label", "alpha", "tweets")


class StandingAnswer(serializers.Serializer[Any]):
    """As the last training saw it. Agreement is about hate_speech."""

    known = serializers.IntegerField(help_text="texts of its reviews that corpora answer, too")
    known_agreed = serializers.IntegerField(help_text="those on which it agrees with them")
    peers = serializers.IntegerField(help_text="texts that other trusted keys answer, too")
    peers_agreed = serializers.IntegerField()
    share = serializers.FloatField(help_text="of agreement, as if it had agreed on 9 of 10 more")
    weight = serializers.FloatField(help_text="of its votes: 1, or share where that is below 0.7")
    new = serializers.IntegerField(help_text="labels that the training would have learned, approved by nobody")
    sure = serializers.IntegerField(help_text="those about which a model was sure that had not seen them")
    contradicted = serializers.IntegerField(help_text="those of them where it was sure of the opposite")
    waiting = serializers.IntegerField(help_text="labels above the key's share of that night, left for another")
    at = serializers.DateTimeField()


class Key(serializers.ModelSerializer[ApiKey]):
    reviews = serializers.SerializerMethodField(help_text="how many there are, by status")
    standing = serializers.SerializerMethodField(help_text="null before the first training with its reviews")
    reviewers = Reviewer(many=True, help_text="agreement with everybody else who judged the same tweets")

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
            "standing",
            "reviewers",
        )

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_reviews(self, key: ApiKey) -> dict[str, int]:
        counts = {status: getattr(key, status) for status in ReviewedTweet.Status.values}
        return {status: count for status, count in counts.items() if count}

    @extend_schema_field(StandingAnswer(allow_null=True))
    def get_standing(self, key: ApiKey) -> dict[str, Any] | None:
        return key.standing or None


class TrustRequest(StrictSerializer):
    trust = serializers.ChoiceField(ApiKey.Trust.choices)
    reason = TextField(max_length=500)
    approve_waiting = StrictBooleanField(required=False, help_text="with trusted: approve what waits, too")
    everything = StrictBooleanField(
        required=False, help_text="with quarantined: also what models have learned; the next does without it"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        other = "everything" if attrs["trust"] == ApiKey.Trust.TRUSTED else "approve_waiting"
        if other in attrs:
            raise serializers.ValidationError({other: [f"This does not go with trust: {attrs['trust']}."]})
        return attrs


class TrustAnswer(serializers.Serializer[Any]):
    trust = serializers.ChoiceField(ApiKey.Trust.choices)
    reviews = serializers.IntegerField(help_text="that were approved, or that were quarantined")


class ApproveRequest(StrictSerializer):
    ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, min_length=1, max_length=MAX_IDS, help_text="receipts"
    )
    key = TextField(required=False, max_length=16, help_text="a key's prefix: all of its reviews that wait")
    reason = TextField(required=False, allow_blank=True, max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len({"ids", "key"} & attrs.keys()) != 1:
            raise serializers.ValidationError({"ids": ["Send either ids, a list of receipts, or key, a key's prefix."]})
        return attrs


class ApproveAnswer(serializers.Serializer[Any]):
    approved = serializers.IntegerField(help_text="reviews; those that were not quarantined stay as they are")


def counted() -> Any:
    """Keys with the number of their reviews in each status."""
    counts = {status: Count("reviews", filter=Q(reviews__status=status)) for status in ReviewedTweet.Status.values}
    return ApiKey.objects.annotate(**counts)


def by_prefix(prefix: str) -> ApiKey:
    """For commands.

    Raises:
        CommandError: there is no such key.
    """
    key = ApiKey.objects.filter(prefix=prefix[:15]).first()
    if key is None:
        raise CommandError(f"there is no key {prefix[:15]}; manage.py keys lists them")
    return key


class Keys(APIView):
    scope = ApiKey.Scope.ADMIN
    pagination_class = Page

    @extend_schema(
        summary="API keys: their trust, reviews and standing; newest first", parameters=PAGE, responses=Key(many=True)
    )
    def get(self, request: Request) -> Response:
        return page(self, request, counted().prefetch_related("reviewers").order_by("-pk"), Key)


class KeyTrust(APIView):
    scope = ApiKey.Scope.ADMIN

    @extend_schema(summary="Trust a key, or quarantine it", request=TrustRequest, responses=TrustAnswer)
    def post(self, request: Request, prefix: str) -> Response:
        key = get_object_or_404(ApiKey, prefix=prefix)
        options = TrustRequest.read(request.data)
        act = trust.trust if options.pop("trust") == ApiKey.Trust.TRUSTED else trust.quarantine
        count = act(key, by=str(required_key(request)), **options)
        return Response({"trust": key.trust, "reviews": count})


class Approve(APIView):
    scope = ApiKey.Scope.ADMIN

    @extend_schema(summary="Let quarantined reviews count", request=ApproveRequest, responses=ApproveAnswer)
    def post(self, request: Request) -> Response:
        asked = ApproveRequest.read(request.data)
        rows = ReviewedTweet.objects.filter(key__isnull=False)
        if "ids" in asked:
            rows = rows.filter(receipt__in=asked["ids"])
        else:
            rows = rows.filter(key=get_object_or_404(ApiKey, prefix=asked["key"]))
        count = trust.approve(rows, by=str(required_key(request)), reason=asked.get("reason", ""))
        return Response({"approved": count})
