"""Limits: how often a key or an address may ask."""

import pytest
from django.core.checks import run_checks
from django.test import Client, RequestFactory
from pytest_django import Settings
from rest_framework.request import Request

from api.http import authentication
from api.http.throttling import address
from api.lib import redis_client
from api.models import ModelVersion
from tests.conftest import JSONClient, MakeKey
from tests.helpers import at_once

LIMIT = 5
# A day: no window ends while a test runs, except at midnight in UTC.
PER_DAY = f"{LIMIT}/day"


@pytest.fixture
def limited(settings: Settings, served: ModelVersion) -> Settings:
    settings.LIMITS = {**settings.LIMITS, "predict": PER_DAY}
    return settings


def predict(**meta: str) -> int:
    client = Client(**meta)  # type: ignore[arg-type]
    return client.post("/predict", {"tweet": "hello"}, content_type="application/json").status_code


def test_an_address_gets_exactly_its_limit(limited: Settings) -> None:
    answers = at_once([predict] * 8 * LIMIT)

    assert (answers.count(200), answers.count(429)) == (LIMIT, 7 * LIMIT)


def test_a_key_gets_exactly_its_limit(limited: Settings, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "_FRESH_SECONDS", 600.0)
    client = JSONClient(make_key("predict"))
    first = client.post("/predict", {"tweet": "hello"})

    answers = at_once([lambda: client.post("/predict", {"tweet": "hello"}).status_code] * 8 * LIMIT)

    assert first.status_code == 200
    assert answers.count(200) == LIMIT - 1


def test_each_address_counts_for_itself(limited: Settings) -> None:
    answers = [predict(REMOTE_ADDR=f"192.0.2.{number}") for _ in range(LIMIT) for number in (1, 2)]

    assert set(answers) == {200}
    assert predict(REMOTE_ADDR="192.0.2.1") == 429


def test_each_key_counts_for_itself_and_not_for_its_address(limited: Settings, make_key: MakeKey) -> None:
    for key in (make_key("predict"), make_key("predict"), ""):
        client = JSONClient(key)
        answers = [client.post("/predict", {"tweet": "hello"}).status_code for _ in range(LIMIT + 1)]
        assert answers == [200] * LIMIT + [429]


def test_a_key_may_have_a_limit_of_its_own(limited: Settings, make_key: MakeKey) -> None:
    client = JSONClient(make_key("predict", limit="2/day"))

    assert [client.post("/predict", {"tweet": "hello"}).status_code for _ in range(3)] == [200, 200, 429]


def test_the_scopes_have_separate_limits(limited: Settings, make_key: MakeKey) -> None:
    client = JSONClient(make_key("predict", "review"))
    for _ in range(LIMIT + 1):
        client.post("/predict", {"tweet": "hello"})

    response = client.post("/add-reviewed-tweet", {"tweet": "the bus is late", "is_hate_speech": False})

    assert response.status_code == 201


def test_without_a_limit_nobody_is_refused(settings: Settings, served: ModelVersion) -> None:
    settings.LIMITS = {**settings.LIMITS, "predict": ""}

    assert set(at_once([predict] * 8 * LIMIT)) == {200}


def test_the_answer_says_when_to_come_back(limited: Settings, client: JSONClient) -> None:
    *_, response = [client.post("/predict", {"tweet": "hello"}) for _ in range(LIMIT + 1)]

    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 86_400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "too_many_requests"


def test_a_subscribers_ipv6_addresses_count_as_one(limited: Settings) -> None:
    answers = [predict(REMOTE_ADDR=f"2001:db8:1:2::{number:x}") for number in range(LIMIT + 1)]

    assert answers == [200] * LIMIT + [429]
    assert predict(REMOTE_ADDR="2001:db8:1:3::1") == 200


def test_ipv4_clients_of_an_ipv6_socket_count_each_for_itself(limited: Settings) -> None:
    answers = [predict(REMOTE_ADDR=f"::ffff:192.0.2.{number}") for number in range(LIMIT + 1)]

    assert set(answers) == {200}


def test_a_forwarded_address_is_not_believed(limited: Settings) -> None:
    answers = [predict(HTTP_X_FORWARDED_FOR=f"192.0.2.{number}") for number in range(LIMIT + 1)]

    assert answers[-1] == 429


def test_behind_a_proxy_each_client_counts(limited: Settings) -> None:
    limited.TRUSTED_PROXIES = 1
    answers = [predict(HTTP_X_FORWARDED_FOR=f"192.0.2.{number}") for number in range(LIMIT + 1)]

    assert set(answers) == {200}


