"""data/checks.csv: what a model should be able to do, and how it is measured."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from django.conf import settings

from hate_speech_ai.evaluation.metrics import CapabilityCheck, measure_checks, read_checks
from hate_speech_ai.text import MAX_CHARS, fingerprint
from tests.conftest import starter_rows

HEADER = "id,capability,tweet,hate_speech\n"
CHECKS = [
    CapabilityCheck("k-1", "everyday", "the bus is late", False),
    CapabilityCheck("k-2", "threat", "we will get them all", True),
    CapabilityCheck("k-3", "everyday", "what a lovely day", False),
    CapabilityCheck("k-4", "everyday", "bread again", False),
]


@pytest.fixture(scope="module")
def checks() -> list[CapabilityCheck]:
    return read_checks(settings.CHECKS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checks.csv"


def test_there_are_enough(checks: list[CapabilityCheck]) -> None:
    counts = Counter(check.capability for check in checks)

    assert len(checks) >= 300
    assert len(counts) >= 20
    assert min(counts.values()) >= 5


def test_every_check_has_an_id_of_its_own(checks: list[CapabilityCheck]) -> None:
    counts = Counter(check.id for check in checks)

    assert [name for name, count in counts.items() if count > 1 or not re.fullmatch(r"k-\d+", name)] == []


def test_the_checks_of_a_capability_have_one_answer(checks: list[CapabilityCheck]) -> None:
    answers = defaultdict(set)
    for check in checks:
        answers[check.capability].add(check.is_hate_speech)

    assert [capability for capability, both in answers.items() if len(both) > 1] == []
    assert {True} in answers.values()
    assert {False} in answers.values()


def test_texts_are_clean(checks: list[CapabilityCheck]) -> None:
    assert [check.id for check in checks if len(check.tweet) > MAX_CHARS or check.tweet != check.tweet.strip()] == []


def test_no_two_checks_have_the_same_cleaned_text(checks: list[CapabilityCheck]) -> None:
    ids = defaultdict(list)
    for check in checks:
        ids[fingerprint(check.tweet)].append(check.id)

    assert [same for same in ids.values() if len(same) > 1] == []


def test_a_check_is_never_a_row_of_the_starter_corpus(checks: list[CapabilityCheck]) -> None:
    trained_on = {fingerprint(row["tweet"]) for row in starter_rows()}

    assert [check.id for check in checks if fingerprint(check.tweet) in trained_on] == []


def test_lines_end_as_everywhere_else() -> None:
    content = settings.CHECKS.read_bytes()

    assert b"\r" not in content
    assert content.endswith(b"\n")


def test_the_readme_lists_the_capabilities(checks: list[CapabilityCheck]) -> None:
    text = settings.CHECKS.with_name("README.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \| (yes|no) \| (\d+) \|", text, re.MULTILINE)

    counts = Counter((check.capability, "yes" if check.is_hate_speech else "no") for check in checks)
    assert sorted(documented) == sorted((name, answer, str(rows)) for (name, answer), rows in counts.items())
    assert f"{len(checks)} tweets" in text


def test_reading(path: Path) -> None:
    path.write_text(HEADER + 'k-1,everyday,"late, again",0\nk-2,threat,we will get them,1\n')

    assert read_checks(path) == [
        CapabilityCheck("k-1", "everyday", "late, again", False),
        CapabilityCheck("k-2", "threat", "we will get them", True),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("k-2,everyday,hello", "3 cells, but the header has 4"),
        ("k-2,everyday,hello, you,0", "5 cells, but the header has 4"),
        (",everyday,hello,0", "id is empty"),
        ("k-2,,hello,0", "capability is empty"),
        ("k-2,everyday, ,0", "tweet is empty"),
        ("k-2,everyday,hello,", "hate_speech is empty"),
        ("k-2,everyday,hello,yes", "hate_speech is 'yes', not 0 or 1"),
        ('k-2,everyday,"hel"lo,0', "expected after"),
        ('k-2,everyday,"hello,0', "unexpected end of data"),
    ],
)
def test_a_malformed_row_is_named(path: Path, row: str, problem: str) -> None:
    path.write_text(f"{HEADER}k-1,everyday,hello,0\n{row}\n")

    with pytest.raises(ValueError, match=rf"checks\.csv, line 3: .*{problem}"):
        read_checks(path)


@pytest.mark.parametrize("content", ["", "\n", "k-1,everyday,hello,0\n", "id,tweet,capability,hate_speech\n"])
def test_another_header_is_refused(path: Path, content: str) -> None:
    path.write_text(content)

    with pytest.raises(ValueError, match=r"line [01]: the header is '.*', not 'id,capability,tweet,hate_speech'"):
        read_checks(path)


def test_bytes_that_are_not_utf_8_are_refused(path: Path) -> None:
    path.write_bytes(HEADER.encode() + b"k-1,everyday,hello,0\nk-2,everyday,caf\xe9,0\n")

    with pytest.raises(ValueError, match=r"checks\.csv, line 3: tweet is not UTF-8"):
        read_checks(path)


def test_the_pass_share_by_hand() -> None:
    figures = measure_checks([0.1, 0.5, 0.7, 0.2], CHECKS, threshold=0.5)

    # The third is called hate speech and is not; the second is, exactly at the threshold.
    assert figures == {
        "passed": 0.75,
        "rows": 4,
        "by_capability": {"everyday": {"passed": 0.6667, "rows": 3}, "threat": {"passed": 1.0, "rows": 1}},
    }
    assert json.loads(json.dumps(figures)) == figures


def test_just_below_the_threshold_is_a_no() -> None:
    figures = measure_checks([0.4999] * 4, CHECKS, threshold=0.5)

    assert {name: each["passed"] for name, each in figures["by_capability"].items()} == {"everyday": 1.0, "threat": 0.0}


def test_a_file_without_rows_measures_nothing(path: Path) -> None:
    path.write_text(HEADER)

    with pytest.raises(ValueError, match="no checks"):
        measure_checks([], read_checks(path), threshold=0.5)


@pytest.mark.parametrize("probabilities", [[], [0.5] * 3, [0.5] * 5])
def test_every_check_needs_its_probability(probabilities: list[float]) -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        measure_checks(probabilities, CHECKS, threshold=0.5)
