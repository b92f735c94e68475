"""Mark the rows of keys that nobody trusted, whatever became of them later; and reviews and claims of control items."""

from django.db import migrations, models

_BATCH = 500
# Steps that say that the review counted.
_COUNTED = ("pending", "held_out", "trained", "conflict")


def fill(apps, schema_editor):
    """What was superseded or withdrawn while it waited has lost its status, but not its history."""
    ReviewedTweet, ReviewEvent = apps.get_model("api", "ReviewedTweet"), apps.get_model("api", "ReviewEvent")
    ReviewedTweet.objects.filter(status="quarantined").update(untrusted=True)
    gone = ReviewedTweet.objects.filter(status__in=("superseded", "withdrawn"))
    ids = list(gone.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        events = ReviewEvent.objects.filter(review_id__in=some, status__in=(*_COUNTED, "quarantined")).order_by("pk")
        last = dict(events.values_list("review_id", "status"))
        waited = [pk for pk, status in last.items() if status == "quarantined"]
        ReviewedTweet.objects.filter(pk__in=waited).update(untrusted=True)


class Migration(migrations.Migration):
    dependencies = [("api", "0015_influence")]
    operations = [
        migrations.AddField(
            model_name="queueclaim",
            name="is_control",
            field=models.BooleanField(default=False, help_text="whether the tweet was a control item then"),
        ),
        migrations.AddField(
            model_name="reviewedtweet",
            name="is_control",
            field=models.BooleanField(
                default=False,
                help_text="of a control item that was handed out: it measures the key, and teaches nothing",
            ),
        ),
        migrations.AddField(
            model_name="reviewedtweet",
            name="untrusted",
            field=models.BooleanField(
                default=False,
                help_text="of a key that is not trusted, approved by nobody; stays when it is superseded",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewedtweet",
            index=models.Index(condition=models.Q(("untrusted", True)), fields=["key"], name="untrusted_by_key"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
