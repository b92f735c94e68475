"""A run's candidate: trained on all that counts, and examined; where a key is not believed, on what the others said."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from api.models import ModelVersion
from api.training import base_model, snapshot
from api.training.base_model import Base
from api.training.dataset import Dataset, read
from api.training.embedding import remembered
from api.training.examination import Examined, examine
from api.training.key_reliability import Findings
from hate_speech_ai.encoder.embedder import Embedder
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.sources import corpus_name, is_corpus
from hate_speech_ai.training.base_model import learned_corpora
from hate_speech_ai.training.examples import NotEnoughData
from hate_speech_ai.training.trainer import Trained, train

Report = Callable[[str, float], None]

_WITHOUT = "this candidate has learned nothing new of that key"


@dataclass(frozen=True)
class Candidate:
    """What a run comes to, before any of it is stored.

    Attributes:
        before: how things stood before the run read anything.
        champion: the version that served then.
        encoder: that it was trained with, if any.
        found: by the examination of what was trained.
    """

    before: snapshot.Snapshot
    dataset: Dataset
    champion: ModelVersion | None
    encoder: Embedder | None
    trained: Trained
    found: Examined


class Unchanged(Exception):
    """The version that serves, or the last that was made, was made of the same rows."""


@dataclass(frozen=True)
class Workshop:
    """What candidates of one run have in common.

    Attributes:
        on: the model on top of which they are trained.
        baseline: the last version that a person chose.
        report: called with the name of each step and the share of the work done, 0 to 1.
    """

    on: Base | None
    champion: ModelVersion | None
    baseline: ModelVersion | None
    report: Report

    def make(self, before: snapshot.Snapshot, dataset: Dataset) -> Candidate:
        """Return the candidate that a run stores.

        If keys are not believed, what others said need not wait for another night: their candidate is made at once, and
        takes the place of the first if nothing speaks against it.

        Raises:
            Unchanged: there is nothing to learn.
            NotEnoughData: there is too little to train on, or to measure with.
            StaleResult: another version serves meanwhile.
        """
        first = self._make(before, dataset, 0.05, 0.85)
        doubted = [key.source for key, _ in first.found.findings.flagged]
        if not doubted:
            return first
        now = snapshot.take()
        snapshot.ensure_promotion(before)
        try:
            second = self._make(now, read(self.on, without_new_of=doubted), 0.88, 0.92)
        except (Unchanged, NotEnoughData):
            return first
        return first if second.found.reasons else replace(second, found=_after(first.found, second.found))

    def _make(self, before: snapshot.Snapshot, dataset: Dataset, begin: float, end: float) -> Candidate:
        made = (self.champion, ModelVersion.objects.order_by("-pk").first())
        if dataset.fingerprint in {version.data_fingerprint for version in made if version}:
            raise Unchanged
        _require_both_answers(dataset)
        encoder = remembered.prepared(self.on, dataset, lambda: self._hold(before, begin))
        base = self.on.artifact if self.on else None
        retrain = partial(train, base=base, encoder=encoder, everyday=base_model.everyday()[0])
        trained = retrain(
            dataset.training,
            metadata=_story(dataset, self.on),
            progress=lambda step, share: self.report(step, begin + (end - begin) * share),
        )
        self.report("measuring on held-out tweets", end)
        found = examine(
            trained,
            dataset,
            champion=self.champion,
            baseline=self.baseline,
            base=self.on,
            encoder=encoder,
            retrain=retrain,
        )
        return Candidate(before, dataset, self.champion, encoder, trained, found)

    def _hold(self, before: snapshot.Snapshot, share: float) -> None:
        """In the transaction that keeps the rows' vectors, hold the run, so that nothing is forgotten beside it."""
        self.report("embedding the rows", share)
        snapshot.ensure_current(before)


def learned_from(dataset: Dataset) -> dict[str, int]:
    """Return for each source how many training tweets it brought that the base does not know."""
    return dict(sorted(Counter(example.source for example in dataset.training if not example.known).items()))


def _after(first: Examined, second: Examined) -> Examined:
    """Return the second examination, with what the first found out about the keys that are not believed."""
    doubted = {key.prefix: first.findings.figures[key.prefix] for key, _ in first.findings.flagged}
    figures = {**second.findings.figures, **doubted}
    findings = Findings(figures, first.findings.flagged, second.findings.agreements)
    notes = [*second.figures["notes"], *(f"{reason}, and {_WITHOUT}" for reason in first.findings.reasons)]
    return replace(second, findings=findings, figures={**second.figures, "keys": figures, "notes": notes})


def _require_both_answers(dataset: Dataset) -> None:
    """Raise NotEnoughData if the held-out tweets all have one answer, or none."""
    if len({example.labels[HATE_SPEECH] for example in dataset.held_out if HATE_SPEECH in example.labels}) < 2:
        raise NotEnoughData(
            "the held-out tweets, one in ten of all, need some with hate_speech and some without; "
            "a model that cannot be measured does not serve"
        )


def _story(dataset: Dataset, on: Base | None) -> dict[str, Any]:
    """Return what an artifact says about where it comes from."""
    imported = {corpus_name(source): rows for source, rows in learned_from(dataset).items() if is_corpus(source)}
    return {
        "data_fingerprint": dataset.fingerprint,
        "trained_on": len(dataset.training),
        "base": on.sha256 if on else "",
        "corpora": dict(sorted({**learned_corpora(on.artifact if on else None), **imported}.items())),
    }
