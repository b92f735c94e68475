"""manage.py compare_scores: recorded Perspective scores against ours."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from api.models import ModelVersion
from api.prediction import active_model
from hate_speech_ai.evaluation.perspective_scores import LABEL_OF, Bad, Recorded, read
from tests.conftest import MakeVersion, starter_rows


def tweets() -> list[str]:
    return [row["tweet"] for row in starter_rows()[::60]]


def ours(label: str = "toxic") -> list[float]:
    return active_model.get().scorer.probabilities(tweets(), label)


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def recorded(served: ModelVersion, tmp_path: Path) -> Path:
    """A Perspective whose score is the square root of ours: 0.8 of theirs is 0.64 here."""
    rows = [{"text": text, "TOXICITY": score**0.5} for text, score in zip(tweets(), ours(), strict=True)]
    return write(tmp_path / "pairs.jsonl", rows)


def report(capsys: pytest.CaptureFixture[str], *arguments: Any) -> dict[str, Any]:
    call_command("compare_scores", *map(str, arguments), "--json")
    return dict(json.loads(capsys.readouterr().out))


def test_it_works(recorded: Path, served: ModelVersion, capsys: pytest.CaptureFixture[str]) -> None:
    found = report(capsys, recorded)

    assert (found["model_version"], found["left_out"]) == (served.pk, [])
    [(name, toxicity)] = found["attributes"].items()
    assert (name, toxicity["label"], toxicity["texts"]) == ("TOXICITY", "toxic", len(tweets()))
    assert toxicity["rank_correlation"] == 1
    assert [at["theirs"] for at in toxicity["thresholds"]] == [0.7, 0.8, 0.9]
    for at in toxicity["thresholds"]:
        assert at["ours"]["value"] == pytest.approx(at["theirs"] ** 2, abs=0.02)
        assert at["ours"]["low"] <= at["ours"]["value"] <= at["ours"]["high"]
        assert at["agreement"] == pytest.approx(1, abs=0.01)
    assert len(toxicity["furthest"]) == 10


def test_it_shows(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("compare_scores", str(recorded))

    shown = capsys.readouterr().out
    assert "TOXICITY and toxic" in shown
    assert "rank correlation 1.000" in shown
    assert "differ most" in shown


def test_it_takes_ones_own_thresholds(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = report(capsys, recorded, "--threshold", "TOXICITY=0.85", "--threshold", "toxicity=0.5")

    assert [at["theirs"] for at in found["attributes"]["TOXICITY"]["thresholds"]] == [0.5, 0.85]


def test_a_text_that_is_judged_otherwise_is_shown(
    recorded: Path, served: ModelVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorded.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"text": "see you\x1b[2J at the match", "TOXICITY": 0.97}) + "\n")

    furthest = report(capsys, recorded)["attributes"]["TOXICITY"]["furthest"][0]
    assert (furthest["line"], furthest["theirs"]) == (len(tweets()) + 1, 0.97)
    assert furthest["ours"] < 0.5 < furthest["expected"]

    call_command("compare_scores", str(recorded))
    assert "\x1b[2J" not in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_it_draws(recorded: Path, tmp_path: Path, kind: str) -> None:
    plot = tmp_path / f"plot.{kind}"

    call_command("compare_scores", str(recorded), "--plot", str(plot))

    assert plot.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml"}[kind])


def test_another_version(
    recorded: Path, served: ModelVersion, make_version: MakeVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_version()

    assert report(capsys, recorded, "--model-version", other.pk)["model_version"] == other.pk


def test_a_spreadsheet(served: ModelVersion, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pairs.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "Comment", "toxicity", "THREAT", "SPAM"])
        writer.writerows([n, text, round(n / 200, 3), "", 0.3] for n, text in enumerate(tweets()[:100]))
        writer.writerow([101, "a lovely day", "0.5", "0.1", ""])

    found = report(capsys, path)["attributes"]

    assert {name: one["texts"] for name, one in found.items()} == {"TOXICITY": 101, "THREAT": 1}


def test_bad_rows_are_named_and_left_out(
    recorded: Path, served: ModelVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    good = len(recorded.read_text(encoding="utf-8").splitlines())
    bad = [
        "{",
        '"just a text"',
        "[1]",
        '{"TOXICITY": 0.5}',
        '{"text": "hello there"}',
        '{"text": "hello there", "SPAM": 0.5}',
        '{"text": "hello there", "TOXICITY": 85}',
        '{"text": "hello there", "TOXICITY": "high"}',
        '{"text": "hello there", "TOXICITY": true}',
        '{"text": "hello there", "TOXICITY": NaN}',
        '{"text": "!!!", "TOXICITY": 0.5}',
    ]
    with recorded.open("a", encoding="utf-8") as file:
        file.write("\n".join(["", *bad]) + "\n")

    found = report(capsys, recorded)

    assert [row["line"] for row in found["left_out"]] == list(range(good + 2, good + 2 + len(bad)))
    assert all(row["reason"] and "hello" not in row["reason"] for row in found["left_out"])
    assert found["attributes"]["TOXICITY"]["texts"] == good
    call_command("compare_scores", str(recorded))
    assert f"line {good + 8} is left out: TOXICITY is '85'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("pairs.txt", "hello", "ends in none of"),
        ("pairs.jsonl", "", "no row"),
        ("pairs.jsonl", '{"text": "!!!", "TOXICITY": 0.5}\n', "no row"),
        ("pairs.csv", "TOXICITY,b\n0.5,1\n", "no column"),
        ("pairs.csv", "", "no column"),
    ],
)
def test_it_refuses_files(served: ModelVersion, tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")

    with pytest.raises(CommandError, match=says):
        call_command("compare_scores", str(tmp_path / name))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--threshold", "TOXICITY"], "between 0 and 1"),
        (["--threshold", "TOXICITY=80"], "between 0 and 1"),
        (["--threshold", "SPAM=0.5"], "one of TOXICITY"),
        (["--threshold", "0.5"], "one of TOXICITY"),
        (["--plot", "plot.pdf"], "neither in .png"),
        (["--plot", "/nowhere/plot.png"], "cannot be written"),
        (["--model-version", "99"], "no version 99"),
    ],
)
def test_it_refuses_options(recorded: Path, options: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("compare_scores", str(recorded), *options)


def test_without_a_version(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no version serves"):
        call_command("compare_scores", str(write(tmp_path / "pairs.jsonl", [{"text": "hello", "TOXICITY": 0.5}])))


def test_there_is_no_file(served: ModelVersion, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("compare_scores", str(tmp_path / "pairs.jsonl"))


# The forms in which sites record.

TEXT = "have a lovely day"
SCORES = {
    "TOXICITY": {
        "spanScores": [{"begin": 0, "end": 17, "score": {"value": 0.1, "type": "PROBABILITY"}}],
        "summaryScore": {"value": 0.12, "type": "PROBABILITY"},
    },
    "THREAT@3": {"summaryScore": {"value": 1}},
    "SPAM": {"summaryScore": {"value": 0.9}},
}


@pytest.mark.parametrize(
    "row",
    [
        {"text": TEXT, "TOXICITY": 0.12, "THREAT": 1, "SPAM": 0.9},
        {"tweet": TEXT, "toxicity": "0.12", "threat": "1"},
        {"text": TEXT, "attributeScores": SCORES},
        {"text": TEXT, "attributeScores": {"TOXICITY": 0.12, "THREAT": {"value": 1}}},
        {"comment": {"text": TEXT}, "attributeScores": SCORES, "languages": ["en"]},
        {
            "request": {"comment": {"text": TEXT}, "requestedAttributes": {"TOXICITY": {}, "THREAT@3": {}}},
            "response": {"attributeScores": SCORES, "languages": ["en"], "detectedLanguages": ["en"]},
        },
    ],
)
def test_the_forms(tmp_path: Path, row: dict[str, Any]) -> None:
    [found] = read(write(tmp_path / "pairs.jsonl", [row]))

    assert found == Recorded(1, TEXT, {"TOXICITY": 0.12, "THREAT": 1.0})


def test_every_attribute_has_a_label(served: ModelVersion) -> None:
    assert set(LABEL_OF.values()) <= set(active_model.get().scorer.labels)


def test_a_broken_table_costs_its_rows_only(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(f"text\tTOXICITY\n{TEXT}\t0.12\nonly a text\n\n{TEXT}\t0.3\textra\n", encoding="utf-8")

    assert list(read(path)) == [
        Recorded(2, TEXT, {"TOXICITY": 0.12}),
        Bad(3, "it has 1 of 2 columns"),
        Recorded(5, TEXT, {"TOXICITY": 0.3}),
    ]


def test_a_quote_that_is_never_closed_takes_no_other_rows_score(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(f'text,TOXICITY\n"open,0.9\n"{TEXT}",0.12\n{TEXT},0.3\n', encoding="utf-8")

    first, *others = read(path)

    assert isinstance(first, Bad)
    assert first.line == 2
    assert others == [Recorded(3, TEXT, {"TOXICITY": 0.12}), Recorded(4, TEXT, {"TOXICITY": 0.3})]


def test_a_byte_that_is_not_utf8_costs_its_own_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(f"text,TOXICITY\ncaf\xe9,0.9\n{TEXT},0.3\n".encode("latin-1"))

    assert list(read(path)) == [
        Bad(2, "text is not UTF-8; save the file as UTF-8"),
        Recorded(3, TEXT, {"TOXICITY": 0.3}),
    ]
