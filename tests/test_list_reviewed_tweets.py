"""GET /reviewed-tweets: a key's own reviews."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from api.models import ReviewedTweet
from api.reviews.intake import add
from tests.conftest import AsKey, JSONClient

PATH = "/reviewed-tweets"


@pytest.fixture
def reviewer(as_key: AsKey) -> JSONClient:
    return as_key("review")


def say(client: JSONClient, tweet: str, **fields: str) -> str:
    return str(client.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": False, **fields}).json()["id"])


def ids(client: JSONClient, **query: str) -> list[str]:
    response = client.get(f"{PATH}?{urlencode(query)}")
    assert response.status_code == 200, response.json()
    return [review["id"] for review in response.json()["results"]]


def test_it_works(reviewer: JSONClient) -> None:
    said = [say(reviewer, f"bus {number}") for number in range(3)]

    answer = reviewer.get(PATH).json()

    assert answer["count"] == 3
    assert [review["id"] for review in answer["results"]] == said[::-1]
    receipt = reviewer.get(f"{PATH}/{said[0]}").json()
    assert answer["results"][-1] == {name: receipt[name] for name in receipt if name not in ("history", "resolution")}


def test_it_comes_in_pages(reviewer: JSONClient) -> None:
    said = [say(reviewer, f"bus {number}") for number in range(3)]

    first = reviewer.get(f"{PATH}?limit=2").json()

    assert [review["id"] for review in first["results"]] == said[:0:-1]
    assert [review["id"] for review in reviewer.get(first["next"]).json()["results"]] == said[:1]


def test_another_keys_reviews_are_not_shown(reviewer: JSONClient, as_key: AsKey) -> None:
    own = say(reviewer, "the bus is late")
    say(as_key("review"), "the bus is late")

    assert ids(reviewer) == [own]


def test_an_admin_sees_those_of_every_key_and_of_no_corpus(reviewer: JSONClient, as_key: AsKey) -> None:
    said = [say(reviewer, "the bus is late"), say(as_key("review"), "the bus is late")]
    add(tweet="the bus is late", labels={"hate_speech": False}, source="corpus:mine")

    assert ids(as_key("admin")) == said[::-1]


def test_the_status_is_a_filter(reviewer: JSONClient) -> None:
    first, second = (say(reviewer, f"the bus is late {word}") for word in ("today", "again"))
    ReviewedTweet.objects.update(status="pending")
    reviewer.request("DELETE", f"{PATH}/{first}", "", b"")

    assert ids(reviewer, status="withdrawn") == [first]
    assert ids(reviewer, status="pending") == [second]
    assert ids(reviewer, status="conflict") == []


@pytest.mark.parametrize("name", ["external_id", "reviewer"])
def test_texts_of_the_client_are_filters(reviewer: JSONClient, name: str) -> None:
    said = [say(reviewer, f"bus {text}", **{name: text}) for text in ("ann", "Ann", "anna", "ann & bob +1")]

    assert ids(reviewer, **{name: "ann"}) == [said[0]]
    assert ids(reviewer, **{name: "ann & bob +1"}) == [said[3]]


def test_since_is_a_filter(reviewer: JSONClient) -> None:
    say(reviewer, "the bus is late")
    moment = timezone.now()
    ReviewedTweet.objects.update(created_at=moment - timedelta(seconds=1))
    new = say(reviewer, "the bus is late again")

    assert ids(reviewer, since=moment.isoformat()) == [new]
    assert len(ids(reviewer, since=(moment - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))) == 2


@pytest.mark.parametrize(
    "query",
    ["status=lost", "since=yesterday", "external_id=", "reviewer=a%00b", "externalid=7", f"reviewer={'x' * 201}"],
)
def test_an_impossible_filter_is_named(reviewer: JSONClient, query: str) -> None:
    response = reviewer.get(f"{PATH}?{query}")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [query.partition("=")[0]]


@pytest.mark.parametrize(("scopes", "status"), [((), 401), (("predict",), 403), (("train",), 403), (("review",), 200)])
def test_the_scope_is_needed(client: JSONClient, as_key: AsKey, db: None, scopes: tuple[str, ...], status: int) -> None:
    caller = as_key(*scopes) if scopes else client

    assert caller.get(PATH).status_code == status


def test_a_page_costs_as_many_queries_as_a_review(
    reviewer: JSONClient, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for number in range(10):
        say(reviewer, f"bus {number}")

    with django_assert_max_num_queries(5):  # type: ignore[attr-defined]
        assert len(ids(reviewer)) == 10


@pytest.mark.parametrize("path", [PATH, "/models", "/training-runs", "/keys", "/audit-log"])
@pytest.mark.parametrize(
    "asked",
    ["limit=abc", "limit=0", "limit=-3", "offset=x", "offset=-1", pytest.param("offset=" + "9" * 30, id="huge")],
)
def test_a_page_that_there_is_not(as_key: AsKey, path: str, asked: str) -> None:
    answer = as_key("admin").get(f"{path}?{asked}")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [asked.partition("=")[0]]
