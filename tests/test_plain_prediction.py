"""The plain request to predict is answered without Django, with what the view would say."""

import asyncio
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import hypothesis
import orjson
import pytest
from django.core.wsgi import get_wsgi_application
from django.urls import resolve
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from api import front_door as module
from api.front_door import Answer, FrontDoor
from api.models import ModelVersion, StoredPrediction
from api.prediction import plain, recorder

pytestmark = pytest.mark.django_db
TWEET = b'{"tweet": "have a lovely day"}'


class Headers:
    """Headers as granian gives them."""

    def __init__(self, *items: tuple[str, str]) -> None:
        self._items = items

    def items(self) -> list[tuple[str, str]]:
        return list(self._items)

    def get_all(self, name: str) -> list[str]:
        return [value for key, value in self._items if key == name]

    def get(self, name: str, default: str | None = None) -> str | None:
        return next(iter(self.get_all(name)), default)

    def __contains__(self, name: str) -> bool:
        return bool(self.get_all(name))


USUAL = (("host", "127.0.0.1:8000"), ("content-type", "application/json"))


def head(*headers: tuple[str, str], method: str = "POST", path: str = "/predict", query: str = "") -> Any:
    return SimpleNamespace(
        method=method,
        path=path,
        query_string=query,
        http_version="1.1",
        scheme="http",
        server="127.0.0.1:8000",
        client="127.0.0.1:50000",
        headers=Headers(*(headers or USUAL)),
    )


def at_once(scope: Any, body: bytes) -> Answer | None:
    """What is answered without Django; None where the view answers."""
    asked = plain.read(scope, body)
    found = None if asked is None else plain.answer(scope, asked, len(body))
    return Answer(200, *found) if found else None


@pytest.fixture(scope="module")
def front_door() -> FrontDoor:
    return FrontDoor(get_wsgi_application(), threads=1)


@pytest.fixture(autouse=True)
def fresh_hosts() -> Iterator[None]:
    plain._hosts.clear()
    yield
    plain._hosts.clear()


@pytest.mark.parametrize("path", sorted({*module._LARGEST_AT, *module._BULK, *module._CHEAP_PATHS}))
def test_a_path_with_a_rule_of_its_own_exists(path: str) -> None:
    assert resolve(path)


def test_a_plain_tweet_is_answered_as_by_the_view(front_door: FrontDoor, served: ModelVersion) -> None:
    found = at_once(head(), TWEET)

    assert found is not None
    assert found == front_door._call(head(), TWEET)
    assert orjson.loads(found.body)["model_version"] == served.pk


@pytest.mark.parametrize("protocol", ["https", "http", "https,http", " https ", ""])
def test_behind_a_proxy_that_ends_https_it_is_the_same(served: ModelVersion, settings: Settings, protocol: str) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    scope = head(*USUAL, ("x-forwarded-proto", protocol))

    found = at_once(scope, TWEET)

    assert found is not None
    assert found == FrontDoor(get_wsgi_application(), threads=1)._call(scope, TWEET)
    assert ("strict-transport-security" in dict(found.headers)) == (protocol.strip().split(",")[0] == "https")


BODIES = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=300).map(lambda text: orjson.dumps({"tweet": text})),
    st.binary(max_size=60),
    st.fixed_dictionaries(
        {"tweet": st.none() | st.integers(-9, 9) | st.text(max_size=5) | st.lists(st.integers(-9, 9), max_size=2)},
        optional={
            "explain": st.booleans(),
            "labels": st.just(["toxic"]),
            "model_version": st.just(1),
            "do_not_store": st.just(True),
            "tweets": st.just(["a"]),
            "x": st.none(),
        },
    ).map(orjson.dumps),
    st.sampled_from(
        [b"", b"[]", b"null", b'{"tweet": "a\\u0000b"}', b'{"tweet": "\\ud800"}', b'{"tweet": NaN}', b"\xff"]
    ),
)
HEADS = st.builds(
    lambda headers, method, path, query: head(*headers, method=method, path=path, query=query),
    st.lists(
        st.sampled_from(
            [
                *USUAL,
                ("host", "localhost"),
                ("host", "evil.example"),
                ("host", ""),
                ("content-type", "application/json; charset=utf-8"),
                ("content-type", "text/plain"),
                ("accept", "text/html"),
                ("origin", "https://example.org"),
                ("authorization", "Api-Key hs_wrong"),
                ("cookie", "sessionid=1"),
            ]
        ),
        max_size=4,
    ).map(lambda more: [*USUAL, *more]),
    st.sampled_from(["POST", "POST", "POST", "GET", "OPTIONS", "PUT"]),
    st.sampled_from(["/predict", "/predict/", "/predict//", "/score"]),
    st.sampled_from(["", "", "a=1", "format=html", "q=ł"]),
)


