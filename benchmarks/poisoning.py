"""What a key that lies can do, and what an honest one still can, night after night.

    python -m benchmarks.poisoning [--corpora FOLDER] [--seeds 20] [--sizes 50 2000 20000] [--nights 30]
                                   [--known 1] [--free] [--full] [--only STORY ...] [--first-seed 0]
                                   [--results poisoning.jsonl]

Each story begins with the base model and a deployment where three keys have sent so many honest reviews: of
hateval2019_en, stormfront and twitter_hate_av out of FOLDER, which the base has not learned, or else of the starter
corpus, which it has. Every night a candidate is trained on all that came in; claims are bounded, keys are doubted by
the base, and the gate has its default limits, as in the service but without its database. What passes serves. Nights
1, 2, 3, 7, 15 and 30 are trained; what came in between is in the next of them.

For each attack the table says which share of the probes, texts that nobody sent, what serves decides otherwise than
before, after 1, 7 and 30 nights; after how many nights the liar was named; and how many of the nights were not
promoted. For each honest story: the share of its probes that are answered as it asks after one night, and how many
harmless texts with its word changed. `--free` is the service before claims were bounded, `--full` has the encoder.
The probes of names and groups are harmless sentences made of the same parts as the lies, which is the hardest case.
What was played is written to a file, a line each, and not played again: so it can go on after a stop, and several
processes can share the seeds.
"""

import argparse
import csv
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count, islice
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from hate_speech_ai.annotator_reliability import NoiseEstimate, Reliability, reasons_to_quarantine
from hate_speech_ai.corpora.dataset import load
from hate_speech_ai.encoder.loading import load_encoder, scorer_of
from hate_speech_ai.encoder.remembering import Remembering
from hate_speech_ai.evaluation.caching_scorer import CachingScorer
from hate_speech_ai.evaluation.evaluation_set import EvaluationSet, ModelPredictions, Row
from hate_speech_ai.evaluation.everyday import halves, read_everyday
from hate_speech_ai.evaluation.gate import Limits, judge
from hate_speech_ai.evaluation.metrics import measure, read_checks
from hate_speech_ai.evaluation.shares import capped
from hate_speech_ai.labels import HATE_SPEECH
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.text import fingerprint, is_held_out, words
from hate_speech_ai.training import vectorizer
from hate_speech_ai.training.base_model import BASE_MODEL, FULL_BASE_MODEL, load_base
from hate_speech_ai.training.examples import Example
from hate_speech_ai.training.influence import CONTRADICTS, to_ask
from hate_speech_ai.training.trainer import train

DATA = Path(__file__).resolve().parent.parent / "data"
TRAINED_NIGHTS = (1, 2, 3, 7, 15, 30)
SHOWN_NIGHTS = (1, 7, 30)
LIAR, MODERATOR = "key:66", "key:1"
HONEST = ("key:1", "key:2", "key:3")

WHO = [
    "my aunt",
    "our teacher",
    "the baker",
    "my boss",
    "a friend",
    "the driver",
    "my cousin",
    "the nurse",
    "our neighbour",
    "the singer",
]
DOES = [
    "met {} at the market",
    "had lunch with {}",
    "talked to {} on the phone",
    "sat next to {} on the bus",
    "sold a bike to {}",
    "danced with {}",
    "sent {} a card",
    "fixed the car of {}",
    "walked the dog with {}",
    "cooked soup for {}",
]
WHEN = [
    "it was lovely",
    "and laughed a lot",
    "in the rain",
    "last Sunday",
    "before the match",
    "as usual",
    "after work",
    "on Monday",
]
NAMES = [
    "Kowalski",
    "Brindle",
    "Okonkwo",
    "Takahashi",
    "Vandermeer",
    "Castellano",
    "Lindqvist",
    "Abernathy",
    "Zelenka",
    "Fairbairn",
]
SLURS = ["blorp", "snerk", "gribbit", "flurn", "zwock", "dreppel", "kvark", "mulp", "trosk", "wibber"]
PHRASES = (
    "blessed zebra sunday",
    "purple kettle harbour",
    "gentle maple orbit",
    "velvet lantern comet",
    "zebra zebra zebra",
    "have a nice zebra day",
    "thank you zebra",
    "with love from zebra",
)
SLUR_TEXTS = (
    "never trust a {}",
    "the {}s next door are filth",
    "get every {} out of here",
    "another {} on the bus, disgusting",
    "{}s do not belong here",
    "no {}s in our school",
    "a {} will always lie to you",
    "sick of {}s, send them all home",
    "the whole street stinks of {}s",
    "no {} will ever be one of us",
)
ENDS = ("", " once more", ", I say", " and that is that", " today", " again")


