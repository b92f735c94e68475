"""The reviewed tweets as a training sees them: what is trained on, what is measured on, and what becomes of each."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from api.keys import trust
from api.keys.queries import with_reviews
from api.models import ApiKey, ReviewedTweet
from api.models.reviews import NOT_COUNTED
from api.training import outcomes
from api.training.base_model import Base, made_with
from api.training.claims import claimants, waiting_reviews
from api.training.outcomes import Change, Stored
from hate_speech_ai.annotator_reliability import Reliability, compare
from hate_speech_ai.corpora.catalogue import CORPORA, STARTER
from hate_speech_ai.evaluation.evaluation_set import Row
from hate_speech_ai.evaluation.shares import capped
from hate_speech_ai.labels import HATE_SPEECH, resolve, rounded_answer
from hate_speech_ai.sources import corpus_name, corpus_source, is_corpus, is_key
from hate_speech_ai.training.base_model import learned_corpora
from hate_speech_ai.training.examples import Example

Status = ReviewedTweet.Status
_STARTER = corpus_source(STARTER.name)
_CORE = {_STARTER, "reviews"}

# Of one text, what each source said last.
BySource = dict[str, Stored]
# A source, and the reviewer that it named.
Rater = tuple[str, str]


@dataclass(frozen=True)
class NewLabel:
    """A key's answer that no model has learned and no person has approved.

    Attributes:
        example: its text's place among the training examples.
    """

    source: str
    label: str
    answer: bool
    example: int


@dataclass(frozen=True)
class HeldOutLabel:
    """A key's answer about a held-out text, which no person has approved."""

    source: str
    label: str
    answer: bool
    tweet: str


@dataclass(frozen=True)
class Dataset:
    """The reviewed tweets as they are at one moment, one entry for each cleaned text.

    Attributes:
        held_out: with the answers that all sources together give.
        corpus_holdout: for each label, held-out tweets of corpora with the corpora's own answers, whatever reviewers
            say.
        held_out_reviews: held-out tweets with the reviewers' own answers.
        changes: what becomes of reviews once a model of these rows serves.
        new: what this training would learn from keys, as far as nobody approved it.
        claims: the rows of the training examples that a key alone answers and nobody approved, by example.
        held_out_labels: what keys say about held-out texts, as far as nobody approved it.
        waiting: how many new labels of each source are left for another night.
        reliabilities: of each key that has reviews, by source; of those that count.
        unapproved: the same of what waits of keys that are not trusted, for the person who decides about them.
        opinions: label -> text -> who (a source and a reviewer) -> answer, of texts that keys judged.
        fingerprint: of what the rows teach and measure that the base does not know, of the base and of the recipe.
    """

    training: list[Example] = field(default_factory=list)
    held_out: list[Example] = field(default_factory=list)
    corpus_holdout: dict[str, list[Row]] = field(default_factory=dict)
    held_out_reviews: list[Row] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    new: list[NewLabel] = field(default_factory=list)
    claims: dict[int, Stored] = field(default_factory=dict)
    held_out_labels: list[HeldOutLabel] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)
    reliabilities: dict[str, Reliability] = field(default_factory=dict)
    unapproved: dict[str, Reliability] = field(default_factory=dict)
    opinions: dict[str, dict[str, dict[Rater, bool]]] = field(default_factory=dict)
    fingerprint: str = ""


