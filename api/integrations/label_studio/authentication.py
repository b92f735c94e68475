"""The key of a request of Label Studio."""

import base64
import binascii

from rest_framework.authentication import get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from api.http.authentication import ApiKeyAuthentication


class BasicAuthentication(ApiKeyAuthentication):
    """The key as the password of basic authentication, with any user name, as Label Studio sends it to ML backends.

    A webhook's own header, `Authorization: Api-Key hs_...`, will do as well.
    """

    def credential(self, request: Request) -> str | None:
        scheme, _, encoded = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"basic":
            return super().credential(request)
        try:
            _, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
        except binascii.Error:
            colon = b""
        if not colon:
            raise AuthenticationFailed("Send the key as the password of basic authentication, with any user name.")
        return password.decode("ascii", errors="replace")

    def authenticate_header(self, request: Request) -> str:
        return "Basic"
