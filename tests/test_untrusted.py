"""What a key sends that nobody trusts reaches nothing, whatever becomes of it later, and there is a limit to it."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from api.keys import trust
from api.models import ApiKey, ModelVersion, ReviewedTweet, ReviewerAgreement
from api.reviews import intake
from api.training import key_reliability, retraining
from api.training.dataset import read
from api.training.statistics import Statistics
from hate_speech_ai.annotator_reliability import compare
from hate_speech_ai.evaluation.bootstrap import Answers
from hate_speech_ai.evaluation.evaluation_set import EvaluationSet, ModelPredictions, Row
from hate_speech_ai.evaluation.gate import Limits, judge
from tests.conftest import AsKey, JSONClient
from tests.helpers import train

TEXT = "x z"  # which is trained on
LABELS: dict[str, float] = {f"label{number}": number % 2 == 0 for number in range(19)}


def say(client: JSONClient, tweet: str = TEXT, answer: bool = True, **fields: Any) -> Any:
    return client.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": answer, **fields})


def upload(client: JSONClient, lines: Sequence[Mapping[str, Any]]) -> Any:
    body = b"\n".join(orjson.dumps(line) for line in lines)
    return client.request("POST", "/reviewed-tweets/bulk", "application/x-ndjson", body)


def flood(source: str, reviewers: int, *, key: ApiKey | None = None) -> None:
    """The same tweet by one reviewer after the other, as the operator's import stores it."""
    said = [intake.Annotation(TEXT, LABELS | {"hate_speech": True}, reviewer=f"r{one}") for one in range(reviewers)]
    intake.add_all(said, source=source, key=key, by_operator=True)


@pytest.fixture
def stranger(as_key: AsKey) -> JSONClient:
    return as_key("review", trust="quarantined")


def key() -> ApiKey:
    """The key that was made last."""
    return ApiKey.objects.order_by("-pk")[0]


def seen() -> dict[str, Any]:
    """What a training sees, but for the figures that are made for the person who decides about a key."""
    found = vars(read(None))
    return {name: value for name, value in found.items() if name not in ("unapproved", "reliabilities")}


