"""What a training finds out about keys: whose new labels to doubt, how reliable each is, how far reviewers agree.

docs/decisions/0011-trust.md has the rules.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from api.keys import trust
from api.keys.queries import with_reviews
from api.models import ApiKey, ReviewedTweet, ReviewerAgreement
from api.training.dataset import Dataset, Rater
from api.training.statistics import Statistics
from hate_speech_ai.annotator_reliability import Counts, NoiseEstimate, Reliability, reasons_to_quarantine
from hate_speech_ai.evaluation.metrics import agreement
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training.trainer import Trained

_BATCH = 500
_LARGE_SHARE = 0.2


@dataclass(frozen=True)
class Findings:
    """About the keys whose reviews a training has read.

    Attributes:
        figures: of each key, by its prefix, as JSON can hold them.
        flagged: the keys whose new labels are not believed, with the sentences that say why.
        agreements: of their reviewers with others; not stored yet. None where they could not be measured.
    """

    figures: dict[str, Any]
    flagged: list[tuple[ApiKey, list[str]]]
    agreements: list[ReviewerAgreement] | None

    @property
    def reasons(self) -> list[str]:
        return [sentence for _, sentences in self.flagged for sentence in sentences]


def find(dataset: Dataset, trained: Trained, reference: Scorer | None, statistics: Statistics) -> Findings:
    """Measure every key. Nothing is stored: it takes seconds where there are many reviewers.

    Args:
        reference: a model that has learned from no claim, or failing that the champion; for held-out labels.
        statistics: bounds what decides nothing.
    """
    seen, held_out, ever = _compared(dataset, trained), _compared_held_out(dataset, reference), _ever(dataset, trained)
    # A key whose first review came in since has no reliability yet.
    keys = {key.source: key for key in with_reviews() if key.source in dataset.reliabilities}
    figures, flagged = {}, []
    for source, key in keys.items():
        reliability, doubt = dataset.reliabilities[source], seen[source]
        figures[key.prefix] = {
            # What waits is shown, but does not decide what the key's votes weigh.
            **(reliability + dataset.unapproved.get(source, Reliability())).as_dict(),
            "weight": reliability.weight,
            **doubt.as_dict(),
            "deferred": dataset.waiting.get(source, 0),
        }
        limits = {"max_contradicted": settings.TRUST_MAX_CONTRADICTED, "min_agreement": settings.TRUST_MIN_AGREEMENT}
        why = [f"the new labels of {key} {one}" for one in reasons_to_quarantine(reliability, doubt, **limits)]
        measured = held_out[source]
        figures[key.prefix]["held_out"] = measured.as_dict()
        if key.trust == ApiKey.Trust.TRUSTED:
            others = [("held-out labels", measured), ("labels of all nights", ever[source])]
            for which, estimate in others:
                if not why and (estimate.new_labels if which != "labels of all nights" else doubt.new_labels):
                    found = reasons_to_quarantine(Reliability(), estimate, **limits)
                    why += [f"the {which} of {key} {one}" for one in found]
        if why:
            flagged.append((key, [f"{one}; they are quarantined" for one in why]))
    agreements = statistics.measure("how far reviewers agree", lambda: _agreements(dataset, keys, statistics.check))
    return Findings(figures, flagged, agreements)


def keys_with_most_rows() -> list[str]:
    """Return a sentence for each key that has a fifth or more of all rows that a training reads, for one that failed.

    A run that has not enough time or memory is not the fault of a key. But if a key is, it is one of these.
    """
    rows = ReviewedTweet.objects.believed()
    number = rows.count()
    counts = rows.filter(key__isnull=False).values_list("key").annotate(rows=Count("pk")).order_by("-rows")
    return [
        f"{count:,} of the {number:,} rows that a training reads are reviews of {ApiKey.objects.get(pk=key)}; if they "
        "are what is too much, quarantine the key with what was learned from it"
        for key, count in counts
        if count >= _LARGE_SHARE * number
    ]


def store(findings: Findings) -> None:
    """In the transaction of the run's result, before reviews are locked."""
    keys = list(ApiKey.objects.filter(prefix__in=findings.figures))
    now = timezone.now().isoformat()
    for key in keys:
        key.reliability = {**findings.figures[key.prefix], "at": now}
    ApiKey.objects.bulk_update(keys, ["reliability"])
    if findings.agreements is not None:
        ReviewerAgreement.objects.all().delete()
        ReviewerAgreement.objects.bulk_create(findings.agreements, batch_size=_BATCH)


def quarantine_flagged(findings: Findings, *, by: str) -> None:
    """Quarantine the keys that are not believed, with their new labels."""
    for key, sentences in findings.flagged:
        trust.quarantine(key, by=by, reason="; ".join(sentences))


def _compared(dataset: Dataset, trained: Trained) -> dict[str, NoiseEstimate]:
    """Estimate the noise in each key's new labels from the predictions of a model that has learned from no claim."""
    found: dict[str, NoiseEstimate] = defaultdict(NoiseEstimate)
    for label in dataset.new:
        if label.label in trained.unclaimed:
            found[label.source].add(label.answer, float(trained.unclaimed[label.label][label.example]))
    return found


def _ever(dataset: Dataset, trained: Trained) -> dict[str, NoiseEstimate]:
    """Estimate it in all that each key claims, learned or new: a patient liar sends a few lies a night."""
    found: dict[str, NoiseEstimate] = defaultdict(NoiseEstimate)
    for place, row in dataset.claims.items():
        example = dataset.training[place]
        for label, answer in example.labels.items():
            if label in row.labels and label in trained.unclaimed:
                found[example.claimed_by].add(answer, float(trained.unclaimed[label][place]))
    return found


def _compared_held_out(dataset: Dataset, reference: Scorer | None) -> dict[str, NoiseEstimate]:
    """Estimate it in what keys say about held-out texts, which no model has learned."""
    found: dict[str, NoiseEstimate] = defaultdict(NoiseEstimate)
    for label in dataset.held_out_labels if reference else ():
        if reference and label.label in reference.labels:
            found[label.source].add(label.answer, reference.probabilities([label.tweet], label.label)[0])
    return found


def _agreements(dataset: Dataset, keys: dict[str, ApiKey], check: Callable[[], None]) -> list[ReviewerAgreement]:
    """Measure each reviewer's agreement with the majority of the others who judged the same texts, by label."""
    found = []
    for label, texts in dataset.opinions.items():
        pairs: dict[Rater, dict[str, dict[str, bool]]] = defaultdict(dict)
        for text, said in texts.items():
            check()
            counts = Counts.of(said.values())
            for who, answer in said.items():
                others = counts.without(answer).majority
                if who[0] in keys and others is not None:
                    pairs[who][text] = {"who": answer, "others": others}
        for (source, reviewer), judged in sorted(pairs.items()):
            check()
            found.append(
                ReviewerAgreement(
                    key=keys[source], reviewer=reviewer, label=label, alpha=agreement(judged), tweets=len(judged)
                )
            )
    return found
