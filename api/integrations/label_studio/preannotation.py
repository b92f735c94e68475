"""Predictions as Label Studio stores them."""

from typing import Any

from api.http.fields import text_problem
from api.integrations.label_studio.labelling_config import Question, find_text
from api.prediction import predicting
from api.prediction.predicting import Chosen
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import EMPTY


def annotate(chosen: Chosen, questions: list[Question], task: Any) -> dict[str, Any]:
    """Return a prediction as Label Studio stores it: without a result, where there is no text to read."""
    model = chosen.model
    nothing = {"result": [], "score": 0.0, "model_version": model.name}
    field, text = questions[0].field, text_of(questions, task)
    if problem := text_problem(text):
        return nothing | {"error": f"data.{field}: {problem}"}
    labels = list(dict.fromkeys([HATE_SPEECH, *(label for question in questions for label in question.labels)]))
    # Not stored: somebody is about to review it.
    score = predicting.predict(chosen, str(text), labels, key=None, store=False)
    if EMPTY in score.warnings:
        return nothing | {"error": f"data.{field}: there is no word in it."}
    result = []
    for question in questions:
        if choices := question.choose(score.probabilities, model.scorer.thresholds):
            value = {"choices": choices}
            result.append({"from_name": question.name, "to_name": question.to_name, "type": "choices", "value": value})
    probability = score.probabilities[HATE_SPEECH]
    said = probability >= model.scorer.thresholds[HATE_SPEECH]
    # How sure the answer about hate speech is: tasks sorted by it begin with those that a person should see first.
    return nothing | {"result": result, "score": probability if said else 1 - probability}


def text_of(questions: list[Question], task: Any) -> Any:
    """Return what a task has where its text should be."""
    return find_text(questions[0], task.get("data")) if isinstance(task, dict) else None
