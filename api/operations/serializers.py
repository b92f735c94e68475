"""Bodies of /audit-log."""

from rest_framework import serializers

from api.http.fields import StrictSerializer, TextField
from api.models import AuditEntry


class AuditRequestSerializer(StrictSerializer):
    action = TextField(required=False, allow_blank=True, help_text="such as version.promoted")
    target = TextField(required=False, allow_blank=True, help_text="such as version 17")


class AuditSerializer(serializers.ModelSerializer[AuditEntry]):
    class Meta:
        model = AuditEntry
        fields = ("at", "by", "action", "target", "reason", "details")
