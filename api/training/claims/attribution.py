"""What there is to ask a person: claims beyond the bound, and labels without which a candidate would pass the gate.

Leaving one source out is the exact form of what an influence function estimates (P. Koh, P. Liang, ICML 2017). It costs
a training for each source, so it is asked only of nights that fail, and of the sources with most new labels.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from api.models import ApprovalRequest, ReviewedTweet
from api.training.claims.approvals import SET_ASIDE, Request
from api.training.dataset import Dataset, NewLabel
from api.training.outcomes import Change
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.influence import Doubt, to_ask
from hate_speech_ai.training.trainer import Trained

Kind = ApprovalRequest.Kind
Status = ReviewedTweet.Status
Reasons = Callable[[Sequence[Example]], list[str]]

#: More requests than these nobody reads; the largest are asked, and all are kept to the bound.
_MOST_REQUESTS = 20
_MOST_SOURCES = 2
_LEAST_SHARE = 0.05


def from_doubts(doubts: Sequence[Doubt], dataset: Dataset) -> list[Request]:
    """Return what a person is to be asked about doubts, those about most reviews first."""
    found = [
        Request(
            doubt.kind,
            doubt.source,
            [dataset.claims[place].pk for place in doubt.examples],
            doubt.label,
            doubt.answer,
            doubt.words,
            doubt.learned,
            doubt.changed,
        )
        for doubt in to_ask(doubts, dataset.training)
    ]
    found.sort(key=lambda request: -len(request.reviews))
    return found[:_MOST_REQUESTS]


def without_set_aside(changes: Sequence[Change], doubts: Sequence[Doubt], dataset: Dataset) -> list[Change]:
    """Return what becomes of reviews, where those that are set aside are not learned but wait."""
    aside = {
        dataset.claims[place].pk: dataset.claims[place]
        for doubt in doubts
        if doubt.kind == Kind.CONTRADICTS
        for place in doubt.examples
    }
    others = [change for change in changes if change.pk not in aside]
    back = [
        Change(row.pk, row.tweet, row.status, Status.PENDING, SET_ASIDE)
        for row in aside.values()
        if row.status != Status.PENDING
    ]
    return others + back


def blamed(dataset: Dataset, trained: Trained, reasons_without: Reasons) -> list[Request]:
    """Return the new labels that a person must confirm, because without one source's the gate would let the rest pass.

    Of the source's labels, those are meant that go against the answer of a model that has learned from no claim: others
    move nothing.

    Args:
        reasons_without: trains on some examples, and returns what the gate says against the result.
    """
    counts = Counter(label.source for label in dataset.new)
    suspects = [source for source, count in counts.most_common(_MOST_SOURCES) if count >= _LEAST_SHARE * counts.total()]
    for source in suspects:
        theirs = [label for label in dataset.new if label.source == source]
        if len(counts) > 1:
            left_out = {label.example for label in theirs}
            rest = [one for place, one in enumerate(dataset.training) if place not in left_out]
            if reasons_without(rest):
                continue
        against = {label.example for label in theirs if _goes_against(label, trained)}
        pks = [dataset.claims[place].pk for place in sorted(against) if place in dataset.claims]
        if pks:
            return [Request(Kind.REJECTED, source, pks)]
    return []


def _goes_against(label: NewLabel, trained: Trained) -> bool:
    if label.label not in trained.unclaimed:
        return True
    probability = trained.unclaimed[label.label][label.example]
    return bool((probability >= 0.5) != label.answer)
