"""Whose labels train: trust levels, approval, and what is measured about a key's labels.

docs/decisions/0011-trust.md has the rules and the figures they come from.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from api import audit
from api.models import ApiKey, ReviewedTweet, ReviewEvent

Status = ReviewedTweet.Status
Trust = ApiKey.Trust
_BATCH = 500

APPROVED = "Approved by {by}; the next training learns from it."
APPROVED_HELD_OUT = "Approved by {by}; its text is one of those that models are measured on, so none is trained on it."
QUARANTINED = "Quarantined by {by}; it counts no more until a person approves it."

# Below this share of agreement on tweets whose answer is known, a key's votes weigh less than one.
_FULL_WEIGHT = 0.7
# As if so many tweets had been judged before, and nearly all of them well: a first mistake says little.
_PRIOR_JUDGED, _PRIOR_AGREED = 10, 9
# Where this sure, a model that has not seen them contradicts 2 to 21 % of honest labels, and 24 to 40 % of labels of
# which 30 % are the wrong way round.
_SURE = 0.9
# A moderator who corrects the model this often in a day is not doubted for it.
_FEWEST_CONTRADICTED = 20
# Nor one who corrects a corpus here and there.
_FEWEST_KNOWN = 20


@dataclass
class Standing:
    """How a key's opinions compare with those of others about the same texts, by their answers to hate_speech.

    Attributes:
        known, known_agreed: texts that corpora answer, and those of them on which the key agrees with the corpora.
        peers, peers_agreed: the same with what other trusted keys say.
    """

    known: int = 0
    known_agreed: int = 0
    peers: int = 0
    peers_agreed: int = 0

    @property
    def share(self) -> float:
        """Of agreement, 0 to 1, as if the key had agreed on 9 of 10 more."""
        judged = self.known + self.peers + _PRIOR_JUDGED
        return round((self.known_agreed + self.peers_agreed + _PRIOR_AGREED) / judged, 4)

    @property
    def weight(self) -> float:
        """Of the key's vote, as `labels.decide` counts it: 1, or the share where that is below 0.7."""
        return 1.0 if self.share >= _FULL_WEIGHT else self.share

    def as_dict(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("known", "known_agreed", "peers", "peers_agreed")}
        return {**counts, "share": self.share, "weight": self.weight}


@dataclass
class Doubt:
    """What a model, without having seen them, says about a key's new labels.

    Attributes:
        new: labels of this night that nobody approved one by one.
        sure: those of them on which the model was sure of an answer, whichever it was.
        contradicted: those on which it was sure of the other.
    """

    new: int = 0
    sure: int = 0
    contradicted: int = 0

    def add(self, answer: bool, probability: float) -> None:
        """Count a label.

        Args:
            probability: of hate_speech, by a model that has not seen the label.
        """
        self.new += 1
        if max(probability, 1 - probability) >= _SURE:
            self.sure += 1
            self.contradicted += answer != (probability >= 0.5)

    def as_dict(self) -> dict[str, int]:
        return {"new": self.new, "sure": self.sure, "contradicted": self.contradicted}


def weights() -> dict[str, float]:
    """Of the votes of each key whose vote does not count in full, by source, as the last training saw it."""
    keys = ApiKey.objects.exclude(standing={}).only("pk", "standing")
    return {key.source: key.standing["weight"] for key in keys if key.standing.get("weight", 1.0) < 1.0}


def within_cap(new: Mapping[str, int]) -> dict[str, int]:
    """How many of a night's new labels of each source are taken; the oldest are.

    Args:
        new: how many there are of each source.
    """
    most = max(settings.NIGHT_MIN_LABELS, math.ceil(settings.NIGHT_MAX_SHARE * sum(new.values())))
    return {source: min(count, most) for source, count in new.items()}


