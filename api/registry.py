"""Which version serves. Versions never change; a promotion is one more row that points at one."""

import logging

from django.db import transaction

from api import active_model, audit
from api.models import ModelVersion, Promotion

logger = logging.getLogger(__name__)


class NothingToRollBackTo(Exception):
    """No other version has served before this one."""


def promote(version: ModelVersion, *, by: str, reason: str) -> Promotion:
    """Make a version the champion, as a person asks; web processes follow within about a second.

    The gate is not asked. From now on, it measures candidates against this version too.

    Raises:
        ArtifactError: this program cannot load the version, so the champion stays.
    """
    active_model.load(version)
    with transaction.atomic():
        promotion = Promotion.objects.create(version=version, by=by, reason=reason, confirmed=True)
        audit.record("version.promoted", f"version {version.pk}", by=by, reason=reason)
    logger.info("version %s promoted by %s", version.pk, by)
    return promotion


def rollback(*, by: str, reason: str) -> Promotion:
    """Promote the version that served before the champion first did; again, the one before that.

    Raises:
        NothingToRollBackTo: there is none.
        ArtifactError: it cannot be loaded any more.
    """
    first = Promotion.objects.filter(version=Promotion.champion()).order_by("pk").first()
    before = Promotion.objects.filter(pk__lt=first.pk).order_by("-pk").first() if first else None
    if before is None:
        raise NothingToRollBackTo("no other version has served yet")
    return promote(before.version, by=by, reason=reason)