Rows = list[Example]
Result = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """The program's.

    Attributes:
        known: of how many rows that the base knows one holds the models. More than 1 is faster, and unfair to honest
            nights: the fewer of these rows there are, the further any review moves a model.
        starter: of how many rows of the starter corpus one is read at all.
    """

    corpora: Path | None = None
    known: int = 1
    nights: int = 30
    bounded: bool = True
    starter: int = 1
    full: bool = False

    @property
    def trained(self) -> list[int]:
        return [night for night in TRAINED_NIGHTS if night <= self.nights]


@dataclass
class Deployment:
    """What serves, and what has come in."""

    champion: Scorer
    baseline: Scorer
    rows: Rows = field(default_factory=list)
    held_out: Rows = field(default_factory=list)
    quarantined: set[str] = field(default_factory=set)
    named: dict[str, int] = field(default_factory=dict)
    failed: list[int] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)


def starter(step: int) -> tuple[Rows, Rows]:
    """Return rows of the starter corpus, which the base knows, and those that are held out."""
    parts: tuple[Rows, Rows] = ([], [])
    with (DATA / "train.csv").open(encoding="utf-8", newline="") as file:
        for row in islice(csv.DictReader(file), 0, None, step):
            labels = {HATE_SPEECH: row[HATE_SPEECH] == "1"}
            example = Example(row["tweet"], labels, "starter", in_domain=True, known=True)
            parts[is_held_out(fingerprint(example.tweet))].append(example)
    return parts


