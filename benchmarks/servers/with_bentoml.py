"""BentoML as its documentation shows it, with one worker process."""

from typing import Any

import bentoml  # in a virtual environment of its own

from .models import with_scikit_learn


@bentoml.service(workers=1)
class Hate:
    def __init__(self) -> None:
        self.judge = with_scikit_learn()

    @bentoml.api
    def predict(self, tweet: str) -> dict[str, Any]:
        return self.judge(tweet)
