"""Whose labels train: quarantine and approval, reliability, the night's cap, and what is not believed."""

import json
import re
from io import StringIO
from itertools import count, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from api.models import ApiKey, AuditEntry, Promotion, ReviewedTweet, TrainingRun
from api.reviews import intake
from api.training.dataset import read
from hate_speech_ai.labels import LABELS
from hate_speech_ai.text import fingerprint, is_held_out
from tests.conftest import AsKey, JSONClient, starter_rows
from tests.helpers import load, train

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(as_key: AsKey) -> JSONClient:
    return as_key("admin")


@pytest.fixture
def stranger(as_key: AsKey) -> JSONClient:
    """A new key that nobody has trusted yet."""
    return as_key("review", trust="quarantined")


def tweets(how_many: int, *, held_out: bool = False) -> list[str]:
    texts = (f"bus number {number} is late" for number in count())
    return list(islice((text for text in texts if is_held_out(fingerprint(text)) == held_out), how_many))


def say(client: JSONClient, tweet: str, answer: bool = True) -> dict[str, Any]:
    return dict(client.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": answer}).json())


def status(client: JSONClient, receipt: str) -> str:
    return str(client.get(f"/reviewed-tweets/{receipt}").json()["status"])


def prefix() -> str:
    """Of the key that was made last."""
    return ApiKey.objects.order_by("-pk")[0].prefix


def manage(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


class TestQuarantine:
    @pytest.mark.parametrize("held_out", [False, True])
    def test_what_a_new_key_says_waits(self, stranger: JSONClient, held_out: bool) -> None:
        [text] = tweets(1, held_out=held_out)

        answer = say(stranger, text)

        assert answer["status"] == "quarantined"
        [step] = stranger.get(f"/reviewed-tweets/{answer['id']}").json()["history"]
        assert (step["status"], "waits until a person approves it" in step["reason"]) == ("quarantined", True)
        dataset = read(None)
        assert [*dataset.training, *dataset.held_out, *dataset.held_out_reviews] == []

    def test_what_waits_changes_nothing(self, stranger: JSONClient) -> None:
        before = read(None).fingerprint
        say(stranger, tweets(1)[0])

        assert read(None).fingerprint == before

    @pytest.mark.parametrize(("held_out", "then"), [(False, "pending"), (True, "held_out")])
    def test_one_is_approved(self, stranger: JSONClient, admin: JSONClient, held_out: bool, then: str) -> None:
        first, second = (say(stranger, text)["id"] for text in tweets(2, held_out=held_out))

        answer = admin.post("/reviewed-tweets/approve", {"ids": [first], "reason": "looked at it"})

        assert answer.json() == {"approved": 1}
        assert (status(stranger, first), status(stranger, second)) == (then, "quarantined")
        dataset = read(None)
        assert len(dataset.training) + len(dataset.held_out) == 1
        entry = AuditEntry.objects.order_by("-pk")[0]
        assert (entry.action, entry.reason) == ("reviews.approved", "looked at it")
        assert admin.post("/reviewed-tweets/approve", {"ids": [first]}).json() == {"approved": 0}

    @pytest.mark.parametrize(("ids", "answer"), [(1000, 200), (1001, 400)])
    def test_as_many_as_the_schema_says(self, admin: JSONClient, ids: int, answer: int) -> None:
        assert admin.post("/reviewed-tweets/approve", {"ids": [str(uuid4()) for _ in range(ids)]}).status_code == answer

    def test_all_of_a_key_are_approved(self, stranger: JSONClient, as_key: AsKey, admin: JSONClient) -> None:
        theirs = ApiKey.objects.exclude(scopes=["admin"]).get().prefix
        for text in tweets(3):
            say(stranger, text)
        other = as_key("review", trust="quarantined")
        kept = say(other, "another text of another key")["id"]

        assert admin.post("/reviewed-tweets/approve", {"key": theirs}).json() == {"approved": 3}

        assert len(read(None).training) == 3
        assert status(other, kept) == "quarantined"

    def test_an_idempotency_key_approves_once(self, stranger: JSONClient, admin: JSONClient) -> None:
        first, second = (say(stranger, text)["id"] for text in tweets(2))
        body = {"key": ApiKey.objects.get(scopes=["review"]).prefix}
        answer = admin.post("/reviewed-tweets/approve", body, Idempotency_Key="a").json()
        later = say(stranger, tweets(3)[2])["id"]

        again = admin.post("/reviewed-tweets/approve", body, Idempotency_Key="a")
        other = admin.post("/reviewed-tweets/approve", {"ids": [later]}, Idempotency_Key="a")

        assert (answer, again.json(), again["Idempotent-Replayed"]) == ({"approved": 2}, answer, "true")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert [status(stranger, one) for one in (first, second, later)] == ["pending", "pending", "quarantined"]

    @pytest.mark.parametrize("body", [{}, {"ids": [], "reason": "x"}, {"ids": ["x"]}, {"key": "hs_1", "ids": []}])
    def test_what_is_refused(self, admin: JSONClient, body: dict[str, Any]) -> None:
        assert admin.post("/reviewed-tweets/approve", body).status_code == 400

    def test_who_may_not(self, stranger: JSONClient, as_key: AsKey) -> None:
        receipt = say(stranger, tweets(1)[0])["id"]
        for client in (stranger, as_key("train"), as_key("review")):
            assert client.post("/reviewed-tweets/approve", {"ids": [receipt]}).status_code == 403
            assert client.get("/keys").status_code == 403
            assert client.post(f"/keys/{prefix()}/trust", {"trust": "trusted", "reason": "me"}).status_code == 403
        assert status(stranger, receipt) == "quarantined"

    def test_a_newer_opinion_is_what_is_approved(self, stranger: JSONClient, admin: JSONClient) -> None:
        [text] = tweets(1)
        older, newer = say(stranger, text, True)["id"], say(stranger, text, False)["id"]

        assert admin.post("/reviewed-tweets/approve", {"ids": [older, newer]}).json() == {"approved": 1}

        assert (status(stranger, older), status(stranger, newer)) == ("superseded", "pending")
        assert [example.labels for example in read(None).training] == [{"hate_speech": False}]

    def test_it_can_be_withdrawn(self, stranger: JSONClient, admin: JSONClient) -> None:
        receipt = say(stranger, tweets(1)[0])["id"]

        assert stranger.request("DELETE", f"/reviewed-tweets/{receipt}", "", b"").status_code == 204

        assert admin.post("/reviewed-tweets/approve", {"ids": [receipt]}).json() == {"approved": 0}
        assert status(stranger, receipt) == "withdrawn"

    def test_the_list_shows_what_waits(self, stranger: JSONClient, admin: JSONClient) -> None:
        theirs = ApiKey.objects.get(scopes=["review"]).prefix
        say(stranger, tweets(1)[0])

        found = admin.get(f"/reviewed-tweets?status=quarantined&key={theirs}").json()

        assert found["count"] == 1
        assert admin.get("/reviewed-tweets?key=hs_000000000000").json()["count"] == 0


class TestLevels:
    def test_a_key_is_trusted(self, stranger: JSONClient, admin: JSONClient) -> None:
        theirs = ApiKey.objects.get(scopes=["review"])
        before, after = tweets(2)
        say(stranger, before)

        answer = admin.post(f"/keys/{theirs.prefix}/trust", {"trust": "trusted", "reason": "we know them"})

        assert answer.json() == {"trust": "trusted", "reviews": 0}
        assert say(stranger, after)["status"] == "pending"
        assert len(read(None).training) == 1
        entry = AuditEntry.objects.order_by("-pk")[0]
        assert (entry.action, entry.target, entry.reason) == ("key.trusted", str(theirs), "we know them")

    def test_with_what_waits(self, stranger: JSONClient, admin: JSONClient) -> None:
        theirs = ApiKey.objects.get(scopes=["review"]).prefix
        say(stranger, tweets(1)[0])

        body = {"trust": "trusted", "reason": "we know them", "approve_pending": True}
        assert admin.post(f"/keys/{theirs}/trust", body).json() == {"trust": "trusted", "reviews": 1}

        assert len(read(None).training) == 1

    @pytest.mark.parametrize("include_learned", [False, True])
    def test_a_key_is_quarantined(self, as_key: AsKey, admin: JSONClient, include_learned: bool) -> None:
        client, theirs = as_key("review"), prefix()
        learned, new = (say(client, text)["id"] for text in tweets(2))
        ReviewedTweet.objects.filter(receipt=learned).update(status="trained")

        body = {"trust": "quarantined", "reason": "odd labels", "include_learned": include_learned}
        answer = admin.post(f"/keys/{theirs}/trust", body).json()

        assert answer == {"trust": "quarantined", "reviews": 1 + include_learned}
        assert status(client, new) == "quarantined"
        assert status(client, learned) == ("quarantined" if include_learned else "trained")
        assert len(read(None).training) == (0 if include_learned else 1)
        assert say(client, tweets(3)[2])["status"] == "quarantined"

    @pytest.mark.parametrize(
        "body",
        [
            {"trust": "trusted"},
            {"trust": "friend", "reason": "x"},
            {"trust": "trusted", "reason": "x", "include_learned": True},
            {"trust": "quarantined", "reason": "x", "approve_pending": True},
        ],
    )
    def test_what_is_refused(self, admin: JSONClient, body: dict[str, Any]) -> None:
        assert admin.post(f"/keys/{prefix()}/trust", body).status_code == 400

    def test_an_idempotency_key_trusts_once(self, stranger: JSONClient, admin: JSONClient) -> None:
        path = f"/keys/{ApiKey.objects.get(scopes=['review']).prefix}/trust"
        body = {"trust": "trusted", "reason": "we know them"}
        answer = admin.post(path, body, Idempotency_Key="a").json()
        admin.post(path, {"trust": "quarantined", "reason": "or do we?"})

        again = admin.post(path, body, Idempotency_Key="a")
        other = admin.post(path, {**body, "reason": "surely"}, Idempotency_Key="a")

        assert (again.status_code, again.json(), again["Idempotent-Replayed"]) == (200, answer, "true")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert ApiKey.objects.get(scopes=["review"]).trust == "quarantined"

    def test_a_key_that_there_is_not(self, admin: JSONClient) -> None:
        assert admin.post("/keys/hs_000000000000/trust", {"trust": "trusted", "reason": "x"}).status_code == 404

    def test_at_the_command_line(self, stranger: JSONClient) -> None:
        theirs = prefix()
        first, *_ = (say(stranger, text)["id"] for text in tweets(3))

        assert "1 reviews are approved" in manage("approve", first)
        assert "2 reviews wait for approval" in manage("list_keys")
        assert "2 of its reviews that waited" in manage("trust", theirs, "--approve-pending", "--reason", "a friend")
        assert say(stranger, tweets(4)[3])["status"] == "pending"
        # What a person has approved one by one stays.
        assert "1 of its reviews wait" in manage("quarantine", theirs, "--reason", "no friend after all")
        assert manage("create_key", "a team", "--scope", "review", "--trusted").startswith("hs_")
        assert ApiKey.objects.get(name="a team").trust == "trusted"
        for wrong in (("approve",), ("approve", first, "--key", theirs), ("trust", "hs_0", "--reason", "x")):
            with pytest.raises(CommandError):
                manage(*wrong)


class TestCap:
    def test_no_key_has_a_night_to_itself(self, as_key: AsKey, settings: Settings) -> None:
        settings.RUN_MAX_KEY_SHARE, settings.RUN_MIN_KEY_LABELS = 0.5, 2
        loud, quiet = as_key("review"), as_key("review")
        for text in tweets(8):
            say(loud, text)
        say(quiet, "a text of the quiet key")

        first = read(None)

        assert [example.tweet for example in first.training] == [*tweets(5), "a text of the quiet key"]
        [(source, waiting)] = first.waiting.items()
        assert (source, waiting) == (ReviewedTweet.objects.earliest("pk").source, 3)
        ReviewedTweet.objects.filter(tweet__in=[example.tweet for example in first.training]).update(status="trained")
        second = read(None)
        assert (len(second.training), sum(second.waiting.values())) == (8, 1)
        assert second.fingerprint != first.fingerprint

    def test_what_was_approved_does_not_count(self, as_key: AsKey, admin: JSONClient, settings: Settings) -> None:
        settings.RUN_MAX_KEY_SHARE, settings.RUN_MIN_KEY_LABELS = 0.1, 1
        client, theirs = as_key("review"), prefix()
        for text in tweets(5):
            say(client, text)
        assert len(read(None).training) == 1

        admin.post("/reviewed-tweets/approve", {"key": theirs})

        assert len(read(None).training) == 5


class TestStanding:
    def judge_known(self, client: JSONClient, *, wrong: int, right: int) -> None:
        for number, text in enumerate(tweets(wrong + right)):
            intake.add(tweet=text, labels={"hate_speech": False}, source="corpus:starter")
            say(client, text, number < wrong)

    def test_a_mistake_or_two_cost_nothing(self, as_key: AsKey) -> None:
        self.judge_known(as_key("review"), wrong=2, right=0)

        [reliability] = read(None).reliabilities.values()

        assert (reliability.gold, reliability.gold_agreed, reliability.weight) == (2, 0, 1.0)

    def test_a_key_that_is_often_wrong_is_outvoted(self, as_key: AsKey) -> None:
        client = as_key("review")
        self.judge_known(client, wrong=20, right=0)

        dataset = read(None)

        [reliability] = dataset.reliabilities.values()
        assert (reliability.smoothed_agreement, reliability.weight) == (0.3, 0.3)
        # The key spoke last, but one vote is more than 0.3.
        assert {example.labels["hate_speech"] for example in dataset.training} == {False}

    def test_among_equals_the_newest_counts(self, as_key: AsKey) -> None:
        self.judge_known(as_key("review"), wrong=2, right=18)

        answers = [example.labels["hate_speech"] for example in read(None).training]

        assert answers == [True, True] + [False] * 18

    def test_it_is_measured_while_a_key_waits(self, stranger: JSONClient) -> None:
        self.judge_known(stranger, wrong=1, right=3)

        [reliability] = read(None).unapproved.values()

        assert (reliability.gold, reliability.gold_agreed) == (4, 3)

    def test_peers_are_other_trusted_keys(self, as_key: AsKey, stranger: JSONClient) -> None:
        ann, bob = as_key("review"), as_key("review")
        [text] = tweets(1)
        for client, answer in ((ann, True), (bob, True), (stranger, False)):
            say(client, text, answer)

        dataset = read(None)
        found = {
            source: (reliability.peers, reliability.peers_agreed)
            for source, reliability in [*dataset.reliabilities.items(), *dataset.unapproved.items()]
        }

        assert sorted(found.values()) == [(1, 0), (1, 1), (1, 1)]


class TestNight:
    """One key, a night of its labels, and the model that comes of it."""

    @pytest.fixture
    def start(self, no_everyday_tweets: None, tmp_path: Path) -> None:
        self.load(tmp_path, "hate_speech")
        assert self.night().outcome == "promoted"

    def load(self, folder: Path, *labels: str) -> None:
        """Every fourth row of the starter corpus, with the answers to some labels."""
        left_out = dict.fromkeys(set(LABELS) - set(labels), "")
        load(folder, [row | left_out for row in starter_rows()[::4]])

    def night(self) -> TrainingRun:
        return train()

    def review(self, client: JSONClient, *, wrong: float) -> None:
        lines = [
            {"tweet": row["tweet"], "is_hate_speech": (row["hate_speech"] == "1") != (number % 10 < 10 * wrong)}
            for number, row in enumerate(starter_rows()[1::12])
        ]
        body = "\n".join(map(json.dumps, lines)).encode()
        answer = client.request("POST", "/reviewed-tweets/bulk", "application/x-ndjson", body).json()
        assert answer["added"] > 1000

    def test_labels_that_look_wrong_are_not_learned(
        self, start: None, as_key: AsKey, admin: JSONClient, settings: Settings
    ) -> None:
        settings.RUN_MAX_KEY_SHARE = 1.0
        champion = Promotion.champion()
        client = as_key("review")
        liar = ApiKey.objects.order_by("-pk")[0]
        self.review(client, wrong=0.3)
        honest = say(as_key("review"), "the buses are late again today")["id"]

        run = self.night()

        # What others said need not wait for another night.
        assert run.outcome == "promoted", run.reasons
        assert run.version is not None
        assert run.version == Promotion.champion() != champion
        assert run.version.learned_from["reviews"] == 1
        assert ReviewedTweet.objects.get(receipt=honest).status == "trained"
        [note] = [note for note in run.figures["notes"] if str(liar) in note]
        assert ("contradict" in note, "learned nothing new of that key" in note) == (True, True)
        liar.refresh_from_db()
        assert liar.trust == "quarantined"
        assert liar.reliability["contradicted"] > 0.2 * liar.reliability["confident"]
        assert set(liar.reviews.values_list("status", flat=True)) == {"quarantined"}
        [shown] = [key for key in admin.get("/keys").json()["results"] if key["prefix"] == liar.prefix]
        assert shown["reliability"]["contradicted"] == liar.reliability["contradicted"]
        assert admin.get(f"/training-runs/{run.pk}").json()["figures"]["keys"][liar.prefix]["confident"] > 0
        assert AuditEntry.objects.filter(action="key.quarantined", target=str(liar)).exists()

        # The next night goes on without them.
        assert self.night().outcome == "unchanged"

        # A person has the last word.
        manage("approve", "--key", liar.prefix)
        assert not any(str(liar) in reason for reason in self.night().reasons)

    def test_honest_labels_are(self, start: None, as_key: AsKey) -> None:
        client = as_key("review")
        self.review(client, wrong=0.0)

        run = self.night()

        assert run.outcome == "promoted", run.reasons
        key = ApiKey.objects.order_by("-pk")[0]
        assert key.trust == "trusted"
        assert key.reliability["contradicted"] < 0.2 * key.reliability["confident"]

    def test_lies_about_other_labels_are_noticed(
        self, no_everyday_tweets: None, tmp_path: Path, settings: Settings
    ) -> None:
        settings.RUN_MAX_KEY_SHARE = 1.0
        self.load(tmp_path, "hate_speech", "toxic")
        assert self.night().outcome == "promoted"
        liar, _ = ApiKey.issue("a forum", ["review"], trust="trusted")
        suggested = [
            intake.Annotation(row["tweet"], {"toxic": (row["toxic"] == "1") != (number % 10 < 3)})
            for number, row in enumerate(starter_rows()[1::12])
        ]
        intake.add_all(suggested, source=liar.source, key=liar)

        run = self.night()

        assert run.outcome == "rejected"
        assert any(str(liar) in reason and "contradict" in reason for reason in run.reasons)

    def test_what_a_key_changes(self, start: None, as_key: AsKey) -> None:
        self.review(as_key("review"), wrong=0.5)

        shown = manage("ablate_key", prefix())

        assert "f1 on " in shown
        assert "of decisions differ" in shown
        assert "words that change most" in shown
        assert TrainingRun.objects.count() == 1

    def test_a_key_of_which_nothing_counts_changes_nothing(self, start: None, as_key: AsKey) -> None:
        self.review(as_key("review", trust="quarantined"), wrong=0.5)

        shown = manage("ablate_key", prefix())

        assert shown.endswith("says counts: the next training does without it as things are\n")
        assert "training with" not in shown

    def test_the_commands_that_are_named_work(self, start: None, as_key: AsKey) -> None:
        self.review(as_key("review"), wrong=0.5)
        hints = StringIO()
        call_command("ablate_key", prefix(), stdout=hints, stderr=StringIO())
        call_command("create_key", "new_labels", "--scope", "review", stdout=StringIO(), stderr=hints)

        for command in re.findall(r"manage\.py (.+ WHY)", hints.getvalue()):
            manage(*command.split())
        assert AuditEntry.objects.filter(reason="WHY").count() == 2


def test_reviewers_are_compared(as_key: AsKey) -> None:
    for row in starter_rows()[::30]:
        intake.add(tweet=row["tweet"], labels={"hate_speech": row["hate_speech"] == "1"}, source="corpus:starter")
    client, admin = as_key("review"), as_key("admin")
    for number, row in enumerate(starter_rows()[::570][:40]):
        truth = row["hate_speech"] == "1"
        for name, answer in (("ann", truth), ("bob", number % 2 == 0)):
            body = {"tweet": row["tweet"], "is_hate_speech": answer, "reviewer": name}
            assert client.post("/add-reviewed-tweet", body).status_code == 201

    train()

    [shown] = [key for key in admin.get("/keys").json()["results"] if key["scopes"] == ["review"]]
    found = {one["reviewer"]: one for one in shown["reviewers"] if one["label"] == "hate_speech"}
    # Where bob contradicts the corpus, the others of ann are even.
    assert (found["ann"]["alpha"], found["bob"]["tweets"]) == (1.0, 40)
    assert found["ann"]["tweets"] < 40
    assert found["bob"]["alpha"] < 0.5