def doubts(standing: Standing, doubt: Doubt) -> list[str]:
    """Why a key's new labels are not believed, in words that follow "the new labels of ..."; nothing where they are.

    Both are judged by the end of Wilson's 95 % interval that speaks for the key, so that few labels convict nobody.
    """
    found = []
    limit = settings.TRUST_MAX_CONTRADICTED
    if doubt.contradicted >= _FEWEST_CONTRADICTED and wilson(doubt.contradicted, doubt.sure)[0] > limit:
        found.append(
            f"contradict in {doubt.contradicted} of {doubt.sure} cases what a model that has not seen them is sure of, "
            f"surely more than {limit:.0%}"
        )
    limit = settings.TRUST_MIN_AGREEMENT
    if doubt.new and standing.known >= _FEWEST_KNOWN and wilson(standing.known_agreed, standing.known)[1] < limit:
        found.append(
            f"come from a key that agrees on only {standing.known_agreed} of {standing.known} tweets whose answer is "
            f"known, surely less than {limit:.0%}"
        )
    return found


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The 95 % interval of a share.

    Args:
        whole: 1 or more.

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927).
    """
    z = 1.959964
    share = part / whole
    centre = share + z * z / (2 * whole)
    half = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    scale = 1 + z * z / whole
    return (centre - half) / scale, (centre + half) / scale


def trust(key: ApiKey, *, by: str, reason: str, approve_waiting: bool = False) -> int:
    """Let what a key says from now on train; how many waiting reviews were approved as well, if that is asked for."""
    with transaction.atomic():
        _set_level(key, Trust.TRUSTED, by=by, reason=reason)
        return approve(key.reviews.all(), by=by, reason=reason) if approve_waiting else 0


def quarantine(key: ApiKey, *, by: str, reason: str, everything: bool = False) -> int:
    """Let what a key says wait, with what no model has learned yet; how many reviews that are.

    Args:
        everything: also what models have learned or are measured on: the next training does without it.
    """
    statuses = [Status.PENDING]
    if everything:
        statuses += [Status.TRAINED, Status.CONFLICT, Status.HELD_OUT]
    with transaction.atomic():
        _set_level(key, Trust.QUARANTINED, by=by, reason=reason)
        rows = key.reviews.filter(status__in=statuses)
        if not everything:
            rows = rows.filter(approved=False)
        return _move(rows, Status.QUARANTINED, QUARANTINED.format(by=by), approved=False)


def approve(rows: QuerySet[ReviewedTweet], *, by: str, reason: str = "") -> int:
    """Let reviews count that are quarantined, and doubt neither these nor those that no model has learned yet.

    Returns:
        How many that were. Others among the rows stay as they are.
    """
    waiting = rows.filter(Q(status=Status.QUARANTINED) | Q(status=Status.PENDING, approved=False))
    with transaction.atomic():
        count = _move(waiting.filter(held_out=True), Status.HELD_OUT, APPROVED_HELD_OUT.format(by=by), approved=True)
        count += _move(waiting.filter(held_out=False), Status.PENDING, APPROVED.format(by=by), approved=True)
        if count:
            audit.record("reviews.approved", f"{count} reviews", by=by, reason=reason)
    return count


def _set_level(key: ApiKey, level: str, *, by: str, reason: str) -> None:
    if ApiKey.objects.filter(pk=key.pk).exclude(trust=level).update(trust=level):
        audit.record(f"key.{level}", str(key), by=by, reason=reason)
    key.trust = level


def _move(rows: QuerySet[ReviewedTweet], status: str, reason: str, *, approved: bool) -> int:
    """Give reviews another status, with a step in their history."""
    ids = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        ReviewedTweet.objects.filter(pk__in=some).update(status=status, approved=approved)
        ReviewEvent.objects.bulk_create(ReviewEvent(review_id=pk, status=status, reason=reason) for pk in some)
    return len(ids)


def compare(opinions: Iterable[Mapping[str, bool]], trusted: Sequence[str]) -> dict[str, Standing]:
    """Each key's standing.

    Args:
        opinions: for each text, what each source answers to hate_speech.
        trusted: the sources of keys that others are measured against.
    """
    standings: dict[str, Standing] = {}
    peers = set(trusted)
    for said in opinions:
        corpora = [answer for source, answer in said.items() if not source.startswith("key:")]
        known = _majority(corpora)
        for source, answer in said.items():
            if not source.startswith("key:"):
                continue
            standing = standings.setdefault(source, Standing())
            if known is not None:
                standing.known += 1
                standing.known_agreed += answer == known
            others = _majority([theirs for other, theirs in said.items() if other in peers and other != source])
            if others is not None:
                standing.peers += 1
                standing.peers_agreed += answer == others
    return standings


def _majority(answers: Sequence[bool]) -> bool | None:
    """None where there is a tie, or nobody."""
    yes = sum(answers)
    return None if 2 * yes == len(answers) else 2 * yes > len(answers)
