"""What was forgotten stays so: whatever loads it again, whichever backup is restored, until somebody lifts that."""

import csv
import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from api.lib import suppression
from api.models import ApiKey, AuditEntry, IdempotentAnswer, ReviewedTweet, Suppression
from api.operations import bootstrap
from api.reviews import erasure
from api.reviews.corpora import import_corpus
from api.reviews.intake import add
from hate_speech_ai.corpora.catalogue import own
from hate_speech_ai.text import CLEANING_VERSION
from tests.conftest import AsKey, JSONClient, starter_rows

TEXT = "My neighbour Zanzibar is late!"
SAME = "my NEIGHBOUR zanzibar is late"


def manage(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def forget(**named: Any) -> None:
    erasure.forget(by="test", reason="asked to", **named)


def say(client: JSONClient, tweet: str = TEXT, **fields: Any) -> Any:
    return client.post("/add-reviewed-tweet", {"tweet": tweet, "is_hate_speech": False, **fields})


def texts() -> set[str]:
    return set(ReviewedTweet.objects.values_list("tweet", flat=True))


def starter(folder: Path, *tweets: str) -> Path:
    """A starter corpus of these tweets."""
    rows = [row | {"tweet": tweet} for row, tweet in zip(starter_rows(), tweets, strict=False)]
    with (path := folder / "train.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


class TestTexts:
    def test_the_next_start_does_not_bring_it_back(self, db: None, settings: Settings, tmp_path: Path) -> None:
        settings.STARTER_CORPUS = starter(tmp_path, TEXT, "the tram is early")
        assert bootstrap.load_starter_corpus() == 2
        forget(text=SAME)

        assert bootstrap.load_starter_corpus() == 0

        assert texts() == {"the tram is early"}

    def test_nor_does_a_corpus_that_is_imported_later(self, db: None, tmp_path: Path) -> None:
        forget(text=TEXT)
        path = tmp_path / "mine.csv"
        path.write_text(f"text,hate\n{SAME},1\nthe tram is early,0\n")
        corpus = own("mine", text_column="text", label_columns={"hate_speech": "hate"})

        report = import_corpus(corpus, path)

        assert (report.added, report.forgotten) == (1, 1)
        assert texts() == {"the tram is early"}

    def test_a_review_of_it_is_refused(self, as_key: AsKey) -> None:
        forget(text=TEXT)

        answer = say(as_key("review"), SAME)

        assert (answer.status_code, answer.json()["code"]) == (409, "forgotten")
        assert "This text was forgotten on request" in answer.json()["detail"]
        assert not ReviewedTweet.objects.exists()

    def test_in_an_upload_its_line_is(self, as_key: AsKey) -> None:
        forget(text=TEXT)
        lines = [{"tweet": one, "is_hate_speech": True} for one in ("the tram is early", SAME, "a bus")]

        body = b"\n".join(orjson.dumps(line) for line in [{"tweet": 3}, *lines])
        answer = as_key("review").request("POST", "/reviewed-tweets/bulk", "application/x-ndjson", body).json()

        assert (answer["added"], answer["refused"]) == (2, 2)
        assert answer["results"][2]["line"] == 3
        assert answer["results"][2]["error"]["code"] == "forgotten"
        assert texts() == {"the tram is early", "a bus"}

    def test_a_file_of_reviews_is_read_without_it(self, as_key: AsKey, tmp_path: Path) -> None:
        as_key("review")
        forget(text=TEXT)
        path = tmp_path / "reviews.jsonl"
        path.write_text("".join(json.dumps({"tweet": one, "is_hate_speech": True}) + "\n" for one in (SAME, "a bus")))

        said = manage("import_reviews", str(path), "--key", key_prefix())

        assert "1 reviews added, 0 known already, 0 refused" in said
        assert "1 passed over: they were forgotten, and stay so" in said
        assert texts() == {"a bus"}

    def test_label_studio_does_not_bring_it_back(self, as_key: AsKey) -> None:
        forget(text=TEXT)
        config = (
            '<View><Text name="text" value="$text"/><Choices name="hate_speech" toName="text">'
            '<Choice value="yes"/><Choice value="no"/></Choices></View>'
        )
        body = {
            "action": "ANNOTATION_CREATED",
            "project": {"id": 2, "label_config": config},
            "task": {"id": 19, "data": {"text": SAME}},
            "annotation": {
                "id": 17,
                "result": [{"from_name": "hate_speech", "type": "choices", "value": {"choices": ["yes"]}}],
            },
        }

        answer = as_key("review").post("/label-studio/webhook", body)

        assert answer.status_code == 409, answer.content
        assert not ReviewedTweet.objects.exists()

    def test_a_suggested_score_does_not(self, as_key: AsKey) -> None:
        forget(text=TEXT)
        scores = {"TOXICITY": {"summaryScore": {"value": 0.9}}}

        answer = as_key("review").post(
            "/v1alpha1/comments:suggestscore", {"comment": {"text": SAME}, "attributeScores": scores}
        )

        assert answer.status_code == 409, answer.content
        assert not ReviewedTweet.objects.exists()

    def test_another_cleaning_still_knows_it(self, as_key: AsKey, monkeypatch: pytest.MonkeyPatch) -> None:
        """A fingerprint is of the cleaned text; letters and digits stay the same in all versions."""
        say(as_key("review"), TEXT)
        forget(text=SAME)
        monkeypatch.setattr(suppression, "fingerprint", lambda text: f"of another cleaning: {text}")

        assert say(as_key("review"), TEXT).status_code == 409
        assert say(as_key("review"), "my neighbour zanzibar is early").status_code == 201

    def test_a_download_that_has_it_is_deleted(
        self, db: None, settings: Settings, tmp_path: Path, django_capture_on_commit_callbacks: Any
    ) -> None:
        settings.DATA_DIR = tmp_path
        (tmp_path / "corpora").mkdir()
        for name in ("davidson2017", "stormfront"):
            (tmp_path / "corpora" / f"{name}.csv").write_text(TEXT)
        add(tweet=TEXT, labels={"hate_speech": False}, source="corpus:davidson2017")

        with django_capture_on_commit_callbacks(execute=True):
            forget(text=TEXT)

        assert [path.name for path in (tmp_path / "corpora").iterdir()] == ["stormfront.csv"]

    def test_the_text_is_kept_nowhere(
        self, db: None, settings: Settings, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            forget(text=TEXT, reviewer="zoe")

        kept = str([vars(row) for row in Suppression.objects.all()]) + settings.FORGOTTEN_FILE.read_text()
        assert "anzibar" not in kept
        assert "zoe" not in kept
        assert settings.FORGOTTEN_FILE.stat().st_mode & 0o077 == 0


def key_prefix() -> str:
    return ApiKey.objects.order_by("-pk")[0].prefix


class TestPeople:
    @pytest.mark.parametrize("field", ["reviewer", "author", "external_id"])
    def test_what_was_named_stays_away(self, as_key: AsKey, field: str) -> None:
        client = as_key("review")
        say(client, **{field: "zoë"})
        forget(**{field: "zoë"})

        answer = say(client, "another text", **{field: "zoë"})

        assert (answer.status_code, answer.json()["code"]) == (409, "forgotten")
        assert field in answer.json()["detail"]
        # Others may say something about the same text.
        assert say(client, **{field: "ben"}).status_code == 201

    def test_all_that_was_named_must_agree(self, as_key: AsKey) -> None:
        client = as_key("review")
        forget(reviewer="ann", external_id="7")

        assert say(client, reviewer="ann").status_code == 201
        assert say(client, "another", reviewer="ben", external_id="7").status_code == 201
        assert say(client, "a third", reviewer="ann", external_id="7").status_code == 409

    def test_an_author_is_known_after_the_secret_key_was_replaced(self, as_key: AsKey, settings: Settings) -> None:
        forget(author="zoë")
        settings.SECRET_KEY = "another one, without the old one as a fallback"

        assert say(as_key("review"), author="zoë").status_code == 409

    def test_it_need_not_be_remembered(self, as_key: AsKey) -> None:
        client, admin = as_key("review"), as_key("admin")
        say(client, reviewer="ann")

        admin.post("/forget", {"reviewer": "ann", "reason": "a test", "remember": False})

        assert say(client, reviewer="ann").status_code == 201
        manage("forget", "--reviewer", "ann", "--reason", "a test", "--do-not-remember")
        assert say(client, reviewer="ann").status_code == 201


class TestKeys:
    def test_a_replaced_key_is_still_needed(self, as_key: AsKey, settings: Settings) -> None:
        forget(text=TEXT)
        old, settings.FORGET_KEY = settings.FORGET_KEY, "another key of thirty-two characters"
        assert "2 fingerprints keep nothing away" in manage("forgotten")

        settings.FORGET_KEY_FALLBACKS = [old]

        assert "keep nothing away" not in manage("forgotten")
        assert say(as_key("review")).status_code == 409


class TestLifting:
    def test_over_http(self, as_key: AsKey) -> None:
        client, admin = as_key("review"), as_key("admin")
        forget(text=TEXT)
        forget(reviewer="ann", author="zoë")

        listed = admin.get("/forgotten").json()
        assert listed["count"] == 2
        assert [one["named"] for one in listed["results"]] == [["reviewer", "author"], ["text"]]
        path = f"/forgotten/{listed['results'][1]['id']}/lift"
        assert client.post(path, {"reason": "me"}).status_code == 403
        assert client.get("/forgotten").status_code == 403
        assert admin.post(path).status_code == 400

        assert admin.post(path, {"reason": "a mistake"}).status_code == 204

        assert admin.post(path, {"reason": "a mistake"}).status_code == 404
        assert say(client).status_code == 201
        assert say(client, "another", reviewer="ann", author="zoë").status_code == 409
        entry = AuditEntry.objects.get(action="erasure.lifted")
        assert entry.reason == "a mistake"

    def test_at_the_command_line(self, as_key: AsKey) -> None:
        forget(text=TEXT)
        said = manage("forgotten")
        assert said.endswith("1 acts of forgetting are remembered\n")
        number = said.split()[0]
        with pytest.raises(CommandError, match="say why"):
            manage("forgotten", "--lift", number)

        assert manage("forgotten", "--lift", number, "--reason", "a mistake") == "it may come back\n"

        assert say(as_key("review")).status_code == 201

    def test_what_was_forgotten_twice_is_lifted_once(
        self, as_key: AsKey, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            forget(text=TEXT)
            forget(text=TEXT)
        with django_capture_on_commit_callbacks(execute=True):
            erasure.lift(Suppression.objects.all()[0].erasure, by="test", reason="a mistake")

        erasure.catch_up()

        assert say(as_key("review")).status_code == 201


class TestBackups:
    """A restored backup: the rows are back, and the list of the database is as old as they are."""

    @pytest.fixture
    def restored(self, as_key: AsKey, django_capture_on_commit_callbacks: Any) -> None:
        client = as_key("review")
        say(client, TEXT, reviewer="ann")
        say(client, "the tram is early", author="zoë")
        say(client, "the bus is late")
        rows = list(ReviewedTweet.objects.order_by("pk").values())
        with django_capture_on_commit_callbacks(execute=True):
            forget(text=SAME)
            forget(author="zoë")
        Suppression.objects.all().delete()
        ReviewedTweet.objects.all().delete()
        ReviewedTweet.objects.bulk_create(ReviewedTweet(**row) for row in rows)

    def test_a_start_forgets_again_what_the_file_knows(self, restored: None) -> None:
        before = erasure.number_of_erasures()

        assert erasure.catch_up().rows == 2

        assert texts() == {"the bus is late"}
        assert erasure.number_of_erasures() > before  # so that the next night trains without them
        assert erasure.catch_up().rows == 0

    def test_an_exported_list_forgets_again(self, restored: None, settings: Settings, tmp_path: Path) -> None:
        kept = shutil.move(settings.FORGOTTEN_FILE, tmp_path / "kept.jsonl")

        said = manage("forget", "--again", str(kept), "--reason", "restored")

        assert said.splitlines()[:2] == ["4 fingerprints added to the list", "2 reviewed tweets are deleted"]
        assert texts() == {"the bus is late"}

    def test_an_export_is_such_a_list(self, restored: None, tmp_path: Path) -> None:
        erasure.catch_up()
        manage("forgotten", "--export", str(tmp_path / "list.jsonl"))
        Suppression.objects.all().delete()

        assert "4 fingerprints added" in manage("forget", "--again", str(tmp_path / "list.jsonl"), "--reason", "x")

    def test_rows_of_an_older_cleaning_are_found(self, restored: None) -> None:
        ReviewedTweet.objects.update(cleaning=CLEANING_VERSION - 1)
        for row in ReviewedTweet.objects.all():
            ReviewedTweet.objects.filter(pk=row.pk).update(fingerprint=f"of an older cleaning {row.pk}")

        assert erasure.catch_up().rows == 2

    def test_what_was_lifted_since_stays_lifted(self, restored: None, settings: Settings) -> None:
        first = json.loads(settings.FORGOTTEN_FILE.read_text().splitlines()[0])
        with settings.FORGOTTEN_FILE.open("a") as file:
            file.write(json.dumps({"lifted": first["erasure"]}) + "\n")

        assert erasure.catch_up().rows == 1

        assert TEXT in texts()

    @pytest.mark.parametrize("line", ["no JSON", "{}", '{"erasure": "x"}', "[]", "3"])
    def test_a_file_that_is_no_list_changes_nothing(self, db: None, tmp_path: Path, line: str) -> None:
        (tmp_path / "list.jsonl").write_text(line + "\n")

        with pytest.raises(CommandError, match=r"line 1 of .* is no entry"):
            manage("forget", "--again", str(tmp_path / "list.jsonl"), "--reason", "x")

    def test_a_file_that_is_not_there(self, db: None) -> None:
        with pytest.raises(CommandError, match="cannot be read"):
            manage("forget", "--again", "/nowhere/list.jsonl", "--reason", "x")


def test_the_answer_to_an_upload_does_not_keep_names_of_fields(as_key: AsKey) -> None:
    client = as_key("review")
    body = orjson.dumps({"tweet": "a bus", "is_hate_speech": True, "zanzibar lives here": 1})
    answer = client._client.generic(
        "POST",
        "/reviewed-tweets/bulk",
        body,
        content_type="application/x-ndjson",
        headers={"Authorization": f"Api-Key {client._key}", "Idempotency-Key": "a"},
    )
    assert "zanzibar lives here" in str(answer.json())
    say(client, "another bus", reviewer="ann")

    as_key("admin").post("/forget", {"reviewer": "ann", "reason": "asked to"}, Idempotency_Key="b")

    assert "zanzibar" not in str(list(IdempotentAnswer.objects.values_list("body", flat=True)))
    assert IdempotentAnswer.objects.filter(name="b").exists()
