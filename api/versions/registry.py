"""Which version serves, and which are kept. Versions never change; a promotion is one more row that points at one."""

import logging
from functools import partial

from django.conf import settings
from django.db import DatabaseError, transaction

from api.lib import audit_log
from api.models import ModelVersion, Promotion, TrainingRun
from api.prediction import loading
from api.versions import comparison
from hate_speech_ai.artifact import ArtifactError

logger = logging.getLogger(__name__)

#: How many versions that served are kept, for rolling back.
_SERVED = 5


class NothingToRollBackTo(Exception):
    """No other version has served before this one."""


class RegistryError(Exception):
    """The version is not to be retired; the message says why."""


def promote(version: ModelVersion, *, by: str, reason: str) -> Promotion:
    """Make a version the champion, as a person asks; web processes follow within about a second.

    The gate is not asked. From now on, it measures candidates against this version too. What changes is measured and
    kept with the promotion.

    Raises:
        ArtifactError: this program cannot load the version, or it is retired; the champion stays.
    """
    scorer, champion = loading.load(version).scorer, Promotion.champion()
    change = comparison.change(champion if champion != version else None, scorer)
    with transaction.atomic():
        TrainingRun.objects.lock_running()
        if retired := _locked(version).retired_reason:  # meanwhile
            raise ArtifactError(f"it is retired ({retired})")
        promotion = Promotion.objects.create(version=version, by=by, reason=reason, confirmed=True, change=change)
        audit_log.record("version.promoted", str(version), by=by, reason=reason)
        _retire_replaced()
    logger.info("version %s promoted by %s", version.pk, by)
    return promotion


def rollback(*, by: str, reason: str) -> Promotion:
    """Promote the version that served before the champion first did; again, the one before that.

    Retired versions are passed over.

    Raises:
        NothingToRollBackTo: there is none.
        ArtifactError: it cannot be loaded any more.
    """
    before = rollback_target()
    if before is None:
        raise NothingToRollBackTo("no other version has served yet that is not retired")
    return promote(before, by=by, reason=reason)


def rollback_target() -> ModelVersion | None:
    """Return the version that a rollback would promote; None where there is none."""
    first = Promotion.objects.filter(version=Promotion.champion()).order_by("pk").first()
    if first is None:
        return None
    earlier = Promotion.objects.filter(pk__lt=first.pk, version__retired_reason="")
    before = earlier.select_related("version").defer("version__artifact", "change").order_by("-pk").first()
    return before.version if before else None


def keep(version: ModelVersion, *, by: str, reason: str) -> None:
    """Let a version never be pruned.

    Raises:
        RegistryError: it is retired.
    """
    with transaction.atomic():
        if _locked(version).retired_reason:
            raise RegistryError(f"version {version.pk} is retired: its model is deleted, there is nothing to keep")
        ModelVersion.objects.filter(pk=version.pk).update(kept_reason=reason)
        audit_log.record("version.kept", str(version), by=by, reason=reason)


def release(version: ModelVersion, *, by: str, reason: str = "") -> None:
    """Let a version be pruned again. Doing so again changes nothing."""
    with transaction.atomic():
        if ModelVersion.objects.filter(pk=version.pk).exclude(kept_reason="").update(kept_reason=""):
            audit_log.record("version.released", str(version), by=by, reason=reason)


def retire(version: ModelVersion, *, by: str, reason: str) -> None:
    """Delete a version's artifact for good: nobody can promote it or ask it any more. Its row and figures stay.

    Raises:
        RegistryError: it serves, or it is kept, or it is retired already.
    """
    with transaction.atomic():
        now = _locked(version)
        if now == Promotion.champion():
            raise RegistryError(f"version {version.pk} serves; promote another before it is retired")
        if now.kept_reason:
            raise RegistryError(f"version {version.pk} is kept ({now.kept_reason}); release it before it is retired")
        if now.retired_reason:
            raise RegistryError(f"version {version.pk} is retired already ({now.retired_reason})")
        _retire(now, reason)
        audit_log.record("version.retired", str(version), by=by, reason=reason)


