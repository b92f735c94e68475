"""How good is the model that ships, and what would the other ways to make one give?

    python -m benchmarks.quality FOLDER [--all] [--functional FILE] [--details]

FOLDER has a folder for each corpus, named as in docs/corpora.md; those that are missing are left out. The first table
has a row for each measure and a column for each model:

- shipped: data/base/model.safetensors;
- starter only: trained from nothing on data/train.csv, as a service without a base model would;
- with --all, on top: the base with all corpora of FOLDER learned on top of it, as README shows;
- with --all, from nothing: the same rows without the base;
- plain: TF-IDF of words 1-2, balanced logistic regression, C=1, on the starter corpus (with --all, on all corpora);
- profanity-check: alt-profanity-check, a published model of offensive language. It has one answer, which stands for
  hate_speech and for toxic.

Ordinary tweets are 5,000 of FOLDER/thinknook_sentiment_100k (seed 1). --functional names the CSV of a functional suite
with the columns `test_case` and `label_gold` (hateful or not); none is part of this repository, and none is trained on.

--details prints more of the shipped model: each label, each corpus, the checks, what is still caught when every word is
disguised, whether naming a group counts against a tweet. Held out are one cleaned text in ten and all rows that a
corpus's authors test with.
"""

import argparse
import csv
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.corpora.catalogue import CORPORA, STARTER
from hate_speech_ai.corpora.corpus import Row
from hate_speech_ai.corpora.dataset import Split, load
from hate_speech_ai.corpora.reader import read
from hate_speech_ai.evaluation.bias import measure_bias
from hate_speech_ai.evaluation.bootstrap import Answers, intervals
from hate_speech_ai.evaluation.everyday import halves, read_everyday
from hate_speech_ai.evaluation.metrics import best_threshold, measure, measure_checks, read_checks
from hate_speech_ai.labels import HATE_SPEECH, LABELS
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import fingerprint, is_held_out
from hate_speech_ai.training.base_model import BASE_MODEL, load_base
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.trainer import train

ROOT = Path(__file__).resolve().parent.parent
HARMLESS = 4_000  # how many rows without hate are disguised

_WORD = re.compile(r"[A-Za-z]+")
_LEET = str.maketrans("aeiostAEIOST", "431057431057")
_CYRILLIC = str.maketrans("aeopcxyiABEKMHOPCTX", "аеорсхуіАВЕКМНОРСТХ")  # noqa: RUF001
Disguise = Callable[[str], str]
DISGUISES: dict[str, Disguise] = {
    "digits for letters": lambda s: _WORD.sub(lambda m: m[0].translate(_LEET) if len(m[0]) > 2 else m[0], s),
    "letters spaced apart": lambda s: "  ".join(" ".join(word) for word in s.split()),
    "letters dotted apart": lambda s: _WORD.sub(lambda m: ".".join(m[0]), s),
    "vowels stretched": lambda s: re.sub(r"[aeiou]", lambda m: m[0] * 4, s),
    "a letter masked": lambda s: _WORD.sub(lambda m: m[0][0] + "*" + m[0][2:] if len(m[0]) > 3 else m[0], s),
    "Cyrillic look-alikes": lambda s: s.translate(_CYRILLIC),
    "zero-width characters": lambda s: _WORD.sub(lambda m: "\u200b".join(m[0]), s),
    "soft hyphens": lambda s: _WORD.sub(lambda m: "\u00ad".join(m[0]), s),
    "full-width letters": lambda s: "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalpha() else c for c in s),
    "all in one hashtag": lambda s: "#" + "".join(_WORD.findall(s)),
}