class TestNothing:
    def test_superseded_opinions_of_a_stranger_are_in_no_figure(self, as_key: AsKey, stranger: JSONClient) -> None:
        theirs = key()
        say(as_key("review"), reviewer="ann")
        say(as_key("review"), reviewer="bob")
        before = seen()

        for number in range(5):
            assert say(stranger, reviewer=f"r{number}", labels=LABELS, answer=number % 2 == 0).status_code == 201

        assert sorted(theirs.reviews.values_list("status", flat=True)) == ["quarantined"] + ["superseded"] * 4
        assert seen() == before

    def test_nor_is_what_a_stranger_took_back(self, as_key: AsKey, stranger: JSONClient) -> None:
        say(as_key("review"), reviewer="ann")
        before = seen()
        receipt = say(stranger, answer=False).json()["id"]

        assert stranger.request("DELETE", f"/reviewed-tweets/{receipt}", "", b"").status_code == 204

        assert seen() == before

    def test_a_key_that_lost_our_trust_takes_back_nothing_that_counts(self, as_key: AsKey) -> None:
        client = as_key("review")
        theirs = key()
        learned = say(client).json()["id"]
        theirs.reviews.update(status="trained")
        trust.quarantine(theirs, by="ann", reason="odd")
        waits = say(client, "the bus is late").json()["id"]
        before = seen()

        answers = [client.request("DELETE", f"/reviewed-tweets/{receipt}", "", b"") for receipt in (learned, waits)]

        assert [answer.status_code for answer in answers] == [403, 204]
        assert answers[0].json()["code"] == "key_not_trusted"
        assert client.get(f"/reviewed-tweets/{learned}").json()["status"] == "trained"
        assert seen() == before
        # An administrator, who is not the key, may.
        assert as_key("admin").request("DELETE", f"/reviewed-tweets/{learned}", "", b"").status_code == 204

    def test_what_waits_takes_no_vote_from_what_counts(self, as_key: AsKey) -> None:
        client = as_key("review")
        first = say(client).json()["id"]
        trust.quarantine(key(), by="ann", reason="odd")
        trust.approve(key().reviews.all(), by="ann")
        before = seen()

        say(client, answer=False)

        assert client.get(f"/reviewed-tweets/{first}").json()["status"] == "pending"
        assert seen() == before

    def test_once_it_is_approved_it_takes_the_others_place(self, as_key: AsKey) -> None:
        client = as_key("review")
        first = say(client).json()["id"]
        trust.quarantine(key(), by="ann", reason="odd")
        trust.approve(key().reviews.all(), by="ann")
        second = say(client, answer=False).json()["id"]

        assert trust.approve(key().reviews.all(), by="ann") == 1

        assert [client.get(f"/reviewed-tweets/{one}").json()["status"] for one in (first, second)] == [
            "superseded",
            "pending",
        ]
        assert [example.labels for example in read(None).training] == [{"hate_speech": False}]

    def test_trust_lets_all_of_it_in(self, as_key: AsKey, stranger: JSONClient) -> None:
        for name in ("ann", "bob", "eve"):
            say(stranger, reviewer=name)
        theirs = ApiKey.objects.get()
        assert read(None).opinions == {}

        trust.trust(theirs, by="ann", reason="we know them", approve_pending=True)

        said = read(None).opinions["hate_speech"].values()
        assert [sorted(reviewer for _, reviewer in raters) for raters in said] == [["ann", "bob", "eve"]]

    def test_distrust_takes_all_of_it_out_again(self, as_key: AsKey) -> None:
        client = as_key("review")
        for name in ("ann", "bob", "eve"):
            say(client, reviewer=name)

        trust.quarantine(key(), by="ann", reason="odd")

        assert read(None).opinions == {}
        assert not ReviewedTweet.objects.believed().exists()

    def test_votes_of_a_stranger_weigh_what_the_counting_ones_are_worth(self, as_key: AsKey) -> None:
        """Whoever agrees with a corpus in reviews that wait gets no more weight for those that count."""
        client = as_key("review")
        texts = [f"the {one} is here" for one in ("bus", "cat", "dog", "fox", "owl", "pig", "hen", "bat", "elk", "emu")]
        for text in texts:
            intake.add(tweet=text, labels={"hate_speech": True}, source="corpus:mine")
            say(client, text, answer=False)
        weight = read(None).reliabilities[key().source].weight
        ReviewedTweet.objects.filter(key=key(), status="pending").update(approved=True)
        trust.quarantine(key(), by="ann", reason="odd")

        for text in texts:
            say(client, text, answer=True)

        dataset = read(None)
        assert dataset.unapproved[key().source].gold_agreed == len(ReviewedTweet.objects.filter(untrusted=True))
        assert dataset.reliabilities[key().source].weight == weight < 1.0

    def test_a_night_reads_no_more_for_it(self, as_key: AsKey, stranger: JSONClient) -> None:
        theirs = key()
        say(as_key("review"))
        say(stranger)
        few = queries(seen)

        flood(theirs.source, 60, key=theirs)

        assert queries(seen) == few


