"""API keys and their scopes."""

import base64
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.db import Error
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from api.http.problems import DatabaseUnavailable
from api.http.throttling import address, count
from api.models import ApiKey

if TYPE_CHECKING:  # REST framework imports this module while its views are still being imported
    from rest_framework.views import APIView

_FRESH_SECONDS = 2.0
_STALE_SECONDS = 900.0
_SPARED_SECONDS = 5.0
_MAX_CACHED = 10_000
_NOBODY = "0" * 64
_WRONG = "The API key is unknown, expired or revoked. Send a valid one as `Authorization: Api-Key ...`."

# digest of a valid key -> (key, when it was read)
_known: dict[str, tuple[ApiKey, float]] = {}
# When the database last did not answer: predictions spare it, and themselves the wait, for some seconds.
_database_failed_at = float("-inf")


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key hs_...`. The key becomes `request.auth`."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        plain = self.credential(request)
        if plain is None:
            return None
        key = find(plain, cached=request.method == "POST" and _only_predicts(request)) if plain.isascii() else None
        if key is None:
            wait = count(settings.LIMITS["wrong_key"], f"wrong_key:{address(request)}")
            if wait is not None:
                raise Throttled(wait)
            raise AuthenticationFailed(_WRONG)
        return None, key

    def credential(self, request: Request) -> str | None:
        """Return the plain key that a request came with, or None; other services' clients send it in other places.

        Raises:
            AuthenticationFailed: there is one, but not as it should be.
        """
        header = get_authorization_header(request)
        if not header:
            return None
        scheme, _, plain = header.partition(b" ")
        if scheme.lower() != b"api-key":
            raise AuthenticationFailed("Send the key as `Authorization: Api-Key ...`.")
        return plain.decode("ascii", errors="replace").strip()

    def authenticate_header(self, request: Request) -> str:
        return "Api-Key"


class HasScope(BasePermission):
    """The key has the scope that the view names; a view with `public = True` needs no key while predict is public."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        scope: str | None = getattr(view, "scope", None)
        if scope is None or (settings.PUBLIC_PREDICT and getattr(view, "public", False)):
            return True
        key = key_of(request)
        if key is None:
            raise NotAuthenticated("This needs an API key: `Authorization: Api-Key ...`, from `manage.py create_key`.")
        if not key.allows(scope):
            raise PermissionDenied(f"This API key does not have the scope {scope}.")
        return True


def key_of(request: Request) -> ApiKey | None:
    """Return the key that a request came with."""
    return cast(ApiKey | None, request.auth)


def required_key(request: Request) -> ApiKey:
    """Return the key of a request that `HasScope` has let pass.

    Raises:
        NotAuthenticated: the view asks for a key but does not name a scope.
    """
    key = key_of(request)
    if key is None:
        raise NotAuthenticated()
    return key


def find(plain: str, *, cached: bool) -> ApiKey | None:
    """Return the valid key with this text, or None.

    Args:
        cached: whether a reading of the last two seconds will do, or of the last 15 minutes while the database is
            down. Predictions may use it; a write asks the database, so that revoking a key takes effect at once.

    Raises:
        DatabaseUnavailable: the key is not known here and the database does not answer, so nobody can say.
    """
    global _database_failed_at
    digest = ApiKey.digest_of(plain)
    now = time.monotonic()
    key, read_at = _known.get(digest, (None, 0.0))
    fresh = now - read_at < _FRESH_SECONDS
    spared = now - _database_failed_at < _SPARED_SECONDS and now - read_at < _STALE_SECONDS
    if cached and key is not None and (fresh or spared):
        return key if key.is_valid(timezone.now()) else None
    try:
        found = ApiKey.objects.filter(prefix=plain[:15].replace("\0", "")).first()
    except Error:
        if cached and key is not None and now - read_at < _STALE_SECONDS:
            _database_failed_at = now
            return key if key.is_valid(timezone.now()) else None
        raise DatabaseUnavailable() from None
    # An unknown prefix costs the same comparison as a known one.
    matches = secrets.compare_digest(digest, found.digest if found else _NOBODY)
    if found is None or not matches or not found.is_valid(timezone.now()):
        _known.pop(digest, None)
        return None
    if len(_known) >= _MAX_CACHED:
        _known.clear()
    _known[digest] = (found, now)
    return found


def is_valid_key(header: str) -> bool:
    """Return whether a header Authorization has a key that is valid, or that nobody can check now.

    It is asked before a large body is read, in whichever way clients send keys. The view decides.
    """
    scheme, _, credential = header.partition(" ")
    if scheme.lower() == "basic":
        with suppress(ValueError):
            credential = base64.b64decode(credential).decode().partition(":")[2]
    try:
        return credential.isascii() and find(credential.strip(), cached=True) is not None
    except DatabaseUnavailable:
        return True


def _only_predicts(request: Any) -> bool:
    view = request.parser_context.get("view")
    return getattr(view, "scope", None) == ApiKey.Scope.PREDICT