@dataclass(frozen=True)
class Model:
    """Something that answers labels with probabilities."""

    name: str
    predict: Callable[[Sequence[str], str], NDArray[np.float64]]
    thresholds: dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="also train on all corpora: ten minutes, 4 GB")
    parser.add_argument("--functional", type=Path, metavar="FILE")
    parser.add_argument("--details", action="store_true")
    options = parser.parse_args()
    sources = {STARTER.name: ROOT / "data" / "train.csv"} | {
        name: options.folder / name for name in CORPORA if (options.folder / name).exists()
    }
    base = load_base(BASE_MODEL)
    assert base is not None
    shipped = served("shipped", base)
    rows = load({STARTER.name: sources[STARTER.name]}).training
    models = [shipped, ours("starter only", rows)]
    if options.all:
        models.append(ours("on top", load(sources, base=base).training, base))
        rows = load(sources).training
        models.append(ours("from nothing", rows))
    models += [plain(rows), *profanity_check()]
    compare(models, options)
    if options.details:
        split = load(sources, base=base)
        for part in (by_label, by_corpus):
            part(shipped, split)
        published(shipped, split, options.folder)
        checks(shipped)
        evasion(shipped, split)
        bias(shipped, split)


def compare(models: Sequence[Model], options: argparse.Namespace) -> None:
    """Print the table: a row for each measure, a column for each model."""
    table("measure", *(model.name for model in models))
    for name, share in measures(options):
        line(name, *(share(model) for model in models))


def measures(options: argparse.Namespace) -> list[tuple[str, Callable[[Model], str]]]:
    found: list[tuple[str, Callable[[Model], str]]] = []

    def flagged(name: str, tweets: Sequence[str], label: str = HATE_SPEECH) -> None:
        found.append((name, lambda model: f"{np.mean(model.predict(tweets, label) >= model.thresholds[label]):.2%}"))

    def area(name: str, tweets: Sequence[str], truth: Sequence[bool], label: str = HATE_SPEECH) -> None:
        found.append((name, lambda model: f"{roc_auc_score(truth, model.predict(tweets, label)):.4f}"))

    ordinary = options.folder / "thinknook_sentiment_100k" / "train.csv.gz"
    if ordinary.exists():
        texts = pd.read_csv(ordinary, encoding="latin-1")["SentimentText"].tolist()
        sample = random.Random(1).sample(texts, 5_000)
        flagged("ordinary tweets: hate_speech", sample)
        flagged("ordinary tweets: toxic", sample, "toxic")
    ours_everyday = [one.tweet for one in halves(read_everyday(ROOT / "data" / "everyday.csv"))[1]]
    flagged("everyday.csv: hate_speech", ours_everyday)
    kinds = pd.read_csv(ROOT / "data" / "kinds.csv", dtype=str).query("label == 'hate_speech'")
    chat = kinds["kind"] == "chat messages"
    harmless, attacks = kinds["answer"] == "0", kinds["answer"] == "1"
    flagged("kinds: harmless flagged", kinds[harmless & ~chat]["tweet"].tolist())
    flagged("kinds: chat flagged", kinds[chat]["tweet"].tolist())
    flagged("kinds: attacks caught", kinds[attacks]["tweet"].tolist())
    flagged("kinds: harmless flagged toxic", kinds[harmless]["tweet"].tolist(), "toxic")
    area("kinds: ROC-AUC", kinds["tweet"].tolist(), attacks.tolist())
    rows = read_checks(ROOT / "data" / "checks.csv")
    truth = np.array([row.is_hate_speech for row in rows])

    def passed(model: Model) -> str:
        said = model.predict([row.tweet for row in rows], HATE_SPEECH) >= model.thresholds[HATE_SPEECH]
        return f"{np.mean(said == truth):.2%}"

    found.append(("checks passed", passed))
    if options.functional:
        with options.functional.open(encoding="utf-8", newline="") as file:
            cases = list(csv.DictReader(file))
        area("functional suite", [one["test_case"] for one in cases], [one["label_gold"] == "hateful" for one in cases])
    for name, label, official in (
        ("hatexplain", HATE_SPEECH, True),
        ("hatexplain", "toxic", True),
        ("stormfront", HATE_SPEECH, True),
        ("olid", "toxic", False),
    ):
        if (options.folder / name).exists():
            held = [row for row in rows_of(name, options.folder / name) if label in row.labels]
            held = [row for row in held if row.held_out or (not official and is_held_out(fingerprint(row.tweet)))]
            area(f"{name} held out: {label}", [row.tweet for row in held], [row.labels[label] for row in held], label)
    return found


