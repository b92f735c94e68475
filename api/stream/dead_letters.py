"""Messages that could not be worked on: trying them again, or throwing them away."""

from django.db import transaction
from django.utils import timezone

from api.lib import audit_log
from api.models import DeadLetter
from api.prediction import active_model
from api.stream import processing
from api.stream.sources import Received


def retry(letter: DeadLetter) -> DeadLetter:
    """Work on a dead letter here and now: after an update of the program, or of what it stumbled over.

    Its event and that it is resolved are one transaction. One that is resolved already is left alone.

    Returns:
        The letter: `resolved_at` says whether it worked, `error` why not.

    Raises:
        ModelNotReady: no model is loaded.
        DeadLetter.DoesNotExist: it was deleted meanwhile.
    """
    model = active_model.get()
    with transaction.atomic():
        letter = DeadLetter.objects.select_for_update().get(pk=letter.pk)
        if letter.resolved_at is not None:
            return letter
        received = Received(letter.position, letter.payload.encode(), letter.received_at)
        work = processing.judge([received], model)
        outcome = processing.store(work)
        letter.tries += 1
        if not outcome.dead:
            letter.resolved_at, letter.payload = timezone.now(), ""
        elif work.dead:
            letter.error = work.dead[0].error[:500]
        letter.save()
    return letter


def discard(letter: DeadLetter, *, by: str) -> None:
    """Delete a dead letter for good."""
    with transaction.atomic():
        audit_log.record("dead_letter.discarded", letter.position, by=by, error=letter.error)
        letter.delete()