def retire_learned(versions: list[int], *, reason: str) -> list[int]:
    """Retire versions that learned what must be forgotten, also if they are kept; in the caller's transaction.

    The one that serves is retired as soon as another does.

    Returns:
        Those that are retired now.
    """
    retired = []
    for version in (
        ModelVersion.objects.select_for_update(no_key=True).filter(pk__in=versions, retired_reason="").order_by("pk")
    ):
        if version == Promotion.champion():
            ModelVersion.objects.filter(pk=version.pk).update(retire_when_replaced_reason=reason)
        else:
            _retire(version, reason)
            retired.append(version.pk)
    return retired


def prune(*, by: str) -> list[int]:
    """Retire what is older than the newest `KEEP_VERSIONS` versions; 0 keeps all.

    What serves, its parent, the baseline, the last five that served and what is marked as kept stay.

    Returns:
        The versions that are retired now, oldest first.
    """
    if not settings.KEEP_VERSIONS:
        return []
    with transaction.atomic():
        rows = ModelVersion.objects.filter(retired_reason="").order_by("-pk")
        newest = list(rows.values_list("pk", flat=True)[: settings.KEEP_VERSIONS])
        old = list(rows.select_for_update(no_key=True).filter(kept_reason="").exclude(pk__in=newest).order_by("pk"))
        needed = _needed()  # asked after the lock: nothing that is promoted meanwhile is pruned
        versions = [version for version in old if version.pk not in needed]
        for version in versions:
            _retire(version, f"pruned: older than the last {settings.KEEP_VERSIONS}")
        numbers = [version.pk for version in versions]
        if numbers:
            audit_log.record("versions.pruned", f"{len(numbers)} versions", by=by, versions=numbers)
    return numbers


def clean_up_after_promotion(*, by: str) -> None:
    """Clean up after a promotion. Failures are logged and do not fail the run.

    Retired versions are taken from the cache once more: it may have been away when they were retired, or a process that
    was just loading one may have put it back.
    """
    try:
        with transaction.atomic():
            _retire_replaced()
        if pruned := prune(by=by):
            logger.info("versions %s are pruned", ", ".join(map(str, pruned)))
        loading.take_from_cache(*ModelVersion.objects.exclude(retired_reason="").values_list("sha256", flat=True))
    except DatabaseError as error:
        logger.warning("versions were not pruned: %s", type(error).__name__)


def _needed() -> set[int]:
    """Return the versions that may still be needed."""
    champion, baseline = Promotion.champion(), Promotion.baseline()
    needed = {version.pk for version in (champion, baseline) if version}
    if champion and champion.parent_id:
        needed.add(champion.parent_id)
    served = Promotion.objects.filter(version__retired_reason="").order_by("-pk").values_list("version", flat=True)
    return needed | set(list(dict.fromkeys(served))[:_SERVED])


def _locked(version: ModelVersion) -> ModelVersion:
    """Lock a version for the rest of the transaction, so that it cannot be promoted and retired at once."""
    return ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)


def _retire_replaced() -> None:
    """Retire the versions that only served on because there was no other."""
    rows = (
        ModelVersion.objects.select_for_update(no_key=True)
        .exclude(retire_when_replaced_reason="")
        .filter(retired_reason="")
    )
    for version in rows.order_by("pk"):
        if version != Promotion.champion():  # asked after the lock: it may have been promoted meanwhile
            _retire(version, version.retire_when_replaced_reason)
            audit_log.record("version.retired", str(version), by="registry", reason=version.retire_when_replaced_reason)


def _retire(version: ModelVersion, reason: str) -> None:
    ModelVersion.objects.filter(pk=version.pk).update(
        artifact=b"", retired_reason=reason, kept_reason="", retire_when_replaced_reason=""
    )
    transaction.on_commit(partial(loading.take_from_cache, version.sha256))
