"""Fields and base classes that refuse what they do not know."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from hate_speech_ai.labels import is_label_name

MAX_BATCH = 1_000
MAX_LABELS = 20
MAX_ID = 2**31 - 1
# So many unknown fields are named in an answer: a body of thousands would get ten times its own size back.
_MAX_NAMED = 20
_NUL = "The text must not contain NUL characters; remove them."
_NOT_TEXT = "This must be a string, not {kind}."


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that do not exist: a misspelt optional field would otherwise be lost without a word.

    Attributes:
        rules: what `validate` asks of several fields together, as JSON Schema; for the OpenAPI document.
    """

    rules: ClassVar[dict[str, Any]] = {}

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """Return what a request says, validated.

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
                {name: [f"There is no such field. The fields are {known}."] for name in sorted(unknown)[:_MAX_NAMED]}
            )
        return super().to_internal_value(data)


def read_query(request: Request, fields: type[StrictSerializer], *others: str) -> dict[str, Any]:
    """Return what a request says in its URL's query, validated.

    Args:
        others: parameters that are allowed besides, and read elsewhere.

    Raises:
        ValidationError: a parameter is unknown or wrong.
    """
    asked, known = request.query_params.dict(), [*fields().fields, *others]
    if unknown := sorted(asked.keys() - set(known)):
        problem = f"There is no such parameter. The parameters are {', '.join(known)}."
        raise serializers.ValidationError({name: [problem] for name in unknown})
    return fields.read({name: value for name, value in asked.items() if name not in others})


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


class StrictUUIDField(serializers.UUIDField):
    """A UUID in text; not a number or a boolean, which would be read as its 128 bits."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            raise serializers.ValidationError(_NOT_TEXT.format(kind=kind_of(data)))
        return super().to_internal_value(data)


@extend_schema_field({"type": "boolean"})
class StrictBooleanField(serializers.Field[bool, Any, bool, Any]):
    """true or false; not 1, "yes" or "false"."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError(f"This must be true or false, not {kind_of(data)}.")
        return data

    def to_representation(self, value: Any) -> bool:
        return bool(value)


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MAX_ID})
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
        "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,39}$"},
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


class BatchItemErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


def text_problem(value: Any) -> str:
    """Return what is wrong with a value that should be text; empty where nothing is."""
    if not isinstance(value, str):
        return _NOT_TEXT.format(kind=kind_of(value))
    return _NUL if "\0" in value else ""


def kind_of(value: Any) -> str:
    """Return what JSON calls a value's type."""
    names = {bool: "a boolean", str: "a string", list: "a list", dict: "an object", type(None): "null"}
    return names.get(type(value), "a number")


class ReasonRequestSerializer(StrictSerializer):
    reason = TextField(max_length=500)