def read(base: Base | None, *, without: str = "", without_new_of: Sequence[str] = ()) -> Dataset:
    """Read all reviewed tweets, in the order in which they came.

    Every source's newest opinion about a text counts, unless it was withdrawn. Rows of keys that are not trusted are
    not read at all. Several sources are resolved by `labels.resolve`, each with the weight of its reliability. Of one
    key's new labels, only so many are taken in one run.

    A review of a control item measures its key, by its first answer, and teaches nothing.

    What only the starter corpus says is known to a base model that was trained on it, and so is nothing new.

    Args:
        base: what a model will be trained on top of.
        without: a source that is to be left out.
        without_new_of: keys that are read as if they were quarantined.
    """
    learned_starter = base is not None and STARTER.name in learned_corpora(base.artifact)
    newest, superseded, held_out, opinions, first_of_controls = _read(without, without_new_of)
    said = (
        answers
        for text, by_source in newest.items()
        if len(answered := by_source | first_of_controls.get(text, {})) > 1
        for answers in _answers(answered)
    )
    trusted = [key.source for key in ApiKey.objects.filter(trust=ApiKey.Trust.TRUSTED).only("pk")]
    reliabilities = compare(said, trusted)
    for key in with_reviews().only("pk"):
        reliabilities.setdefault(key.source, Reliability())
    dataset = Dataset(
        changes=superseded,
        unapproved=waiting_reviews.reliabilities(newest, trusted, without),
        waiting=_leave_for_later(newest, held_out),
        reliabilities=reliabilities,
        opinions=opinions,
    )
    digest = made_with(base)
    for text, by_source in newest.items():
        counting = {source: row for source, row in by_source.items() if row.status not in NOT_COUNTED}
        if controls := {source: row for source, row in counting.items() if row.is_control}:
            counting = {source: row for source, row in counting.items() if not row.is_control}
            dataset.changes.extend(_settle_controls(controls, reliabilities, held_out=text in held_out))
            # A night with nothing else must be one.
            digest.update(json.dumps([row.pk for row in controls.values()]).encode())
        if not counting:
            continue
        weights = _weights(counting, reliabilities)
        known = learned_starter and counting.keys() == {_STARTER}
        if not known:
            for (source, row), weight in zip(counting.items(), weights, strict=True):
                content = [source, row.tweet, row.labels, row.author, weight, text in held_out]
                digest.update(json.dumps(content, sort_keys=True).encode())
        _add(dataset, counting, weights, held_out=text in held_out, known=known)
    return replace(dataset, fingerprint=digest.hexdigest(), held_out=capped(dataset.held_out))


def _read(
    without: str, without_new_of: Sequence[str]
) -> tuple[dict[str, BySource], list[Change], set[str], dict[str, Any], dict[str, BySource]]:
    """Collect each source's last labels for each text, and the rows' other properties."""
    newest: dict[str, BySource] = {}
    superseded: list[Change] = []
    held_out: set[str] = set()
    raters: dict[str, dict[Rater, Stored]] = {}
    first_of_controls: dict[str, BySource] = {}
    rows = (
        ReviewedTweet.objects.believed().exclude(source=without).exclude(trust.unlearned(without_new_of)).order_by("pk")
    )
    fields = rows.values_list("fingerprint", "source", "held_out", *Stored._fields)
    for text, source, is_held_out, *values in fields.iterator():  # one query is one snapshot
        row = Stored(*values)
        if row.is_control:  # also if it was withdrawn: a second answer is one that may have been looked up
            first_of_controls.setdefault(text, {}).setdefault(source, row)
        if is_held_out:
            held_out.add(text)
        by_source = newest.setdefault(text, {})
        older = by_source.pop(source, None)  # re-inserted, so that the newest opinion stands last
        if older is not None:
            superseded.extend(outcomes.superseded(older))
        if row.status != Status.WITHDRAWN:
            by_source[source] = row
            if not is_corpus(source):
                answered = raters.setdefault(text, {})
                if not (row.is_control and (source, row.reviewer) in answered):
                    answered[source, row.reviewer] = row
    for text, said in raters.items():
        said |= {(source, ""): row for source, row in newest[text].items() if is_corpus(source)}
    return newest, superseded, held_out, _by_label(raters), first_of_controls


def _by_label(raters: dict[str, dict[Rater, Stored]]) -> dict[str, Any]:
    found: dict[str, dict[str, dict[Rater, bool]]] = {}
    for text, said in raters.items():
        if len(said) < 2:
            continue
        for who, row in said.items():
            for label, grade in row.labels.items():
                if (answer := rounded_answer(grade)) is not None:
                    found.setdefault(label, {}).setdefault(text, {})[who] = answer
    return found


def _answers(by_source: BySource) -> Iterator[dict[str, bool]]:
    """For each label, what each source answers."""
    found: dict[str, dict[str, bool]] = {}
    for source, row in by_source.items():
        for label, grade in row.labels.items():
            if (answer := rounded_answer(grade)) is not None:
                found.setdefault(label, {})[source] = answer
    yield from found.values()