def queries(task: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as found:
        task()
    return len(found)


class TestQuota:
    def test_so_many_may_wait(self, stranger: JSONClient, settings: Settings) -> None:
        settings.UNTRUSTED_MAX_REVIEWS = 2
        assert [say(stranger, f"tweet number {one}").status_code for one in range(2)] == [201, 201]

        answer = say(stranger, "tweet number 2")

        assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
        assert "at most 2 reviews" in answer.json()["detail"]
        assert "UNTRUSTED_MAX_REVIEWS" in answer.json()["detail"]
        assert say(stranger, "tweet number 1").json()["status"] == "duplicate"

    def test_taking_back_and_replacing_makes_no_room(self, stranger: JSONClient, settings: Settings) -> None:
        settings.UNTRUSTED_MAX_REVIEWS = 2
        receipt = say(stranger).json()["id"]
        say(stranger, answer=False)
        stranger.request("DELETE", f"/reviewed-tweets/{receipt}", "", b"")

        assert say(stranger).status_code == 403

    def test_approval_makes_room(self, stranger: JSONClient, settings: Settings) -> None:
        settings.UNTRUSTED_MAX_REVIEWS = 1
        say(stranger)
        trust.approve(key().reviews.all(), by="ann")

        assert say(stranger, "another tweet").status_code == 201

    def test_an_upload_is_stored_whole_or_not_at_all(self, stranger: JSONClient, settings: Settings) -> None:
        settings.UNTRUSTED_MAX_REVIEWS = 3
        lines = [{"tweet": f"tweet number {one}", "is_hate_speech": True} for one in range(4)]

        assert upload(stranger, lines).status_code == 403

        assert not ReviewedTweet.objects.exists()
        assert upload(stranger, lines[:3]).json()["added"] == 3

    def test_so_many_of_one_text(self, stranger: JSONClient, settings: Settings) -> None:
        settings.UNTRUSTED_MAX_REVIEWS_PER_TEXT = 2
        lines = [{"tweet": TEXT, "is_hate_speech": True, "reviewer": f"r{one}"} for one in range(3)]

        answer = upload(stranger, [{"tweet": "x", "is_hate_speech": 3}, *lines])

        assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
        assert answer.json()["detail"].startswith("Line 4: ")
        assert "UNTRUSTED_MAX_REVIEWS_PER_TEXT" in answer.json()["detail"]

    def test_whom_we_trust_has_none(self, as_key: AsKey, settings: Settings) -> None:
        settings.UNTRUSTED_MAX_REVIEWS = settings.UNTRUSTED_MAX_REVIEWS_PER_TEXT = 1
        client = as_key("review")

        assert [say(client, reviewer=f"r{one}").status_code for one in range(3)] == [201] * 3

    def test_nor_has_who_runs_the_service(self, stranger: JSONClient, settings: Settings, tmp_path: Path) -> None:
        settings.UNTRUSTED_MAX_REVIEWS = settings.UNTRUSTED_MAX_REVIEWS_PER_TEXT = 1
        path = tmp_path / "reviews.jsonl"
        path.write_text("".join(json.dumps({"tweet": f"tweet {one}", "is_hate_speech": True}) + "\n" for one in "abc"))

        call_command("import_reviews", str(path), "--key", key().prefix, stdout=StringIO(), stderr=StringIO())

        assert ReviewedTweet.objects.count() == 3


def opcodes(task: Callable[[], object]) -> int:
    """How many instructions of our code a task takes: the same on every machine."""
    done = 0
    ours = (str(settings.BASE_DIR / "api"), str(settings.BASE_DIR / "hate_speech_ai"))

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal done
        if not frame.f_code.co_filename.startswith(ours):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        done += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        task()
    finally:
        sys.settrace(None)
    return done


class TestLinear:
    """Twice the rows are about twice the work; where each is compared with each, it would be four times."""

    def read_and_compare(self) -> None:
        dataset = read(None)
        key_reliability._agreements(dataset, {one.source: one for one in ApiKey.objects.all()}, lambda: None)

    def test_many_reviewers_of_one_text(self, as_key: AsKey) -> None:
        as_key("review")
        work = []
        for reviewers in (20, 40):
            ReviewedTweet.objects.all().delete()
            flood(key().source, reviewers, key=key())
            work.append(opcodes(self.read_and_compare))

        assert work[1] < 2.3 * work[0]

    def test_many_keys_about_one_text(self) -> None:
        def work(keys: int) -> int:
            said = [{f"key:{one}": one % 3 == 0 for one in range(keys)}]
            return opcodes(lambda: compare(said, [f"key:{one}" for one in range(keys)]))

        assert work(400) < 2.3 * work(200)

    def test_the_gate(self) -> None:
        def work(number: int) -> int:
            rows = [Row(f"tweet {place}", place % 2 == 0) for place in range(number)]
            exam = EvaluationSet.of(rows, rows, [], {"toxic": rows})
            found = [0.9 if row.answer else 0.1 for row in exam.corpus_holdout]
            answers = {"toxic": Answers(found, 0.5)}
            models = [ModelPredictions(found, found, [], 0.5, 1000, version, answers) for version in (8, 7)]
            return opcodes(lambda: judge(exam, candidate=models[0], champion=models[1], limits=Limits()))

        assert work(400) < 2.3 * work(200)


class TestStatistics:
    def test_one_that_fails_is_a_note(self) -> None:
        statistics = Statistics()

        assert statistics.measure("how far reviewers agree", lambda: 1 // 0) is None

        assert statistics.problems == [
            "how far reviewers agree was not measured: ZeroDivisionError: integer division or modulo by zero"
        ]

    def test_one_that_takes_long_is_ended(self, settings: Settings) -> None:
        settings.TRAINING_SECONDS = -1
        statistics = Statistics()

        assert statistics.measure("how far reviewers agree", statistics.check) is None

        assert "a tenth of TRAINING_SECONDS" in statistics.problems[0]

    def test_the_end_of_a_run_is_no_statistic(self) -> None:
        def out_of_time() -> None:
            raise SoftTimeLimitExceeded

        with pytest.raises(SoftTimeLimitExceeded):
            Statistics().measure("how far reviewers agree", out_of_time)

    def test_without_it_the_last_ones_stay(self, as_key: AsKey) -> None:
        as_key("review")
        ReviewerAgreement.objects.create(key=key(), reviewer="ann", label="hate_speech", alpha=0.5, tweets=3)

        key_reliability.store(key_reliability.Findings({}, [], None))

        assert ReviewerAgreement.objects.count() == 1


@pytest.mark.parametrize("error", [SoftTimeLimitExceeded, MemoryError])
def test_a_run_that_failed_names_who_has_most_of_its_rows(
    as_key: AsKey, served: ModelVersion, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    few, many = as_key("review"), as_key("review")
    loud = key()
    say(few)
    flood(loud.source, 30, key=loud)
    say(many)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(retraining, "read", fail)
    run = train()

    assert run.status == "failed"
    [_, reason] = run.reasons
    assert reason.startswith(f"31 of the 32 rows that a training reads are reviews of {loud}; ")


class TestReviewersOfAKey:
    def test_the_most_active_are_shown_and_all_can_be_paged(self, as_key: AsKey) -> None:
        as_key("review")
        theirs = key()
        rows = [
            ReviewerAgreement(key=theirs, reviewer=f"r{one}", label="hate_speech", alpha=None, tweets=one)
            for one in range(130)
        ]
        ReviewerAgreement.objects.bulk_create(rows)
        admin = as_key("admin")

        [shown] = [one for one in admin.get("/keys").json()["results"] if one["prefix"] == theirs.prefix]
        paged = admin.get(f"/keys/{theirs.prefix}/reviewers?limit=10&offset=120").json()

        assert [one["tweets"] for one in shown["reviewers"]] == list(range(129, 29, -1))
        assert (paged["count"], [one["reviewer"] for one in paged["results"]]) == (
            130,
            [f"r{one}" for one in range(9, -1, -1)],
        )

    def test_only_for_admins(self, as_key: AsKey) -> None:
        client = as_key("review")

        assert client.get(f"/keys/{key().prefix}/reviewers").status_code == 403
        assert as_key("admin").get("/keys/hs_none/reviewers").status_code == 404
