"""What the gate said of a candidate, in sentences with their figures."""

from collections.abc import Iterator
from typing import Any

from api.models import TrainingRun
from api.pages.tables import Table
from hate_speech_ai.labels import HATE_SPEECH

_OUTCOMES = {
    TrainingRun.Outcome.PROMOTED: "The gate let it serve.",
    TrainingRun.Outcome.REJECTED: "The gate refused it.",
    TrainingRun.Outcome.PENDING_APPROVAL: "The gate refused it for one key's new labels alone; an operator decides.",
}
_TITLES = {"f1": "F1", "pr_auc": "PR-AUC"}


def outcome(run: TrainingRun | None) -> str:
    """Return what became of a run's candidate, as a sentence."""
    if run is None:
        return "No training run of this installation made it, so the gate was not asked. It came with the service."
    return _OUTCOMES.get(run.outcome, "Its run has not ended, or ended without a verdict.")  # type: ignore[call-overload, no-any-return]


def sentences(run: TrainingRun | None) -> list[str]:
    """Return what was measured against the version that served, and what was allowed."""
    figures = run.figures if run else {}
    changes, limits, rows = (figures.get(name) or {} for name in ("vs_champion", "limits", "rows"))
    if not changes:
        return ["There was no other version to compare it with: only the share of yes was judged."] if figures else []
    return [
        *_scores(changes.get("corpora"), f"{rows.get('corpora', 0):,} held-out tweets of corpora", limits, "max_drop"),
        *_scores(changes.get("reviews"), f"{rows.get('reviews', 0):,} held-out reviews", limits, "max_drop_on_reviews"),
        *_checks(changes.get("checks") or {}, limits),
        *_groups(changes.get("false_positive_rates") or {}, limits),
        *_everyday(changes.get("everyday") or {}),
        *_flips(changes.get("changed"), limits),
        *(f"Noted: {note}." for note in figures.get("notes", [])),
    ]


def table(run: TrainingRun | None) -> Table:
    """Return the figures of the comparison with the version that served."""
    changes = (run.figures.get("vs_champion") if run else None) or {}
    found = {
        **{("hate speech, corpora", name): one for name, one in (changes.get("corpora") or {}).items()},
        **{("hate speech, reviews", name): one for name, one in (changes.get("reviews") or {}).items()},
        **{
            (f"{label.replace('_', ' ')}, corpora", name): one
            for label, figures in (changes.get("other_labels") or {}).items()
            for name, one in figures.items()
        },
    }
    rows = [
        [f"{_TITLES.get(name, name)} of {where}", *(one[key] for key in ("old", "new", "difference", "low", "high"))]
        for (where, name), one in found.items()
    ]
    columns = ["figure", "before", "now", "difference", "low", "high"]
    return Table("gate", "Against the version that served, with the 95 % interval of the difference", columns, rows)


def _scores(changes: Any, where: str, limits: dict[str, Any], most: str) -> Iterator[str]:
    for name, change in (changes or {}).items():
        interval = f", 95 % interval {change['low']:+.4f} to {change['high']:+.4f}" if change["low"] is not None else ""
        yield (
            f"{_TITLES.get(name, name)} on {where}: {change['old']:.4f} before, {change['new']:.4f} now "
            f"({change['difference']:+.4f}{interval}). It may fall by {limits.get(most)}, "
            f"and by {limits.get('max_sure_drop')} where the fall is sure."
        )


def _checks(passed: dict[str, Any], limits: dict[str, Any]) -> Iterator[str]:
    if not passed:
        return
    old, new, rows = (sum(one[name] for one in passed.values()) for name in ("old", "new", "rows"))
    lost = max(passed, key=lambda capability: passed[capability]["old"] - passed[capability]["new"])
    worst = passed[lost]["old"] - passed[lost]["new"]
    most = f"{lost.replace('_', ' ')} lost most, {worst}" if worst > 0 else "no capability lost any"
    yield (
        f"{new} of {rows} checks pass, {old} before; {most}. "
        f"A capability may lose {limits.get('max_checks_lost')} of its checks."
    )


def _groups(rates: dict[str, Any], limits: dict[str, Any]) -> Iterator[str]:
    known = {name: rate for name, rate in rates.items() if rate["new"] is not None and rate["old"] is not None}
    if not known:
        return
    name = max(known, key=lambda group: known[group]["new"] - known[group]["old"])
    old, new, rows = (known[name][key] for key in ("old", "new", "rows"))
    if new <= old:
        yield "Harmless tweets that name a group are flagged no more often than before, whichever group it is."
    else:
        yield (
            f"Of {rows} harmless tweets that name the group {name!r}, {new:.1%} are flagged, {old:.1%} before: the "
            f"greatest rise of a group. It may be {limits.get('max_false_positive_rise')} beyond that of the others."
        )


def _everyday(counts: dict[str, Any]) -> Iterator[str]:
    if count := counts.get(HATE_SPEECH):
        yield f"Of {count['rows']:,} everyday tweets, {count['new']} are flagged as hate speech, {count['old']} before."


def _flips(changed: float | None, limits: dict[str, Any]) -> Iterator[str]:
    if changed is not None:
        yield (
            f"{changed:.2%} of the decisions on held-out tweets of corpora differ from the version that served; "
            f"up to {limits.get('max_changed', 0):.0%} may, unless much was learned anew."
        )
