"""Google's Perspective API: the conformance table of docs/perspective.md, row by row."""

import json
import logging
import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from api.integrations.perspective.attributes import OTHERS
from api.models import ApiKey, ModelVersion, ReviewedTweet, StoredPrediction
from api.prediction import active_model, recorder
from hate_speech_ai.evaluation.perspective_scores import LABEL_OF
from hate_speech_ai.explain import explain
from tests.conformance import Row, Table
from tests.conftest import JSONClient, MakeKey, MakeVersion

ANALYZE, SUGGEST = "/v1alpha1/comments:analyze", "/v1alpha1/comments:suggestscore"
DISCOVERY = "/$discovery/rest?version=v1alpha1"
RUDE = "you are a stupid idiot, go away"
GERMAN = "Du bist so ein Idiot, halt endlich die Klappe"


@dataclass
class Service:
    """The service, as Perspective's clients meet it."""

    key: str
    version: ModelVersion

    def post(self, path: str, body: Any, content_type: str = "application/json", **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        client: Any = JSONClient()._client
        return client.generic("POST", path, content, content_type=content_type, headers=named)

    def analyze(self, text: str = RUDE, attributes: Any = ("TOXICITY",), **fields: Any) -> Any:
        """The answer to a well-formed request, with further fields."""
        asked = attributes if isinstance(attributes, dict) else {name: {} for name in attributes}
        return self.post(ANALYZE, {"comment": {"text": text}, "requestedAttributes": asked, **fields})

    def scores(self, text: str = RUDE, attributes: Any = ("TOXICITY",), **fields: Any) -> Any:
        response = self.analyze(text, attributes, **fields)
        assert response.status_code == 200, response.content
        return response.json()["attributeScores"]

    def suggest(self, scores: Any = None, text: str = RUDE, **fields: Any) -> Any:
        scores = {"TOXICITY": {"summaryScore": {"value": 1}}} if scores is None else scores
        return self.post(f"{SUGGEST}?key={self.key}", {"comment": {"text": text}, "attributeScores": scores, **fields})

    def review(self, *arguments: Any, **fields: Any) -> ReviewedTweet:
        """What a suggestion left in the database."""
        response = self.suggest(*arguments, **fields)
        assert response.status_code == 200, response.content
        return ReviewedTweet.objects.get(receipt=response.json()["reviewId"])

    def batch(self, *parts: str, path: str = "/batch", **headers: str) -> Any:
        body = "".join(f"--B\r\nContent-Type: application/http\r\n{part}\r\n" for part in parts) + "--B--\r\n"
        return self.post(path, body.encode(), "multipart/mixed; boundary=B", **headers)


@pytest.fixture
def service(served: ModelVersion, make_key: MakeKey) -> Service:
    return Service(make_key("predict", "review"), served)


def problem(response: Any, status: int = 400) -> dict[str, Any]:
    """Google's error; every one has a detail."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    error = response.json()["error"]
    assert error["code"] == status
    assert error["details"]
    assert all("@type" in detail for detail in error["details"])
    return dict(error)


def refusal(response: Any, error_type: str = "INVALID_REQUEST") -> str:
    """The sentence of an error that is Perspective's own."""
    error = problem(response)
    assert error["status"] == "INVALID_ARGUMENT"
    assert error["details"][0]["errorType"] == error_type
    return str(error["message"])


def part(body: Any, content_id: str = "<abc + 1>", target: str = f"POST {ANALYZE}", headers: str = "") -> str:
    head = f"Content-ID: {content_id}\r\n\r\n{target} HTTP/1.1\r\nContent-Type: application/json\r\n{headers}\r\n"
    return head + json.dumps(body)


COMMENT = {"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {}}}

# The table.

TABLE = Table("perspective.md")
case = TABLE.case


def test_every_row_is_walked_and_none_is_missing() -> None:
    TABLE.check(walked=True)

    assert len(TABLE.rows) > 60


@pytest.mark.parametrize("row", TABLE.rows, ids=" ".join)
def test_conformance(row: Row, service: Service, request: pytest.FixtureRequest) -> None:
    [function] = TABLE.cases[row]
    if find_spec("pycld2") is None and "GERMAN" in function.__code__.co_names:
        pytest.skip("there is no language detector for this platform")
    wanted = function.__code__.co_varnames[: function.__code__.co_argcount]

    function(**{name: service if name == "service" else request.getfixturevalue(name) for name in wanted})


# Request: analyze.


@case("comment.text")
def _(service: Service) -> None:
    long = f"{RUDE} " * 640
    assert len(long.encode()) == 20_480
    assert service.analyze(long).json()["warnings"] == ["truncated"]
    assert "warnings" not in service.analyze().json()


@case("comment.type")
def _(service: Service) -> None:
    for kind in ("PLAIN_TEXT", "TEXT_TYPE_UNSPECIFIED", None, "plain_text", "Plain-Text", 0, 1, "1"):
        assert service.analyze(comment={"text": RUDE, "type": kind}).status_code == 200


@case("comment.type: HTML", "refused")
def _(service: Service) -> None:
    message = refusal(service.analyze(comment={"text": RUDE, "type": "HTML"}))
    assert message == "Currently, only 'PLAIN_TEXT' comments are supported"
    for kind in ("html", 2):
        assert refusal(service.analyze(comment={"text": RUDE, "type": kind})) == message


@case("context.entries", "ignored")
def _(service: Service) -> None:
    with_context = service.analyze(context={"entries": [{"text": "have a nice day", "type": "PLAIN_TEXT"}]})
    assert with_context.json() == service.analyze().json()
    problem(service.analyze(context={"entries": "a"}))
    problem(service.analyze(context={"entries": [{"text": 1}]}))


@case("context.articleAndParentComment", "ignored")
def _(service: Service) -> None:
    around = {"article": {"text": "a"}, "parent_comment": {"text": "b"}}
    assert service.analyze(context={"article_and_parent_comment": around}).json() == service.analyze().json()
    problem(service.analyze(context={"articleAndParentComment": {"article": "a"}}))


@case("requestedAttributes")
def _(service: Service) -> None:
    heads = {
        "TOXICITY": "toxic",
        "SEVERE_TOXICITY": "severe_toxic",
        "IDENTITY_ATTACK": "identity_hate",
        "INSULT": "insult",
        "PROFANITY": "obscene",
        "THREAT": "threat",
        "HATE_SPEECH": "hate_speech",
    }
    expected = active_model.get().scorer.score(RUDE, list(heads.values())).probabilities
    answered = service.scores(RUDE, list(heads))
    assert {heads[name]: scores["summaryScore"]["value"] for name, scores in answered.items()} == expected
    assert list(answered) == list(heads)
    assert "At most 20" in refusal(service.analyze(RUDE, [f"TOXICITY@{number}" for number in range(21)]))
    problem(service.analyze(requestedAttributes=["TOXICITY"]))


@case("requestedAttributes: others of Perspective's", "ignored")
def _(service: Service) -> None:
    mixed = ["TOXICITY", *sorted(OTHERS)]
    assert len(mixed) > 20
    assert service.scores(RUDE, mixed) == service.scores(RUDE, ["TOXICITY", "OBSCENE"])
    for alone in (["FLIRTATION"], ["FLIRTATION", "SPAM"]):
        assert refusal(service.analyze(RUDE, alone)).startswith("Unknown requested attribute: ")
    for mistake in ("FLIRTATIONS", "TOXIC_ITY", "flirtation", "FLIRTATION@1"):
        assert refusal(service.analyze(RUDE, ["TOXICITY", "FLIRTATION", mistake])).endswith(f": {mistake}")
    with override_settings(DROP_UNSUPPORTED_ATTRIBUTES=False):
        assert refusal(service.analyze(RUDE, ["TOXICITY", "FLIRTATION"])) == "Unknown requested attribute: FLIRTATION"


@case("requestedAttributes.*@version")
def _(service: Service) -> None:
    name = f"TOXICITY@{service.version.pk}"
    assert service.scores(RUDE, [name])[name] == service.scores()["TOXICITY"]


@case("requestedAttributes.*.scoreType")
def _(service: Service) -> None:
    for kind in ("PROBABILITY", "SCORE_TYPE_UNSPECIFIED", "probability", 1, 0):
        assert service.scores(RUDE, {"TOXICITY": {"scoreType": kind}}) == service.scores()
    assert service.scores(RUDE, {"TOXICITY": None}) == service.scores()


@case("requestedAttributes.*.scoreType: other", "refused")
def _(service: Service) -> None:
    for kind in ("STD_DEV_SCORE", "PERCENTILE", "RAW"):
        message = refusal(service.analyze(RUDE, {"TOXICITY": {"score_type": kind}}))
        assert message == f"Requested score type {kind} is not supported by attribute TOXICITY"
    wrongs: list[Any] = ["BEST", 5, -1, 1.5, True, [], {}]
    for wrong in wrongs:
        problem(service.analyze(RUDE, {"TOXICITY": {"score_type": wrong}}))


@case("requestedAttributes.*.scoreThreshold")
def _(service: Service) -> None:
    value = service.scores()["TOXICITY"]["summaryScore"]["value"]
    for threshold in (value, {"value": value}, str(value), "1e-3", "+.001"):
        assert service.scores(RUDE, {"TOXICITY": {"scoreThreshold": threshold}}) == service.scores()
    above = math.nextafter(value, 1)
    assert list(service.scores(RUDE, {"TOXICITY": {"scoreThreshold": above}, "INSULT": {}})) == ["INSULT"]
    words = service.scores(spanAnnotations=True)["TOXICITY"]["spanScores"]
    middle = sorted(span["score"]["value"] for span in words)[3]
    rude = service.scores(RUDE, {"TOXICITY": {"scoreThreshold": middle}}, spanAnnotations=True)
    rude = rude["TOXICITY"]["spanScores"]
    assert rude == [span for span in words if span["score"]["value"] >= middle]
    assert len(rude) == 4
    for wrong in ("high", "", " 0.5", "0.5 ", "1_0", "0x1", "nan", "NaN", "Infinity", "1e999", True, [0.5]):
        problem(service.analyze(RUDE, {"TOXICITY": {"scoreThreshold": wrong}}))


@case("spanAnnotations")
def _(service: Service) -> None:
    spans = service.scores(spanAnnotations=True)["TOXICITY"]["spanScores"]
    words = [RUDE[span["begin"] : span["end"]] for span in spans]
    assert words == ["you", "are", "a", "stupid", "idiot", "go", "away"]
    assert service.scores(spanAnnotations="true")["TOXICITY"]["spanScores"] == spans
    problem(service.analyze(spanAnnotations="maybe"))


@case("languages")
def _(service: Service) -> None:
    for codes in (["en"], ["EN-us"], ["en", "en_GB"]):
        assert service.analyze(languages=codes).json()["languages"] == codes
    assert service.analyze(languages=[]).json()["languages"] == ["en"]
    assert service.analyze(GERMAN, languages=["en"]).status_code == 200  # who sends it knows
    for code in ("en", "en-US"):  # as R sends a vector of one
        assert service.analyze(languages=code).json()["languages"] == [code]
    assert refusal(service.analyze(languages="de"), "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE")
    problem(service.analyze(languages={"en": 1}))
    problem(service.analyze(languages=[1]))


@case("doNotStore")
def _(service: Service) -> None:
    texts = [f"what is the number {number} of this" for number in range(4)]
    with override_settings(PREDICTION_SAMPLE_RATE=1.0):
        for text, flag in zip(
            texts, ({"doNotStore": True}, {"do_not_store": True}, {"doNotStore": False}, {}), strict=True
        ):
            assert service.analyze(text, **flag).status_code == 200
        recorder.flush()
    assert set(StoredPrediction.objects.values_list("tweet", flat=True)) == set(texts[2:])
    problem(service.analyze(doNotStore=1))


@case("dropUnsupportedAttributes")
def _(service: Service) -> None:
    mixed = ("TOXICITY", "FLIRTATION", "TOXICITY@999", "TOXIC_ITY")
    for yes in (True, "true"):
        assert service.scores(RUDE, mixed, dropUnsupportedAttributes=yes) == service.scores()
    assert service.scores(RUDE, ["FLIRTATION"], dropUnsupportedAttributes=True) == {}
    assert service.scores(GERMAN, dropUnsupportedAttributes=True) == {}
    refusal(service.analyze(RUDE, mixed, dropUnsupportedAttributes=False))


@case("clientToken")
@case("clientToken of the answer")
def _(service: Service) -> None:
    assert service.analyze(clientToken="comment:17").json()["clientToken"] == "comment:17"
    assert "clientToken" not in service.analyze().json()
    problem(service.analyze(client_token=17))


@case("sessionId", "ignored")
def _(service: Service) -> None:
    assert service.analyze(session_id="s").json() == service.analyze().json()


@case("communityId", "ignored")
def _(service: Service) -> None:
    assert service.analyze(communityId="c").json() == service.analyze().json()


@case("an unknown field", "refused")
def _(service: Service) -> None:
    assert 'Unknown name "languagse": Cannot find field.' in problem(service.analyze(languagse=["en"]))["message"]
    error = problem(service.analyze(comment={"text": RUDE, "html": "a"}))
    assert error["details"][0]["fieldViolations"][0]["field"] == "comment"


# Answer: analyze.


@case("attributeScores.*.summaryScore")
def _(service: Service) -> None:
    summary = service.scores()["TOXICITY"]["summaryScore"]
    assert summary == {"value": active_model.get().scorer.score(RUDE, ["toxic"]).probabilities["toxic"]} | {
        "type": "PROBABILITY"
    }


@case("attributeScores.*.spanScores")
def _(service: Service) -> None:
    scores = service.scores("bad 😡")["TOXICITY"]
    assert scores["spanScores"] == [{"begin": 0, "end": 6, "score": scores["summaryScore"]}]
    [no_word] = service.scores("!!!", spanAnnotations=True)["TOXICITY"]["spanScores"]
    assert (no_word["begin"], no_word["end"]) == (0, 3)


@case("languages of the answer")
def _(service: Service) -> None:
    assert service.analyze(languages=["en-US"]).json()["languages"] == ["en-US"]
    assert service.analyze().json()["languages"] == ["en"]


@case("detectedLanguages")
def _(service: Service) -> None:
    assert service.analyze().json()["detectedLanguages"] == ["en"]
    assert service.analyze(GERMAN, languages=["en"]).json()["detectedLanguages"] == ["de"]
    assert service.analyze("привет", languages=["en"]).json()["detectedLanguages"] == []


@case("modelVersions", "added")
def _(service: Service) -> None:
    number = service.version.pk
    answer = service.analyze(RUDE, ["TOXICITY", f"INSULT@{number}"]).json()
    assert answer["modelVersions"] == {"TOXICITY": number, f"INSULT@{number}": number}


@case("warnings", "added")
def _(service: Service) -> None:
    assert service.analyze("qqqqqxxxx zzzzzvvvv").json()["warnings"] == ["no_known_words"]
    assert service.analyze("!!!").json()["warnings"] == ["empty_after_cleaning"]
    for secret in (True, False):
        answer = service.analyze(GERMAN, languages=["en"], doNotStore=secret).json()
        assert answer["warnings"] == ["language_not_supported"]
    assert "warnings" not in service.analyze().json()


@case("droppedAttributes", "added")
def _(service: Service) -> None:
    mixed = ("SEXUALLY_EXPLICIT", "TOXICITY", "FLIRTATION")
    assert service.analyze(RUDE, mixed).json()["droppedAttributes"] == ["SEXUALLY_EXPLICIT", "FLIRTATION"]
    answer = service.analyze(GERMAN, dropUnsupportedAttributes=True).json()
    assert (answer["attributeScores"], answer["droppedAttributes"]) == ({}, ["TOXICITY"])
    assert "droppedAttributes" not in service.analyze(RUDE, {"TOXICITY": {"scoreThreshold": 1}}).json()


# Request: suggestscore.


@case("comment suggested")
def _(service: Service) -> None:
    assert service.review().tweet == RUDE
    assert refusal(service.suggest(text=" "), "COMMENT_EMPTY")
    assert "no word" in refusal(service.suggest(text="!!!"))
    problem(service.suggest(text="a\0b"))


@case("context suggested", "ignored")
def _(service: Service) -> None:
    assert service.review(context={"entries": [{"text": "{}"}]}).tweet == RUDE
    problem(service.suggest(context={"entries": [1]}))


@case("attributeScores.*.summaryScore suggested")
def _(service: Service) -> None:
    grades = {"TOXICITY": 0.8, "INSULT": 0, "THREAT@5": 1, "HATE_SPEECH": 0.5}
    review = service.review({name: {"summaryScore": {"value": value}} for name, value in grades.items()})
    assert review.labels == {"toxic": 0.8, "insult": False, "threat": True, "hate_speech": 0.5}
    assert review.source == f"key:{review.key_id}"
    wrongs: list[Any] = [{}, {"TOXICITY": {}}, {"TOXICITY": {"summaryScore": {}}}, None, []]
    for wrong in wrongs:
        problem(service.suggest(wrong if wrong is not None else {"TOXICITY": 1}))
    assert service.review({"TOXICITY": {"summaryScore": {"value": "0.25"}}}, text="an idiot").labels == {"toxic": 0.25}
    for value in (1.5, -0.1, "1.5", "one", True, None):
        problem(service.suggest({"TOXICITY": {"summaryScore": {"value": value}}}))
    problem(service.suggest({"TOXICITY": {"summaryScore": {"value": 1, "type": "RAW"}}}))


@case("attributeScores.*.spanScores suggested", "ignored")
def _(service: Service) -> None:
    spans = [{"end": 3, "score": {"value": 0.1}}, {"begin": 4, "end": 7, "score": {"value": 1, "type": "PROBABILITY"}}]
    review = service.review({"TOXICITY": {"summary_score": {"value": 1}, "span_scores": spans}})
    assert review.labels == {"toxic": True}
    for wrong in ({"begin": 0}, {"begin": 0, "end": 3}, {"begin": 0, "end": 3, "score": {}}, 1):
        problem(service.suggest({"TOXICITY": {"summaryScore": {"value": 1}, "spanScores": [wrong]}}))


@case("attributeScores.*.spanScores alone", "refused")
def _(service: Service) -> None:
    spans = [{"begin": 0, "end": 3, "score": {"value": 1}}]
    assert "only whole comments" in refusal(service.suggest({"TOXICITY": {"spanScores": spans}}))
    assert not ReviewedTweet.objects.exists()


@case("attributeScores unknown", "refused")
def _(service: Service) -> None:
    for name in ("APPROVED", "toxicity", "SPAM", "@1", ""):
        assert (
            refusal(service.suggest({name: {"summaryScore": {"value": 1}}})) == f"Unknown requested attribute: {name}"
        )
    assert not ReviewedTweet.objects.exists()


@case("languages suggested")
def _(service: Service) -> None:
    assert service.review(languages=["en"]).labels == {"toxic": True}
    expected = "Attribute TOXICITY does not support request languages: de"
    assert refusal(service.suggest(languages=["de"]), "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE") == expected
    assert refusal(service.suggest(text=GERMAN), "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE") == expected


@case("communityId suggested")
def _(service: Service) -> None:
    assert service.review(communityId="Coral:https://example.org").reviewer == "Coral:https://example.org"
    assert service.review(text="another idiot", communityId="c" * 300).reviewer == "c" * 200
    problem(service.suggest(communityId="a\0b"))


@case("clientToken suggested")
def _(service: Service) -> None:
    assert service.review(clientToken="comment:17").external_id == "comment:17"
    assert service.suggest(clientToken="c" * 300).json()["clientToken"] == "c" * 300


@case("sessionId suggested", "ignored")
def _(service: Service) -> None:
    assert service.review(sessionId="s").tweet == RUDE


@case("user_id", "ignored")
def _(service: Service) -> None:
    assert service.review(user_id=17).tweet == RUDE


# Answer: suggestscore.


@case("clientToken echoed")
def _(service: Service) -> None:
    assert service.suggest(clientToken="comment:17").json()["clientToken"] == "comment:17"
    assert "clientToken" not in service.suggest().json()


@case("requestedLanguages")
def _(service: Service) -> None:
    assert service.suggest(languages=["en"]).json()["requestedLanguages"] == ["en"]
    assert service.suggest().json()["requestedLanguages"] == []


@case("detectedLanguages suggested")
def _(service: Service) -> None:
    assert service.suggest().json()["detectedLanguages"] == ["en"]


@case("reviewId", "added")
def _(service: Service) -> None:
    response = service.suggest()
    receipt = response.json()["reviewId"]
    assert response["X-Review-Id"] == receipt
    answer = JSONClient(service.key).get(f"/reviewed-tweets/{receipt}").json()
    assert answer["labels"] == {"toxic": True}
    assert answer["status"] in ("pending", "held_out")
    assert service.suggest().json()["reviewId"] == receipt  # the same once more


# Keys, queries and bodies.


def accepts(service: Service, path: str = SUGGEST, **headers: str) -> bool:
    body = {"comment": {"text": RUDE}, "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}}
    status: int = service.post(path, body, **headers).status_code
    return status == 200


@case("?key=")
def _(service: Service) -> None:
    assert accepts(service, f"{SUGGEST}?key={service.key}&alt=json")
    assert accepts(service, f"{SUGGEST}/?key=%20{service.key}%20")
    assert not accepts(service, f"{SUGGEST}?key={service.key}x")


@case("X-goog-api-key")
def _(service: Service) -> None:
    assert accepts(service, X_goog_api_key=service.key)
    assert not accepts(service, X_goog_api_key="wrong")


@case("Authorization: Bearer")
def _(service: Service) -> None:
    assert accepts(service, Authorization=f"Bearer {service.key}")
    assert accepts(service, Authorization=f"Api-Key {service.key}")
    assert not accepts(service, Authorization="Bearer ya29.a0")


@case("no Content-Type, or another one")
def _(service: Service) -> None:
    types = ("", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "application/json+protobuf")
    for content_type in (*types, "text/plain; charset=utf-16", "nonsense"):
        assert service.post(ANALYZE, COMMENT, content_type).json()["attributeScores"] == service.scores(), content_type


@case("names without quotes")
def _(service: Service) -> None:
    sample = b"""{comment: {text: 'what an idiot'}, languages: ["en"], requestedAttributes: {TOXICITY:{}} }"""
    assert service.post(ANALYZE, sample).json()["attributeScores"]["TOXICITY"]["summaryScore"]["value"] > 0.5
    problem(service.post(ANALYZE, sample + b" " * 65536))


@case("JSON as protobuf reads it")
def _(service: Service) -> None:
    # As R's jsonlite writes what has one element, and as clients do that write everything as text.
    body = {
        "comment": {"text": RUDE, "type": "plain_text"},
        "requestedAttributes": {"TOXICITY": {"scoreType": "probability", "scoreThreshold": "0.0"}},
        "languages": "en",
        "spanAnnotations": "F",
        "doNotStore": "TRUE",
        "context": {"entries": {"text": "have a nice day"}},
    }
    assert service.post(ANALYZE, body).json()["attributeScores"] == service.scores()
    for said in ("true", "True", "t", "yes", "Y", "1"):
        assert len(service.scores(spanAnnotations=said)["TOXICITY"]["spanScores"]) == 7
    for said in ("false", "f", "No", "n", "0"):
        assert len(service.scores(spanAnnotations=said)["TOXICITY"]["spanScores"]) == 1
    wrongs: list[Any] = [1, 0, "", " true", "on", "2", [], {}]
    for wrong in wrongs:
        problem(service.analyze(spanAnnotations=wrong))
    problem(service.analyze(clientToken=17))


@case("alt, prettyPrint, quotaUser, $.xgafv, ...", "ignored")
def _(service: Service) -> None:
    query = "alt=json&prettyPrint=false&quotaUser=me&$.xgafv=2&uploadType=media&other=1"
    assert service.post(f"{ANALYZE}?{query}", COMMENT).json()["attributeScores"] == service.scores()


@case("fields", "ignored")
def _(service: Service) -> None:
    assert service.post(f"{ANALYZE}?fields=languages", COMMENT).json()["attributeScores"] == service.scores()


@case("callback", "ignored")
def _(service: Service) -> None:
    assert service.post(f"{ANALYZE}?callback=f", COMMENT).json()["attributeScores"] == service.scores()


@case("CORS")
def _(service: Service) -> None:
    site = {"Origin": "https://example.org"}
    assert "Access-Control-Allow-Origin" not in service.post(ANALYZE, COMMENT, **site)
    with allowing("https://example.org"):
        asked: Any = JSONClient()._client.options(
            f"{ANALYZE}?key=a",
            headers={
                **site,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "x-goog-api-key",
            },
        )
        assert asked.status_code == 200
        assert asked["Access-Control-Allow-Origin"] == "https://example.org"
        assert "x-goog-api-key" in asked["Access-Control-Allow-Headers"]
        assert service.post(ANALYZE, COMMENT, **site)["Access-Control-Allow-Origin"] == "https://example.org"
        refused = service.post(ANALYZE, {}, **site)
        assert problem(refused)
        assert refused["Access-Control-Allow-Origin"] == "https://example.org"
        assert "Access-Control-Allow-Origin" not in service.post(ANALYZE, COMMENT, Origin="https://other.example")
        assert "Access-Control-Allow-Origin" not in service.post("/predict", {"tweet": RUDE}, **site)


def allowing(*origins: str) -> Any:
    return override_settings(
        CORS_ALLOWED_ORIGINS=origins,
        MIDDLEWARE=["corsheaders.middleware.CorsMiddleware", *django_settings.MIDDLEWARE],
    )


@case("Content-ID in a batch")
def _(service: Service) -> None:
    for path in ("/batch", "/batch/commentanalyzer/v1alpha1"):
        response = service.batch(part(COMMENT), part(COMMENT, "<abc + 2>"), path=path)
        assert response["Content-Type"].startswith("multipart/mixed; boundary=")
        assert re.findall("Content-ID: (.*)\r", response.content.decode()) == [
            "<response-abc + 1>",
            "<response-abc + 2>",
        ]
    assert "Content-ID" not in service.batch(f"\r\nPOST {ANALYZE} HTTP/1.1\r\n\r\n{{}}").content.decode()


@case("a bad request in a batch")
def _(service: Service) -> None:
    inside = [part(COMMENT), part({}), "\r\nnonsense", part(COMMENT, target=f"GET {ANALYZE}"), part(COMMENT)]
    assert statuses(service.batch(*inside)) == [200, 400, 400, 405, 200]


@case("a long head in a batch", "refused")
def _(service: Service) -> None:
    def sized(name: str, size: int) -> str:
        return part(COMMENT, headers=f"{name}: {'a' * size}\r\n")

    assert statuses(service.batch(sized("X", 1_100), part(COMMENT), sized("X", 800))) == [400, 200, 200]
    plain = [
        f"\r\nPOST {ANALYZE} HTTP/1.1\r\nContent-Type: a/b; c={'d' * size}\r\n\r\n{json.dumps(COMMENT)}"
        for size in (249, 250)
    ]
    assert statuses(service.batch(*plain)) == [200, 400]


@case("other paths in a batch", "refused")
def _(service: Service) -> None:
    targets = ("POST /predict", "POST /batch", "GET /$discovery/rest", "POST http://[/", "POST /v1alpha1/comments:foo")
    assert statuses(service.batch(*[part(COMMENT, target=target) for target in targets])) == [404, 404, 404, 400, 404]
    whole = f"POST https://commentanalyzer.googleapis.com{ANALYZE}"
    assert statuses(service.batch(part(COMMENT, target=whole))) == [200]


def statuses(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [int(status) for status in re.findall(r"HTTP/1.1 (\d+) ", response.content.decode())]


# Errors.


@case("COMMENT_EMPTY")
def _(service: Service) -> None:
    bodies: list[Any] = [{}, {"comment": {}}, {"comment": {"text": ""}}, {"comment": {"text": " \n"}}, b""]
    for body in bodies:
        assert refusal(service.post(ANALYZE, body), "COMMENT_EMPTY") == "Comment must be non-empty."


@case("COMMENT_TOO_LONG")
def _(service: Service) -> None:
    assert refusal(service.analyze("é" * 10_241), "COMMENT_TOO_LONG") == "Comment text too long."
    assert service.analyze("é" * 10_240, languages=["en"]).status_code == 200


@case("NO_REQUESTED_ATTRIBUTES")
def _(service: Service) -> None:
    for body in ({"comment": {"text": RUDE}}, {"comment": {"text": RUDE}, "requestedAttributes": {}}):
        assert refusal(service.post(ANALYZE, body), "NO_REQUESTED_ATTRIBUTES") == "Missing requested_attributes"


@case("LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE")
def _(service: Service) -> None:
    sentence = "Attribute TOXICITY does not support request languages: de"
    for response, field in (
        (service.analyze(GERMAN), "detectedLanguages"),
        (service.analyze(languages=["en", "de"]), "requestedLanguages"),
    ):
        assert refusal(response, "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE") == sentence
        detail = problem(response)["details"][0]["languageNotSupportedByAttributeError"]
        assert detail == {"attribute": "TOXICITY", field: ["de"]}
    for short in ("banger", "hola amigo", "ello ello"):
        assert service.analyze(short).json()["detectedLanguages"] == ["en"]


@case("LANGUAGE_DETECTION_FAILED")
def _(service: Service) -> None:
    assert refusal(service.analyze("привет"), "LANGUAGE_DETECTION_FAILED") == "Unable to detect language"


@case("INVALID_REQUEST unknown attribute")
def _(service: Service) -> None:
    for name in ("SARCASM", "toxicity", "TOXICITY_ADVANCED", ""):
        assert refusal(service.analyze(RUDE, [name])) == f"Unknown requested attribute: {name}"


@case("INVALID_REQUEST unknown version")
def _(service: Service) -> None:
    for version in ("999", "0", "x", "", "-1", "1.0", "9" * 30, "²"):
        sentence = f"Unknown requested attribute: TOXICITY@{version}"
        assert refusal(service.analyze(RUDE, [f"TOXICITY@{version}"])) == sentence


@case("INVALID_REQUEST score type")
def _(service: Service) -> None:
    sentence = "Requested score type RAW is not supported by attribute TOXICITY"
    assert refusal(service.analyze(RUDE, {"TOXICITY": {"scoreType": "RAW"}})) == sentence


@case("INVALID_REQUEST text type")
def _(service: Service) -> None:
    assert refusal(service.analyze(comment={"text": RUDE, "type": "PDF"})) == "Unknown text type"
    assert "PLAIN_TEXT" in refusal(service.analyze(context={"entries": [{"text": "a", "type": "HTML"}]}))


@case("INVALID_REQUEST context")
def _(service: Service) -> None:
    context = {"entries": [{"text": "a"}], "articleAndParentComment": {"article": {"text": "b"}}}
    assert "but both fields were populated" in refusal(service.analyze(context=context))


@case("INVALID_ARGUMENT not JSON")
def _(service: Service) -> None:
    deep = b"[" * 50_000
    for body in (
        b"{",
        b"hello",
        b'{"comment": ',
        b"\xff",
        b'{"comment":{"text":"\\ud800"}}',
        deep,
        b"{a:" * 20_000,
        b"\0",
    ):
        assert "Invalid JSON payload received." in problem(service.post(ANALYZE, body))["message"]
    for body in (b"[]", b"1", b"'a'", b"null", b"[NaN]", b'{"comment": "a"}', b'{"comment": {"text": 1}}', b"9" * 5000):
        assert problem(service.post(ANALYZE, body))["status"] == "INVALID_ARGUMENT"


@case("API_KEY_INVALID")
def _(service: Service) -> None:
    responses = [
        service.post(f"{ANALYZE}?key=wrong", b""),
        service.post(f"{ANALYZE}?key=%C3%BC", COMMENT),
        service.post(ANALYZE, COMMENT, Authorization="Basic abc"),
        JSONClient().get(f"{DISCOVERY}&key=wrong"),
    ]
    for response in responses:
        error = problem(response)
        assert error["message"] == "API key not valid. Please pass a valid API key."
        assert error["details"][0]["reason"] == "API_KEY_INVALID"


@case("CREDENTIALS_MISSING")
def _(service: Service) -> None:
    assert "unregistered callers" in problem(service.post(SUGGEST, {}), 403)["message"]
    with override_settings(PUBLIC_PREDICT=False):
        assert problem(service.analyze(), 403)["status"] == "PERMISSION_DENIED"
        assert service.post(f"{ANALYZE}?key={service.key}", COMMENT).status_code == 200


@case("PERMISSION_DENIED")
def _(service: Service, make_key: MakeKey) -> None:
    error = problem(service.post(f"{SUGGEST}?key={make_key('predict')}", {}), 403)
    assert (error["status"], error["details"][0]["reason"]) == ("PERMISSION_DENIED", "PERMISSION_DENIED")


@case("NOT_FOUND")
def _(service: Service) -> None:
    for response in (service.post("/v1alpha1/comments:foo", COMMENT), JSONClient().get(f"{DISCOVERY}2")):
        assert problem(response, 404)["status"] == "NOT_FOUND"


@case("METHOD_NOT_ALLOWED")
def _(service: Service) -> None:
    for path in (ANALYZE, SUGGEST, "/batch"):
        response = JSONClient(service.key).get(path)
        assert problem(response, 405)["details"][0]["reason"] == "METHOD_NOT_ALLOWED"
        assert "POST" in response["Allow"]


@case("BODY_TOO_LARGE")
def _(service: Service) -> None:
    padded = json.dumps(COMMENT).encode().ljust(1 << 20)
    assert service.post(ANALYZE, padded).status_code == 200
    assert "exceeds the limit" in problem(service.post(ANALYZE, padded + b" "), 413)["message"]
    assert problem(service.post("/batch", b" " * (4 * 1024 * 1024 + 1), "multipart/mixed; boundary=B"), 413)


@case("TOO_MUCH_WORK", "added")
def _(service: Service) -> None:
    versions = [f"TOXICITY@{number}" for number in range(20)]
    assert "Unknown" in refusal(service.analyze(RUDE * 200, versions, spanAnnotations=True))
    long = part({"comment": {"text": "have a nice day " * 400}, "requestedAttributes": {"TOXICITY": {}}})
    response = service.batch(*[long] * 62, part(COMMENT))
    assert statuses(response) == [200] * 60 + [413] * 3
    assert "at most 300,000 characters are read for one request" in response.content.decode()
    assert '"reason":"TOO_MUCH_WORK"' in response.content.decode()


@case("RATE_LIMIT_EXCEEDED")
def _(service: Service, make_key: MakeKey) -> None:
    key = make_key("predict", limit="2/hour")
    answers = [service.post(f"{ANALYZE}?key={key}", COMMENT) for _ in range(3)]
    error = problem(answers[2], 429)
    number = ApiKey.objects.get(limit="2/hour").pk
    metric = "Analysis requests (AnalyzeComment)"
    assert error["message"] == (
        f"Quota exceeded for quota metric '{metric}' and limit '{metric} per hour' of service "
        f"'commentanalyzer.googleapis.com' for consumer 'project_number:{number}'."
    )
    assert error["status"] == "RESOURCE_EXHAUSTED"
    assert error["details"][0]["metadata"]["quota_limit_value"] == "2"
    assert int(answers[2]["Retry-After"]) >= 1
    assert statuses(service.batch(part(COMMENT, target=f"POST {ANALYZE}?key={key}"))) == [429]
    with override_settings(LIMITS={**django_settings.LIMITS, "wrong_key": "1/day"}):
        guesses = [service.post(f"{ANALYZE}?key={guess}", COMMENT) for guess in "ab"]
    problem(guesses[0], 400)
    assert problem(guesses[1], 429)["details"][0]["metadata"]["quota_limit_value"] == "1"


@case("INTERNAL")
def _(service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("api.prediction.predicting.predict", fail)
    logging.getLogger("api").propagate = True
    assert problem(service.analyze(), 500)["status"] == "INTERNAL"
    assert statuses(service.batch(part(COMMENT), part({}))) == [500, 400]
    assert "a fault" in caplog.text


@case("MODEL_NOT_READY")
def _(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active_model, "_active", None)
    response = service.analyze()
    assert problem(response, 503)["details"][0]["reason"] == "MODEL_NOT_READY"
    assert int(response["Retry-After"]) >= 1


@case("a batch of more than 100", "refused")
def _(service: Service) -> None:
    assert statuses(service.batch(*[part({})] * 100)) == [400] * 100
    for number in (101, 1000, 0):
        assert "1 to 100 requests" in problem(service.batch(*[part({})] * number))["message"]
    assert "multipart/mixed" in problem(service.post("/batch", COMMENT))["message"]
    problem(service.post("/batch", b"", "multipart/mixed; boundary=B"))


# What no row says.


def test_spans_sum_to_the_score(service: Service) -> None:
    model = active_model.get()
    exact = explain(model.scorer, RUDE, "toxic")

    answered = service.scores(spanAnnotations=True)["TOXICITY"]

    words = [math.log(score / (1 - score)) for score in (span["score"]["value"] for span in answered["spanScores"])]
    assert words == pytest.approx([exact.intercept + one.value for one in exact.contributions])
    total = exact.intercept + sum(word - exact.intercept for word in words)
    assert 1 / (1 + math.exp(-total)) == pytest.approx(answered["summaryScore"]["value"])


def test_a_pinned_version_answers_beside_the_one_that_serves(service: Service, make_version: MakeVersion) -> None:
    other = make_version()

    answer = service.analyze(RUDE, ["TOXICITY", f"TOXICITY@{other.pk}"]).json()

    assert answer["modelVersions"] == {"TOXICITY": service.version.pk, f"TOXICITY@{other.pk}": other.pk}
    assert set(answer["attributeScores"]) == set(answer["modelVersions"])


def test_analyzing_takes_no_query(service: Service, django_assert_num_queries: Any) -> None:
    path = f"{ANALYZE}?key={service.key}"
    service.post(path, COMMENT)

    with django_assert_num_queries(0):
        assert service.post(path, COMMENT).status_code == 200
        assert service.analyze().status_code == 200


def test_a_part_of_a_batch_takes_over_the_key_around_it(service: Service) -> None:
    suggested = {"comment": {"text": RUDE}, "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}}
    inside = part(suggested, target=f"POST {SUGGEST}")

    assert statuses(service.batch(inside)) == [403]
    assert statuses(service.batch(inside, Authorization=f"Bearer {service.key}")) == [200]
    assert statuses(service.batch(inside, X_goog_api_key=service.key)) == [200]


def test_a_part_of_a_batch_cannot_say_where_it_comes_from(service: Service) -> None:
    with override_settings(LIMITS={**django_settings.LIMITS, "predict": "2/hour"}, TRUSTED_PROXIES=1):
        parts = [part(COMMENT, headers=f"X-Forwarded-For: 10.0.0.{number}\r\n") for number in range(3)]

        assert statuses(service.batch(*parts)) == [200, 200, 429]


def test_parts_in_parts_take_no_time(service: Service) -> None:
    nested = "".join(
        f"Content-Type: multipart/mixed; boundary=B{number}\r\n\r\n--B{number}\r\n" for number in range(40_000)
    )

    assert statuses(service.batch(nested)) == [400]


def test_long_heads_take_no_time_either(service: Service) -> None:
    line = f"\r\nPOST {ANALYZE}"
    long = [f"Content-Type: a;{'b=c;' * 500_000}", "A: b\r\n" * 300_000, "C: d" + "\r\n e" * 300_000]
    heads = [f"{line} HTTP/1.1\r\n{head}\r\n\r\n{{}}" for head in long]

    for head in [*heads, f"{line}?{'a&' * 1_000_000} HTTP/1.1\r\n\r\n{{}}", f"{'X: y' * 500_000}\r\n\r\n{line}"]:
        assert statuses(service.batch(head, part(COMMENT))) == [400, 200]


def test_a_query_that_cannot_be_read(service: Service) -> None:
    query = "&".join(f"a{number}=1" for number in range(2_000))

    problem(service.post(f"{ANALYZE}?{query}", COMMENT))


def test_a_key_in_a_url_stays_out_of_the_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for path in (
            f"{ANALYZE}?key={service.key}",
            f"{SUGGEST}?key={service.key}",
            f"/v1alpha1/foo?key={service.key}",
        ):
            service.post(path, b"{")

    assert service.key not in caplog.text


@pytest.mark.parametrize("headers", [{}, {"Host": "127.0.0.1:9000"}])
def test_the_discovery_document_points_here(service: Service, headers: dict[str, str]) -> None:
    document = JSONClient().get(DISCOVERY, **headers).json()

    assert document["rootUrl"] == f"http://{headers.get('Host', 'testserver')}/"
    assert document["baseUrl"] == document["rootUrl"]
    assert document["batchPath"] == "batch"


def test_the_discovery_document_follows_a_proxy_and_a_setting(service: Service) -> None:
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        document = JSONClient().get(DISCOVERY, Host="localhost", X_Forwarded_Proto="https").json()
        assert document["rootUrl"] == "https://localhost/"
    with override_settings(PUBLIC_URL="https://hate.example.org/api"):
        assert JSONClient().get(DISCOVERY).json()["rootUrl"] == "https://hate.example.org/api/"


def test_the_discovery_document_has_what_is_answered(service: Service) -> None:
    schemas = JSONClient().get(DISCOVERY).json()["schemas"]

    analyzed = service.analyze("zzzvvvqqq xxyyzz", ["TOXICITY", "FLIRTATION"], clientToken="a").json()
    suggested = service.suggest(clientToken="a").json()

    assert set(analyzed) == set(schemas["AnalyzeCommentResponse"]["properties"])
    assert set(suggested) == set(schemas["SuggestCommentScoreResponse"]["properties"])


def run_with(tmp_path: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program with settings that are only read at the start."""
    return subprocess.run(
        [sys.executable, "-c", f"import django; django.setup()\n{program}"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DATA_DIR": str(tmp_path)} | environment,
        cwd=django_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_setting_lets_pages_of_these_origins_ask(tmp_path: Path) -> None:
    program = f"""
from django.core.management import call_command
from django.test import Client
call_command("check")
answers = [Client().options("{ANALYZE}", headers={{"Host": "localhost", "Origin": origin,
           "Access-Control-Request-Method": "POST"}}) for origin in ("https://a.example", "https://b.example")]
print([answer.get("Access-Control-Allow-Origin") for answer in answers])
"""

    some = run_with(tmp_path, program, CORS_ORIGINS="https://a.example,http://localhost:3000")
    every = run_with(tmp_path, program, CORS_ORIGINS="*")

    assert some.stdout.splitlines()[-1] == "['https://a.example', None]", some.stderr
    assert every.stdout.splitlines()[-1] == "['*', '*']", every.stderr


@pytest.mark.parametrize(("name", "value"), [("CORS_ORIGINS", "example.org"), ("PUBLIC_URL", "example.org")])
def test_a_setting_that_cannot_work_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    done = run_with(tmp_path, "", **{name: value})

    assert done.returncode == 1
    assert name in done.stderr.splitlines()[-1]


def test_the_attributes_are_documented() -> None:
    assert (
        dict(re.findall(r"^\| `([A-Z_]+)` \| `([a-z_]+)` \|$", TABLE.page.read_text(encoding="utf-8"), re.M))
        == LABEL_OF
    )
