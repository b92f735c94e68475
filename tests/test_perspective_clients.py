"""Perspective's own clients, unmodified, against the running service."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
from googleapiclient import discovery
from googleapiclient.errors import HttpError
from PyPerspective import Perspective, errors

from api.models import ModelVersion, ReviewedTweet
from hate_speech_ai.text import tokenize_with_offsets
from tests.conftest import MakeKey

CLIENTS = Path(__file__).parent / "clients"
RUDE = "you are a stupid idiot, go away"
COMMENT = {"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {}}}
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
needs_packages = pytest.mark.skipif(
    not (CLIENTS / "node_modules").exists(), reason="run `npm ci --prefix tests/clients` first"
)


@pytest.fixture
def key(make_key: MakeKey) -> str:
    return make_key("predict", "review")


@pytest.fixture
def root(live_server: Any, served: ModelVersion) -> str:
    return str(live_server.url)


@pytest.fixture
def google(root: str, key: str) -> Any:
    """What `google-api-python-client` builds from our discovery document."""
    return discovery.build(
        "commentanalyzer",
        "v1alpha1",
        developerKey=key,
        discoveryServiceUrl=f"{root}/$discovery/rest?version=v1alpha1",
        static_discovery=False,
    )


# google-api-python-client


def test_google_analyzes(google: Any) -> None:
    answer = google.comments().analyze(body=COMMENT).execute()

    assert 0.5 < answer["attributeScores"]["TOXICITY"]["summaryScore"]["value"] < 1


def test_google_suggests_a_score(google: Any) -> None:
    body = {"comment": {"text": RUDE}, "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0.8}}}}

    answer = google.comments().suggestscore(body={**body, "clientToken": "c-1", "communityId": "/movies"}).execute()

    review = ReviewedTweet.objects.get(receipt=answer["reviewId"])
    assert answer["clientToken"] == "c-1"
    assert (review.labels, review.external_id, review.reviewer) == ({"toxic": 0.8}, "c-1", "/movies")


def test_google_sends_a_batch_of_fifty(google: Any) -> None:
    answers: dict[str, Any] = {}
    batch = google.new_batch_http_request(callback=lambda name, answer, error: answers.update({name: answer or error}))
    texts = {f"n {number}": f"{RUDE} number {number} 😡" for number in range(49)}
    for name, text in texts.items():
        batch.add(google.comments().analyze(body={**COMMENT, "comment": {"text": text}}), request_id=name)
    batch.add(google.comments().analyze(body={}), request_id="bad")

    batch.execute()

    bad = answers.pop("bad")
    assert isinstance(bad, HttpError)
    assert bad.reason == "Comment must be non-empty."
    for name, text in texts.items():
        alone = google.comments().analyze(body={**COMMENT, "comment": {"text": text}}).execute()
        assert answers[name] == alone


def test_google_meets_an_error(google: Any) -> None:
    with pytest.raises(HttpError) as caught:
        google.comments().analyze(body={**COMMENT, "languages": ["de"]}).execute()

    assert caught.value.status_code == 400
    assert caught.value.reason == "Attribute TOXICITY does not support request languages: de"
    assert caught.value.error_details[0]["errorType"] == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"


def test_google_with_a_wrong_key(google: Any, root: str) -> None:
    with pytest.raises(HttpError, match="API key not valid"):
        discovery.build(
            "commentanalyzer",
            "v1alpha1",
            developerKey="wrong",
            discoveryServiceUrl=f"{root}/$discovery/rest?version=v1alpha1",
            static_discovery=False,
        )


# PyPerspective, the strictest reader of answers


@pytest.fixture
def pyperspective(root: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Perspective, "base_url", f"{root}/v1alpha1/comments:analyze")
    return Perspective


def test_pyperspective(pyperspective: Any, key: str) -> None:
    comment = pyperspective.Perspective(key).get_score(RUDE, tests=["TOXICITY", "SEVERE_TOXICITY", "THREAT"])

    assert comment["TOXICITY"].score > comment["THREAT"].score
    assert str(comment["TOXICITY"][0]) == RUDE
    assert comment.detected_langs == ["en"]


def test_pyperspective_with_a_wrong_key(pyperspective: Any) -> None:
    with pytest.raises(errors.InvalidAuthKey):
        pyperspective.Perspective("wrong")


# Without a library


def test_the_official_python_sample(root: str, key: str) -> None:
    answer = requests.post(
        f"{root}/v1alpha1/comments:analyze", params={"key": key}, data=json.dumps(COMMENT), timeout=30
    )

    assert "Content-Type" not in answer.request.headers
    assert answer.json()["attributeScores"]["TOXICITY"]["summaryScore"]["value"] > 0.5


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(
    "body",
    [
        json.dumps(COMMENT),
        '{comment: {text: "what kind of idiot name is foo?"}, languages: ["en"], requestedAttributes: {TOXICITY:{}} }',
    ],
    ids=["JSON", "the official sample"],
)
def test_curl(root: str, key: str, body: str) -> None:
    url = f"{root}/v1alpha1/comments:analyze?key={key}"
    done = subprocess.run(["curl", "--silent", "--data", body, url], capture_output=True, check=True, timeout=30)

    assert json.loads(done.stdout)["attributeScores"]["TOXICITY"]["summaryScore"]["value"] > 0.5


def test_coral(root: str, key: str) -> None:
    """What server/src/core/server/services/perspective/perspective.ts sends."""
    asked: dict[str, Any] = {**COMMENT, "doNotStore": True, "languages": ["en"]}
    context = {"url": "https://news.example/a?commentID=7", "Coral_comment_id": "7"}
    feedback: dict[str, Any] = {
        "comment": {"text": RUDE},
        "context": {"entries": [{"text": json.dumps(context)}]},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0}}},
        "languages": ["en"],
        "communityId": "Coral:https://coral.example",
        "clientToken": "comment:7",
    }

    analyzed = requests.post(f"{root}/v1alpha1/comments:analyze?key={key}", json=asked, timeout=0.8)
    suggested = requests.post(f"{root}/v1alpha1/comments:suggestscore?key={key}", json=feedback, timeout=0.8)

    assert analyzed.json()["attributeScores"]["TOXICITY"]["summaryScore"]["value"] > 0.5
    assert suggested.json()["clientToken"] == "comment:7"
    review = ReviewedTweet.objects.get()
    assert (review.tweet, review.labels, review.external_id) == (RUDE, {"toxic": False}, "comment:7")
    assert review.reviewer == "Coral:https://coral.example"


# JavaScript


def node(script: str, *arguments: str, sent: str = "") -> Any:
    done = subprocess.run(
        ["node", script, *arguments], cwd=CLIENTS, input=sent, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


@needs_node
@needs_packages
def test_perspective_api_client(root: str, key: str) -> None:
    answer = node("perspective.js", root, key, f"<b>{RUDE}</b> 😡")["answer"]

    scores = answer["attributeScores"]
    assert scores["TOXICITY"]["summaryScore"]["value"] > scores["THREAT"]["summaryScore"]["value"]
    assert scores["TOXICITY"]["spanScores"][0]["end"] == len(RUDE) + 3
    assert node("perspective.js", root, "wrong", RUDE) == {
        "error": "ResponseError",
        "message": "API key not valid. Please pass a valid API key.",
    }


TEXTS = [
    "you idiot 😡😡 go away",
    "👨‍👩‍👧 family 👍🏽 ok",
    "🇩🇪🇫🇷 flags 🏴󠁧󠁢󠁥󠁮󠁧󠁿 x",
    "e\u0301clair cafe\u0301 nai\u0308ve z\u0300\u0301\u0302algo",
    "שלום עולם you idiot مرحبا بالعالم",
    "\u202eyou\u202c idiot",
    "𝓲𝓭𝓲𝓸𝓽 ｉｄｉｏｔ iԁiоt 1d10t i.d.i.o.t id*ot #youidiot",
    "Don&#39;t &amp; &#x1F621; it‘s â€œbadâ€\u009d",
    "\ufeffzero\u200bwidth\u200d join\u00adhyphen",
    "@someone 😡 https://example.org/😡 <user> URL",
    "𐍈𐌰 𝟘𝟙 gothic 😡a😡b😡",
]


@needs_node
def test_offsets_are_what_javascript_counts(root: str, served: ModelVersion) -> None:
    asked = {text: places(root, text) for text in TEXTS}

    found = node("slice.js", sent=json.dumps([{"text": text, "places": cut} for text, cut in asked.items()]))

    for text, pieces in zip(TEXTS, found, strict=True):
        assert pieces == [text[token.begin : token.end] for token in tokenize_with_offsets(text)], text
    assert any(end > len(text) for text, cut in asked.items() for _, end in cut)


def places(root: str, text: str) -> list[tuple[int, int]]:
    body: dict[str, Any] = {**COMMENT, "comment": {"text": text}, "languages": ["en"], "spanAnnotations": True}
    answer = requests.post(f"{root}/v1alpha1/comments:analyze", json=body, timeout=30).json()
    return [(span["begin"], span["end"]) for span in answer["attributeScores"]["TOXICITY"]["spanScores"]]


# Clients in other languages: the requests that their source builds, and what it reads of the answers.


def asked(root: str, key: str, body: dict[str, Any]) -> Any:
    response = requests.post(f"{root}/v1alpha1/comments:analyze?key={key}", json=body, timeout=30)
    assert response.status_code == 200, response.text
    return response.json()


def test_perspective_in_r_reads_every_sentence(root: str, key: str) -> None:
    text = f"have a lovely day. {RUDE}"
    body = {
        "comment": {"text": text},
        "spanAnnotations": True,
        "requestedAttributes": {"TOXICITY": {}, "SEXUALLY_EXPLICIT": {}},
        "doNotStore": False,
        "languages": "en",  # jsonlite writes a vector of one without brackets
    }

    answer = asked(root, key, body)

    first = next(iter(answer.values()))  # it looks for the scores in whatever comes first
    spans = first["TOXICITY"]["spanScores"]
    assert [text[span["begin"] : span["end"]] for span in spans]
    assert all(0 <= span["score"]["value"] <= 1 for span in spans)
    assert first["TOXICITY"]["summaryScore"]["value"] > 0.5
    assert "error" not in answer


def test_n8n_asks_for_flirtation_too(root: str, key: str) -> None:
    asked_for = {"scoreType": "probability", "scoreThreshold": 0}
    body = {
        "comment": {"type": "PLAIN_TEXT", "text": RUDE},
        "requestedAttributes": {"FLIRTATION": asked_for, "TOXICITY": asked_for},
        "languages": "en",
    }

    assert asked(root, key, body)["attributeScores"]["TOXICITY"]["summaryScore"]["value"] > 0.5
