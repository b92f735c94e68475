"""One error shape, whatever goes wrong."""

from http import HTTPStatus
from typing import Any

import pytest
from django.db import DatabaseError, InternalError, OperationalError, connection
from django.test import Client

from api.models import ModelVersion, ReviewedTweet
from tests.conftest import AsKey, JSONClient


def problem_of(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    problem = dict(response.json())
    assert set(problem) - {"errors"} == {"title", "status", "detail", "code"}
    assert (problem["status"], problem["title"]) == (status, HTTPStatus(status).phrase)
    assert problem["detail"]
    assert "<" not in problem["detail"]
    return problem


@pytest.mark.parametrize(
    "path", ["/nowhere", "/predict/x", "/predict//", "/Predict", "/models/abc", "/training-runs/7", "/%00", "/é"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_404(client: JSONClient, path: str, method: str) -> None:
    response = client.request(method, path, "application/json", b"{}")

    assert problem_of(response, 404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict", "POST"),
        ("PUT", "/predict/", "POST"),
        ("DELETE", "/add-reviewed-tweet", "POST"),
        ("POST", "/score", "GET"),
        ("POST", "/livez", "GET"),
        ("PATCH", "/models", "GET"),
        ("OPTIONS", "/predict", "POST"),
        ("POST", "/schema", "GET"),
        ("POST", "/docs", "GET"),
    ],
)
def test_405(as_key: AsKey, served: ModelVersion, method: str, path: str, allowed: str) -> None:
    response = as_key("admin").request(method, path, "application/json", b"{}")

    assert problem_of(response, 405)["code"] == "method_not_allowed"
    assert allowed in response["Allow"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"tweet=hello"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="tweet"\r\n\r\nhi\r\n--x--\r\n',
        ),
        ("text/plain", b'{"tweet": "hello"}'),
        ("application/xml", b"<tweet>hello</tweet>"),
        ("nonsense", b"{}"),
    ],
)
def test_415(client: JSONClient, served: ModelVersion, content_type: str, body: bytes) -> None:
    problem = problem_of(client.request("POST", "/predict", content_type, body), 415)

    assert problem["code"] == "unsupported_media_type"
    assert "application/json" in problem["detail"]


@pytest.mark.parametrize("path", ["/predict", "/add-reviewed-tweet", "/train"])
@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024 + 1, 3 * 1024 * 1024])
def test_413(as_key: AsKey, served: ModelVersion, path: str, size: int) -> None:
    body = b'{"tweet": "' + b"a" * size + b'"}'

    assert problem_of(as_key("admin").post(path, body), 413)["code"] == "body_too_large"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"tweet",
        b"{'tweet': 'hello'}",
        b'{"tweet": "hello",}',
        b'{"tweet": NaN}',
        b'{"tweet": Infinity}',
        b'{"tweet": "\\ud800"}',
        b'{"tweet": "\xff"}',
        b'{"tweet": "hello"} trailing',
        b"[" * 50_000,
        b"[" * 2_000 + b"]" * 2_000,
        b'{"tweet":' * 2_000 + b"1" + b"}" * 2_000,
        b" ",
    ],
)
def test_invalid_json(client: JSONClient, served: ModelVersion, body: bytes) -> None:
    problem = problem_of(client.post("/predict", body), 400)

    assert problem["code"] == "parse_error"
    assert "not valid JSON" in problem["detail"]


