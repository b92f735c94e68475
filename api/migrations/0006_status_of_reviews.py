"""The status of reviews that are there already, and the steps that can still be told."""

from django.db import migrations
from django.db.models import Exists, OuterRef
from django.utils import timezone

_BATCH = 2_000
_RECEIVED = "Received before steps were kept."
_TRAINED = "Version {version} learned it, or was the first to serve that knew it."
_SUPERSEDED = "The same key said something newer about this text."


def fill(apps, schema_editor):
    ReviewedTweet = apps.get_model("api", "ReviewedTweet")
    reviews = ReviewedTweet.objects.filter(key__isnull=False, status="")
    newer = ReviewedTweet.objects.filter(
        source=OuterRef("source"), fingerprint=OuterRef("fingerprint"), opinion__gt=OuterRef("opinion")
    )
    old = reviews.annotate(is_old=Exists(newer)).filter(is_old=True).order_by("pk").values_list("pk", flat=True)
    superseded = list(old)
    for start in range(0, len(superseded), 500):
        ReviewedTweet.objects.filter(pk__in=superseded[start : start + 500]).update(status="superseded")
    reviews.filter(held_out=True).update(status="held_out")
    reviews.filter(trained_in__isnull=False).update(status="trained")
    reviews.update(status="pending")
    _add_steps(apps)


def _add_steps(apps):
    ReviewedTweet, ReviewEvent = apps.get_model("api", "ReviewedTweet"), apps.get_model("api", "ReviewEvent")
    versions = dict(apps.get_model("api", "ModelVersion").objects.values_list("pk", "created_at"))
    rows = ReviewedTweet.objects.filter(key__isnull=False, events__isnull=True).order_by("pk")
    now, steps = timezone.now(), []
    for pk, status, held_out, created_at, version in rows.values_list(
        "pk", "status", "held_out", "created_at", "trained_in"
    ):
        first = "held_out" if held_out else "pending"
        steps.append(ReviewEvent(review_id=pk, at=created_at, status=first, reason=_RECEIVED))
        if version is not None:
            reason = _TRAINED.format(version=version)
            steps.append(
                ReviewEvent(review_id=pk, at=versions[version], status="trained", reason=reason, version_id=version)
            )
        if status == "superseded":
            steps.append(ReviewEvent(review_id=pk, at=now, status=status, reason=_SUPERSEDED))
    ReviewEvent.objects.bulk_create(steps, batch_size=_BATCH)


class Migration(migrations.Migration):
    dependencies = [("api", "0005_review_events")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
