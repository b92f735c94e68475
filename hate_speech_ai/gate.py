"""Whether a candidate may take the champion's place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hate_speech_ai.evaluation import measure

Answers = tuple[Sequence[float], float]


@dataclass(frozen=True)
class Verdict:
    """Attributes:
    reasons: why the candidate must not serve; empty where it may.
    figures: F1 and PR-AUC of both models on the same held-out tweets.
    """

    reasons: list[str]
    figures: dict[str, Any]


def judge(answers: Sequence[bool], *, candidate: Answers, champion: Answers | None, max_drop: float) -> Verdict:
    """Compare two models on the same held-out tweets.

    Args:
        answers: what people said about each tweet.
        candidate: its probability for each tweet, and its threshold.
        champion: the same of the model that serves; None where there is none, and then the candidate may serve.
        max_drop: by how much F1 or PR-AUC may fall, from 0 to 1.
    """
    new = measure(*_of(candidate, answers)).as_dict()
    figures: dict[str, Any] = {"candidate": _shown(new)}
    reasons: list[str] = []
    if champion is not None:
        old = measure(*_of(champion, answers)).as_dict()
        figures["champion"] = _shown(old)
        for name, title in (("f1", "F1"), ("pr_auc", "PR-AUC")):
            if new[name] is not None and old[name] is not None and new[name] < old[name] - max_drop:
                reasons.append(
                    f"{title} on {len(answers)} held-out tweets falls from {old[name]:.4f} to {new[name]:.4f}, "
                    f"by more than {max_drop}"
                )
    return Verdict(reasons, figures)


def _of(model: Answers, answers: Sequence[bool]) -> tuple[Sequence[float], Sequence[bool], float]:
    probabilities, threshold = model
    return probabilities, answers, threshold


def _shown(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: metrics[name] for name in ("f1", "precision", "recall", "roc_auc", "pr_auc", "threshold")}