@pytest.mark.parametrize(
    ("encoding", "reason"),
    [
        ("utf-16", "it is UTF-16 or UTF-32; send it in UTF-8"),
        ("utf-16-be", "it is UTF-16 or UTF-32; send it in UTF-8"),
        ("utf-32", "it is UTF-16 or UTF-32; send it in UTF-8"),
        ("latin-1", "its byte 15 is not UTF-8 (is it Latin-1 or Windows-1252?); send it in UTF-8"),
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/v1/moderations", "/v1alpha1/comments:analyze"])
def test_another_encoding_is_named(
    client: JSONClient, served: ModelVersion, path: str, encoding: str, reason: str
) -> None:
    response = client.post(path, '{"tweet": "caf\xe9"}'.encode(encoding))

    assert response.status_code == 400
    assert reason.lower() in response.content.decode().lower()


def test_a_byte_order_mark_is_named(client: JSONClient, served: ModelVersion) -> None:
    problem = problem_of(client.post("/predict", '{"tweet": "hello"}'.encode("utf-8-sig")), 400)

    assert "it begins with a byte order mark; send it in UTF-8 without one" in problem["detail"]


def test_invalid_fields(client: JSONClient, served: ModelVersion) -> None:
    problem = problem_of(client.post("/predict", {"tweet": 7}), 400)

    assert problem["code"] == "invalid"
    assert problem["errors"] == {"tweet": ["This must be a string, not a number."]}


@pytest.mark.parametrize("prefix", ["%00", "hs_000000000000%00"])
def test_a_key_that_no_database_can_look_for_is_not_there(as_key: AsKey, prefix: str) -> None:
    """Postgres refuses NUL with an error that would be a 500."""
    answer = as_key("admin").post(f"/keys/{prefix}/trust", {"trust": "trusted", "reason": "x"})

    assert problem_of(answer, 404)["code"] == "not_found"


def test_a_field_of_any_name_can_be_refused(client: JSONClient, served: ModelVersion) -> None:
    problem = problem_of(client.post("/predict", {"<b>": 1, "\0": 2, "x" * 1000: 3}), 400)

    assert set(problem["errors"]) == {"<b>", "\0", "x" * 1000}


def test_401_and_403(client: JSONClient, as_key: AsKey) -> None:
    assert problem_of(client.post("/train"), 401)["code"] == "not_authenticated"
    assert problem_of(as_key("predict").post("/train"), 403)["code"] == "permission_denied"


def test_500_says_nothing_about_the_cause(
    client: JSONClient, served: ModelVersion, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr("api.prediction.active_model.get", fail)
    response = client.post("/predict", {"tweet": "hello"})

    assert problem_of(response, 500)["code"] == "server_error"
    assert b"inner secret" not in response.content
    assert "the inner secret" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_without_the_database_nothing_is_stored_and_said_so(as_key: AsKey) -> None:
    def silence(execute: Any, sql: str, *rest: Any) -> Any:
        if "reviewedtweet" in sql:
            raise OperationalError("the database does not answer")
        return execute(sql, *rest)

    with connection.execute_wrapper(silence):
        response = as_key("review").post("/add-reviewed-tweet", {"tweet": "the bus", "is_hate_speech": False})

    assert problem_of(response, 503)["code"] == "database_unavailable"
    assert int(response["Retry-After"]) >= 1
    assert not ReviewedTweet.objects.exists()


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("database or disk is full"),
        OperationalError("attempt to write a readonly database"),
        DatabaseError("database disk image is malformed"),
        DatabaseError("file is not a database"),
        InternalError("cannot execute INSERT in a read-only transaction\nLINE 1: my aunt's secret recipe"),
    ],
)
def test_a_database_that_cannot_do_its_work_says_why_in_the_log(
    as_key: AsKey, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    client = as_key("review")

    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        if "reviewedtweet" in sql:
            raise error
        return execute(sql, *rest)

    with connection.execute_wrapper(fail):
        response = client.post("/add-reviewed-tweet", {"tweet": "the bus", "is_hate_speech": False})

    assert problem_of(response, 503)["code"] == "database_unavailable"
    assert f"database: {type(error).__name__}: {str(error).splitlines()[0]}" in caplog.text
    assert "recipe" not in caplog.text


@pytest.mark.parametrize("path", ["/livez", "/score", "/nowhere", "/docs"])
def test_another_host_name_is_refused(served: ModelVersion, path: str) -> None:
    response = Client().get(path, headers={"host": "evil.example"})

    assert problem_of(response, 400)["code"] == "bad_request"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png"])
def test_the_api_speaks_no_html_even_to_a_browser(client: JSONClient, served: ModelVersion, accept: str) -> None:
    good = client.post("/predict", {"tweet": "hello"}, Accept=accept)

    assert (good.status_code, good["Content-Type"]) == (200, "application/json")
    problem_of(client.post("/predict", {}, Accept=accept), 400)
    problem_of(client.get("/predict", Accept=accept), 405)
