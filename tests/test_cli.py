"""python -m hate_speech_ai: what it answers, and how it refuses."""

import csv
import errno
import gzip
import io
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from hate_speech_ai import cli
from hate_speech_ai.artifact import Artifact, sha256
from hate_speech_ai.cli import arguments, terminal
from hate_speech_ai.corpora.catalogue import CORPORA
from hate_speech_ai.corpora.corpus import Corpus
from hate_speech_ai.evaluation.everyday import halves, read_everyday
from hate_speech_ai.explain import Contribution
from hate_speech_ai.labels import LABELS
from hate_speech_ai.operating_points import NAMES
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import fingerprint, is_held_out
from hate_speech_ai.training.base_model import BASE_CORPORA, BASE_MODEL
from tests.conftest import starter_rows

HATEFUL = "all muslims are vermin and should be deported"
HARMLESS = "have a lovely day everyone"
DOCS = settings.BASE_DIR / "docs" / "command-line.md"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process: its exit status, standard output and standard error."""

    def call(*arguments: Any, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        status = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def model(folder: Path, artifact_bytes: bytes) -> Path:
    path = folder / "model.safetensors"
    path.write_bytes(artifact_bytes)
    return path


@pytest.fixture(scope="module")
def scorer(artifact_bytes: bytes) -> Scorer:
    return Scorer(Artifact.from_bytes(artifact_bytes))


def write_rows(path: Path, step: int) -> Path:
    """A part of the starter corpus, as a file."""
    rows = starter_rows()[::step]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Path:
    return write_rows(folder / "starter.csv", step=12)


def write_data(path: Path, **steps: int) -> Path:
    """A folder like data/, with a part of each of these files."""
    path.mkdir()
    for name, step in steps.items():
        with (arguments.DATA / f"{name}.csv").open(encoding="utf-8", newline="") as whole:
            header, *rows = csv.reader(whole)
        with (path / f"{name}.csv").open("w", encoding="utf-8", newline="") as part:
            csv.writer(part).writerows([header, *rows[::step]])
    return path


@pytest.fixture(scope="module")
def few_everyday_tweets(folder: Path) -> Path:
    """Reading all takes longer than a small training."""
    return write_data(folder / "data", checks=1, everyday=20)


@pytest.fixture(scope="module")
def other_model(folder: Path, corpus: Path, few_everyday_tweets: Path) -> Path:
    path = folder / "other.safetensors"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(cli.train, "DATA", few_everyday_tweets)
        assert cli.main(["train", "--base", "none", "--starter", str(corpus), "--output", str(path)]) == 0
    return path


class TestTrain:
    @pytest.fixture(autouse=True)
    def fast(self, monkeypatch: pytest.MonkeyPatch, few_everyday_tweets: Path) -> None:
        monkeypatch.setattr(cli.train, "DATA", few_everyday_tweets)

    def test_it_works(self, run: Run, corpus: Path, tmp_path: Path) -> None:
        status, out, err = run("train", "--base", "none", "--starter", corpus, "--output", tmp_path / "model")

        content = (tmp_path / "model").read_bytes()
        assert (status, err) == (0, "")
        assert Artifact.from_bytes(content).labels[0] == "hate_speech"
        assert sha256(content) in out
        assert re.search(r"hate_speech +[\d,]+ +[\d,]+ +[\d,]+ +0\.\d{3}\b", out)
        assert re.search(r"checks passed: \d+\.\d% of 449", out)
        assert re.search(r"everyday tweets flagged: hate_speech \d+\.\d\d%, toxic \d+\.\d\d%, ", out)

    def test_few_everyday_tweets_are_flagged(
        self, run: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cli.train, "DATA", arguments.DATA)

        run("train", "--base", "none", "--starter", corpus, "--output", tmp_path / "model")

        scorer = Scorer(Artifact.from_bytes((tmp_path / "model").read_bytes()))
        said = scorer.probabilities(one.tweet for one in halves(read_everyday(arguments.DATA / "everyday.csv"))[1])
        assert sum(value >= scorer.thresholds["hate_speech"] for value in said) / len(said) <= 0.005

    def test_only_rows_that_are_not_held_out_are_learned_from(self, other_model: Path, corpus: Path) -> None:
        with corpus.open(encoding="utf-8", newline="") as file:
            tweets = [row["tweet"] for row in csv.DictReader(file)]

        metadata = Artifact.from_bytes(other_model.read_bytes()).metadata

        assert metadata["trained_on"] == sum(not is_held_out(fingerprint(tweet)) for tweet in tweets)
        assert metadata["corpora"] == {"starter": metadata["trained_on"]}

    def test_the_same_rows_and_seed_give_the_same_file(
        self, run: Run, corpus: Path, other_model: Path, tmp_path: Path
    ) -> None:
        run("train", "--base", "none", "--starter", corpus, "--output", tmp_path / "again")
        run("train", "--base", "none", "--starter", corpus, "--seed", "1", "--output", tmp_path / "another")

        assert (tmp_path / "again").read_bytes() == other_model.read_bytes()
        assert (tmp_path / "another").read_bytes() != other_model.read_bytes()

    def test_corpora_are_learned_from_together(self, run: Run, corpus: Path, tmp_path: Path) -> None:
        tweets = tmp_path / "labeled_data.csv"
        tweets.write_text("tweet,class\n" + "".join(f"sunny day number {n},2\n" for n in range(100)), encoding="utf-8")

        status, out, _ = run(
            "train",
            "--base",
            "none",
            "--starter",
            corpus,
            "--corpus",
            f"davidson2017={tmp_path}",
            "--output",
            tmp_path / "model",
        )

        assert status == 0
        assert "davidson2017: 100 rows" in out
        assert Artifact.from_bytes((tmp_path / "model").read_bytes()).metadata["corpora"]["davidson2017"] > 80

    def test_who_reads_the_old_file_meanwhile_reads_all_of_it(self, run: Run, corpus: Path, tmp_path: Path) -> None:
        (tmp_path / "model").write_bytes(b"the old model")

        with (tmp_path / "model").open("rb") as file:
            run("train", "--base", "none", "--starter", corpus, "--output", tmp_path / "model")
            assert file.read() == b"the old model"

        assert (tmp_path / "model").read_bytes() != b"the old model"

    def test_a_model_that_cannot_be_written_leaves_the_old_one(
        self, run: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        (tmp_path / "model").write_bytes(b"old")
        monkeypatch.setattr(os, "fsync", full)

        status, _, err = run("train", "--base", "none", "--starter", corpus, "--output", tmp_path / "model")

        assert (status, "--output" in err, "No space left" in err) == (2, True, True)
        assert (tmp_path / "model").read_bytes() == b"old"
        assert [path.name for path in tmp_path.iterdir()] == ["model"]

    def test_a_model_that_cannot_be_trained_leaves_the_old_one(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "model").write_bytes(b"old")
        few = write_rows(tmp_path / "few.csv", step=3000)

        status, _, err = run("train", "--base", "none", "--starter", few, "--output", tmp_path / "model")

        assert (status, "50 tweets with hate_speech" in err) == (2, True)
        assert (tmp_path / "model").read_bytes() == b"old"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["few.csv", "model"]

    def test_it_learns_on_top_of_the_base_model_unless_told(
        self, run: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cli.train, "DATA", arguments.DATA)

        status, _, err = run("train", "--starter", corpus, "--output", tmp_path / "model")

        base = Artifact.from_bytes(BASE_MODEL.read_bytes())
        model = Artifact.from_bytes((tmp_path / "model").read_bytes())
        assert (status, err) == (0, "")
        assert model.metadata["base"] == sha256(BASE_MODEL.read_bytes())
        assert model.metadata["corpora"] == base.metadata["corpora"]
        # It knows the starter corpus: without other rows, it stays as it is.
        assert model.weights.tobytes() == base.weights.tobytes()
        assert model.curves == base.curves

    def test_from_nothing_no_base_is_named(self, other_model: Path) -> None:
        assert Artifact.from_bytes(other_model.read_bytes()).metadata["base"] == ""

    def test_new_rows_teach_a_base_what_they_speak_about(
        self, run: Run, corpus: Path, other_model: Path, tmp_path: Path
    ) -> None:
        said = "".join(f"never trust a blorp number {n},0\n" for n in range(100))
        (tmp_path / "labeled_data.csv").write_text("tweet,class\n" + said, encoding="utf-8")
        given = ("--starter", corpus, "--corpus", f"davidson2017={tmp_path}", "--base", other_model)

        status, _, err = run("train", *given, "--output", tmp_path / "model")

        before, after = (Artifact.from_bytes(path.read_bytes()) for path in (other_model, tmp_path / "model"))
        assert (status, err) == (0, "")
        assert after.metadata["base"] == sha256(other_model.read_bytes())
        assert set(after.metadata["corpora"]) == {"starter", "davidson2017"}
        assert after.metadata["corpora"]["starter"] == before.metadata["corpora"]["starter"]
        tweets = ["I met a blorp", HATEFUL, HARMLESS]
        old, new = (Scorer(artifact).probabilities(tweets) for artifact in (before, after))
        assert new[0] > old[0] + 0.2
        assert new[1:] == pytest.approx(old[1:], abs=0.05)


class TestPredict:
    def test_it_works(self, run: Run, model: Path, scorer: Scorer) -> None:
        status, out, err = run("predict", "--model", model, HATEFUL, HARMLESS)

        expected = [f"{scorer.score(tweet).probabilities['hate_speech']:.4f}" for tweet in (HATEFUL, HARMLESS)]
        assert (status, err) == (0, "")
        assert [line.split("\t") for line in out.splitlines()] == [
            ["hate_speech", "yes", expected[0], HATEFUL],
            ["hate_speech", "no", expected[1], HARMLESS],
        ]

    def test_json_is_one_object_to_a_line(self, run: Run, model: Path, scorer: Scorer) -> None:
        _, out, _ = run(
            "predict", "--model", model, "--json", "--label", "hate_speech", "--label", "toxic", HATEFUL, "!"
        )

        first, second = (json.loads(line) for line in out.splitlines())
        assert first["tweet"] == HATEFUL
        for label, probability in scorer.score(HATEFUL, ("hate_speech", "toxic")).probabilities.items():
            threshold = scorer.thresholds[label]
            assert first["labels"][label] == {"decision": True, "probability": probability, "threshold": threshold}
        assert (first["warnings"], second["warnings"]) == ([], ["empty_after_cleaning"])

    @pytest.mark.parametrize("point", NAMES)
    def test_the_operating_point_chooses_the_threshold(self, run: Run, model: Path, scorer: Scorer, point: str) -> None:
        _, out, _ = run("predict", "--model", model, "--json", "--operating-point", point, HATEFUL)

        said = json.loads(out)["labels"]["hate_speech"]
        assert said["threshold"] == scorer.operating_points["hate_speech"][point].threshold
        assert said["decision"] == (said["probability"] >= said["threshold"])

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("tweets.txt", "one\n\n  two words \r\n"),
            ("tweets.csv", 'id,tweet\n1,one\n2,"two words"\n'),
            ("tweets.csv", "\ufefftext\none\ntwo words\n"),
            ("tweets.csv", 'id,tweet\n1,one\n2,"two words",more\n'),
            ("tweets.tsv", "tweet\tid\none\t1\n\ntwo words\n"),
            ("tweets.jsonl", '{"tweet": "one"}\n\n"two words"\n'),
            ("tweets.jsonl", '{"text": "one"}\n{"id": 2, "text": "two words"}\n'),
        ],
    )
    def test_tweets_of_a_file(self, run: Run, model: Path, tmp_path: Path, name: str, content: str) -> None:
        (tmp_path / name).write_text(content, encoding="utf-8", newline="")

        _, out, _ = run("predict", "--model", model, "--file", tmp_path / name)

        assert [line.split("\t")[-1] for line in out.splitlines()] == ["one", "two words"]

    def test_a_column_by_name(self, run: Run, model: Path, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("tweet,body\nno,one\n", encoding="utf-8")

        _, out, _ = run("predict", "--model", model, "--file", tmp_path / "a.csv", "--column", "body")

        assert out.endswith("\tone\n")

    @pytest.mark.parametrize("arguments", [(), ("--file", "-")])
    def test_lines_that_are_piped_in(self, run: Run, model: Path, arguments: tuple[str, ...]) -> None:
        _, out, _ = run("predict", "--model", model, *arguments, stdin="one\n\ntwo words\n")

        assert [line.split("\t")[-1] for line in out.splitlines()] == ["one", "two words"]

    def test_no_tweet_can_break_a_line_or_move_the_cursor(self, run: Run, model: Path) -> None:
        _, out, _ = run("predict", "--model", model, "one\ttwo\nthree\x1b[2J\u2028four")

        assert out.count("\n") == 1
        assert out.endswith("\tone two three [2J four\n")

    def test_bytes_that_are_not_utf_8(self, model: Path) -> None:
        done = python("predict", "--model", str(model), stdin=b"caf\xe9\n")

        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.decode().endswith("\tcaf\ufffd\n")

    def test_bytes_of_a_table_that_are_not_utf_8(self, run: Run, model: Path, tmp_path: Path) -> None:
        (tmp_path / "tweets.csv").write_bytes(b"tweet\ncaf\xe9\none\n")

        _, out, _ = run("predict", "--model", model, "--file", tmp_path / "tweets.csv")

        assert [line.split("\t")[-1] for line in out.splitlines()] == ["caf\ufffd", "one"]

    def test_who_stops_reading_causes_no_error(self, model: Path) -> None:
        command = shlex.join([sys.executable, "-m", "hate_speech_ai", "predict", "--model", str(model)])
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; yes hello | head -n 20000 | {command} | head -n 1"],
            cwd=settings.BASE_DIR,
            capture_output=True,
            timeout=60,
            check=False,
        )

        assert done.stdout.endswith(b"\thello\n")
        assert done.stderr == b""

    def test_it_imports_nothing_heavy(self, model: Path) -> None:
        program = (
            "import sys; from hate_speech_ai.cli import main; main(sys.argv[1:]); "
            "sys.exit(str({'sklearn', 'scipy', 'pandas', 'matplotlib', 'django'} & set(sys.modules) or ''))"
        )
        command = [sys.executable, "-c", program, "predict", "--model", str(model), "hello"]
        done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, timeout=60, check=False)

        assert done.stderr.strip() == b""


class TestPrompt:
    def test_it_shows_the_decision_and_the_words_and_ends_with_ctrl_d(self, model: Path) -> None:
        shown = at_a_terminal("predict", "--model", str(model), typed=[f"{HATEFUL} zxqvbrl\n", "\n", "\x04"])

        plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
        assert re.search(r"^yes 0\.\d{4}  hate_speech", plain, re.MULTILINE)
        assert "unknown: zxqvbrl" in plain
        assert re.search(r"\x1b\[(1;)?31m(all )?muslims", shown)  # red
        assert "Traceback" not in shown


class TestHighlighting:
    def test_it_works(self) -> None:
        tweet = "bad\tgood so zxq"
        contributions = [
            Contribution("bad", 0, 3, 2.0, True),
            Contribution("good", 4, 8, -0.5, True),
            Contribution("so", 9, 11, 0.01, True),
            Contribution("zxq", 12, 15, 0.0, False),
        ]

        text = terminal.highlighted(tweet, contributions)

        assert text.plain == "bad good so zxq"
        styles = {text.plain[span.start : span.end]: str(span.style) for span in text.spans}
        assert styles == {"bad": "bold red", "good": "blue", "zxq": "underline"}

    def test_a_tweet_without_words(self) -> None:
        assert terminal.highlighted("...", []).plain == "..."


class TestExplain:
    def test_it_works(self, run: Run, model: Path, scorer: Scorer) -> None:
        status, out, _ = run("explain", "--model", model, "all mus1ims are vermin")

        probability = scorer.score("all mus1ims are vermin").probabilities["hate_speech"]
        assert status == 0
        assert re.search(r"mus1ims +muslims +4 +11 +\+\d\.\d{4} +yes", out)
        assert f"probability   {probability:.4f}" in out
        assert "hate_speech: yes" in out
        assert re.search(r"^without .*: no$", out, re.MULTILINE)

    def test_json_has_the_names_of_the_api(self, run: Run, model: Path, scorer: Scorer) -> None:
        _, out, _ = run("explain", "--model", model, "--json", "--label", "threat", HATEFUL)

        answer = json.loads(out)
        total = answer["intercept"] + sum(token["contribution"] for token in answer["tokens"])
        assert total == pytest.approx(answer["logit"])
        assert answer["label"] == "threat"
        assert answer["probability"] == scorer.score(HATEFUL, ("threat",)).probabilities["threat"]
        assert [HATEFUL[token["begin"] : token["end"]] for token in answer["tokens"]] == HATEFUL.split()


class TestEvaluate:
    @pytest.fixture
    def report(self, run: Run, model: Path, corpus: Path) -> dict[str, Any]:
        status, out, err = run("evaluate", "--model", model, "--starter", corpus, "--bootstrap", "50", "--json")
        assert (status, err) == (0, "")
        return dict(json.loads(out))

    def test_it_works(self, report: dict[str, Any], scorer: Scorer, corpus: Path) -> None:
        figures = report["labels"]["hate_speech"]["all"]

        with corpus.open(encoding="utf-8", newline="") as file:
            held_out = [row for row in csv.DictReader(file) if is_held_out(fingerprint(row["tweet"]))]
        found = [scorer.score(row["tweet"]).probabilities["hate_speech"] for row in held_out]
        said = [probability >= scorer.thresholds["hate_speech"] for probability in found]
        right = [row["hate_speech"] == "1" for row, yes in zip(held_out, said, strict=True) if yes]
        assert (report["rows"], figures["rows"]) == (len(held_out), len(held_out))
        assert figures["precision"]["value"] == pytest.approx(sum(right) / len(right), abs=1e-4)
        assert figures["precision"]["low"] < figures["precision"]["value"] < figures["precision"]["high"]
        assert report["labels"]["hate_speech"]["by_corpus"] == {"starter": figures}
        assert list(report["labels"]) == list(LABELS)

    def test_checks_and_identity_terms(self, report: dict[str, Any]) -> None:
        assert report["checks"]["rows"] == 449
        women = next(one for one in report["bias"] if one["group"] == "women")
        assert women["rows"] >= women["positives"] > 0

    def test_all_rows_on_demand(self, run: Run, model: Path, corpus: Path) -> None:
        _, out, _ = run(
            *("evaluate", "--model", model, "--starter", corpus),
            *("--no-held-out-only", "--bootstrap", "0", "--label", "threat", "--json"),
        )

        report = json.loads(out)
        assert report["rows"] == len(starter_rows()[::12])
        assert list(report["labels"]) == ["threat"]
        assert report["labels"]["threat"]["all"]["f1"]["low"] is None
        assert "bias" not in report

    def test_a_higher_threshold_finds_less(self, run: Run, model: Path, corpus: Path) -> None:
        def recall(point: str) -> float:
            options = ("--starter", corpus, "--bootstrap", "0", "--label", "hate_speech", "--json")
            _, out, _ = run("evaluate", "--model", model, "--operating-point", point, *options)
            return float(json.loads(out)["labels"]["hate_speech"]["all"]["recall"]["value"])

        assert recall("high_precision") < recall("high_recall")

    def test_as_tables(self, run: Run, model: Path, corpus: Path) -> None:
        _, out, _ = run("evaluate", "--model", model, "--starter", corpus, "--bootstrap", "20")

        assert re.search(r"starter( +\d+){2}( +0\.\d{3} \(0\.\d{3}-\d\.\d{3}\)){6}", out)
        assert re.search(r"evasion_leetspeak +12 +\d+%", out)
        assert re.search(r"lesbian +\d+ +\d+ +too few", out)

    @pytest.mark.parametrize(("kind", "beginning"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
    def test_plots(self, run: Run, model: Path, corpus: Path, tmp_path: Path, kind: str, beginning: bytes) -> None:
        plots = tmp_path / "new" / "plots"

        run(
            *("evaluate", "--model", model, "--starter", corpus, "--label", "hate_speech", "--bootstrap", "0"),
            *("--plots", plots, "--plot-format", kind),
        )

        names = {f"hate_speech-{name}.{kind}" for name in ("pr", "roc", "calibration", "thresholds")}
        assert {path.name for path in plots.iterdir()} == names
        assert all(path.read_bytes().startswith(beginning) for path in plots.iterdir())


class TestCompare:
    def compare(self, run: Run, *arguments: Any) -> Any:
        status, out, err = run("compare", *arguments, "--bootstrap", "50", "--json")
        assert (status, err) == (0, "")
        return json.loads(out)

    def test_it_works(self, run: Run, model: Path, other_model: Path, corpus: Path) -> None:
        report = self.compare(run, other_model, model, "--starter", corpus, "--show", "1")

        found = report["labels"]["hate_speech"]
        for figure in found["figures"].values():
            assert figure["gain"]["value"] == pytest.approx(figure["new"] - figure["old"], abs=2e-4)
            assert figure["gain"]["low"] <= figure["gain"]["high"]
        assert found["flips"]["rows"] >= found["flips"]["now_right"]
        assert len(found["flips"]["shown"]) == 1
        old, new = (Scorer(Artifact.from_bytes(path.read_bytes())) for path in (other_model, model))
        flip = found["flips"]["shown"][0]
        assert flip["old"] == old.score(flip["tweet"]).probabilities["hate_speech"]
        assert flip["new"] == new.score(flip["tweet"]).probabilities["hate_speech"]
        assert (flip["old"] >= old.thresholds["hate_speech"]) != (flip["new"] >= new.thresholds["hate_speech"])
        assert report["words"]

    def test_gained_and_lost_checks_explain_the_difference(
        self, run: Run, model: Path, other_model: Path, corpus: Path
    ) -> None:
        checks = self.compare(run, other_model, model, "--starter", corpus, "--label", "hate_speech")["checks"]

        lists = checks["by_capability"].values()
        gained, lost = (sum(len(each[name]) for each in lists) for name in ("gained", "lost"))
        assert gained > 0
        assert checks["new"] - checks["old"] == gained - lost

    def test_a_model_with_itself(self, run: Run, model: Path, corpus: Path) -> None:
        report = self.compare(run, model, model, "--starter", corpus)

        assert {label["flips"]["rows"] for label in report["labels"].values()} == {0}
        assert (report["checks"]["by_capability"], report["words"]) == ({}, [])

    def test_no_tweet_is_shown_unasked(self, run: Run, model: Path, other_model: Path, corpus: Path) -> None:
        _, silent, _ = run("compare", other_model, model, "--starter", corpus, "--bootstrap", "0")
        _, asked, _ = run("compare", other_model, model, "--starter", corpus, "--bootstrap", "0", "--show", "3")

        assert "decisions turned" in silent
        assert "people say" not in silent
        assert asked.count("people say") > 3  # three of each label that has so many


class TestBase:
    CARD = "# A card\n\n<!-- figures -->\nold\n<!-- end of figures -->\n\nThe end.\n"

    @pytest.fixture
    def data(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Of every file of the project, a part."""
        path = write_data(tmp_path / "data", train=40, checks=30, everyday=20, kinds=1)
        monkeypatch.setattr(cli.base, "DATA", path)
        return path

    @pytest.fixture
    def corpora(self, tmp_path: Path) -> Path:
        """A folder with a little of each corpus that the base model learns from."""
        for name in BASE_CORPORA:
            corpus = CORPORA[name]
            (tmp_path / "corpora" / name).mkdir(parents=True)
            for file in corpus.files:
                write_corpus(corpus.unlike.get(file, corpus), tmp_path / "corpora" / name / file)
        return tmp_path / "corpora"

    def test_it_works(self, run: Run, data: Path, corpora: Path, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text(self.CARD, encoding="utf-8")

        status, out, err = run("base", corpora, "--output", tmp_path / "model")

        content = (tmp_path / "model").read_bytes()
        artifact = Artifact.from_bytes(content)
        assert (status, err) == (0, "")
        assert set(artifact.metadata["corpora"]) == {"starter", *BASE_CORPORA}
        assert artifact.metadata["trained_on"] == sum(artifact.metadata["corpora"].values())
        assert artifact.metadata["metrics"]["everyday"]["rows"] > 100
        assert "corpus:starter" in artifact.metadata["metrics"]["by_source"]
        assert sha256(content) in out
        card = (tmp_path / "README.md").read_text(encoding="utf-8")
        assert card.startswith("# A card\n\n<!-- figures -->\n")
        assert card.endswith("<!-- end of figures -->\n\nThe end.\n")
        assert "old" not in card
        for table in ("Everyday tweets flagged", "Kinds of text", "Checks", "hate_speech, corpus by corpus"):
            assert f"### {table}\n" in card
            assert f"### {table}\n" in out
        assert re.search(r"^\| names and surnames \| hate_speech \| no \| 10 \| \d+\.0% \(", card, re.MULTILINE)
        assert re.search(r"^\| hate_speech \| [\d,]+ \| [\d,]+ \| 0\.\d{3} \(", card, re.MULTILINE)

    def test_the_same_corpora_and_seed_give_the_same_file(
        self, run: Run, data: Path, corpora: Path, tmp_path: Path
    ) -> None:
        for name, seed in (("one", 0), ("again", 0), ("another", 1)):
            run("base", corpora, "--output", tmp_path / name, "--seed", seed)

        one, again, another = ((tmp_path / name).read_bytes() for name in ("one", "again", "another"))
        assert one == again != another

    def test_a_card_without_a_place_for_figures_stays_as_it_is(
        self, run: Run, data: Path, corpora: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "README.md").write_text("# Mine\n<!-- figures -->\n", encoding="utf-8")

        status, out, _ = run("base", corpora, "--output", tmp_path / "model")

        assert status == 0
        assert "README.md has no lines <!-- figures --> and <!-- end of figures -->" in out
        assert (tmp_path / "README.md").read_text(encoding="utf-8") == "# Mine\n<!-- figures -->\n"

    @pytest.mark.parametrize("spoil", [shutil.rmtree, lambda path: (path / CORPORA["cad"].files[0]).unlink()])
    def test_without_one_of_the_corpora_nothing_is_written(
        self, run: Run, data: Path, corpora: Path, tmp_path: Path, spoil: Callable[[Path], None]
    ) -> None:
        spoil(corpora / "cad")

        status, _, err = run("base", corpora, "--output", tmp_path / "model")

        assert status == 2
        assert re.match(r"error: folder: .*cad", err)
        assert "docs/corpora.md" in err
        assert not (tmp_path / "model").exists()


def write_corpus(corpus: Corpus, path: Path) -> None:
    """A few rows of every value that its columns have."""
    values = {
        **{column: [value for value, said in meanings.items() if said] for column, meanings in corpus.meanings.items()},
        **{column: ["1", "0"] for column in corpus.label_columns.values()},
        **({corpus.part_column: ["train"]} if corpus.part_column else {}),
    }
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if ".tsv" in path.suffixes else ",")
        writer.writerow([corpus.text_column, *values])
        for number in range(60):
            cells = [each[number % len(each)] for each in values.values()]
            writer.writerow([f"{path.name.split('.')[0]} says {number}", *cells])


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ("", "COMMAND"),
            ("frobnicate", "choose from train, predict"),
            ("train", "--output"),
            ("train --output {tmp}/no/model", "--output: there is no folder {tmp}/no"),
            ("train --output {tmp}", "--output: {tmp} is a folder"),
            ("train --output {tmp}/m --no-starter", "--corpus NAME=PATH"),
            ("train --output {tmp}/m --corpus nothing=x", "--corpus: 'nothing' is not a known corpus; known are"),
            ("train --output {tmp}/m --corpus olid", "--corpus: 'olid' is not NAME=PATH"),
            ("train --output {tmp}/m --corpus starter=x", "--starter FILE"),
            ("train --output {tmp}/m --corpus olid=/missing", "--corpus: there is no /missing"),
            ("train --output {tmp}/m --corpus olid={tmp}", "--corpus: olid: there is no olid-training"),
            ("train --output {tmp}/m --corpus olid={tmp} --corpus olid={tmp}", "olid is given twice"),
            ("train --output {tmp}/m --starter {text}", "--starter: starter: there is no column"),
            ("train --output {tmp}/m --base /missing", "--base: /missing cannot be read (No such file"),
            ("train --output {tmp}/m --base {text}", "--base: {text} is no model"),
            ("base {tmp} --output {tmp}/no/model", "--output: there is no folder {tmp}/no"),
            ("base {tmp} --output {tmp}/m", "folder: there is no davidson2017, hatexplain, measuring_hate_speech, "),
            ("base", "folder"),
            ("train --output {tmp}/m --seed x", "--seed: 'x' is not a whole number from 0 on"),
            ("predict hello", "--model"),
            ("predict --model /missing hello", "--model: /missing cannot be read (No such file"),
            ("predict --model {tmp} hello", "--model: {tmp} cannot be read (Is a directory)"),
            ("predict --model {text} hello", "--model: {text} is no model"),
            ("predict --model {model} --label hate hello", "--label: {model} does not answer 'hate'; it answers hate_"),
            ("predict --model {model} --file /missing.txt", "--file: /missing.txt cannot be read"),
            ("predict --model {model} --file tweets.pdf", "--file: tweets.pdf ends neither in .txt"),
            ("predict --model {model} --file {text} --column x", "there is no column x, only a, b; name it with --col"),
            ("predict --model {model} --file {text}", "there is no column tweet or text"),
            ("predict --model {model} --file {broken}", "line 2: this is not valid JSON"),
            ("predict --model {model} --file {open}", "open.csv, line 3: not readable as a table row"),
            ("predict --model {model} --file {text} hello", "--file and tweets are given"),
            ("predict --model {model} --operating-point best hello", "--operating-point"),
            ("explain --model {model} --label x hello", "--label"),
            ("evaluate --model {model} --bootstrap -1", "--bootstrap: '-1' is not"),
            ("evaluate --model {model} --checks {text}", "--checks: text.csv, line 1"),
            ("evaluate --model {model} --checks /missing", "--checks: /missing cannot be read"),
            ("evaluate --model {model} --plots {text}", "--plots: {text} cannot be made"),
            ("evaluate --model {model} --plot-format gif", "--plot-format"),
            ("compare {model} /missing", "NEW: /missing cannot be read"),
            ("compare {model}", "NEW"),
        ],
    )
    def test_one_line_says_what_to_do(self, run: Run, model: Path, tmp_path: Path, arguments: str, said: str) -> None:
        (tmp_path / "text.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        (tmp_path / "broken.jsonl").write_text('"fine"\n{"tweet": \n', encoding="utf-8")
        (tmp_path / "open.csv").write_text('tweet,id\none,1\n"two,2\n"three",3\n', encoding="utf-8")
        names = {
            "tmp": tmp_path,
            "open": tmp_path / "open.csv",
            "model": model,
            "text": tmp_path / "text.csv",
            "broken": tmp_path / "broken.jsonl",
        }

        status, _, err = run(*(argument.format(**names) for argument in arguments.split()))

        assert status == 2
        assert err.replace("'", "").startswith("error: ")
        assert said.format(**names).replace("'", "") in err.replace("'", "")
        assert err.count("\n") == 1

    def test_it_is_the_exit_status_of_the_process(self, model: Path) -> None:
        done = python("explain", "--model", str(model.with_name("missing")), "hello")

        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(b"error: --model")


class TestDocs:
    @staticmethod
    def commands() -> list[str]:
        blocks = re.findall(r"```sh\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
        lines = "".join(blocks).replace("\\\n", "").splitlines()
        return [line[line.index("hate_speech_ai ") :] for line in lines if "-m hate_speech_ai " in line]

    def test_every_example_is_a_command(self) -> None:
        assert len(self.commands()) >= 8
        for line in self.commands():
            arguments = shlex.split(line, comments=True)[1:]
            end = next((place for place, word in enumerate(arguments) if word in ("|", ">")), None)
            cli._parser().parse_args(arguments[:end])

    def test_every_option_is_described(self, capsys: pytest.CaptureFixture[str]) -> None:
        text = DOCS.read_text(encoding="utf-8")
        options = set()
        for command in ("train", "predict", "explain", "evaluate", "compare", "base"):
            with pytest.raises(SystemExit):
                cli.main([command, "--help"])
            options |= set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - {"--help"}

        assert len(options) > 15
        assert sorted(option for option in options if f"`{option}" not in text) == []


def test_the_defaults_are_the_files_of_the_service() -> None:
    assert settings.STARTER_CORPUS == arguments.DATA / "train.csv"
    assert settings.CHECKS == arguments.DATA / "checks.csv"
    program = "from config import settings; print(settings.EVERYDAY, settings.BASE_MODEL)"
    environment = {name: value for name, value in os.environ.items() if name != "BASE_MODEL"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(arguments.DATA / "everyday.csv"), str(BASE_MODEL)]


def python(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "hate_speech_ai", *arguments]
    return subprocess.run(command, cwd=settings.BASE_DIR, input=stdin, capture_output=True, timeout=60, check=False)


def at_a_terminal(*arguments: str, typed: list[str]) -> str:
    """What a terminal shows of a command while something is typed, each part when the prompt is there."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "hate_speech_ai", *arguments],
        cwd=settings.BASE_DIR,
        env=environment | {"TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, prompts = b"", 0
    try:
        while part := os.read(ours, 4096):
            shown += part
            while typed and shown.count(b"> ") > prompts:
                prompts += 1
                os.write(ours, typed.pop(0).encode())
    except OSError:  # Linux's word for the end
        pass
    finally:
        os.close(ours)
        process.wait(timeout=30)
    assert process.returncode == 0, shown
    return shown.decode(errors="replace")
