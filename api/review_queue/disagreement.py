"""Where the version that serves and the one before it decide differently. The worker finds out: it has both."""

from django.conf import settings
from django.db.models import F

from api.models import Promotion, StoredPrediction
from api.prediction import active_model
from api.prediction.loading import LoadedModel
from api.review_queue import controls
from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.labels import HATE_SPEECH

_COMPARED_AT_ONCE = 2_000
# So that some are ready when the queue is asked for this reason alone.
_CONTROLS = 10


def compare_versions() -> None:
    """Have the version that serves and the one before it judge the stored texts, a few thousand at a time."""
    champion = Promotion.champion()
    before = Promotion.objects.exclude(version=champion).order_by("-pk").first() if champion else None
    if champion is None or before is None:
        return
    due = StoredPrediction.objects.exclude(compared_for=champion.pk).order_by("-last_seen")
    rows = list(due.values_list("pk", "tweet", "disagreement")[:_COMPARED_AT_ONCE])
    if not rows:
        return
    try:
        new, old = active_model.pinned(champion.pk), active_model.pinned(before.version_id)
    except ArtifactError:
        return  # said where it is to serve; nothing to compare with
    tweets = [tweet for _, tweet, _ in rows]
    scores = zip(old.scorer.probabilities(tweets), new.scorer.probabilities(tweets), strict=True)
    for (pk, _, said), (was, now) in zip(rows, scores, strict=True):
        says = _disagreement(old, was, new, now)
        if says != said:
            row = StoredPrediction.objects.filter(pk=pk, disagreement=said)  # unless it was predicted again meanwhile
            row.update(disagreement=says, worth=F("worth") + (bool(says) - bool(said)))
    StoredPrediction.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(compared_for=champion.pk)
    _plant_controls(old, new)


def _plant_controls(old: LoadedModel, new: LoadedModel) -> None:
    """Keep some control items ready about which the versions disagree, where clients' texts have that reason, too."""
    disputed = StoredPrediction.objects.exclude(disagreement="")
    missing = _CONTROLS - disputed.filter(is_control=True, claims=0).count()
    if not settings.CONTROL_SHARE or not disputed.filter(is_control=False).exists():
        return
    for row in controls.random_rows() if missing > 0 else []:
        was, now = (model.scorer.probabilities([row.tweet])[0] for model in (old, new))
        if (says := _disagreement(old, was, new, now)) and controls.store(row, new, says):
            missing -= 1
        if missing <= 0:
            break


def _disagreement(old: LoadedModel, was: float, new: LoadedModel, now: float) -> str:
    said, says = (
        probability >= model.scorer.thresholds[HATE_SPEECH] for model, probability in ((old, was), (new, now))
    )
    if said == says:
        return ""
    answers = {True: "yes", False: "no"}
    return (
        f"Version {old.version} says {answers[said]}, with {was:.2f}; "
        f"version {new.version} says {answers[says]}, with {now:.2f}."
    )
