"""GET /schema and GET /docs."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.urls import URLPattern
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from pytest_django import Settings

from api import urls
from api.integrations.perspective import urls as perspective_urls
from api.models import ApiKey, ModelVersion
from api.prediction.language import NOT_SUPPORTED
from hate_speech_ai.scorer import EMPTY, TRUNCATED, UNKNOWN
from tests.conftest import AsKey, JSONClient


def own(patterns: list[Any]) -> Iterator[URLPattern]:
    """Each path of the service but Perspective's, which Google's discovery document describes."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern
        elif pattern.urlconf_module is not perspective_urls:
            yield from own(pattern.url_patterns)


urlpatterns = list(own(urls.urlpatterns))

# They describe the API and are no part of it.
ABOUT = {"/schema", "/docs"}


@pytest.fixture
def schema(client: JSONClient) -> dict[str, Any]:
    return dict(client.get("/schema").json())


def routes() -> set[str]:
    paths = {re.sub("<[a-z]+:([a-z_]+)>", r"{\1}", f"/{pattern.pattern}") for pattern in urlpatterns}
    return {path for path in paths if not path.endswith("/")}


@pytest.mark.parametrize("path", ["/schema", "/schema/"])
def test_it_is_openapi_3_1(client: JSONClient, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert response.json()["openapi"].startswith("3.1")
    validate_schema(response.json())  # type: ignore[no-untyped-call]


def test_it_is_the_same_whatever_the_query_says(client: JSONClient, schema: dict[str, Any]) -> None:
    for query in ("version=%0d%0aX:y", "version=2", "lang=de", "lang=%00", "format=yaml"):
        response = client.get(f"/schema?{query}")
        assert (response.status_code, response.json()) == (200, schema)


def test_it_is_made_once(client: JSONClient, schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drf_spectacular.generators.SchemaGenerator.get_schema", lambda *_, **__: 1 / 0)

    assert client.get("/schema").json() == schema


def test_every_route_is_listed_once(schema: dict[str, Any]) -> None:
    assert {"/predict", "/add-reviewed-tweet", "/score", "/models/{version_id}/promote"} <= routes()
    assert set(schema["paths"]) == routes() - ABOUT


def test_every_route_works_with_a_trailing_slash_too() -> None:
    slashed = {str(pattern.pattern) for pattern in urlpatterns if str(pattern.pattern).endswith("/")}

    assert slashed == {f"{pattern.pattern}/" for pattern in urlpatterns} - {f"{path}/" for path in slashed}


def test_every_operation_says_what_it_is_for(schema: dict[str, Any]) -> None:
    for operations in schema["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert {"429", "503"} <= set(operation["responses"])


def test_the_errors_of_a_review_are_described(schema: dict[str, Any]) -> None:
    operation = schema["paths"]["/add-reviewed-tweet"]["post"]

    assert {"200", "201", "400", "401", "403", "413", "415", "422"} <= set(operation["responses"])
    assert operation["security"] == [{"ApiKey": []}]
    problem = operation["responses"]["400"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}


def test_a_list_is_described_as_it_comes(as_key: AsKey, schema: dict[str, Any], served: ModelVersion) -> None:
    for path in ("/reviewed-tweets", "/training-runs", "/models", "/keys", "/audit-log"):
        [content] = schema["paths"][path]["get"]["responses"]["200"]["content"].values()
        page = schema["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        assert set(as_key("admin").get(path).json()) == set(page["properties"])


def test_a_receipt_has_the_fields_that_are_described(as_key: AsKey, schema: dict[str, Any]) -> None:
    schemas, client = schema["components"]["schemas"], as_key("review")
    answer = client.post("/add-reviewed-tweet", {"tweet": "hello", "is_hate_speech": False}).json()

    receipt = client.get(f"/reviewed-tweets/{answer['id']}").json()

    assert set(receipt) == set(schemas["Receipt"]["properties"])
    assert set(receipt["history"][0]) == set(schemas["Step"]["properties"])
    assert set(receipt["resolution"]["hate_speech"]) == set(schemas["Resolution"]["properties"])
    assert "204" in schema["paths"]["/reviewed-tweets/{receipt}"]["delete"]["responses"]


def test_what_an_operation_answers_is_described(as_key: AsKey, schema: dict[str, Any], served: ModelVersion) -> None:
    client, number = as_key("admin"), served.pk
    for method, path, asked in (
        ("get", "/operating-points", "/operating-points?base_rate=0"),
        ("get", "/review-queue", "/review-queue?limit=many"),
        ("get", "/reviewed-tweets", "/reviewed-tweets?colour=red"),
        ("get", "/models/{version_id}", f"/models/{number}"),
        ("post", "/train", "/train"),
        ("delete", "/models/{version_id}/keep", f"/models/{number}/keep"),
    ):
        answer = client.request(method, asked, "application/json", b"[]" if method == "post" else b"")
        assert str(answer.status_code) in schema["paths"][path][method]["responses"], (path, answer.status_code)


def test_what_changes_something_can_be_sent_again(schema: dict[str, Any]) -> None:
    without = {
        path
        for path, operations in schema["paths"].items()
        if "post" in operations
        and "Idempotency-Key" not in {one["name"] for one in operations["post"].get("parameters", [])}
    }

    others = {"/label-studio/setup", "/label-studio/predict", "/label-studio/webhook"}  # the client sends none
    assert without == {"/predict", "/v1/moderations", *others}


def test_parameters_that_are_not_described_are_refused(
    as_key: AsKey, schema: dict[str, Any], served: ModelVersion
) -> None:
    described = {
        path: {one["name"] for one in operations["get"].get("parameters", []) if one["in"] == "query"}
        for path, operations in schema["paths"].items()
        if "get" in operations
    }
    with_some = {path: names for path, names in described.items() if names}
    lists = {"/reviewed-tweets", "/training-runs", "/models", "/keys", "/audit-log", "/forgotten"}
    lists.add("/keys/{prefix}/reviewers")
    assert set(with_some) == {*lists, "/operating-points", "/review-queue"}

    for path, names in with_some.items():
        answer = as_key("admin").get(f"{path.format(prefix=ApiKey.objects.all()[0].prefix)}?colour=red")
        assert answer.status_code == 400, path
        assert answer["Content-Type"] == "application/problem+json"
        [(field, [message])] = answer.json()["errors"].items()
        assert field == "colour"
        start, _, known = message.removesuffix(".").partition(" The parameters are ")
        assert (start, set(known.split(", "))) == ("There is no such parameter.", names)


def test_what_is_public_says_so(client: JSONClient, schema: dict[str, Any], settings: Settings) -> None:
    assert schema["paths"]["/predict"]["post"]["security"] == [{"ApiKey": []}, {}]
    assert schema["paths"]["/v1/moderations"]["post"]["security"] == [{"Bearer": []}, {}]

    settings.PUBLIC_PREDICT = False

    assert client.get("/schema").json()["paths"]["/predict"]["post"]["security"] == [{"ApiKey": []}]


BODIES: dict[str, list[dict[str, Any]]] = {
    "/predict": [
        {"tweet": "hello"},
        {"tweets": ["hello"], "explain": False},
        {},
        {"tweet": "hello", "tweets": ["hello"]},
        {"tweets": ["hello"], "explain": True},
        {"tweet": "hello", "colour": "red"},
        {"tweet": "hello", "model_version": 2**31},
    ],
    "/add-reviewed-tweet": [
        {"tweet": "hello you", "is_hate_speech": False, "labels": {"toxic": 0.3}},
        {"tweet": "hello you", "is_hate_speech": False, "labels": {"Toxic!": True}},
        {"tweet": "hello you", "is_hate_speech": False, "labels": {"toxic": 1.5}},
    ],
    "/keys/{prefix}/trust": [
        {"trust": "trusted", "reason": "x", "include_learned": False},
        {"trust": "quarantined", "reason": "x", "include_learned": True},
        {"trust": "trusted", "reason": "x", "include_learned": True},
        {"trust": "quarantined", "reason": "x", "approve_pending": True},
    ],
    "/reviewed-tweets/approve": [
        {"ids": ["4f0c0000-0000-4000-8000-000000000000"]},
        {"ids": [1]},
        {"ids": [False]},
        {},
        {"ids": ["4f0c0000-0000-4000-8000-000000000000"], "key": "hs_0123456789ab"},
    ],
    "/forget": [{"text": "hello", "reason": "asked"}, {"reason": "asked"}],
    "/label-studio/webhook": [{"action": "PROJECT_UPDATED"}, {}, {"action": ""}],
    "/v1/moderations": [{"input": "hello"}, {}],
}


@pytest.mark.parametrize("path", BODIES)
def test_bodies_are_refused_where_the_schema_says_so(
    as_key: AsKey, schema: dict[str, Any], served: ModelVersion, path: str
) -> None:
    content = schema["paths"][path]["post"]["requestBody"]
    described = {**content["content"]["application/json"]["schema"], "components": schema["components"]}
    admin = as_key("admin")

    for body in BODIES[path]:
        answer = admin.post(path.format(prefix=ApiKey.objects.all()[0].prefix), body)
        assert (answer.status_code < 300) == Draft202012Validator(described).is_valid(body), (body, answer.content)
    assert content["required"]


def test_pages_are_described(as_key: AsKey, schema: dict[str, Any]) -> None:
    described = {one["name"]: one["schema"] for one in schema["paths"]["/models"]["get"]["parameters"]}

    for name, value in (("limit", 0), ("limit", 1), ("limit", 10**9 - 1), ("limit", 10**9), ("offset", 10**9)):
        answer = as_key("admin").get(f"/models?{name}={value}")
        assert (answer.status_code == 200) == Draft202012Validator(described[name]).is_valid(value), (name, value)


def test_json_lines_are_described(schema: dict[str, Any]) -> None:
    operation = schema["paths"]["/reviewed-tweets/bulk"]["post"]

    assert list(operation["requestBody"]["content"]) == ["application/x-ndjson"]
    assert {"200", "400", "413", "415", "422"} <= set(operation["responses"])


def test_an_answer_has_the_fields_that_are_described(
    client: JSONClient, schema: dict[str, Any], served: ModelVersion
) -> None:
    schemas = schema["components"]["schemas"]

    explained = client.post("/predict", {"tweet": "hello", "explain": True, "labels": ["toxic"]})
    assert set(explained.json()) == set(schemas["Prediction"]["properties"])
    assert set(client.get("/score").json()) == set(schemas["ScoreAnswer"]["properties"])
    assert set(client.get(f"/models/{served.pk}").json()) == set(schemas["Version"]["properties"])


def test_every_warning_is_described_and_documented(schema: dict[str, Any]) -> None:
    warnings = schema["components"]["schemas"]["Prediction"]["properties"]["warnings"]["items"]

    assert {EMPTY, UNKNOWN, TRUNCATED, NOT_SUPPORTED} == set(warnings["enum"])
    documented = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
    said = dict(line.removeprefix("* `").split("` - ") for line in warnings["description"].splitlines())
    for name, meaning in said.items():
        assert f"- `{name}`: {meaning}." in documented


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_docs_need_nothing_from_elsewhere(client: JSONClient, path: str) -> None:
    page = client.get(path)
    html = page.content.decode()
    assets = re.findall(r'(?:src|href)="([^"]+)"', html)

    assert page.status_code == 200
    assert len(assets) >= 3
    for asset in assets:
        assert re.match(r"/(?!/)", asset), asset
        assert client.get(asset).status_code == 200
    script = client.get("/docs?script=").content.decode()
    assert '"/schema"' in script
    assert not re.findall(r"(?:https?:)?//[a-z]", html + script)
