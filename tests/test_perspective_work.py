"""What a request to the Perspective paths costs: counted work, not seconds."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from api.integrations.perspective import scores
from api.models import ModelVersion, StoredPrediction
from api.prediction import language, predicting, recorder
from api.prediction.budget import MAX_CHARACTERS, MAX_WORDS
from hate_speech_ai.text import MAX_CHARS
from tests.conftest import JSONClient, MakeVersion

ANALYZE = "/v1alpha1/comments:analyze"
LONG = "have a nice day " * 400
EMOJI = "😡" * 5_000


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Characters that are read, and words that are looked at for a label, by who does it."""
    done: Counter[str] = Counter()

    def counting(module: Any, name: str, count: Any) -> None:
        true = getattr(module, name)

        def count_and_call(*arguments: Any, **named: Any) -> Any:
            done[name] += count(arguments)
            return true(*arguments, **named)

        monkeypatch.setattr(module, name, count_and_call)

    counting(scores, "tokenize_with_offsets", lambda arguments: min(len(arguments[0]), MAX_CHARS))
    counting(scores, "contributions", lambda arguments: len(arguments[2]))
    counting(predicting, "predict", lambda arguments: min(len(arguments[1]), MAX_CHARS))
    counting(language, "detect", lambda arguments: min(len(arguments[0]), MAX_CHARS))
    return done


def analysis(text: str, *attributes: str, **fields: Any) -> dict[str, Any]:
    return {"comment": {"text": text}, "requestedAttributes": {name: {} for name in attributes}, **fields}


def analyze(*arguments: str, **fields: Any) -> Any:
    response = JSONClient().post(ANALYZE, analysis(*arguments, **fields))
    assert response.status_code == 200, response.content
    return response.json()


def batch(*bodies: dict[str, Any]) -> Any:
    head = f"--B\r\nContent-Type: application/http\r\n\r\nPOST {ANALYZE} HTTP/1.1\r\n\r\n"
    content = "".join(f"{head}{json.dumps(body)}\r\n" for body in bodies) + "--B--"
    response = JSONClient().request("POST", "/batch", "multipart/mixed; boundary=B", content.encode())
    assert response.status_code == 200, response.content
    return response


def statuses(response: Any) -> Counter[str]:
    return Counter(re.findall(r"HTTP/1.1 (\d+) ", response.content.decode()))


def names_of(version: ModelVersion) -> list[str]:
    """Nine names of one head."""
    aliases = ("TOXICITY", "TOXIC")
    numbers = [f"{version.pk:0{digits}}" for digits in range(6, 10)]
    return [*aliases, *(f"{name}@{number}" for name in aliases for number in numbers)][:9]


def test_a_text_is_read_once_for_all_attributes(served: ModelVersion, work: Counter[str]) -> None:
    attributes = ("TOXICITY", "INSULT", "THREAT", "PROFANITY", "IDENTITY_ATTACK", "SEVERE_TOXICITY", "HATE_SPEECH")

    answer = analyze(LONG, *attributes, spanAnnotations=True)

    words = len(answer["attributeScores"]["TOXICITY"]["spanScores"])
    assert work == {"tokenize_with_offsets": 5_000, "predict": 5_000, "detect": 10_000, "contributions": 7 * words}


def test_equal_labels_of_equal_versions_are_computed_once(served: ModelVersion, work: Counter[str]) -> None:
    names = names_of(served)

    answer = analyze(LONG, *names, spanAnnotations=True)

    words = len(answer["attributeScores"]["TOXICITY"]["spanScores"])
    assert work == {"tokenize_with_offsets": 5_000, "predict": 5_000, "detect": 10_000, "contributions": words}
    assert list(answer["attributeScores"]) == names
    assert all(one == answer["attributeScores"]["TOXICITY"] for one in answer["attributeScores"].values())


def test_a_version_that_serves_answers_as_that_one_if_it_is_also_asked_by_number(
    served: ModelVersion, make_version: MakeVersion, settings: Any
) -> None:
    settings.PREDICTION_SAMPLE_RATE = 1.0
    other = make_version()

    analyze("by number alone", f"TOXICITY@{served.pk}", f"TOXICITY@{other.pk}")
    analyze("by number as well", f"TOXICITY@{served.pk}", "TOXICITY")
    recorder.flush()

    assert [row.tweet for row in StoredPrediction.objects.all()] == ["by number as well"]


def test_a_comment_alone_fits_with_ten_attributes_whatever_its_words(served: ModelVersion) -> None:
    answer = analyze(EMOJI, *names_of(served), "INSULT", spanAnnotations=True)

    assert sum(len(one["spanScores"]) for one in answer["attributeScores"].values()) == MAX_WORDS


def test_a_batch_reads_no_more_than_its_budget(served: ModelVersion, work: Counter[str]) -> None:
    names = names_of(served)

    answer = batch(*[analysis(LONG, *names, spanAnnotations=True)] * 100)

    assert sum(statuses(answer).values()) == 100
    versions = len({name.partition("@")[2] for name in names})
    assert statuses(answer)["200"] == MAX_CHARACTERS // (5_000 * (versions + len(names)))
    assert work["tokenize_with_offsets"] + work["predict"] <= MAX_CHARACTERS
    assert len(answer.content) < 100 * MAX_WORDS
    assert f"at most {MAX_CHARACTERS:,} characters are read for one request" in answer.content.decode()


def test_an_answer_has_no_more_words_than_it_may(served: ModelVersion, work: Counter[str]) -> None:
    names = names_of(served)

    answer = batch(
        analysis(EMOJI, *names, "INSULT", "THREAT", spanAnnotations=True), analysis("have a nice day", "TOXICITY")
    )

    assert statuses(answer) == {"413": 1, "200": 1}
    assert work["contributions"] == 0
    assert f"at most {MAX_WORDS:,} words with a score are in one answer" in answer.content.decode()


def test_what_is_refused_is_not_read(served: ModelVersion, work: Counter[str]) -> None:
    bodies = [analysis(LONG, "TOXICITY")] * 100

    answer = batch(*bodies)

    assert statuses(answer) == {"200": 60, "413": 40}
    assert work == {"predict": MAX_CHARACTERS, "detect": 2 * MAX_CHARACTERS}


def test_short_comments_fit_in_a_batch_with_all_that_clients_ask(served: ModelVersion) -> None:
    attributes = ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT", "HATE_SPEECH")
    tweet = ("what a lovely day it is in town " * 10)[:240]

    answer = batch(*[analysis(tweet, *attributes, spanAnnotations=True)] * 100)

    assert statuses(answer) == {"200": 100}


def test_each_batch_has_a_budget_of_its_own(served: ModelVersion) -> None:
    for _ in range(2):
        assert statuses(batch(*[analysis(LONG, "TOXICITY")] * 40)) == {"200": 40}


def test_a_header_cannot_bring_a_budget(served: ModelVersion) -> None:
    response = JSONClient().post(ANALYZE, analysis("have a nice day", "TOXICITY"), **{"perspective.budget": "1"})

    assert response.status_code == 200


def test_languages_are_looked_at_once_for_all_attributes(served: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    true = language.is_supported

    def is_supported(code: str) -> bool:
        looked_at.append(code)
        return true(code)

    monkeypatch.setattr(language, "is_supported", is_supported)

    analyze("have a nice day", *names_of(served), languages=["en"] * 100)

    assert len(looked_at) == 100
