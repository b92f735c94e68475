"""Bodies of the paths about the stream."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from api.http.fields import StrictBooleanField, StrictSerializer, TextField, kind_of
from api.models import DeadLetter, StreamEvent
from api.stream import messages
from api.stream.messages import BadMessage, Message

MAX_TWEETS = 500
_MOST_ERRORS = 20


class StreamTweetSerializer(serializers.Serializer[Any]):
    external_id = TextField(
        max_length=200, help_text="the platform's id of the post; each post of a channel counts once"
    )
    tweet = TextField()
    at = serializers.DateTimeField(required=False, help_text="when it was posted, with its zone; else when it arrives")
    channel = serializers.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._:/#@-]{0,63}$",
        required=False,
        default=messages.DEFAULT_CHANNEL,
        help_text="where it was posted, such as a forum; hours are counted by channel",
    )
    author = TextField(required=False, max_length=200, help_text="only a keyed hash of it is stored")
    do_not_store = StrictBooleanField(required=False, help_text="keep the text out of the review queue")


class StreamRequestSerializer(serializers.Serializer[Any]):
    tweets = serializers.ListField(child=StreamTweetSerializer(), min_length=1, max_length=MAX_TWEETS)


def read_messages(body: Any) -> list[Message]:
    """Return the tweets of a request. One that is wrong refuses them all: nothing is half done.

    Raises:
        ValidationError: it names up to twenty of what is wrong, such as `tweets.3.at`.
    """
    if not isinstance(body, dict) or body.keys() != {"tweets"}:
        raise serializers.ValidationError(
            {"body": ['Send an object with the field tweets and no other: {"tweets": [...]}.']}
        )
    tweets = body["tweets"]
    if not isinstance(tweets, list) or not 1 <= len(tweets) <= MAX_TWEETS:
        found = f"{len(tweets):,}" if isinstance(tweets, list) else kind_of(tweets)
        raise serializers.ValidationError(
            {"tweets": [f"This must be a list of 1 to {MAX_TWEETS} objects, not {found}."]}
        )
    now, found_messages = timezone.now(), []
    errors: dict[str, list[str]] = {}
    for place, content in enumerate(tweets):
        try:
            message = messages.read(content, received_at=now, known=messages.FIELDS)
            if len(message.encode()) > messages.MAX_BYTES:
                raise BadMessage("tweet", f"With its other fields, at most {messages.MAX_BYTES:,} bytes.")
            found_messages.append(message)
        except BadMessage as error:
            errors[f"tweets.{place}" if error.field == "body" else f"tweets.{place}.{error.field}"] = [error.problem]
            if len(errors) == _MOST_ERRORS:
                break
    if errors:
        raise serializers.ValidationError(errors)
    return found_messages


class StreamAcceptedSerializer(serializers.Serializer[Any]):
    accepted = serializers.IntegerField(help_text="how many tweets are on disk now, and will be judged")
    positions = serializers.ListField(
        child=serializers.CharField(), help_text="the place of each in the stream, as dead letters name it"
    )


class StreamEventsRequestSerializer(StrictSerializer):
    channel = TextField(required=False, max_length=64)
    external_id = TextField(required=False, max_length=200)
    flagged = serializers.BooleanField(required=False)
    since = serializers.DateTimeField(required=False, help_text="posted then or later")


class StreamEventSerializer(serializers.ModelSerializer[StreamEvent]):
    model_version = serializers.IntegerField(source="version_id")
    is_hate_speech = serializers.BooleanField(source="flagged")
    labels = serializers.SerializerMethodField(help_text="probability and answer of the other labels of STREAM_LABELS")

    class Meta:
        model = StreamEvent
        fields = ("channel", "external_id", "at", "is_hate_speech", "probability", "labels", "model_version")

    def get_labels(self, event: StreamEvent) -> dict[str, Any]:
        return {label: {"answer": answer, "probability": chance} for label, (chance, answer) in event.others.items()}


class DeadLettersRequestSerializer(StrictSerializer):
    resolved = serializers.BooleanField(required=False, help_text="only those that were worked on since, or were not")


class DeadLetterSerializer(serializers.ModelSerializer[DeadLetter]):
    class Meta:
        model = DeadLetter
        fields = ("id", "position", "received_at", "stored_at", "error", "tries", "resolved_at", "payload")
