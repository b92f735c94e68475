"""What a judgement costs: our scorer against scikit-learn's Pipeline.predict_proba, in one run.

    python -m benchmarks.scoring [FOLDER]

FOLDER has public corpora, as for benchmarks/quality.py; without it, the models are trained on the starter corpus. The
tweets are held-out ones, of up to 280 characters. All ways take turns on one core, and the figures are medians: read
the ratios, not the microseconds. Two pipelines are compared with: "the same", whose answers equal ours to 1e-9, and
"stock", scikit-learn's own vectorisers for words 1-2 and characters 3-5 with as many features (learned from at most
40,000 rows), which do not see through evasion.
"""

import argparse
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from threadpoolctl import threadpool_limits

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.corpora.catalogue import CORPORA, STARTER
from hate_speech_ai.corpora.dataset import load
from hate_speech_ai.labels import HATE_SPEECH, LABELS
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.trainer import Trained, train

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
BATCH = 1_000
# By how many megabytes a process grows at most (on Linux) that loads the artifact on its standard input.
GROWN = """
import sys
from pathlib import Path
from hate_speech_ai.artifact import Artifact
from hate_speech_ai.scorer import Scorer

def most():
    status = Path("/proc/self/status").read_text()  # what resource tells begins with the parent's
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))

content = sys.stdin.buffer.read()
before = most()
scorer = Scorer(Artifact.from_bytes(content))
print(round((most() - before) / 1024))
"""
Predict = Callable[[list[str]], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder
    sources = {STARTER.name: ROOT / "data" / "train.csv"}
    if folder:
        sources |= {name: folder / name for name in CORPORA if (folder / name).exists()}
    split = load(sources)
    trained = train(split.training)
    tweets = [row.tweet for row in split.held_out if len(row.tweet) <= 280]
    tweets = tweets[:: max(1, len(tweets) // (3 * BATCH))][: 3 * BATCH]
    with threadpool_limits(1):
        compare(trained, stock(split.training), tweets)
    loading(trained.artifact.to_bytes())


def stock(rows: Sequence[Example]) -> tuple[Pipeline, Pipeline]:
    """Scikit-learn's own way, for one label and for all. An unanswered label is a no: only the time is of interest."""
    rows = [row for row in rows if HATE_SPEECH in row.labels][:: max(1, len(rows) // 40_000)]
    tweets = [row.tweet for row in rows]
    answers = np.array([[row.labels.get(label, False) for label in LABELS] for row in rows])

    def pipeline(classifier: BaseEstimator) -> Pipeline:
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=250_000)
        chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, max_features=120_000)
        return Pipeline([("tfidf", FeatureUnion([("words", words), ("chars", chars)])), ("classifier", classifier)])

    head = LogisticRegression(solver="liblinear", dual=True, tol=0.1)
    return pipeline(head).fit(tweets, answers[:, 0]), pipeline(OneVsRestClassifier(head)).fit(tweets, answers)


def compare(trained: Trained, others: tuple[Pipeline, Pipeline], tweets: list[str]) -> None:
    scorer = Scorer(trained.artifact)
    labels, vectorizer, heads = scorer.labels, trained.vectorizer, trained.heads
    same = trained.pipeline()

    def same_all(batch: list[str]) -> Any:
        features = vectorizer.transform(batch)
        return [head.predict_proba(features)[:, 1] for head in heads.values()]

    ours = [scorer.score(tweet, labels).probabilities for tweet in tweets[:BATCH]]
    theirs = np.array(same_all(tweets[:BATCH])).T
    difference = np.abs(theirs - [[score[label] for label in heads] for score in ours]).max()
    print(
        f"{len(labels)} labels, {len(vectorizer.idf_):,} features; greatest difference to scikit-learn {difference:.1e}"
    )

    one: dict[str, Predict] = {
        "scorer": lambda batch: scorer.probabilities(batch),
        "the same in scikit-learn": lambda batch: same.predict_proba(batch),
        "stock scikit-learn": lambda batch: others[0].predict_proba(batch),
    }
    every: dict[str, Predict] = {
        "scorer": lambda batch: [scorer.score(tweet, labels) for tweet in batch],
        "the same in scikit-learn": same_all,
        "stock scikit-learn": lambda batch: others[1].predict_proba(batch),
    }
    print(f"\nmicroseconds a tweet      {'one tweet at a time':>34} {f'batches of {BATCH:,}':>34}")
    for title, ways in (("hate_speech", one), (f"all {len(labels)} labels", every)):
        single = measure(ways, [[tweet] for tweet in tweets[:300]])
        batched = measure(ways, [tweets[start : start + BATCH] for start in range(0, len(tweets), BATCH)])
        for name in ways:
            print(
                f"{title:<14}{name:<28}{single[name]:>12.1f} {single[name] / single['scorer']:>8.1f}x"
                f"{batched[name]:>22.1f} {batched[name] / batched['scorer']:>8.1f}x"
            )


def measure(ways: dict[str, Predict], batches: list[list[str]]) -> dict[str, float]:
    """For each way, the median over rounds and batches, in microseconds a tweet. The ways take turns."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):  # the first is for warming up
        for name, predict in ways.items():
            for batch in batches:
                start = time.perf_counter()
                predict(batch)
                if number:
                    taken[name].append((time.perf_counter() - start) / len(batch) * 1e6)
    return {name: statistics.median(times) for name, times in taken.items()}


def loading(content: bytes) -> None:
    """How long a process needs for an artifact, and how much larger it becomes."""
    times = []
    for _ in range(ROUNDS):
        gc.collect()
        start = time.perf_counter()
        Scorer(Artifact.from_bytes(content))
        times.append((time.perf_counter() - start) * 1e3)
    grown = subprocess.run([sys.executable, "-c", GROWN], input=content, capture_output=True, check=True, cwd=ROOT)
    print(
        f"\nloading {len(content) / 1e6:.1f} MB: {statistics.median(times):.0f} ms, {grown.stdout.decode().strip()} MB"
    )


if __name__ == "__main__":
    main()