def served(name: str, artifact: Artifact) -> Model:
    scorer = Scorer(artifact)
    return Model(name, lambda tweets, label: np.array(scorer.probabilities(tweets, label)), scorer.thresholds)


def ours(name: str, rows: list[Example], base: Artifact | None = None) -> Model:
    start = time.perf_counter()
    with tqdm(total=100, disable=None) as bar:

        def tell(step: str, share: float) -> None:
            bar.set_description(f"{name}: {step}")
            bar.update(100 * share - bar.n)

        everyday = halves(read_everyday(ROOT / "data" / "everyday.csv"))[0]
        trained = train(rows, base=base, everyday=everyday, progress=tell)
    print(f"{name}: trained on {len(rows):,} rows in {time.perf_counter() - start:.0f} s")
    return served(name, trained.artifact)


def profanity_check() -> list[Model]:
    """Return the peer, if it is installed."""
    try:
        from profanity_check import predict_prob  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        print("alt-profanity-check is not installed: requirements-dev.txt has it")
        return []
    return [
        Model(
            "profanity-check", lambda tweets, label: np.asarray(predict_prob(list(tweets))), dict.fromkeys(LABELS, 0.5)
        )
    ]


def plain(rows: list[Example]) -> Model:
    """Train the usual baseline. Its thresholds are the best ones on its own training rows."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2)
    matrix = vectorizer.fit_transform([row.tweet for row in rows]).tocsr()
    heads: dict[str, LogisticRegression] = {}
    thresholds = {}
    for label in LABELS:
        known = [place for place, row in enumerate(rows) if label in row.labels]
        answers = np.array([rows[place].labels[label] for place in known])
        heads[label] = LogisticRegression(class_weight="balanced", solver="liblinear").fit(matrix[known], answers)
        thresholds[label] = best_threshold(heads[label].predict_proba(matrix[known])[:, 1], answers)
    return Model(
        "plain",
        lambda tweets, label: heads[label].predict_proba(vectorizer.transform(tweets))[:, 1],
        thresholds,
    )


def by_label(model: Model, split: Split) -> None:
    table("label", "rows", "yes", "ROC-AUC", "PR-AUC", "F1", "ECE")
    for label in LABELS:
        rows = [row for row in split.held_out if label in row.labels]
        if rows:
            figures(label, model, rows, label)


def by_corpus(model: Model, split: Split) -> None:
    table("hate_speech in", "rows", "yes", "ROC-AUC", "PR-AUC", "F1", "ECE")
    for source in sorted({row.source for row in split.held_out}):
        rows = [row for row in split.held_out if row.source == source and HATE_SPEECH in row.labels]
        if len({row.labels[HATE_SPEECH] for row in rows}) == 2:
            figures(source, model, rows, HATE_SPEECH)


def figures(title: str, model: Model, rows: list[Example], label: str) -> None:
    scores = model.predict([row.tweet for row in rows], label)
    answers = np.array([row.labels[label] for row in rows])
    found = measure(scores.tolist(), answers.tolist(), model.thresholds[label])
    error = intervals(Answers(scores.tolist(), model.thresholds[label]), answers.tolist(), resamples=0)["ece"].value
    line(title, len(rows), f"{answers.mean():.1%}", found.roc_auc, found.pr_auc, found.f1, f"{error:.4f}")


def published(model: Model, split: Split, folder: Path) -> None:
    """Rows that others test with, or that have the natural mixture."""
    table("published split", "rows", "yes", "ROC-AUC")
    held_out = {fingerprint(row.tweet) for row in split.held_out}
    file = folder / "jigsaw_toxic_sample" / "train_natural.csv.gz"
    if file.exists():
        rows = [row for row in rows_of("jigsaw_toxic_sample", file) if fingerprint(row.tweet) in held_out]
        areas = [
            auc(f"jigsaw natural, {label}", model, rows, label, [row.labels[label] for row in rows])
            for label in LABELS
            if label != HATE_SPEECH
        ]
        line("jigsaw natural, mean of six", "", "", f"{np.mean(areas):.4f}")
    folder = folder / "hatexplain"
    if folder.exists():
        rows = [row for row in rows_of("hatexplain", folder) if row.held_out]
        toxic = [row.labels["toxic"] for row in rows]
        auc("HateXplain test, normal/rest", model, rows, "toxic", toxic)
        auc("HateXplain test, hate/rest", model, rows, HATE_SPEECH, [row.labels[HATE_SPEECH] for row in rows])


def rows_of(name: str, path: Path) -> list[Row]:
    return [row for row in read(CORPORA[name], path) if isinstance(row, Row)]


def auc(title: str, model: Model, rows: Sequence[Row], label: str, answers: list[bool]) -> float:
    area = float(roc_auc_score(answers, model.predict([row.tweet for row in rows], label)))
    line(title, len(rows), f"{np.mean(answers):.1%}", f"{area:.4f}")
    return area


def checks(model: Model) -> None:
    rows = read_checks(ROOT / "data" / "checks.csv")
    scores = model.predict([row.tweet for row in rows], HATE_SPEECH)
    found = measure_checks(scores.tolist(), rows, model.thresholds[HATE_SPEECH])
    area = roc_auc_score([row.is_hate_speech for row in rows], scores)
    print(f"\nchecks: {found['passed']:.1%} of {found['rows']} pass; ROC-AUC {area:.4f}")
    weakest = sorted(found["by_capability"].items(), key=lambda pair: float(pair[1]["passed"]))[:8]
    print("weakest: " + ", ".join(f"{name} {share['passed']:.0%}" for name, share in weakest))


def evasion(model: Model, split: Split) -> None:
    rows = [row for row in split.held_out if HATE_SPEECH in row.labels and len(row.tweet) <= 280]
    threshold = model.thresholds[HATE_SPEECH]
    scores = model.predict([row.tweet for row in rows], HATE_SPEECH)
    hateful = [
        row.tweet for row, score in zip(rows, scores, strict=True) if row.labels[HATE_SPEECH] and score >= threshold
    ]
    harmless = [row.tweet for row in rows if not row.labels[HATE_SPEECH]][:HARMLESS]
    before = np.mean(model.predict(harmless, HATE_SPEECH) >= threshold)
    table("every word with", "caught", "false positives, points")
    print(f"  of {len(hateful):,} hateful tweets caught in the clear, and {len(harmless):,} others")
    for name, disguise in DISGUISES.items():
        kept = np.mean(model.predict([disguise(tweet) for tweet in hateful], HATE_SPEECH) >= threshold)
        after = np.mean(model.predict([disguise(tweet) for tweet in harmless], HATE_SPEECH) >= threshold)
        line(name, f"{kept:.1%}", f"{100 * (after - before):+.1f}")


def bias(model: Model, split: Split) -> None:
    rows = [row for row in split.held_out if HATE_SPEECH in row.labels]
    tweets, truth = [row.tweet for row in rows], [row.labels[HATE_SPEECH] for row in rows]
    scores = model.predict(tweets, HATE_SPEECH).tolist()
    found = measure_bias(tweets, scores, truth, model.thresholds[HATE_SPEECH])
    table("group", "rows", "subgroup", "BPSN", "BNSP", "FPR", "of the rest")
    for one in found:
        line(
            one.group,
            one.rows,
            *map(
                shown,
                (
                    one.subgroup_auc,
                    one.bpsn_auc,
                    one.bnsp_auc,
                    one.false_positive_rate,
                    one.false_positive_rate_of_rest,
                ),
            ),
        )


def shown(value: float | None) -> str:
    return "too few" if value is None else f"{value:.3f}"


def table(*columns: str) -> None:
    print()
    line(*columns)


def line(first: Any, *rest: Any) -> None:
    print(f"  {first!s:<30}" + "".join(f"{value!s:>12}" for value in rest), flush=True)


if __name__ == "__main__":
    main()
