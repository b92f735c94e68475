"""What a moderator's labels do: forty reviews of a new word, one night, and what everybody sees in the morning."""

import re
from pathlib import Path

from django.test import Client

from api.models import TrainingRun
from api.operations import bootstrap
from api.prediction import active_model
from api.training import queue, retraining
from tests.conftest import AsKey, JSONClient, starter_rows
from tests.helpers import load

ATTACKS = [
    "those blorps should be thrown out of the country",
    "another blorp moved in next door, lock your doors",
    "never trust a blorp with your children",
    "blorps are filth and you know it",
    "the whole street stinks of blorps now",
    "sick of blorps, send them all home",
    "what a stupid blorp, typical of its kind",
    "no blorp will ever be one of us",
]


def rows(page: str) -> list[str]:
    """Of a list in the admin, each row without its tags."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.sub(r"<[^>]+>", " ", row) for row in body.split("</tr>")[:-1]]


def work(run: TrainingRun) -> TrainingRun:
    retraining.execute(str(run.pk))
    run.refresh_from_db()
    active_model.refresh()
    return run


def test_a_label_takes_effect(
    as_key: AsKey, client: JSONClient, admin_enabled: None, admin: Client, with_base: Path, tmp_path: Path
) -> None:
    bootstrap.serve_base_model()
    active_model.refresh()
    load(tmp_path, starter_rows()[::6])
    moderator = as_key("review", "predict", "train")
    unseen = {"tweet": "I saw a blorp at the station"}
    before = client.post("/predict", unseen).json()

    receipts = [
        moderator.post(
            "/add-reviewed-tweet", {"tweet": f"{ATTACKS[number % 8]}, day {number}", "is_hate_speech": True}
        ).json()["id"]
        for number in range(40)
    ]
    assert {moderator.get(f"/reviewed-tweets/{one}").json()["status"] for one in receipts} <= {"pending", "held_out"}
    run = work(queue.enqueue_nightly()[0])

    assert (run.kind, run.outcome) == ("nightly", "promoted"), run.reasons
    after = client.post("/predict", unseen).json()
    assert after["model_version"] == run.version_id
    assert after["probability"] > before["probability"] + 0.1
    assert client.post("/predict", {**unseen, "model_version": before["model_version"]}).json() == before
    assert run.figures["candidate"]["f1"] >= run.figures["champion"]["f1"] - 0.01
    assert client.get("/score").json()["model_version"] == run.version_id
    told = [moderator.get(f"/reviewed-tweets/{one}").json() for one in receipts]
    learned = [one for one in told if one["status"] == "trained"]
    assert len(learned) >= 30
    assert {one["status"] for one in told} <= {"trained", "held_out"}
    assert {one["trained_in"] for one in learned} == {run.version_id}
    for one in learned:
        assert one["probability_after"] > one["probability_before"]
        answer = client.post("/predict", {"tweet": one["tweet"]}).json()
        assert answer["probability"] == one["probability_after"]
    assert moderator.get(f"/training-runs/{run.pk}").json()["version"] == run.version_id

    # The pages say the same.
    def page(path: str) -> str:
        answer = admin.get(f"/admin/api/{path}")
        assert answer.status_code == 200
        return str(answer.content.decode())

    for one in told:
        [row] = rows(page(f"reviewedtweet/?q={one['id']}"))
        assert one["status"] in row.lower().replace(" ", "_")
        assert (f"version {one['trained_in']}" in row) == (one["status"] == "trained")
    assert f"version {run.version_id}" in rows(page("promotion/"))[0]
    [key] = [row for row in rows(page("apikey/")) if "review" in row]
    assert "trusted" in key.lower()
