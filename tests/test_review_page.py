"""The page of the review queue, and that of one's own reviews."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from api.keys import accounts
from api.models import ApiKey, ModelVersion, QueueClaim, ReviewedTweet, ReviewEvent, StoredPrediction
from api.prediction import recorder
from tests.conftest import JSONClient, logged_in

pytestmark = pytest.mark.django_db
TWEETS = [f"the {word} people in our street are all the same" for word in ("new", "old", "loud", "quiet")]


@pytest.fixture(autouse=True)
def no_controls(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CONTROL_SHARE = 0.0


@pytest.fixture
def moderator(db: None) -> Client:
    return logged_in(accounts.create("mo", "moderator", made_by="test")[0])


@pytest.fixture
def queue(served: ModelVersion, settings: Settings, client: JSONClient) -> None:
    """Some stored predictions, drawn by chance, so that each is worth a look."""
    settings.PREDICTION_SAMPLE_RATE = settings.RANDOM_SAMPLE_SHARE = 1.0
    for tweet in TWEETS:
        client.post("/predict", {"tweet": tweet})
    recorder.flush()


def item_of(page: Any) -> str:
    found = re.search(r'name="item" value="([^"]+)"', page.content.decode())
    assert found, page.content.decode()
    return found[1]


def post(client: Client, path: str, **fields: Any) -> Any:
    """As the page's script sends a form."""
    return client.post(path, fields, headers={"HX-Request": "true"})


def reviews() -> Any:
    return ReviewedTweet.objects.filter(key__isnull=False).order_by("pk")


def test_all_of_the_queue_is_answered_one_by_one(queue: None, moderator: Client) -> None:
    page = moderator.get("/review")
    for said in ("yes", "no", "unsure", "yes"):
        page = post(moderator, "/review/answer", item=item_of(page), answer=said, label=["toxic"])

    assert "Nothing to review" in page.content.decode()
    assert sorted(review.tweet for review in reviews()) == sorted(TWEETS)
    assert [review.labels["hate_speech"] for review in reviews()] == [True, False, 0.5, True]
    assert all(review.labels["toxic"] is True for review in reviews())
    assert {review.key for review in reviews()} == {ApiKey.objects.get(account__username="mo")}


def test_the_reason_does_not_say_what_the_model_thinks(queue: None, moderator: Client) -> None:
    shown = re.sub(r'<p class="opinion">.*?</p>', "", moderator.get("/review").content.decode(), flags=re.DOTALL)

    assert "Chance picked it" in shown
    assert not re.search(r"threshold|logit|yes from|answer is (yes|no)", shown)


def test_a_reload_shows_the_same_tweet_and_claims_no_other(queue: None, moderator: Client) -> None:
    assert item_of(moderator.get("/review")) == item_of(moderator.get("/review"))
    assert QueueClaim.objects.count() == 1


def test_two_people_never_get_the_same_tweet(queue: None, moderator: Client) -> None:
    other = logged_in(accounts.create("max", "moderator", made_by="test")[0])

    assert item_of(moderator.get("/review")) != item_of(other.get("/review"))


def test_what_is_skipped_is_for_somebody_else(queue: None, moderator: Client) -> None:
    StoredPrediction.objects.exclude(tweet=TWEETS[0]).delete()
    other = logged_in(accounts.create("max", "moderator", made_by="test")[0])
    item = item_of(moderator.get("/review"))

    page = post(moderator, "/review/skip", item=item)

    assert "Nothing to review" in page.content.decode()
    assert item_of(other.get("/review")) == item


def test_an_answer_that_is_sent_again_is_one_review(queue: None, moderator: Client) -> None:
    item = item_of(moderator.get("/review"))

    for _ in range(2):
        assert post(moderator, "/review/answer", item=item, answer="yes").status_code == 200

    assert reviews().count() == 1


def test_undo_takes_back_and_shows_the_tweet_again(queue: None, moderator: Client) -> None:
    item = item_of(moderator.get("/review"))
    page = post(moderator, "/review/answer", item=item, answer="yes").content.decode()
    review = re.search(r'name="review" value="([^"]+)"', page)
    assert review

    page = post(moderator, "/review/undo", review=review[1])

    assert item_of(page) == item
    assert reviews().get().status == "withdrawn"
    post(moderator, "/review/answer", item=item, answer="no")
    assert reviews().last().labels == {"hate_speech": False}


def test_nobody_answers_what_was_handed_to_somebody_else(queue: None, moderator: Client) -> None:
    other = logged_in(accounts.create("max", "moderator", made_by="test")[0])
    item = item_of(other.get("/review"))

    page = post(moderator, "/review/answer", item=item, answer="yes")

    assert "not stored" in page.content.decode()
    assert not reviews().exists()


def test_nobody_takes_back_what_somebody_else_said(queue: None, moderator: Client) -> None:
    post(moderator, "/review/answer", item=item_of(moderator.get("/review")), answer="yes")
    other = logged_in(accounts.create("max", "moderator", made_by="test")[0])

    assert post(other, "/review/undo", review=reviews().get().receipt).status_code == 403
    assert other.post(f"/review/mine/{reviews().get().receipt}/withdraw").status_code == 404
    assert reviews().get().status in ("pending", "held_out")


def test_it_works_without_a_script(queue: None, moderator: Client) -> None:
    item = item_of(moderator.get("/review"))

    answer = moderator.post("/review/answer", {"item": item, "answer": "no"})

    assert (answer.status_code, answer["Location"]) == (302, "/review")
    assert item_of(moderator.get("/review")) != item


def test_it_says_why_there_is_nothing(served: ModelVersion, moderator: Client, settings: Settings) -> None:
    assert "PREDICTION_SAMPLE_RATE" in moderator.get("/review").content.decode()
    settings.PREDICTION_SAMPLE_RATE = 1.0
    assert "answered or claimed" in moderator.get("/review").content.decode()
    ApiKey.objects.update(trust=ApiKey.Trust.QUARANTINED)
    assert "not trusted" in moderator.get("/review").content.decode()


def test_ones_own_reviews_say_what_became_of_them(queue: None, moderator: Client, served: ModelVersion) -> None:
    post(moderator, "/review/answer", item=item_of(moderator.get("/review")), answer="yes")
    [review] = reviews()
    ReviewEvent.objects.create(
        review=review,
        status="trained",
        reason="Version 12 learned it, and serves since.",
        version=served,
        probability=0.87,
    )

    page = moderator.get("/review/mine").content.decode()

    assert review.tweet in page
    assert "Version 12 learned it" in page
    assert "0.87 after" in page
    assert review.tweet not in moderator.get("/review/mine?status=superseded").content.decode()
    other = logged_in(User.objects.create_superuser("root"))
    assert review.tweet not in other.get("/review/mine").content.decode()
    moderator.post(f"/review/mine/{review.receipt}/withdraw")
    assert reviews().get().status == "withdrawn"


def test_a_long_list_comes_in_pieces_with_few_queries(
    served: ModelVersion, moderator: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        moderator.post("/wrong", {"tweet": f"tweet with the number {number}", "is_hate_speech": "true"})

    with django_assert_max_num_queries(8):
        first = moderator.get("/review/mine").content.decode()
    older = re.search(r'href="([^"]+)">Older ones', first)
    assert older
    second = moderator.get("/review/mine" + older[1].replace("&amp;", "&")).content.decode()

    assert (first.count("<article"), second.count("<article")) == (25, 5)
