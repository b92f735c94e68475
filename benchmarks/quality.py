"""How good is the default model, trained on public corpora, on rows that it never saw?

    python -m benchmarks.quality FOLDER [--plain] [--seed N] [--save MODEL.safetensors]

FOLDER has a folder or file for each corpus, named as in docs/corpora.md; those that are missing are left out. Held out
are one cleaned text in ten and all rows that a corpus's authors test with. --plain also trains the usual baseline on
the same rows (TF-IDF of words 1-2, balanced logistic regression, C=1), without which no figure says much.

Tables: each label; hate_speech for each corpus; the published test splits; the checks; what is still caught when every
word is disguised; whether naming a group counts against a tweet. A second model is trained on the starter corpus alone
and measured on corpora that it has not seen. Time and memory are those of reading and training.
"""

import argparse
import re
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from hate_speech_ai.corpora import CORPORA, STARTER, Row, read
from hate_speech_ai.dataset import Split, load
from hate_speech_ai.evaluation import best_threshold, measure, measure_checks, read_checks
from hate_speech_ai.fairness import measure_bias
from hate_speech_ai.intervals import Answers, intervals
from hate_speech_ai.labels import HATE_SPEECH, LABELS
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import fingerprint
from hate_speech_ai.training import Example, train

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
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    sources = {STARTER.name: ROOT / "data" / "train.csv"} | {
        name: options.folder / name for name in CORPORA if (options.folder / name).exists()
    }
    start = time.perf_counter()
    split = load(sources)
    model = ours(split.training, options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"{len(split.training):,} rows of {len(sources)} corpora: read and trained in "
        f"{time.perf_counter() - start:.0f} s, at most {peak:.1f} GB"
    )
    models = [model]
    if options.plain:
        models.append(plain(split.training))
    for one in models:
        print(f"\n# {one.name}")
        by_label(one, split)
        by_corpus(one, split)
        published(one, split, options.folder)
        checks(one)
        evasion(one, split)
        bias(one, split)
    print("\n# Trained on the starter corpus alone")
    alone = load({STARTER.name: sources[STARTER.name]})
    small = ours(alone.training, argparse.Namespace(seed=options.seed, save=None))
    unseen(small, options.folder)
    checks(small)


def ours(rows: list[Example], options: argparse.Namespace) -> Model:
    with tqdm(total=100, disable=None) as bar:

        def tell(step: str, share: float) -> None:
            bar.set_description(step)
            bar.update(100 * share - bar.n)

        trained = train(rows, seed=options.seed, progress=tell)
    if options.save:
        options.save.write_bytes(trained.artifact.to_bytes())
    scorer = Scorer(trained.artifact)
    return Model("This model", lambda tweets, label: np.array(scorer.probabilities(tweets, label)), scorer.thresholds)


def plain(rows: list[Example]) -> Model:
    """The baseline. Its thresholds are the best ones on its own training rows."""
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
        "Plain pipeline",
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


def unseen(model: Model, folder: Path) -> None:
    table("unseen corpus", "rows", "yes", "ROC-AUC")
    for name in ("davidson2017", "measuring_hate_speech", "stormfront", "gab_hate_corpus"):
        if not (folder / name).exists():
            continue
        rows = [row for row in rows_of(name, folder / name) if HATE_SPEECH in row.labels]
        if name == "davidson2017":  # hate against neither: what is only offensive is left out
            rows = [row for row in rows if row.labels[HATE_SPEECH] or not row.labels["toxic"]]
        auc(name, model, rows, HATE_SPEECH, [row.labels[HATE_SPEECH] for row in rows])


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