def _leave_for_later(newest: dict[str, BySource], held_out: set[str]) -> dict[str, int]:
    """Take out the new labels above each key's share of a night, the newest of them; how many of each source."""
    new = sorted(
        (row.pk, source, text)
        for text, by_source in newest.items()
        if text not in held_out
        for source, row in by_source.items()
        if _is_new(row)
    )
    counts = Counter(source for _, source, _ in new)
    left = trust.capped_per_source(counts)
    waiting: Counter[str] = Counter()
    for _, source, text in new:
        if left[source]:
            left[source] -= 1
        else:
            del newest[text][source]
            waiting[source] += 1
    return dict(waiting)


def _weights(by_source: BySource, reliabilities: dict[str, Reliability]) -> list[float]:
    return [reliabilities[source].weight if source in reliabilities else 1.0 for source in by_source]


def _settle_controls(controls: BySource, reliabilities: dict[str, Reliability], *, held_out: bool) -> Iterator[Change]:
    """Return what becomes of the reviews of a control item: what became of them, if no corpus had its text."""
    rows = list(controls.values())
    return outcomes.held_out(rows) if held_out else outcomes.learned(rows, _weights(controls, reliabilities))


def _is_new(row: Stored) -> bool:
    return row.status == Status.PENDING and not row.approved


def _add(dataset: Dataset, by_source: BySource, weights: list[float], *, held_out: bool, known: bool) -> None:
    rows = list(by_source.values())
    sources = [source if is_corpus(source) else "reviews" for source in by_source]
    example = Example(
        rows[0].tweet,
        resolve((row.labels for row in rows), weights),
        source=sources[0],
        in_domain=not _CORE.isdisjoint(sources),
        author=next((row.author for row in rows if row.author), ""),
        known=known,
        weight=_weight(sources[0]),
    )
    claimant = "" if known else claimants.claimant_of(by_source, example.labels)
    if claimant:
        example = replace(example, claimed_by=claimant)
    if held_out:
        dataset.held_out.append(example)
        weighed = list(zip(by_source.items(), weights, strict=True))
        for label, row in _rows((row, weight) for (source, row), weight in weighed if is_corpus(source)):
            dataset.corpus_holdout.setdefault(label, []).append(row)
        reviewed = _rows((row, weight) for (source, row), weight in weighed if not is_corpus(source))
        keys = [source for source in by_source if is_key(source)]
        alone = keys[0] if len(keys) == 1 else ""
        dataset.held_out_reviews.extend(replace(row, source=alone) for label, row in reviewed if label == HATE_SPEECH)
        dataset.held_out_labels.extend(_held_out_labels(by_source))
        dataset.changes.extend(outcomes.held_out(rows))
        return
    dataset.changes.extend(outcomes.learned(rows, weights))
    if not example.labels:
        return
    for source, stored in by_source.items():
        if _is_new(stored):
            for label, grade in stored.labels.items():
                if label in example.labels and (answer := rounded_answer(grade)) is not None:
                    dataset.new.append(NewLabel(source, label, answer, len(dataset.training)))
    if claimant:
        dataset.claims[len(dataset.training)] = by_source[claimant]
    dataset.training.append(example)


def _held_out_labels(by_source: BySource) -> Iterator[HeldOutLabel]:
    for source, row in by_source.items():
        if is_key(source) and not row.approved:
            for label, grade in row.labels.items():
                if (answer := rounded_answer(grade)) is not None:
                    yield HeldOutLabel(source, label, answer, row.tweet)


def _weight(source: str) -> float:
    """Return how much an error on a source's row counts, besides: what is known of a corpus's quality."""
    corpus = CORPORA.get(corpus_name(source))
    return corpus.weight if corpus else 1.0


def _rows(said: Iterable[tuple[Stored, float]]) -> Iterator[tuple[str, Row]]:
    """For each label, the tweet with the answer of those who judged it."""
    opinions = list(said)
    resolved = resolve((row.labels for row, _ in opinions), [weight for _, weight in opinions])
    for label, answer in resolved.items():
        yield label, Row(opinions[0][0].tweet, answer)
