"""The key of a request of an OpenAI client."""

from rest_framework.authentication import get_authorization_header
from rest_framework.request import Request

from api.http.authentication import ApiKeyAuthentication

#: What to do without a valid key.
HINT = "Send a valid key of this service as `Authorization: Bearer hs_...`; `manage.py create_key` makes one."


class BearerAuthentication(ApiKeyAuthentication):
    """`Authorization: Bearer hs_...`, as OpenAI's clients send it."""

    def credential(self, request: Request) -> str | None:
        scheme, _, plain = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return super().credential(request)
        return plain.decode("ascii", errors="replace").strip()

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
