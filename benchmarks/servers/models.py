"""The two ways to judge a tweet that the servers here put behind HTTP. Both answer with the fields of POST /predict."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Judge = Callable[[str], dict[str, Any]]


def with_scikit_learn() -> Judge:
    """Return the trained pipeline, loaded once at start as in tutorials; each tweet is a list of one for it."""
    import joblib  # type: ignore[import-untyped]

    model = joblib.load(_folder() / "pipeline.joblib")
    pipeline, threshold = model["pipeline"], model["threshold"]

    def judge(tweet: str) -> dict[str, Any]:
        return _answer(float(pipeline.predict_proba([tweet])[0, 1]), threshold, [])

    return judge


def with_our_scorer() -> Judge:
    from hate_speech_ai.artifact import Artifact
    from hate_speech_ai.encoder.loading import scorer_of
    from hate_speech_ai.labels import HATE_SPEECH

    scorer = scorer_of(Artifact.from_bytes((_folder() / "model.safetensors").read_bytes()))

    def judge(tweet: str) -> dict[str, Any]:
        score = scorer.score(tweet)
        return _answer(score.probabilities[HATE_SPEECH], scorer.thresholds[HATE_SPEECH], score.warnings)

    return judge


def _folder() -> Path:
    return Path(os.environ["BENCHMARK_FOLDER"])


def _answer(probability: float, threshold: float, warnings: list[str]) -> dict[str, Any]:
    return {
        "is_hate_speech": probability >= threshold,
        "probability": probability,
        "threshold": threshold,
        "model_version": 1,
        "warnings": warnings,
    }
