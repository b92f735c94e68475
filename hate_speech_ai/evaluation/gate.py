"""Whether a candidate may take the champion's place.

docs/decisions/0010-gate.md has the rule and its reasons."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from hate_speech_ai.evaluation.differences import (
    CHANGED_ROWS,
    TITLES,
    Figures,
    changes_on_reviews,
    compare_models,
)
from hate_speech_ai.evaluation.evaluation_set import EvaluationSet, ModelPredictions, Row
from hate_speech_ai.evaluation.metrics import measure
from hate_speech_ai.evaluation.proportions import sign_test
from hate_speech_ai.operating_points import MOST_EVERYDAY

# A group's harmless tweets may be twenty, where each moves the rate by 0.05: one or two of them are chance.
_FEWEST_MORE_FALSE_POSITIVES = 3
#: A group's rise is sure if chance alone would bring it this rarely: there are fourteen groups, some with few rows.
_CHANCE = 0.025
#: How many times as far a group's rate may rise where that is not sure.
_UNSURE = 3
# Of a label that fewer held-out tweets have, F1 depends on where the threshold happened to fall. The resamples cannot
# tell, since they keep both thresholds. PR-AUC does not depend on one, but of a handful it is chance, too.
_FEWEST_YES = {"f1": 100, "pr_auc": 30}
# With half as many training rows again, as after an import, decisions are meant to change.
_GROWTH = 1.5


@dataclass(frozen=True)
class Limits:
    """What a candidate may lose. docs/decisions/0010-gate.md lists them; three are settings.

    Attributes:
        max_drop: of F1 or PR-AUC on the held-out rows of corpora, from the champion's; 0 to 1. More is a reason, sure
            or not; for labels besides hate_speech, if it is sure.
        max_sure_drop: the same where the drop is sure: its 95 % interval lies below 0.
        max_drop_on_reviews: as `max_drop`, on held-out reviews: they are few, so that one moves F1 by more.
        max_drop_from_baseline: of F1 or PR-AUC on the held-out rows of corpora, from the baseline's, sure or not.
        min_reviews: fewer held-out reviews than this are not judged on.
        max_checks_lost: in each capability; a count.
        max_false_positive_rise: of the false-positive rate of the tweets that name a group, beyond the rise for all
            others, if it is sure; 0 to 1. Where it is not, three times that.
        max_changed: the share of decisions that may differ from the champion's; 0 to 1.
        max_everyday_rise: of the share of everyday tweets that a label flags; 0 to 1. Where `balanced` may flag many of
            them, a quarter of that, if it is more.
        max_share_ratio: how many times as often, or as rarely, it may say yes as people and the champion; 1 or more.
    """

    max_drop: float = 0.02
    max_sure_drop: float = 0.005
    max_drop_on_reviews: float = 0.1
    max_drop_from_baseline: float = 0.01
    min_reviews: int = 20
    max_checks_lost: int = 4
    max_false_positive_rise: float = 0.05
    max_changed: float = 0.1
    max_everyday_rise: float = 0.002
    max_share_ratio: float = 2.0


@dataclass(frozen=True)
class Verdict:
    """The gate's decision.

    Attributes:
        reasons: why the candidate must not serve; empty where it may.
        figures: what was measured, against which limits, as JSON can hold it. `notes` in it says what was not judged.
    """

    reasons: list[str]
    figures: Figures


def judge(
    exam: EvaluationSet,
    *,
    candidate: ModelPredictions,
    champion: ModelPredictions | None = None,
    baseline: ModelPredictions | None = None,
    limits: Limits,
) -> Verdict:
    """Compare the candidate with the champion and the baseline on the same rows.

    Args:
        champion: the model that serves; None where there is none, and then the candidate need only be plausible.
        baseline: the last model that a person confirmed. It may be the champion.

    Raises:
        ValueError: there are neither held-out rows of corpora nor reviews.
    """
    figures: Figures = {"candidate": _shown(exam, candidate)}
    reasons = list(_implausible_share(exam, candidate, champion, limits))
    notes: list[str] = []
    if champion is not None:
        figures["champion"] = _shown(exam, champion)
        changes = compare_models(exam, champion, candidate)
        figures["vs_champion"] = changes
        reasons += _drops(changes["corpora"], _size(exam), limits.max_drop, limits.max_sure_drop)
        if len(exam.reviews) >= limits.min_reviews:
            fall = list(_drops(changes["reviews"], _reviews(exam), limits.max_drop_on_reviews, limits.max_sure_drop))
            alone = _source_of_fall(exam, champion, candidate, limits) if fall else ""
            if alone:
                notes.append(f"not a reason, because only held-out reviews of one source, {alone}, say so: {fall[0]}")
            else:
                reasons += fall
        else:
            notes.append(f"{_reviews(exam)} are too few to judge on; {limits.min_reviews} are needed")
        reasons += _checks_lost(changes["checks"], f"the champion, version {champion.version},", limits)
        reasons += _false_positives_risen(changes["false_positive_rates"], "the champion's", limits)
        reasons += _other_labels_fall(changes["other_labels"], exam, limits)
        reasons += _more_everyday(changes["everyday"], "the champion's", limits)
        notes += _too_rare(exam, changes["other_labels"])
        if candidate.trained_on < _GROWTH * champion.trained_on:
            reasons += _too_many_changed(exam, changes["changed"], limits)
        else:
            notes.append(
                f"changed decisions are not judged: there are {candidate.trained_on:,} training tweets, "
                f"and the champion had {champion.trained_on:,}"
            )
    if champion is not None and baseline is not None:
        changes = figures["vs_champion"] if baseline is champion else compare_models(exam, baseline, candidate)
        figures["baseline"] = _shown(exam, baseline)
        figures["vs_baseline"] = changes
        reasons += _drops(changes["corpora"], _size(exam), limits.max_drop_from_baseline, None, "the baseline's ")
        if baseline is not champion:
            reasons += _checks_lost(changes["checks"], f"the baseline, version {baseline.version},", limits)
            reasons += _other_labels_fall(changes["other_labels"], exam, limits, "the baseline's ")
            reasons += _more_everyday(changes["everyday"], "the baseline's", limits)
            reasons += _false_positives_risen(changes["false_positive_rates"], "the baseline's", limits)
            if candidate.trained_on >= _GROWTH * baseline.trained_on:
                notes.append(
                    f"the baseline, version {baseline.version}, had {baseline.trained_on:,} training tweets, now there "
                    f"are {candidate.trained_on:,}: it holds little back; look at a newer version and confirm that one"
                )
    figures |= {
        "rows": {
            "corpora": len(exam.corpus_holdout),
            "reviews": len(exam.reviews),
            "checks": len(exam.checks),
            "everyday": len(exam.everyday),
        },
        "limits": asdict(limits),
        "notes": notes,
    }
    return Verdict(reasons, figures)


def _drops(changes: Figures, rows: str, most: float, most_if_sure: float | None, of: str = "") -> Iterator[str]:
    """Yield a reason for F1 or PR-AUC if they fall by more than `most`, or surely by more than `most_if_sure`."""
    for name, change in changes.items():
        drop, high = -change["difference"], change["high"]
        fall = f"{TITLES[name]} on {rows} falls from {of}{change['old']:.4f} to {change['new']:.4f}"
        if drop > most:
            yield f"{fall}, by more than {most}"
        elif most_if_sure is not None and drop > most_if_sure and high is not None and high < 0:
            yield f"{fall}, by more than {most_if_sure} and surely: by {-high:.4f} to {-change['low']:.4f}"


def _source_of_fall(
    exam: EvaluationSet, champion: ModelPredictions, candidate: ModelPredictions, limits: Limits
) -> str:
    """Return the source without whose held-out reviews none of the figures on them falls; empty if there is none.

    So no source can keep others' labels from being learned. Where the others' reviews are too few to judge on, that is
    any source, unless all that is new is its own.
    """
    for source in sorted({row.source for row in exam.reviews} - {""}):
        others = sum(row.source != source for row in exam.reviews)
        if others >= limits.min_reviews:
            changes = changes_on_reviews(exam, champion, candidate, without=source)
            if not list(_drops(changes, "", limits.max_drop_on_reviews, limits.max_sure_drop)):
                return source
        elif exam.taught_by - {source}:
            return source
    return ""


def _other_labels_fall(other_labels: Figures, exam: EvaluationSet, limits: Limits, of: str = "") -> Iterator[str]:
    """Yield a reason for F1 or PR-AUC of another label if they surely fall, and by more than `max_drop`.

    Both, because there are many labels, and of a rare one a few tweets move F1 by more than that.
    """
    for label, changes in other_labels.items():
        for name, change in changes.items():
            if _yes(exam, label) < _FEWEST_YES[name]:
                continue
            drop, high = -change["difference"], change["high"]
            if drop > limits.max_drop and high is not None and high < 0:
                yield (
                    f"{TITLES[name]} of {label} on {len(exam.other_labels[label])} held-out tweets of corpora falls "
                    f"from {of}{change['old']:.4f} to {change['new']:.4f}, by more than {limits.max_drop} and "
                    f"surely: by {-high:.4f} to {-change['low']:.4f}"
                )


def _too_rare(exam: EvaluationSet, other_labels: Figures) -> Iterator[str]:
    for label in other_labels:
        yes = _yes(exam, label)
        if unjudged := [TITLES[name] for name, fewest in _FEWEST_YES.items() if yes < fewest]:
            yield f"of {label}, {' and '.join(unjudged)} is not judged: only {yes} held-out tweets of corpora have it"


def _yes(exam: EvaluationSet, label: str) -> int:
    return sum(row.answer for row in exam.other_labels[label])


def _checks_lost(passed: Figures, whose: str, limits: Limits) -> Iterator[str]:
    lost = [
        f"{capability} ({counts['new']} of {counts['rows']}, not {counts['old']})"
        for capability, counts in passed.items()
        if counts["old"] - counts["new"] > limits.max_checks_lost
    ]
    if lost:
        yield f"more than {limits.max_checks_lost} checks fewer are passed than by {whose} of {', '.join(lost)}"


def _false_positives_risen(rates: Figures, whose: str, limits: Limits) -> Iterator[str]:
    for group, rate in rates.items():
        rise = rate["new"] - rate["old"]
        more = rate["newly_flagged"] - rate["no_longer_flagged"]
        is_sure = sign_test(rate["newly_flagged"], rate["no_longer_flagged"]) <= _CHANCE
        # What rises for all tweets alike is no bias, and the other rules judge it.
        of_rest = (rate["new_rest"] or 0.0) - (rate["old_rest"] or 0.0)
        beyond, most = rise - max(of_rest, 0.0), limits.max_false_positive_rise
        if more >= _FEWEST_MORE_FALSE_POSITIVES and beyond > (most if is_sure else _UNSURE * most):
            yield (
                f"the false-positive rate of {rate['rows']} harmless held-out tweets that name the group {group!r} "
                f"rises from {whose} {rate['old']:.4f} to {rate['new']:.4f}, "
                f"by more than {most} beyond that of the others"
            )


def _more_everyday(counts: Figures, whose: str, limits: Limits) -> Iterator[str]:
    for label, count in counts.items():
        most = max(limits.max_everyday_rise, MOST_EVERYDAY[label] / 4)
        if (count["new"] - count["old"]) / count["rows"] > most:
            yield (
                f"of {count['rows']} everyday tweets, {count['new']} are flagged as {label} and not {whose} "
                f"{count['old']}, a share that rises by more than {most:.4f}"
            )


def _too_many_changed(exam: EvaluationSet, changed: float | None, limits: Limits) -> Iterator[str]:
    if changed is not None and changed > limits.max_changed:
        yield (
            f"of {min(len(exam.corpus_holdout), CHANGED_ROWS)} held-out tweets of corpora, {changed:.2%} are decided "
            f"otherwise than by the champion, more than {limits.max_changed:.2%}"
        )


def _implausible_share(
    exam: EvaluationSet, candidate: ModelPredictions, champion: ModelPredictions | None, limits: Limits
) -> Iterator[str]:
    """Yield a reason if the share of yes differs far from the labels' and the champion's, or all scores are equal."""
    rows, said = _main(exam, candidate)
    share = _share_of_yes(said, candidate.threshold)
    expected = [sum(row.answer for row in rows) / len(rows)]
    if champion is not None:
        expected.append(_share_of_yes(_main(exam, champion)[1], champion.threshold))
    low, high = min(expected) / limits.max_share_ratio, max(expected) * limits.max_share_ratio
    always_the_same = share in (0.0, 1.0) and share not in expected
    if always_the_same or not low <= share <= high:
        yield (
            f"the candidate says yes to {share:.2%} of {len(rows)} held-out tweets, people to {expected[0]:.2%}; "
            f"plausible is {low:.2%} to {min(high, 1.0):.2%}, and not always the same"
        )


def _share_of_yes(scores: Sequence[float], threshold: float) -> float:
    return sum(score >= threshold for score in scores) / len(scores)


def _main(exam: EvaluationSet, sheet: ModelPredictions) -> tuple[list[Row], list[float]]:
    """Return the held-out rows of corpora; where there are none, the reviews."""
    rows, scores = (exam.corpus_holdout, sheet.corpus_holdout) if exam.corpus_holdout else (exam.reviews, sheet.reviews)
    if not rows:
        raise ValueError("there are no held-out tweets to judge on")
    return rows, scores


def _shown(exam: EvaluationSet, sheet: ModelPredictions) -> Figures:
    rows, scores = _main(exam, sheet)
    metrics = measure(scores, [row.answer for row in rows], sheet.threshold).as_dict()
    shown = {name: metrics[name] for name in ("f1", "precision", "recall", "roc_auc", "pr_auc", "threshold", "rows")}
    return {**shown, "positive_rate": round(_share_of_yes(scores, sheet.threshold), 4), "version": sheet.version}


def _size(exam: EvaluationSet) -> str:
    return f"{len(exam.corpus_holdout)} held-out tweets of corpora"


def _reviews(exam: EvaluationSet) -> str:
    return f"{len(exam.reviews)} held-out reviews"
