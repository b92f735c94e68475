"""What a judgement costs: our scorer against scikit-learn's Pipeline.predict_proba, in one run.

    python benchmarks/scoring.py [MODEL.safetensors] [--tweets FILE.csv --column tweet]

Without a model, one is trained on the starter corpus. The figures are medians over tweets and rounds, all taken in turn
on one core; read the ratios, not the microseconds. Two pipelines are compared with: "the same", whose answers equal ours
to 1e-9, and "stock", scikit-learn's own vectorisers for words 1-2 and characters 3-5, which does not see through evasion.
"""

import argparse
import csv
import gc
import resource
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

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hate_speech_ai.artifact import Artifact  # noqa: E402
from hate_speech_ai.labels import HATE_SPEECH, LABELS  # noqa: E402
from hate_speech_ai.scorer import Scorer  # noqa: E402
from hate_speech_ai.text import fingerprint, is_held_out  # noqa: E402
from hate_speech_ai.training import Example, Trained, train  # noqa: E402
from hate_speech_ai.vectorizer import TweetVectorizer  # noqa: E402

ROUNDS = 5
BATCH = 1_000
Predict = Callable[[list[str]], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--tweets", type=Path, default=ROOT / "data" / "train.csv")
    parser.add_argument("--column", default="tweet")
    options = parser.parse_args()
    rows = starter()
    if options.model:
        content = options.model.read_bytes()
        vectorizer, heads = as_scikit_learn(Artifact.from_bytes(content))
    else:
        trained = train([Example(tweet, labels) for tweet, labels in rows if not is_held_out(fingerprint(tweet))])
        content = trained.artifact.to_bytes()
        vectorizer, heads = trained.vectorizer, trained.heads
    with options.tweets.open(encoding="utf-8", newline="") as file:
        tweets = [row[options.column] for row in csv.DictReader(file)][: 3 * BATCH]
    scorer = Scorer(Artifact.from_bytes(content))
    with threadpool_limits(1):
        compare(scorer, vectorizer, heads, stock(rows), tweets)
    loading(content)


def starter() -> list[tuple[str, dict[str, bool]]]:
    with (ROOT / "data" / "train.csv").open(encoding="utf-8", newline="") as file:
        return [(row["tweet"], {label: row[label] == "1" for label in LABELS}) for row in csv.DictReader(file)]


def as_scikit_learn(artifact: Artifact) -> tuple[TweetVectorizer, dict[str, LogisticRegression]]:
    """The estimators that an artifact was taken from."""
    vectorizer = TweetVectorizer().use(artifact.terms, artifact.ngrams, artifact.idf)
    heads = {}
    for row, label in enumerate(artifact.labels):
        head = LogisticRegression()
        head.classes_, head.n_features_in_ = np.array([False, True]), len(artifact.idf)
        head.coef_ = artifact.weights[row : row + 1].astype(np.float64)
        head.intercept_ = artifact.intercepts[row : row + 1]
        heads[label] = head
    return vectorizer, heads


def stock(rows: Sequence[tuple[str, dict[str, bool]]]) -> tuple[Pipeline, Pipeline]:
    """Scikit-learn's own way, for one label and for all."""
    tweets = [tweet for tweet, _ in rows]
    answers = np.array([[labels[label] for label in LABELS] for _, labels in rows])

    def pipeline(classifier: BaseEstimator) -> Pipeline:
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
        chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)
        return Pipeline([("tfidf", FeatureUnion([("words", words), ("chars", chars)])), ("classifier", classifier)])

    head = LogisticRegression(solver="liblinear")
    return pipeline(head).fit(tweets, answers[:, 0]), pipeline(OneVsRestClassifier(head)).fit(tweets, answers)


def compare(
    scorer: Scorer,
    vectorizer: TweetVectorizer,
    heads: dict[str, LogisticRegression],
    others: tuple[Pipeline, Pipeline],
    tweets: list[str],
) -> None:
    same = Pipeline([("tfidf", vectorizer), ("classifier", heads[HATE_SPEECH])])
    labels = scorer.labels

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
    path = Path("/dev/stdin")
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from benchmarks import scoring; scoring.grown()"
    grown = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True, cwd=ROOT)
    assert path
    print(
        f"\nloading {len(content) / 1e6:.1f} MB: {statistics.median(times):.0f} ms, {grown.stdout.decode().strip()} MB"
    )


def grown() -> None:
    """By how many megabytes a process grows at most that loads the artifact on its standard input."""
    content = sys.stdin.buffer.read()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    scorer = Scorer(Artifact.from_bytes(content))
    print(round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))
    assert scorer.labels


if __name__ == "__main__":
    main()
