"""Where Google's clients put their API key."""

from rest_framework.authentication import get_authorization_header
from rest_framework.request import Request

from api.http.authentication import ApiKeyAuthentication


class GoogleKeyAuthentication(ApiKeyAuthentication):
    """`?key=hs_...`, `X-goog-api-key: hs_...`, `Authorization: Bearer hs_...`, or as everywhere else."""

    def credential(self, request: Request) -> str | None:
        plain = request.query_params.get("key") or request.headers.get("X-Goog-Api-Key")
        if plain and plain.strip():
            return plain.strip()
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if scheme.lower() == b"bearer":
            return token.decode("ascii", errors="replace").strip()
        return super().credential(request)
