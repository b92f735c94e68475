"""api.reviews.intake: rows after an update that cleans texts in another way."""

import pytest

from api.models import ApiKey, ReviewedTweet
from api.reviews.intake import add, renew_fingerprints
from api.training.dataset import read
from hate_speech_ai.text import CLEANING_VERSION, fingerprint, is_held_out

pytestmark = pytest.mark.django_db


def store(tweet: str, answer: bool, source: str = "corpus:mine", key: ApiKey | None = None) -> ReviewedTweet:
    review, _ = add(tweet=tweet, labels={"hate_speech": answer}, source=source, key=key)
    return review


def as_before_the_update(*rows: ReviewedTweet, held_out: bool = False) -> None:
    """As another version of the cleaning would have stored them."""
    for row in rows:
        row.fingerprint, row.cleaning, row.held_out, row.opinion = f"{row.pk:064}", 1, held_out, 1
        row.save()


def texts(held_out: bool) -> list[str]:
    return [text for n in range(60) if is_held_out(fingerprint(text := f"bus {n} is late")) == held_out]


def test_a_text_that_is_to_be_measured_on_is_never_trained_on() -> None:
    rows = [store(text, True) for text in texts(held_out=True)]
    as_before_the_update(*rows)

    assert renew_fingerprints() == len(rows)

    dataset = read(None)
    assert (len(dataset.training), len(dataset.held_out)) == (0, len(rows))
    assert {row.fingerprint for row in ReviewedTweet.objects.all()} == {fingerprint(row.tweet) for row in rows}


def test_what_was_measured_on_is_not_trained_on_either() -> None:
    as_before_the_update(*[store(text, True) for text in texts(held_out=False)], held_out=True)

    renew_fingerprints()

    assert read(None).training == []


def test_texts_that_have_become_equal_are_one_and_the_newest_counts() -> None:
    text = texts(held_out=False)[0]
    first, second = store(text, True), store(text.upper() + "!", False)
    as_before_the_update(first, second)

    renew_fingerprints()

    assert [example.labels for example in read(None).training] == [{"hate_speech": False}]
    assert store(text, True).opinion > max(row.opinion for row in (first, second))


def test_it_is_done_once() -> None:
    as_before_the_update(store("one", True), store("two", False))

    assert renew_fingerprints() == 2
    assert renew_fingerprints() == 0
    assert set(ReviewedTweet.objects.values_list("cleaning", flat=True)) == {CLEANING_VERSION}


def test_many_rows_are_renewed() -> None:
    rows = [store(f"train {n} and {n + 1}", True) for n in range(520)]
    ReviewedTweet.objects.update(cleaning=1)

    assert renew_fingerprints() == len(rows)
