"""Accounts of people who work in the pages: their roles, and the key under which each one's reviews are kept."""

import secrets
from enum import IntEnum
from typing import Any

from django.contrib.auth import password_validation
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from api.lib import audit_log
from api.models import ApiKey

FIRST_NAME = "operator"
# Of a password that is made here: 96 random bits.
_PASSWORD_BYTES = 12


class Role(IntEnum):
    """What a person may do in the pages; each role may do what those below it may."""

    VISITOR = 0
    MODERATOR = 1
    OPERATOR = 2


#: The groups of Django's accounts that give a role.
GROUPS = {"moderator": Role.MODERATOR, "operator": Role.OPERATOR}


def role_of(user: AbstractBaseUser | AnonymousUser | None) -> Role:
    """Return the highest role of an account; that of a visitor without one, or where it is not active."""
    if not isinstance(user, User) or not user.is_active:
        return Role.VISITOR
    if user.is_superuser:
        return Role.OPERATOR
    names = user.groups.values_list("name", flat=True)
    return max((GROUPS[name] for name in names if name in GROUPS), default=Role.VISITOR)


def key_of_account(user: User) -> ApiKey:
    """Return the key under which an account's reviews are kept, made when it is first needed.

    Nobody has its text: it works in the pages alone. It is trusted, as an operator has made the account; an operator
    can quarantine or revoke it as any other.
    """
    if found := ApiKey.objects.filter(account=user).first():
        return found
    try:
        with transaction.atomic():
            key, _ = ApiKey.issue(f"account {user.get_username()}"[:100], [ApiKey.Scope.REVIEW], trust="trusted")
            key.account = user
            key.save(update_fields=["account"])
            audit_log.record("key.created", str(key), by=by(user), scopes=key.scopes, trust=key.trust)
            return key
    except IntegrityError:  # another request of this account was faster
        return ApiKey.objects.get(account=user)


def by(user: Any) -> str:
    """Return how histories and the audit log name an account."""
    return f"{user.get_username()} (account)"


def create(name: str, role: str, *, made_by: str) -> tuple[User, str]:
    """Make an account, and return it with its password, of which there is no other copy.

    Args:
        role: one of `GROUPS`.
        made_by: for the audit log.

    Raises:
        ValidationError: the name is taken, or no name.
    """
    user = User(username=name)
    user.full_clean(exclude=["password"])
    password = new_password(user)
    with transaction.atomic():
        user.save()
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        audit_log.record("account.created", name, by=made_by, role=role)
    return user, password


def reset_password(user: User, *, made_by: str) -> str:
    """Give an account a new password, which ends its sessions, and return it."""
    password = new_password(user)
    with transaction.atomic():
        user.save(update_fields=["password"])
        audit_log.record("account.password_reset", user.get_username(), by=made_by)
    return password


def new_password(user: User) -> str:
    """Set a random password on an account that is not saved yet, and return it."""
    while True:
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        try:
            password_validation.validate_password(password, user)
        except ValidationError:  # one of 10^19 that happens to be a common one
            continue
        user.set_password(password)
        return password


def create_first_operator() -> str | None:
    """Make the first operator's account where nobody has an account; return its password, or None."""
    if User.objects.exists():
        return None
    return create(FIRST_NAME, "operator", made_by="first start")[1]