@hypothesis.settings(
    deadline=None, max_examples=150, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@given(body=BODIES, scope=HEADS)
def test_whatever_it_answers_the_view_answers_alike(
    front_door: FrontDoor, served: ModelVersion, body: bytes, scope: Any
) -> None:
    found = at_once(scope, body)

    if found is not None:
        assert found == front_door._call(scope, body)


@pytest.mark.parametrize(
    "headers",
    [
        (*USUAL, ("authorization", "Api-Key hs_something")),
        (("host", "evil.example"), USUAL[1]),
        (*USUAL, ("host", "localhost")),
        (USUAL[0], ("content-type", "text/plain")),
        USUAL[:1],
    ],
)
def test_what_the_view_must_decide_is_left_to_it(served: ModelVersion, headers: tuple[tuple[str, str], ...]) -> None:
    assert at_once(head(*headers), TWEET) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("PUBLIC_PREDICT", False), ("LIMITS", {"predict": "1/minute"})],
)
def test_where_not_everybody_may_ask_at_will_the_view_decides(
    served: ModelVersion, settings: Settings, name: str, value: Any
) -> None:
    setattr(settings, name, value)

    assert at_once(head(), TWEET) is None


def test_without_a_model_the_view_says_so(front_door: FrontDoor, db: None) -> None:
    assert at_once(head(), TWEET) is None
    assert front_door._call(head(), TWEET).status == 503


def test_it_is_stored_like_any_other(served: ModelVersion, settings: Settings) -> None:
    settings.PREDICTION_SAMPLE_RATE = 1.0

    assert at_once(head(), TWEET) is not None
    recorder.flush()

    assert StoredPrediction.objects.get().tweet == "have a lovely day"


def test_a_header_with_an_underscore_does_not_stand_for_one_with_a_hyphen(front_door: FrontDoor) -> None:
    seen: list[dict[str, Any]] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ)
        start_response("200 OK", [])
        return [b""]

    both = head(
        *USUAL, ("x-forwarded-for", "10.0.0.1"), ("x_forwarded_for", "6.6.6.6"), ("x-forwarded-for", "10.0.0.2")
    )
    FrontDoor(application, threads=1)._call(both, b"body")

    assert seen[0]["HTTP_X_FORWARDED_FOR"] == "10.0.0.1,10.0.0.2"
    assert (seen[0]["CONTENT_LENGTH"], seen[0]["wsgi.input"].read()) == ("4", b"body")


@pytest.mark.parametrize(
    ("path", "size", "most"),
    [("/batch", module.LARGE + 1, 1), ("/batch", module.LARGE, 3), ("/reviewed-tweets/bulk", module.LARGE + 1, 3)],
)
def test_texts_of_large_requests_are_read_one_request_at_a_time(path: str, size: int, most: int) -> None:
    running: list[int] = []
    seen: list[int] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        running.append(1)
        time.sleep(0.2)
        seen.append(len(running))
        running.pop()
        start_response("200 OK", [])
        return [b""]

    front_door = FrontDoor(application, threads=3)

    async def ask() -> None:
        await asyncio.gather(*[front_door._answer(head(path=path), b" " * size) for _ in range(3)])

    asyncio.run(ask())

    assert max(seen) == most


def test_a_query_beyond_latin_1_is_read(front_door: FrontDoor, served: ModelVersion) -> None:
    assert front_door._call(head(method="GET", path="/operating-points", query="label=ł"), b"").status == 400
