"""What the admin may change of a key."""

from django import forms

from api.http.throttling import parse_limit
from api.models import ApiKey


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ApiKey
        fields = ("name", "limit", "expires_at", "revoked_at")

    def clean_limit(self) -> str:
        """Refuse what is no limit: each request of the key would meet it."""
        limit = str(self.cleaned_data["limit"]).strip()
        try:
            parse_limit(limit)
        except ValueError as error:
            raise forms.ValidationError(f"{error}, or nothing for the default limits.") from None
        return limit