def test_behind_a_proxy_a_client_cannot_name_another_address(limited: Settings) -> None:
    limited.TRUSTED_PROXIES = 1
    answers = [predict(HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, 192.0.2.1") for number in range(LIMIT + 1)]

    assert answers == [200] * LIMIT + [429]


@pytest.mark.parametrize(
    "lines", ["198.51.100.{},192.0.2.1", "198.51.100.{}, 192.0.2.1,", "198.51.100.{}, 192.0.2.1, ,"]
)
def test_several_lines_of_forwarded_addresses_count_as_one_list(limited: Settings, lines: str) -> None:
    """The server hands them over joined by commas, in the order in which they came."""
    limited.TRUSTED_PROXIES = 1
    answers = [predict(HTTP_X_FORWARDED_FOR=lines.format(number)) for number in range(LIMIT + 1)]

    assert answers == [200] * LIMIT + [429]
    assert predict(HTTP_X_FORWARDED_FOR="198.51.100.1, 192.0.2.2") == 200


@pytest.mark.parametrize(
    ("counted", "spelled"),
    [
        ("192.0.2.1", ["192.0.2.1", " 192.0.2.1 ", "192.0.2.1:443", "192.0.2.1:50123", "::ffff:192.0.2.1"]),
        ("192.0.2.1", ["[::FFFF:192.0.2.1]:9", "[::ffff:c000:201]"]),
        ("2001:db8:1:2::", ["2001:db8:1:2::", "2001:DB8:1:2:0:0:0:9", "[2001:db8:1:2::3]", "[2001:db8:1:2::3]:443"]),
        ("2001:db8:1:2::", ["2001:db8:1:2::4%eth0"]),
    ],
)
def test_a_client_counts_once_however_its_address_is_spelled(
    settings: Settings, counted: str, spelled: list[str]
) -> None:
    settings.TRUSTED_PROXIES = 1

    assert {address(RequestFactory().get("/", HTTP_X_FORWARDED_FOR=one)) for one in spelled} == {counted}


def test_a_key_with_a_limit_that_nobody_can_read_has_the_default(limited: Settings, make_key: MakeKey) -> None:
    client = JSONClient(make_key("predict", limit="lots"))

    answers = [client.post("/predict", {"tweet": "hello"}).status_code for _ in range(LIMIT + 1)]

    assert answers == [200] * LIMIT + [429]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "192.0.2.1", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "198.51.100.1, 192.0.2.1", "192.0.2.1"),
        (2, "198.51.100.1, 192.0.2.1,10.0.0.1", "192.0.2.1"),
        (2, "192.0.2.1", "192.0.2.1"),
        (1, "2001:db8:1:2:3::4", "2001:db8:1:2::"),
        (1, "nonsense", "unknown"),
    ],
)
def test_whose_address_it_is(settings: Settings, proxies: int, forwarded: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = proxies
    meta = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}

    assert address(Request(RequestFactory().get("/", **meta))) == expected  # type: ignore[arg-type]


def test_without_redis_each_process_allows_its_share(limited: Settings) -> None:
    limited.LIMITS = {**limited.LIMITS, "predict": f"{2 * LIMIT}/day"}
    limited.WEB_PROCESSES, limited.REDIS_URL = 2, "redis://127.0.0.1:1/0"
    redis_client._client.cache_clear()

    answers = at_once([predict] * 8 * LIMIT)

    assert (answers.count(200), answers.count(429)) == (LIMIT, 7 * LIMIT)


def test_guessing_keys_is_limited(settings: Settings, make_key: MakeKey, served: ModelVersion) -> None:
    settings.LIMITS = {**settings.LIMITS, "wrong_key": "3/day"}

    guesses = [JSONClient(f"hs_{number:012}_guess").post("/train").status_code for number in range(5)]

    assert guesses == [401, 401, 401, 429, 429]
    assert JSONClient(make_key("train")).post("/train").status_code == 202
    assert predict() == 200


@pytest.mark.parametrize("limit", ["many", "0/minute", "-1/hour", "5/week", "5 / minute", "1.5/second"])
def test_an_unreadable_limit_is_refused_at_the_start(settings: Settings, limit: str) -> None:
    settings.LIMITS = {**settings.LIMITS, "review": limit}

    problems = [check for check in run_checks() if check.hint and "RATE_LIMIT_REVIEW" in check.hint]

    assert len(problems) == 1
    assert limit in problems[0].msg
