"""Whose labels a training run doubts: those that fail the gate, and those about held-out texts."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from api.models import ApiKey, ReviewedTweet
from api.reviews import intake
from api.training import key_reliability
from api.training.claims import attribution
from api.training.dataset import Dataset, HeldOutLabel, NewLabel, read
from api.training.outcomes import Stored
from api.training.statistics import Statistics
from hate_speech_ai.annotator_reliability import Reliability
from hate_speech_ai.training.examples import Example

HATE = "hate_speech"


def dataset(*sources: str, answer: bool = True) -> Dataset:
    """Ten new claims of each source."""
    found = Dataset()
    for source in sources:
        for number in range(10):
            place, tweet = len(found.training), f"{source} {number}"
            found.claims[place] = Stored(100 + place, tweet, {HATE: answer}, "pending", False, "", "", is_control=False)
            found.new.append(NewLabel(source, HATE, answer, place))
            found.training.append(Example(tweet, {HATE: answer}, "reviews", claimed_by=source))
    return found


def trained(rows: int, probability: float = 0.1) -> Any:
    return SimpleNamespace(unclaimed={HATE: np.full(rows, probability)})


def fails_with(culprit: str) -> attribution.Reasons:
    return lambda rows: ["F1 falls"] if any(row.claimed_by == culprit for row in rows) else []


def test_the_source_is_blamed_without_which_the_rest_passes() -> None:
    found = dataset("key:1", "key:2")

    [request] = attribution.blamed(found, trained(20), fails_with("key:2"))

    assert (request.kind, request.source) == ("rejected", "key:2")
    assert request.reviews == list(range(110, 120))


def test_nobody_is_blamed_for_what_fails_anyway() -> None:
    assert attribution.blamed(dataset("key:1", "key:2"), trained(20), lambda rows: ["F1 falls"]) == []


def test_a_source_that_sent_all_is_blamed_without_another_training() -> None:
    def never(rows: Any) -> list[str]:
        raise AssertionError("there is nothing to train on")

    [request] = attribution.blamed(dataset("key:1"), trained(10), never)

    assert request.source == "key:1"


def test_labels_that_the_base_agrees_with_are_not_set_aside() -> None:
    assert attribution.blamed(dataset("key:1"), trained(10, probability=0.9), lambda rows: []) == []


@pytest.mark.django_db
@pytest.mark.parametrize(("lies", "believed"), [(0, True), (20, True), (60, False)])
def test_held_out_labels_are_doubted(lies: int, believed: bool) -> None:
    key, _ = ApiKey.issue("a forum", ["review"], trust="trusted")
    intake.add(tweet="a review of theirs", labels={HATE: True}, source=key.source, key=key)
    labels = [HeldOutLabel(key.source, HATE, number < lies, f"tweet {number}") for number in range(100)]
    there = Dataset(held_out_labels=labels, reliabilities={key.source: Reliability()})
    sure: Any = SimpleNamespace(labels=[HATE], probabilities=lambda tweets, label: [0.02] * len(tweets))

    found = key_reliability.find(there, trained(0), sure, Statistics())

    assert (found.flagged == []) == believed
    assert found.figures[key.prefix]["held_out"]["contradicted"] == lies
    assert all("held-out labels" in reason and str(key) in reason for reason in found.reasons)


@pytest.mark.django_db
def test_who_claims_what() -> None:
    ann, bob = (ApiKey.issue(name, ["review"], trust="trusted")[0] for name in ("ann", "bob"))
    for who, tweet, answer in (
        (ann, "only ann says this", True),
        (ann, "both of them say this", True),
        (bob, "both of them say this", True),
        (ann, "a person approved this", True),
        (ann, "the corpus says the opposite", True),
    ):
        intake.add(tweet=tweet, labels={HATE: answer}, source=who.source, key=who)
    intake.add(tweet="the corpus agrees", labels={HATE: True}, source="corpus:starter")
    intake.add(tweet="the corpus agrees", labels={HATE: True}, source=ann.source, key=ann)
    ReviewedTweet.objects.filter(tweet="a person approved this").update(approved=True)
    ReviewedTweet.objects.update(held_out=False)

    claimed = {row.tweet: row.claimed_by for row in read(None).training}

    assert claimed["only ann says this"] == ann.source
    assert [claimed[tweet] for tweet in ("both of them say this", "a person approved this", "the corpus agrees")] == [
        ""
    ] * 3