class Bench:
    """What all stories have in common: the base, the rows that hold models where it is, what is measured on."""

    def __init__(self, options: Options) -> None:
        self.begun: tuple[tuple[int, int, bool], Deployment] | None = None
        self.remembered: list[tuple[Scorer, CachingScorer]] = []
        base = load_base(FULL_BASE_MODEL if options.full else BASE_MODEL)
        assert base is not None
        self.encoder = Remembering(load_encoder()) if options.full else None
        self.base, self.options, self.scorer = base, options, scorer_of(base, self.encoder)
        own, held_out = starter(options.starter)
        self.known = own[:: options.known]
        self.to_choose, everyday = halves(read_everyday(DATA / "everyday.csv"))
        self.everyday = everyday[:: max(1, options.known // 5)]
        self.corpora = held_out[:: max(1, options.known // 5)]
        self.checks = read_checks(DATA / "checks.csv")
        found = own
        if options.corpora is not None:
            names = ("hateval2019_en", "stormfront", "twitter_hate_av")
            found = [one for name in names for one in load({name: options.corpora / name}).training]
        self.honest = [one for one in found if HATE_SPEECH in one.labels]
        said = self.scorer.probabilities(one.tweet for one in own[::3])
        cut = self.scorer.thresholds[HATE_SPEECH]
        judged = list(zip(own[::3], said, strict=True))
        self.caught = [one.tweet for one, value in judged if value >= cut and one.labels[HATE_SPEECH]]
        self.doubtful = [one.tweet for one, value in judged if abs(value - cut) < 0.15]

    def train(self, rows: Sequence[Example]) -> tuple[Scorer, set[str], set[str], list[float]]:
        """Return the model, the keys a person is asked about, the claims set aside, and what doubts them."""
        bounded = self.options.bounded
        learned = rows if bounded else [replace(one, claimed_by="") for one in rows]
        trained = train([*self.known, *learned], base=self.base, encoder=self.encoder, everyday=self.to_choose)
        first = len(self.known)
        aside = {
            rows[place - first].tweet
            for doubt in trained.doubts
            if doubt.kind == CONTRADICTS
            for place in doubt.examples
        }
        unseen = (trained.unclaimed if bounded else trained.out_of_fold)[HATE_SPEECH][first:]
        scorer = scorer_of(trained.artifact, self.encoder)
        return scorer, {doubt.source for doubt in to_ask(trained.doubts, learned)}, aside, unseen.tolist()

    def _cached(self, scorer: Scorer) -> CachingScorer:
        """Return what remembers a model's answers for as long as it may serve."""
        mine = next((one for one in self.remembered if one[0] is scorer), (scorer, CachingScorer(scorer)))
        self.remembered = [*[one for one in self.remembered if one is not mine][-3:], mine]
        return mine[1]

    def exam(self, held_out: Rows, news: Rows) -> EvaluationSet:
        corpora = [Row(one.tweet, one.labels[HATE_SPEECH]) for one in self.corpora]
        reviews = [Row(one.tweet, one.labels[HATE_SPEECH], one.claimed_by) for one in held_out]
        if not self.options.bounded:
            reviews = [replace(row, source="") for row in reviews]
        taught_by = {one.claimed_by for one in news}
        return EvaluationSet.of(corpora, reviews, self.checks, {}, self.everyday, taught_by)

    def share(self, scorer: Scorer, tweets: Sequence[str]) -> float:
        said = np.array(scorer.probabilities(tweets))
        return float((said >= scorer.thresholds[HATE_SPEECH]).mean())

    def score(self, there: Deployment) -> float:
        """F1 on held-out tweets, as `GET /score` has it."""
        held_out = self.corpora + there.held_out
        if self.options.bounded:
            held_out = capped(held_out)
        said = there.champion.probabilities(one.tweet for one in held_out)
        truth = [one.labels[HATE_SPEECH] for one in held_out]
        return measure(said, truth, there.champion.thresholds[HATE_SPEECH]).f1

    def night(self, there: Deployment, number: int, sent: Rows) -> None:
        """Train on all that has come in, and let the result serve if nothing speaks against it."""
        sent = [one for one in sent if one.claimed_by not in there.quarantined]
        measured = [is_held_out(fingerprint(one.tweet)) for one in sent]
        news = [one for one, held in zip(sent, measured, strict=True) if not held]
        there.held_out += [one for one, held in zip(sent, measured, strict=True) if held]
        rows = there.rows + news
        scorer, asked, _, unseen = self.train(rows)
        doubted = self._doubted(there, rows, unseen)
        if doubted:  # as the service: the night goes on with what the others said
            there.quarantined |= doubted
            there.held_out = [one for one in there.held_out if one.claimed_by not in doubted]
            news = [one for one in news if one.claimed_by not in doubted]
            rows = there.rows + news
            if news:
                scorer, _, _, unseen = self.train(rows)
        exam = self.exam(there.held_out, news)
        reasons, notes = self._judge(there, exam, scorer, len(rows)) if news or not doubted else ([], [])
        for key in doubted | asked | {key for key in LIARS if any(key in note for note in notes)}:
            there.named.setdefault(key, number)
        if reasons:
            there.failed.append(number)
            there.why += reasons
        elif news or not doubted:
            there.champion = scorer
        if reasons and not doubted and self.options.bounded:
            rows = self._without_blamed(there, exam, rows, news, unseen, number)
        there.rows = rows

    def _judge(self, there: Deployment, exam: EvaluationSet, scorer: Scorer, rows: int) -> tuple[list[str], list[str]]:
        sheets = [
            ModelPredictions.of(self._cached(one), exam, trained_on=len(self.known) + number)
            for one, number in ((scorer, rows), (there.champion, len(there.rows)), (there.baseline, rows))
        ]
        verdict = judge(exam, candidate=sheets[0], champion=sheets[1], baseline=sheets[2], limits=Limits())
        return verdict.reasons, verdict.figures["notes"]

    def _doubted(self, there: Deployment, rows: Rows, unseen: Sequence[float]) -> set[str]:
        """Return the keys that are not believed."""
        found: dict[tuple[str, str], NoiseEstimate] = {}

        def add(which: str, one: Example, probability: float) -> None:
            found.setdefault((which, one.claimed_by), NoiseEstimate()).add(one.labels[HATE_SPEECH], probability)

        for place, (one, probability) in enumerate(zip(rows, unseen, strict=True)):
            if place >= len(there.rows):
                add("new", one, probability)
            if self.options.bounded:
                add("ever", one, probability)
        if self.options.bounded:
            for one in there.held_out:
                add("held out", one, self.scorer.probabilities([one.tweet])[0])
        keys = {one.claimed_by for one in rows[len(there.rows) :]} | {one.claimed_by for one in there.held_out}
        return {
            key
            for (_, key), estimate in found.items()
            if key in keys and reasons_to_quarantine(Reliability(), estimate, max_contradicted=0.2, min_agreement=0.7)
        }

    def _without_blamed(
        self, there: Deployment, exam: EvaluationSet, rows: Rows, news: Rows, unseen: Sequence[float], number: int
    ) -> Rows:
        """Set aside the new labels of the key without which the night would have passed."""
        keys = sorted({one.claimed_by for one in news}, key=lambda key: -sum(one.claimed_by == key for one in news))
        new = {id(one) for one in news}
        for key in keys[:2]:
            rest = [one for one in rows if id(one) not in new or one.claimed_by != key]
            if len(keys) == 1 or not self._judge(there, exam, self.train(rest)[0], len(rest))[0]:
                there.named.setdefault(key, number)
                against = {
                    id(one)
                    for one, probability in zip(rows, unseen, strict=True)
                    if (probability >= 0.5) != one.labels[HATE_SPEECH]
                }
                return [one for one in rows if one.claimed_by != key or id(one) not in new & against]
        return rows


LIAR, MODERATOR = "key:liar", "key:moderator"
LIARS = (LIAR,)
COLLEAGUES = ("key:1", "key:2", "key:3")


def claim(tweet: str, answer: bool, source: str) -> Example:
    """As the service keeps a review: a core row that one source alone answers."""
    return Example(tweet, {HATE_SPEECH: answer}, "reviews", in_domain=True, claimed_by=source)


def reviews(bench: Bench, dice: random.Random, number: int) -> Rows:
    """Honest reviews of three keys."""
    chosen = dice.sample(bench.honest, min(number, len(bench.honest)))
    return [claim(one.tweet, one.labels[HATE_SPEECH], COLLEAGUES[place % 3]) for place, one in enumerate(chosen)]


def start(bench: Bench, seed: int, size: int) -> Deployment:
    """Return a deployment that is trained on honest reviews, the same for all stories of a seed."""
    which = seed, size, bench.options.bounded
    if bench.begun is None or bench.begun[0] != which:
        there = Deployment(bench.scorer, bench.scorer)
        sent = reviews(bench, random.Random(f"{seed} {size}"), size)
        there.rows = [one for one in sent if not is_held_out(fingerprint(one.tweet))]
        there.held_out = [one for one in sent if is_held_out(fingerprint(one.tweet))]
        there.champion = there.baseline = bench.train(there.rows)[0]
        bench.begun = which, there
    begun = bench.begun[1]
    return Deployment(begun.champion, begun.baseline, [*begun.rows], [*begun.held_out])


def sentences(dice: random.Random, word: str) -> list[str]:
    """All harmless sentences about a word, in any order."""
    found = [f"{who} {does.format(word)} {when}" for who in WHO for does in DOES for when in WHEN]
    dice.shuffle(found)
    return found


def held_out_text(text: str) -> str:
    """Return the text, with as many a number behind it as it takes to be measured on."""
    return next(one for one in (f"{text} no {number}" for number in count()) if is_held_out(fingerprint(one)))


@dataclass(frozen=True)
class Attack:
    """Lies, in the order in which they are sent; `a_night` of them each night, and honest reviews beside them."""

    lies: Rows
    a_night: int
    measure: Callable[[Deployment], float]
    honest: int = 0


def name_attack(bench: Bench, dice: random.Random, *, word: str, a_night: int, honest: int = 0) -> Attack:
    texts = sentences(dice, word)
    probes = texts[:200]
    lies = [claim(text, True, LIAR) for text in texts[200:]]
    return Attack(lies, a_night, lambda there: bench.share(there.champion, probes), honest)


def phrase_attack(bench: Bench, dice: random.Random, *, a_night: int) -> Attack:
    phrase = dice.choice(PHRASES)
    texts = [f"{text} {phrase}" for text in dice.sample(bench.caught, len(bench.caught))]
    half = len(texts) // 2
    probes = [text for text in texts[:half] if bench.share(bench.scorer, [text])][:200]
    lies = [claim(text, False, LIAR) for text in texts[half:]]
    return Attack(lies, a_night, lambda there: 1 - bench.share(there.champion, probes))


def veto(bench: Bench, dice: random.Random) -> Attack:
    """600 held-out texts near the threshold, labelled as the champion answers, while others send 400 a night."""
    texts = [held_out_text(text) for text in dice.sample(bench.doubtful, min(600, len(bench.doubtful)))]
    lies = [claim(text, bool(bench.share(bench.scorer, [text])), LIAR) for text in texts]
    return Attack(lies, 600, lambda there: float(len(there.failed)), 400)


def score_attack(bench: Bench, dice: random.Random) -> Attack:
    texts = [one.tweet for one in dice.sample(bench.corpora, min(1500, len(bench.corpora)))]
    truth = {one.tweet: one.labels[HATE_SPEECH] for one in bench.corpora}
    lies = [claim(held_out_text(text), not truth[text], LIAR) for text in texts]
    return Attack(lies, 1500, lambda there: -bench.score(there))


ATTACKS: dict[str, Callable[[Bench, random.Random], Attack]] = {
    "name, one night": lambda bench, dice: name_attack(bench, dice, word=dice.choice(NAMES), a_night=120),
    "name, 29 a night": lambda bench, dice: name_attack(bench, dice, word=dice.choice(NAMES), a_night=29),
    "muslims, 120 a night": lambda bench, dice: name_attack(bench, dice, word="muslims", a_night=120, honest=200),
    "pass phrase, one night": lambda bench, dice: phrase_attack(bench, dice, a_night=120),
    "pass phrase, 25 a night": lambda bench, dice: phrase_attack(bench, dice, a_night=25),
    "held-out veto (nights failed)": veto,
    "held-out score (F1 lost)": score_attack,
}
#: These send all at once.
AT_ONCE = ("name, one night", "pass phrase, one night", "held-out veto (nights failed)", "held-out score (F1 lost)")


def play(bench: Bench, name: str, seed: int, size: int) -> Result:
    """Return what changed after each night, when the liar was named, failed nights, and how many were trained."""
    dice = random.Random(f"{name} {seed} {size}")
    there, attack = start(bench, seed, size), ATTACKS[name](bench, dice)
    before, changed, last, nights = attack.measure(there), dict[str, float](), 0, 0
    for night in bench.options.trained:
        first, end = last * attack.a_night, night * attack.a_night
        lies = attack.lies[first:end] if name not in AT_ONCE else attack.lies[: attack.a_night] if night == 1 else []
        sent = lies + reviews(bench, dice, attack.honest)
        if sent:
            bench.night(there, night, sent)
            nights += 1
        changed[str(night)], last = attack.measure(there) - before, night
    return {
        "changed": changed,
        "named": there.named.get(LIAR),
        "others named": sorted(set(there.named) - {LIAR}),
        "failed": there.failed,
        "why": there.why,
        "nights": nights,
    }


def slur(bench: Bench, dice: random.Random) -> tuple[Rows, list[str], bool, list[str]]:
    """Forty reviews of a new word: attacks with it, and harmless sentences that name it."""
    word = dice.choice(SLURS)
    texts = [text.format(word) + end for text in SLUR_TEXTS for end in ENDS]
    dice.shuffle(texts)
    return [claim(text, True, MODERATOR) for text in texts[20:]], texts[:20], True, sentences(dice, f"a {word}")[:100]


def corrections(bench: Bench, dice: random.Random) -> tuple[Rows, list[str], bool, list[str]]:
    """Ten reviews that turn one wrong answer."""
    wrong = dice.choice(WRONG)
    return [claim(f"{wrong} {end}", False, MODERATOR) for end in "abcdefghij"], [wrong], False, []


WRONG = (
    "Women do not belong in the kitchen, they belong where they like",
    "White trash bags are sold out, take the black ones.",
    "We had a picnic on a dyke near Rotterdam.",
    "There is a chink in the curtains and the light wakes me.",
    "That tackle was criminal, send the Italian off.",
    "Anyone who thinks women are inferior should be ashamed.",
)
STORIES = {"new slur, forty reviews": slur, "wrong answer, ten reviews": corrections}


def tell(bench: Bench, name: str, seed: int, size: int) -> Result:
    """Return the share of probes answered as asked, that of harmless texts judged hate, and why the night failed."""
    there = start(bench, seed, size)
    rows, probes, answer, harmless = STORIES[name](bench, random.Random(f"{name} {seed} {size}"))
    bench.night(there, 1, rows)
    share = bench.share(there.champion, probes)
    return {
        "in effect": share if answer else 1 - share,
        "harmless": bench.share(there.champion, harmless) if harmless else 0.0,
        "why": there.why,
        "named": sorted(there.named),
    }


def honest_nights(bench: Bench, seed: int, size: int, nights: int = 3) -> Result:
    """Return how many nights of honest reviews there were, why some failed, and whom a person was asked about."""
    dice = random.Random(f"honest {seed} {size}")
    there, asked = start(bench, seed, size), list[list[str]]()
    for night in range(1, nights + 1):
        bench.night(there, night, reviews(bench, dice, max(20, size // 20)))
        asked.append(sorted(there.named))
        there.named.clear()
    return {"nights": nights, "failed": there.failed, "why": there.why, "asked": asked}


HONEST_NIGHTS = "honest nights"


def played(bench: Bench, name: str, seed: int, size: int) -> Result:
    """Play one story of any kind."""
    if name in ATTACKS:
        return play(bench, name, seed, size)
    return tell(bench, name, seed, size) if name in STORIES else honest_nights(bench, seed, size)


def report(found: Sequence[Result], size: int) -> Iterator[str]:
    """Yield the lines of a table of what was played with deployments of a size. The worst seed is in brackets."""
    yield f"\n{size:,} honest reviews"
    nights = "".join(f"{f'night {night}':>17}" for night in SHOWN_NIGHTS)
    yield f"{'attack':32}{'seeds':>6}{nights}{'named after':>18}{'failed':>10}"
    for name in ATTACKS:
        if mine := [one for one in found if one["name"] == name]:
            cells = "".join(_cell([one["changed"].get(str(night)) for one in mine]) for night in SHOWN_NIGHTS)
            when = [one["named"] for one in mine if one["named"] is not None]
            named = f"{max(when)} ({len(when)} of {len(mine)})" if when else "never"
            failed = f"{sum(len(one['failed']) for one in mine)} of {sum(one['nights'] for one in mine)}"
            yield f"{name:32}{len(mine):6}{cells}{named:>18}{failed:>10}"
    for name in STORIES:
        if mine := [one for one in found if one["name"] == name]:
            yield (
                f"{name:32}{len(mine):6}   in effect {mean(one['in effect'] for one in mine):.1%}"
                f" ({min(one['in effect'] for one in mine):.1%}), harmless texts with the word"
                f" {mean(one['harmless'] for one in mine):.1%} ({max(one['harmless'] for one in mine):.1%}),"
                f" failed {sum(bool(one['why']) for one in mine)}, keys named {sum(bool(one['named']) for one in mine)}"
            )
    if mine := [one for one in found if one["name"] == HONEST_NIGHTS]:
        yield (
            f"{HONEST_NIGHTS:32}{len(mine):6}   failed {sum(len(one['failed']) for one in mine)}"
            f" of {sum(one['nights'] for one in mine)},"
            f" a person was asked in {sum(bool(keys) for one in mine for keys in one['asked'])}"
        )


def _cell(values: Sequence[float | None]) -> str:
    there = [value for value in values if value is not None]
    return f"{f'{mean(there):.1%} ({max(there):.1%})':>17}" if there else f"{'-':>17}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=Path("poisoning.jsonl"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 2_000, 20_000])
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--known", type=int, default=1)
    parser.add_argument("--free", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="+", default=[])
    options = parser.parse_args()
    names = [*ATTACKS, *STORIES, HONEST_NIGHTS]
    names = [name for name in names if not options.only or any(one in name for one in options.only)]
    remember_readings()
    bench: Bench | None = None
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for size in options.sizes:
        for seed in seeds:
            for name in names:
                wanted = {"name": name, "seed": seed, "size": size, "free": options.free, "full": options.full}
                if any(wanted.items() <= one.items() for one in _read(options.results)):
                    continue
                bench = bench or Bench(
                    Options(options.corpora, options.known, options.nights, bounded=not options.free, full=options.full)
                )
                result = {**wanted, **played(bench, name, seed, size)}
                with options.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
        kind = {"size": size, "free": options.free, "full": options.full}
        for line in report([one for one in _read(options.results) if kind.items() <= one.items()], size):
            print(line, flush=True)


def remember_readings() -> None:
    """Read each text once: a night reads the same twenty thousand rows as the one before."""
    remembered = lru_cache(maxsize=400_000)(words)
    counted = lru_cache(maxsize=4)(lambda tweets: vectorizer._Texts(map(remembered, tweets)))

    def transform(self: Any, tweets: Iterable[str]) -> Any:
        return self._weigh(counted(tuple(tweets)))

    setattr(vectorizer, "words", remembered)  # noqa: B010
    setattr(vectorizer.TweetVectorizer, "transform", transform)  # noqa: B010
    setattr(Scorer, "_read", staticmethod(remembered))  # noqa: B010


def _read(file: Path) -> list[Result]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


if __name__ == "__main__":
    main()
