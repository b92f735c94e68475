"""hate_speech_ai.training: from labelled tweets to a model."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings

from api.corpus_import import import_corpus
from api.dataset import read
from api.models import ReviewedTweet
from hate_speech_ai.artifact import Artifact, sha256
from hate_speech_ai.corpora import own
from hate_speech_ai.evaluation import measure
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import fingerprint, is_held_out
from hate_speech_ai.training import MIN_EXAMPLES, Example, NotEnoughData, _weights, learnable, recipe, train
from tests.conftest import starter_rows

WORDS = ("lake", "bakery", "morning", "train")


def examples(yes: int = 60, no: int = 60, **labels: bool) -> list[Example]:
    """Tweets of the starter corpus, so many with hate speech and so many without; `labels` are answered for all."""
    answers: dict[str, list[str]] = {"1": [], "0": []}
    for row in starter_rows():
        answers[row["hate_speech"]].append(row["tweet"])
    return [
        Example(tweet, {"hate_speech": answer == "1", **labels})
        for answer, count in (("1", yes), ("0", no))
        for tweet in answers[answer][:count]
    ]


def answering(rows: list[Example], label: str, yes: int, no: int) -> list[Example]:
    """The same rows; the first of them also answer `label`."""
    answers = [True] * yes + [False] * no
    return [
        Example(row.tweet, {**row.labels, label: answer} if answer is not None else row.labels)
        for row, answer in zip(rows, answers + [None] * (len(rows) - len(answers)), strict=True)
    ]


def mixed() -> list[Example]:
    """A thousand tweets of two sources, one of them core, with two labels."""
    return [
        Example(
            row["tweet"],
            {label: row[label] == "1" for label in ("hate_speech", "toxic")},
            source=row["id"][0],
            core=number % 2 == 0,
        )
        for number, row in enumerate(starter_rows()[::15])
    ]


def test_it_works() -> None:
    trained = train(examples(), seed=3, metadata={"trained_on": 120})
    artifact = Artifact.from_bytes(trained.artifact.to_bytes())

    assert artifact.labels == ["hate_speech"]
    assert artifact.curves["hate_speech"].base_rate == 0.5
    assert artifact.metadata == {"recipe": recipe(), "seed": 3, "trained_on": 120}


def test_it_learns_what_holds_for_tweets_that_it_never_saw(trained: Any) -> None:
    rows = [row for row in starter_rows() if is_held_out(fingerprint(row["tweet"]))]
    answers = [row["hate_speech"] == "1" for row in rows]
    metrics = measure(Scorer(trained.artifact).probabilities([row["tweet"] for row in rows]), answers, 0.5)

    assert metrics.roc_auc is not None
    assert metrics.roc_auc > 0.85


def test_its_probabilities_are_calibrated(trained: Any) -> None:
    rows = [row for row in starter_rows() if is_held_out(fingerprint(row["tweet"]))]
    scores = Scorer(trained.artifact).probabilities([row["tweet"] for row in rows])

    assert np.mean(scores) == pytest.approx(np.mean([row["hate_speech"] == "1" for row in rows]), abs=0.07)


def test_the_same_rows_give_the_same_bytes() -> None:
    rows = answering(examples(), "spam", 55, 60)

    assert train(rows).artifact.to_bytes() == train(rows).artifact.to_bytes()


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "12345"},
        {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL"},
        {"OPENBLAS_NUM_THREADS": "4", "OMP_NUM_THREADS": "4"},
    ],
    ids=["another process", "an older processor", "more threads"],
)
def test_the_same_rows_give_the_same_bytes_elsewhere(environment: dict[str, str]) -> None:
    code = """if True:
        import django
        django.setup()
        from tests.test_training import mixed, sha256, train
        print(sha256(train(mixed()).artifact.to_bytes()))
    """

    command = [sys.executable, "-W", "ignore", "-c", code]
    other = subprocess.run(
        command, cwd=settings.BASE_DIR, env=os.environ | environment, capture_output=True, text=True, check=True
    )

    assert other.stdout.strip() == sha256(train(mixed()).artifact.to_bytes())


def test_other_rows_give_other_bytes() -> None:
    rows = examples()
    changed = [Example(rows[0].tweet, {"hate_speech": False}), *rows[1:]]

    assert train(rows).artifact.to_bytes() != train(changed).artifact.to_bytes()


def test_what_a_source_alone_says_is_not_served() -> None:
    """Two sources, each with a word of its own; nearly all of one is hate speech, hardly any of the other."""
    rows: list[Example] = []
    for source, share in (("grim", 9), ("mild", 1)):
        for number in range(300):
            hateful = number % 10 < share
            word = "vermin" if hateful else "people"
            rows.append(Example(f"{word} and {source} {number}", {"hate_speech": hateful}, source=source))
    mixed = train(rows).artifact
    alone = train([Example(row.tweet, row.labels) for row in rows]).artifact

    def lean(artifact: Artifact) -> float:
        """How much more the one source's name says than the other's."""
        grim, mild = (artifact.weights[0, artifact.terms.index(word)] for word in ("grim", "mild"))
        return float(grim - mild)

    assert 0 < lean(mixed) < 0.7 * lean(alone)


def test_core_rows_outvote_many_others() -> None:
    others = [Example(f"zanzibar {number}", {"hate_speech": number % 10 != 0}) for number in range(1_000)]
    said = [Example(f"zanzibar is fine {number}", {"hate_speech": False}) for number in range(60)]
    rest = examples()

    def judge(rows: list[Example]) -> float:
        return Scorer(train([*rest, *others, *rows]).artifact).probabilities(["zanzibar is fine"])[0]

    assert judge([replace(row, core=True) for row in said]) < judge(said)


@pytest.mark.parametrize(
    ("core", "others", "weight"), [(0, 9, None), (100, 0, 1), (100, 100, 1), (10, 100, 4), (1, 999, 8)]
)
def test_core_rows_together_count_as_four_tenths_of_the_others(core: int, others: int, weight: float | None) -> None:
    weights = _weights(np.array([True] * core + [False] * others))

    assert set(weights[core:]) <= {1.0}
    assert set(weights[:core]) == ({weight} if weight else set())


@pytest.mark.parametrize(("yes", "no"), [(49, 60), (60, 49), (0, 60), (60, 0)])
def test_a_label_with_fewer_than_50_examples_is_not_learned(yes: int, no: int) -> None:
    rows = answering(examples(), "spam", yes, no)

    assert learnable(rows) == train(rows).artifact.labels == ["hate_speech"]


def test_a_label_with_50_examples_is_learned() -> None:
    rows = answering(answering(examples(), "spam", 50, 50), "insult", 50, 50)

    artifact = train(rows).artifact

    assert MIN_EXAMPLES == 50
    assert learnable(rows) == artifact.labels == ["hate_speech", "insult", "spam"]
    assert set(artifact.curves) == set(artifact.labels)


def test_a_row_that_does_not_answer_a_label_is_no_no() -> None:
    assert learnable(answering(examples(yes=400, no=400), "spam", 100, 0)) == ["hate_speech"]


def test_a_row_that_does_not_answer_a_label_does_not_count_for_it() -> None:
    rows = answering(examples(), "spam", 60, 60)
    silent = [Example(f"zanzibar number {number}", {"hate_speech": number % 2 == 0}) for number in range(40)]

    artifact = train([*rows, *silent]).artifact

    hate_speech, spam = artifact.weights[:, artifact.terms.index("zanzibar")]
    assert hate_speech != 0
    assert spam == 0


def test_labels_are_answered_each_by_its_own_head() -> None:
    rows = examples(60, 60)
    opposite = [Example(row.tweet, {**row.labels, "spam": not row.labels["hate_speech"]}) for row in rows]

    artifact = train(opposite).artifact

    assert np.corrcoef(artifact.weights)[0, 1] < -0.99


@pytest.mark.parametrize(("yes", "no"), [(0, 0), (60, 49), (49, 60), (120, 0), (0, 120)])
def test_too_few_tweets_are_refused_with_their_number(yes: int, no: int) -> None:
    with pytest.raises(NotEnoughData) as refused:
        train(examples(yes, no))

    assert str(refused.value) == (f"training needs 50 tweets with hate_speech and 50 without; there are {yes} and {no}")


def test_answers_to_other_labels_do_not_make_up_for_hate_speech() -> None:
    rows = [Example(row.tweet, {"toxic": row.labels["hate_speech"]}) for row in examples()]

    with pytest.raises(NotEnoughData, match="there are 0 and 0"):
        train(rows)


@pytest.mark.parametrize("script", [0x4E00, 0x1F600], ids=["ideographs", "emoji"])
def test_tweets_without_a_word_in_common_are_refused(script: int) -> None:
    rows = [Example(chr(script + number), {"hate_speech": number % 2 == 0}) for number in range(200)]

    with pytest.raises(NotEnoughData, match="no word in common"):
        train(rows)


def test_progress_is_told_from_start_to_end() -> None:
    told: list[tuple[str, float]] = []

    train(answering(examples(), "spam", 60, 60), progress=lambda step, share: told.append((step, share)))

    assert {"learning hate_speech", "learning spam"} <= {step for step, _ in told}
    assert all(0 <= earlier < later <= 1 for (_, earlier), (_, later) in pairwise(told))


def test_held_out_rows_play_no_part(db: None, tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text("".join(_as_json(row) for row in starter_rows()[::5]))
    import_corpus(own("some", text_column="tweet", label_columns={}), path)
    before = read()
    for row in ReviewedTweet.objects.filter(held_out=True):
        row.labels = {"hate_speech": not row.labels["hate_speech"]}
        row.save()
    after = read()

    assert len(before.held_out) > 50
    assert after.held_out != before.held_out
    assert not [example for example in after.training if is_held_out(fingerprint(example.tweet))]
    assert train(after.training).artifact.to_bytes() == train(before.training).artifact.to_bytes()


def _as_json(row: dict[str, str]) -> str:
    return json.dumps({"tweet": row["tweet"], "hate_speech": row["hate_speech"]}) + "\n"


@pytest.mark.parametrize(
    ("authors", "known"),
    [
        (["ann"] * 4, False),
        (["ann", "ann", "ann", "ben"], True),
        (["ann", "ann", "ann", ""], True),
        (["", ""], True),
        ([""], False),
        ([], False),
    ],
)
def test_one_persons_own_words_enter_no_vocabulary(authors: list[str], known: bool) -> None:
    texts = [f"{word} qwyxbl" for word in WORDS[: len(authors)]]
    own = [Example(text, {"hate_speech": True}, author=author) for text, author in zip(texts, authors, strict=True)]

    artifact = train(examples() + own).artifact

    assert ("qwyxbl" in artifact.terms) == known
    assert any("wyxb" in ngram for ngram in artifact.ngrams) == known


def test_what_one_tweet_repeats_in_several_words_enters_no_vocabulary() -> None:
    artifact = train([*examples(), Example("qwyxbl qwyxbls #qwyxbling", {"hate_speech": True})]).artifact

    assert not any("wyxb" in feature for feature in artifact.terms + artifact.ngrams)


def test_authors_change_nothing_but_the_vocabulary() -> None:
    rows = examples()
    everybody = [replace(row, author=f"author {number}") for number, row in enumerate(rows)]

    assert train(everybody).artifact.to_bytes() == train(rows).artifact.to_bytes()


def test_a_row_more_leaves_the_others_in_their_folds() -> None:
    before, after = train(mixed()), train([Example("blorps", {"hate_speech": True}, "x"), *mixed()])

    moved = np.abs(before.unseen["hate_speech"] - after.unseen["hate_speech"][1:])

    assert np.mean(moved) < 0.01
