"""What a key that lies can do, night after night, with the gate in between.

    python -m benchmarks.poisoning FOLDER [--nights 30] [--plot FILE.png] [--gate-alone]

The service starts with the starter corpus and davidson2017 out of FOLDER. Then one key sends reviews of tweets of
hatexplain: first all of them in one night, with 30 % of the labels the wrong way round; then, from the same start, 1 %
of the training rows every night, all of them wrong. Every night a candidate is trained on all that came in and judged
by the gate with its default limits, and the key's new labels by a model that has not seen them; if nothing speaks
against it, it serves. A key that is not believed is quarantined, and what it sends from then on waits. `--gate-alone`
leaves that out. The table and the plot say what F1 on the held-out corpus rows was, of the candidates and of what
served.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hate_speech_ai.annotator_reliability import NoiseEstimate, Reliability, reasons_to_quarantine
from hate_speech_ai.corpora.catalogue import STARTER
from hate_speech_ai.corpora.dataset import load
from hate_speech_ai.evaluation.evaluation_set import EvaluationSet, ModelPredictions, Row
from hate_speech_ai.evaluation.gate import Limits, judge
from hate_speech_ai.evaluation.metrics import measure, read_checks
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.trainer import Trained, train

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Night:
    number: int
    reviews: int
    candidate: float
    served: float
    reasons: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--gate-alone", action="store_true")
    options = parser.parse_args()
    own = load({STARTER.name: ROOT / "data" / "train.csv", "davidson2017": options.folder / "davidson2017"})
    known = {example.tweet for example in own.training + own.held_out}
    tweets = [
        example
        for example in load({"hatexplain": options.folder / "hatexplain"}).training
        if example.tweet not in known and HATE_SPEECH in example.labels
    ]
    rows = [only_hate(example) for example in own.training if HATE_SPEECH in example.labels]
    corpus_holdout = [Row(one.tweet, one.labels[HATE_SPEECH]) for one in own.held_out if HATE_SPEECH in one.labels]
    exam = EvaluationSet.of(corpus_holdout, [], read_checks(ROOT / "data" / "checks.csv"))

    print(f"{len(rows):,} training rows, {len(exam.corpus_holdout):,} held-out corpus rows")
    print("\none night, all labels as they are")
    show(simulate(rows, [[reviewed(tweet, lie=False) for tweet in tweets]], exam, trust=not options.gate_alone))
    print("\n30 % of one night's labels the wrong way round")
    night = [reviewed(tweet, lie=number % 10 < 3) for number, tweet in enumerate(tweets)]
    show(simulate(rows, [night], exam, trust=not options.gate_alone))
    print("\n1 % of the rows a night, all the wrong way round")
    share = len(rows) // 100
    nights = [
        [reviewed(tweet, lie=True) for tweet in tweets[start : start + share]]
        for start in range(0, min(options.nights * share, len(tweets)), share)
    ]
    found = simulate(rows, nights, exam, trust=not options.gate_alone)
    show(found)
    print(f"what served fell by at most {found[0].served - min(night.served for night in found):.4f} in all")
    if options.plot:
        plot(found, options.plot)


def only_hate(example: Example) -> Example:
    return Example(example.tweet, {HATE_SPEECH: example.labels[HATE_SPEECH]}, example.source, example.in_domain)


def reviewed(example: Example, *, lie: bool) -> Example:
    """As the service keeps a review: its own source, and a core row."""
    return Example(example.tweet, {HATE_SPEECH: example.labels[HATE_SPEECH] != lie}, "reviews", in_domain=True)


def simulate(rows: list[Example], nights: list[list[Example]], exam: EvaluationSet, *, trust: bool) -> list[Night]:
    """Night 0 is the start, which serves and is the baseline."""
    rows = list(rows)
    baseline = champion = sheet(train(rows), exam, len(rows), 0)
    found = [Night(0, 0, f1(exam, champion), f1(exam, champion), [])]
    quarantined = False
    for number, news in enumerate(nights, start=1):
        sent = sum(map(len, nights[:number]))
        if quarantined:
            found.append(Night(number, sent, found[-1].candidate, f1(exam, champion), ["nothing new: the key waits"]))
            continue
        trained = train(rows + news)
        candidate = sheet(trained, exam, len(rows) + len(news), number)
        reasons = judge(exam, candidate=candidate, champion=champion, baseline=baseline, limits=Limits()).reasons
        why = disbelief(news, trained.out_of_fold[HATE_SPEECH][len(rows) :]) if trust else []
        quarantined = bool(why)
        if not quarantined:
            rows += news
        champion = champion if reasons or why else candidate
        found.append(Night(number, sent, f1(exam, candidate), f1(exam, champion), [*why, *reasons]))
    return found


def disbelief(news: list[Example], probabilities: Iterable[float]) -> list[str]:
    doubt = NoiseEstimate()
    for review, probability in zip(news, probabilities, strict=True):
        doubt.add(review.labels[HATE_SPEECH], probability)
    found = reasons_to_quarantine(Reliability(), doubt, max_contradicted=0.2, min_agreement=0.7)
    return [f"the key's new labels {why}" for why in found]


def sheet(trained: Trained, exam: EvaluationSet, rows: int, version: int) -> ModelPredictions:
    return ModelPredictions.of(Scorer(trained.artifact), exam, trained_on=rows, version=version)


def f1(exam: EvaluationSet, model: ModelPredictions) -> float:
    return measure(model.corpus_holdout, [row.answer for row in exam.corpus_holdout], model.threshold).f1


def show(nights: list[Night]) -> None:
    print(f"{'night':>6}{'reviews':>9}{'candidate':>11}{'served':>8}  gate")
    for night in nights:
        verdict = night.reasons[0] if night.reasons else "passed"
        print(
            f"{night.number:>6}{night.reviews:>9,}{night.candidate:>11.4f}{night.served:>8.4f}  {verdict}", flush=True
        )


def plot(nights: list[Night], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    numbers = [night.number for night in nights]
    axes.plot(numbers, [night.candidate for night in nights], "o--", label="candidate")
    axes.plot(numbers, [night.served for night in nights], "-", label="served")
    axes.set(xlabel="night", ylabel="F1 on held-out corpus rows", title="1 % of the rows a night, all wrong")
    axes.legend()
    figure.savefig(path, bbox_inches="tight")


if __name__ == "__main__":
    main()
