"""The gate: whether a candidate may serve."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from hate_speech_ai.artifact import Artifact
from hate_speech_ai.evaluation.bootstrap import Answers
from hate_speech_ai.evaluation.evaluation_set import MOST_ROWS, EvaluationSet, ModelPredictions, Row
from hate_speech_ai.evaluation.everyday import Everyday
from hate_speech_ai.evaluation.gate import Limits, Verdict, judge
from hate_speech_ai.evaluation.metrics import CapabilityCheck
from hate_speech_ai.operating_points import MOST_EVERYDAY
from hate_speech_ai.scorer import Scorer

#: Nothing is a reason.
OPEN = Limits(
    max_drop=1.0,
    max_sure_drop=1.0,
    max_drop_on_reviews=1.0,
    max_drop_from_baseline=1.0,
    max_checks_lost=999,
    max_false_positive_rise=1.0,
    max_changed=1.0,
    max_everyday_rise=1.0,
    max_share_ratio=999.0,
)


def limits(**changed: Any) -> Limits:
    return Limits(**{**asdict(OPEN), **changed})


def rows(number: int, text: str = "tweet") -> list[Row]:
    """The first half hateful, the second harmless."""
    return [Row(f"{text} {place}", place < number // 2) for place in range(number)]


def checks(number: int) -> list[CapabilityCheck]:
    """Of two capabilities, all of them harmless."""
    return [
        CapabilityCheck(str(place), "news" if place % 2 else "jokes", f"check {place}", False)
        for place in range(number)
    ]


def exam(corpus_holdout: int = 200, reviews: int = 0) -> EvaluationSet:
    return EvaluationSet(rows(corpus_holdout), rows(reviews, "review"), checks(24))


def right(number: int, found: int) -> list[float]:
    """Probabilities of a model that finds so many of the hateful half of the rows, and says no to all other_labels."""
    return [0.9] * found + [0.1] * (number - found)


def model(
    found: int = 100,
    *,
    corpus_holdout: int = 200,
    reviews: list[float] | None = None,
    failed: int = 0,
    threshold: float = 0.5,
    trained_on: int = 1000,
    version: int = 7,
) -> ModelPredictions:
    """It finds so many of the hateful corpus_holdout rows, and fails so many checks of the capability "jokes"."""
    answers = [0.9 if place % 2 == 0 and place < 2 * failed else 0.1 for place in range(24)]
    return ModelPredictions(right(corpus_holdout, found), reviews or [], answers, threshold, trained_on, version)


def reasons(
    candidate: ModelPredictions,
    champion: ModelPredictions | None,
    rules: Limits,
    *,
    baseline: ModelPredictions | None = None,
    reviews: int = 0,
) -> list[str]:
    asked = exam(len(candidate.corpus_holdout), reviews)
    return judge(asked, candidate=candidate, champion=champion, baseline=baseline, limits=rules).reasons


def test_the_first_model_serves() -> None:
    verdict = judge(exam(), candidate=model(70, failed=12), limits=Limits())

    assert verdict.reasons == []
    assert not {"champion", "baseline"} & set(verdict.figures)


@pytest.mark.parametrize("found", [90, 100])
def test_no_worse_than_the_champion_may_serve(found: int) -> None:
    champion = model(90)

    assert reasons(model(found), champion, Limits(), baseline=champion) == []


# F1 and PR-AUC on the corpus_holdout rows


def test_a_large_drop_is_a_reason() -> None:
    found = reasons(model(80), model(100), limits(max_drop=0.02))

    assert [reason.split(" on ")[0] for reason in found] == ["F1", "PR-AUC"]
    assert "on 200 held-out tweets of corpora falls from 1.0000 to 0.8889, by more than 0.02" in found[0]


def test_a_large_drop_is_a_reason_on_few_rows_too() -> None:
    few: dict[str, Any] = {"corpus_holdout": 20, "threshold": 0.5}

    [unsure] = reasons(model(9, **few), model(10, **few), limits(max_drop=0.05))

    assert unsure.startswith("F1 on 20 held-out tweets")
    assert reasons(model(9, **few), model(10, **few), limits(max_drop=0.06)) == []


def test_a_small_drop_is_a_reason_where_it_is_sure() -> None:
    found = reasons(
        model(2900, corpus_holdout=6000), model(3000, corpus_holdout=6000), limits(max_drop=0.05, max_sure_drop=0.005)
    )

    assert [reason.split(" on ")[0] for reason in found] == ["F1", "PR-AUC"]
    assert "falls from 1.0000 to 0.9831, by more than 0.005 and surely: by 0.0" in found[0]


def test_a_small_drop_is_forgiven_where_it_is_not_sure() -> None:
    champion, candidate = model(98), model(95)
    candidate.corpus_holdout[98:100] = [0.9, 0.9]  # three rows for the worse and two for the better: chance

    assert reasons(candidate, champion, limits(max_sure_drop=0.0)) == []
    assert reasons(candidate, champion, limits(max_drop=0.0)) != []


def test_a_threshold_that_was_lost_is_noticed() -> None:
    candidate = model(threshold=0.95)
    candidate.corpus_holdout[:50] = [0.97] * 50

    [reason] = reasons(candidate, model(), limits(max_drop=0.02))

    assert reason.startswith("F1 ")


def test_a_ranking_that_was_lost_is_noticed() -> None:
    champion, candidate = model(90), model(90)
    champion.corpus_holdout[90:100] = [0.2] * 10
    candidate.corpus_holdout[90:100] = [0.05] * 10

    [reason] = reasons(candidate, champion, limits(max_drop=0.02))

    assert reason.startswith("PR-AUC ")


def test_figures_that_are_not_defined_are_no_reason() -> None:
    asked = EvaluationSet([Row(f"tweet {place}", True) for place in range(4)], [], [])
    sheet = ModelPredictions([0.9] * 4, [], [], 0.5, 1000, 7)

    verdict = judge(asked, candidate=sheet, champion=sheet, baseline=sheet, limits=Limits())

    assert verdict.reasons == []
    assert verdict.figures["candidate"]["pr_auc"] is None
    assert set(verdict.figures["vs_champion"]["corpora"]) == {"f1"}


# Held-out reviews


def test_a_drop_on_reviews_is_a_reason() -> None:
    champion, candidate = model(reviews=right(40, 20)), model(reviews=right(40, 12))

    found = reasons(candidate, champion, limits(max_drop_on_reviews=0.1), reviews=40)

    assert found[0].startswith("F1 on 40 held-out reviews falls from 1.0000 to 0.7500, by more than 0.1")
    assert reasons(candidate, champion, limits(max_drop=0.0), reviews=40) == []


def test_few_reviews_are_not_judged_on() -> None:
    champion, candidate = model(reviews=right(18, 9)), model(reviews=right(18, 1))

    verdict = judge(exam(reviews=18), candidate=candidate, champion=champion, limits=Limits())

    assert verdict.reasons == []
    assert verdict.figures["notes"] == ["18 held-out reviews are too few to judge on; 20 are needed"]
    assert reasons(candidate, champion, Limits(min_reviews=18), reviews=18) != []


def test_without_frozen_rows_reviews_are_judged_on() -> None:
    def asked(found: int) -> Verdict:
        champion, candidate = (
            model(0, corpus_holdout=0, reviews=right(40, 20)),
            model(0, corpus_holdout=0, reviews=right(40, found)),
        )
        return judge(
            EvaluationSet([], rows(40), checks(24)),
            candidate=candidate,
            champion=champion,
            baseline=champion,
            limits=Limits(),
        )

    assert asked(20).reasons == []
    assert asked(10).reasons[0].startswith("F1 on 40 held-out reviews")
    assert asked(10).figures["candidate"]["rows"] == 40


# Functional checks


def test_checks_that_are_lost_in_one_capability_are_a_reason() -> None:
    [reason] = reasons(model(failed=8), model(failed=5), limits(max_checks_lost=2))

    assert reason == "more than 2 checks fewer are passed than by the champion, version 7, of jokes (4 of 12, not 7)"
    assert reasons(model(failed=8), model(failed=5), limits(max_checks_lost=3)) == []


# Groups


def named(wrong: int, group: int = 50, others: int = 150) -> ModelPredictions:
    """Of the harmless tweets that name a group, so many are taken for hateful."""
    return ModelPredictions([0.9] * wrong + [0.1] * (group - wrong) + [0.9] * others, [], [], 0.5, 1000, 7)


def naming(group: int = 50) -> EvaluationSet:
    harmless = [Row(f"muslim neighbours {place}", False) for place in range(group)]
    return EvaluationSet(harmless + [Row(f"tweet {place}", True) for place in range(150)], [], [])


def test_a_groups_false_positive_rate_that_rises_is_a_reason() -> None:
    tight = limits(max_false_positive_rise=0.05)

    [reason] = judge(naming(), candidate=named(8), champion=named(2), limits=tight).reasons

    assert reason == (
        "the false-positive rate of 50 harmless held-out tweets that name the group 'Muslim' rises from the champion's "
        "0.0400 to 0.1600, by more than 0.05 beyond that of the others"
    )
    wider = limits(max_false_positive_rise=0.12)
    assert judge(naming(), candidate=named(8), champion=named(2), limits=wider).reasons == []
    assert judge(naming(), candidate=named(2), champion=named(8), limits=tight).reasons == []


def test_a_groups_rise_that_may_be_chance_is_a_reason_only_if_it_is_large() -> None:
    tight = limits(max_false_positive_rise=0.05)

    # Five more and none fewer come by chance once in 32 times. Ten more and three fewer do once in 22 times and are a
    # rise of 0.14; with eleven more it is 0.16.
    assert judge(naming(), candidate=named(7), champion=named(2), limits=tight).reasons == []
    both_ways = EvaluationSet(naming().corpus_holdout, [], [])
    said = [0.9] * 3 + [0.1] * 47 + [0.9] * 150
    for more, is_refused in ((10, False), (11, True)):
        says = [0.1] * 3 + [0.9] * more + [0.1] * (47 - more) + [0.9] * 150
        old, new = (ModelPredictions(scores, [], [], 0.5, 1000, 7) for scores in (said, says))
        assert bool(judge(both_ways, candidate=new, champion=old, limits=tight).reasons) is is_refused


def test_a_rise_for_all_harmless_tweets_alike_is_no_bias() -> None:
    harmless = [Row(f"muslim neighbours {place}", False) for place in range(50)]
    exam = EvaluationSet(
        [*harmless, *(Row(f"a tweet {place}", False) for place in range(50)), *naming(0).corpus_holdout], [], []
    )

    def sheet(wrong: int, wrong_rest: int) -> ModelPredictions:
        said = [0.9] * wrong + [0.1] * (50 - wrong) + [0.9] * wrong_rest + [0.1] * (50 - wrong_rest) + [0.9] * 150
        return ModelPredictions(said, [], [], 0.5, 1000, 7)

    tight = limits(max_false_positive_rise=0.05)
    assert judge(exam, candidate=sheet(8, 8), champion=sheet(2, 2), limits=tight).reasons == []
    assert judge(exam, candidate=sheet(8, 2), champion=sheet(2, 2), limits=tight).reasons != []
    assert judge(exam, candidate=sheet(8, 2), champion=sheet(2, 8), limits=tight).reasons != []


def test_a_few_tweets_of_a_small_group_are_chance() -> None:
    tight = limits(max_false_positive_rise=0.05)

    assert judge(naming(20), candidate=named(3, 20), champion=named(0, 20), limits=tight).reasons == []
    assert judge(naming(20), candidate=named(4, 20), champion=named(0, 20), limits=tight).reasons != []


# Everyday tweets


def everyday(swearing: int = 0) -> EvaluationSet:
    """A thousand everyday tweets, some of which swear."""
    labels = (frozenset({"obscene"} if place < swearing else ()) for place in range(1000))
    tweets = [Everyday(str(place), "chat", f"see you at {place}", one) for place, one in enumerate(labels)]
    return replace(exam(), everyday=tweets)


def flagging(**flagged: int) -> ModelPredictions:
    """It flags so many of the everyday tweets."""
    return replace(model(), everyday=flagged)


def test_more_everyday_tweets_flagged_are_a_reason() -> None:
    tight = limits(max_everyday_rise=0.002)

    [reason] = judge(
        everyday(), candidate=flagging(hate_speech=6), champion=flagging(hate_speech=3), limits=tight
    ).reasons

    assert reason == (
        "of 1000 everyday tweets, 6 are flagged as hate_speech and not the champion's 3, a share that rises by more "
        "than 0.0020"
    )
    wider = limits(max_everyday_rise=0.004)
    for candidate, champion, rules in ((6, 3, wider), (5, 3, tight), (3, 6, tight), (3, 3, tight)):
        asked = {"candidate": flagging(hate_speech=candidate), "champion": flagging(hate_speech=champion)}
        assert judge(everyday(), **asked, limits=rules).reasons == []


@pytest.mark.parametrize("label", ["hate_speech", "threat", "toxic"])
def test_a_label_that_may_flag_more_may_rise_by_more(label: str) -> None:
    tight = limits(max_everyday_rise=0.0011)
    most = int(1000 * max(0.0011, MOST_EVERYDAY[label] / 4))

    def fine(more: int) -> bool:
        candidate, champion = flagging(**{label: 5 + more}), flagging(**{label: 5})
        return judge(everyday(), candidate=candidate, champion=champion, limits=tight).reasons == []

    assert (fine(most), fine(most + 1)) == (True, False)


def test_everyday_tweets_that_swear_do_not_count_for_obscene() -> None:
    verdict = judge(everyday(swearing=400), candidate=flagging(obscene=9), champion=flagging(obscene=4), limits=OPEN)

    assert verdict.figures["rows"]["everyday"] == 1000
    assert verdict.figures["vs_champion"]["everyday"] == {"obscene": {"old": 4, "new": 9, "rows": 600}}


def test_a_label_that_only_one_of_them_flags_is_not_judged() -> None:
    verdict = judge(everyday(), candidate=flagging(toxic=900), champion=flagging(hate_speech=1), limits=Limits())

    assert verdict.reasons == []
    assert verdict.figures["vs_champion"]["everyday"] == {}


def test_everyday_tweets_that_are_flagged_do_not_add_up() -> None:
    baseline, champion = flagging(hate_speech=1), flagging(hate_speech=4)
    rules = limits(max_everyday_rise=0.004)

    [reason] = judge(
        everyday(), candidate=flagging(hate_speech=7), champion=champion, baseline=baseline, limits=rules
    ).reasons

    assert "not the baseline's 1, " in reason


def test_what_a_model_answers_to_the_exam(artifact_bytes: bytes) -> None:
    scorer = Scorer(Artifact.from_bytes(artifact_bytes))
    tweets = [
        Everyday("1", "chat", "have a lovely day everyone"),
        Everyday("2", "chat", "fuck this bus", frozenset({"obscene"})),
    ]
    asked = EvaluationSet(
        rows(4), rows(2, "review"), checks(2), {"toxic": rows(3), "spam": rows(3)}, [*tweets, tweets[1]]
    )

    sheet = ModelPredictions.of(scorer, asked, trained_on=1000, version=3)

    assert sheet.corpus_holdout == scorer.probabilities([row.tweet for row in asked.corpus_holdout])
    assert (len(sheet.reviews), len(sheet.checks), set(sheet.other_labels)) == (2, 2, {"toxic"})
    assert set(sheet.everyday) == set(scorer.labels)
    assert sheet.everyday["obscene"] == 0  # the two that swear do not count
    assert sheet.everyday["toxic"] == 2
    assert (sheet.threshold, sheet.trained_on, sheet.version) == (scorer.thresholds["hate_speech"], 1000, 3)


# Flipped decisions


def test_many_flipped_decisions_are_a_reason() -> None:
    champion, candidate = model(90), model(80)
    candidate.corpus_holdout[90:100] = [0.9] * 10  # as good as before, on other rows

    [reason] = reasons(candidate, champion, limits(max_changed=0.09))

    assert reason == (
        "of 200 held-out tweets of corpora, 10.00% are decided otherwise than by the champion, more than 9.00%"
    )
    assert reasons(candidate, champion, limits(max_changed=0.1)) == []


def test_after_an_import_decisions_may_flip() -> None:
    champion, candidate = model(90, trained_on=1000), model(50, trained_on=1500)

    verdict = judge(exam(), candidate=candidate, champion=champion, limits=limits(max_changed=0.01))

    assert verdict.reasons == []
    assert "changed decisions are not judged: there are 1,500 training tweets" in verdict.figures["notes"][-1]
    assert verdict.figures["vs_champion"]["changed"] == 0.2


# Shares of yes


@pytest.mark.parametrize(("found", "plausible"), [(0, False), (49, False), (50, True), (100, True)])
def test_a_model_that_says_yes_too_rarely_is_no_first_model(found: int, plausible: bool) -> None:
    verdict = judge(exam(), candidate=model(found), limits=limits(max_share_ratio=2.0))

    assert (verdict.reasons == []) is plausible


def test_a_model_that_says_yes_too_often_is_no_first_model() -> None:
    asked = EvaluationSet([Row(f"tweet {place}", place < 20) for place in range(100)], [], [])
    tight = limits(max_share_ratio=2.0)

    assert judge(asked, candidate=ModelPredictions(right(100, 40), [], [], 0.5, 1000), limits=tight).reasons == []
    assert judge(asked, candidate=ModelPredictions(right(100, 41), [], [], 0.5, 1000), limits=tight).reasons != []


def test_a_model_that_always_says_yes_is_no_first_model() -> None:
    [reason] = judge(exam(), candidate=model(threshold=0.01), limits=OPEN).reasons

    assert reason.startswith("the candidate says yes to 100.00% of 200 held-out tweets, people to 50.00%")


def test_as_often_as_the_champion_is_plausible() -> None:
    assert reasons(model(20), model(20), limits(max_share_ratio=2.0)) == []
    assert reasons(model(9), model(20), limits(max_share_ratio=2.0)) != []


# The baseline


def test_small_losses_do_not_add_up() -> None:
    baseline, champion, candidate = model(100, version=1), model(98, version=2), model(97)
    rules = limits(max_drop=0.02, max_drop_from_baseline=0.01)
    assert reasons(candidate, champion, limits(max_drop=0.02)) == []

    found = reasons(candidate, champion, rules, baseline=baseline)

    assert found[0] == (
        "F1 on 200 held-out tweets of corpora falls from the baseline's 1.0000 to 0.9848, by more than 0.01"
    )
    assert reasons(candidate, champion, limits(max_drop_from_baseline=0.02), baseline=baseline) == []


def test_lost_checks_do_not_add_up() -> None:
    baseline, champion = model(failed=0, version=1), model(failed=4, version=2)

    [reason] = reasons(model(failed=6), champion, limits(max_checks_lost=4), baseline=baseline)

    assert "than by the baseline, version 1, of jokes (6 of 12, not 12)" in reason


def test_false_positives_do_not_add_up() -> None:
    baseline, champion, candidate = named(0), named(3), named(6)
    tight = limits(max_false_positive_rise=0.05)

    [reason] = judge(naming(), candidate=candidate, champion=champion, baseline=baseline, limits=tight).reasons

    assert "rises from the baseline's 0.0000 to 0.1200" in reason


def test_an_baseline_that_was_outgrown_is_named() -> None:
    def notes(trained_on: int) -> list[str]:
        baseline, sheet = model(version=1, trained_on=1000), model(trained_on=trained_on)
        figures = judge(exam(), candidate=sheet, champion=sheet, baseline=baseline, limits=OPEN).figures
        return list(figures["notes"][1:])

    assert notes(1499) == []
    assert "the baseline, version 1, had 1,000 training tweets, now there are 1,500" in notes(1500)[0]


def test_what_is_lost_from_a_champion_that_is_the_baseline_is_said_once() -> None:
    champion = model(failed=0)

    assert len(reasons(model(failed=6), champion, limits(max_checks_lost=4), baseline=champion)) == 1


# What is kept


def test_figures_and_limits_are_json() -> None:
    verdict = judge(
        exam(reviews=40),
        candidate=model(90, reviews=right(40, 20)),
        champion=model(95, reviews=right(40, 20)),
        baseline=model(100, reviews=right(40, 20), version=1),
        limits=Limits(),
    )

    figures = verdict.figures
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert (figures["candidate"]["recall"], figures["champion"]["recall"], figures["baseline"]["recall"]) == (
        0.9,
        0.95,
        1,
    )
    assert figures["rows"] == {"corpora": 200, "reviews": 40, "checks": 24, "everyday": 0}
    assert figures["limits"]["max_drop"] == 0.02
    f1 = figures["vs_champion"]["corpora"]["f1"]
    assert f1["low"] < f1["difference"] == round(f1["new"] - f1["old"], 4) < 0
    assert figures["vs_baseline"]["version"] == 1


def test_of_many_rows_a_sample_that_stays_is_asked() -> None:
    many = [Row(f"tweet {place}", False) for place in range(MOST_ROWS + 100)]

    first, second = EvaluationSet.of(many, [], []), EvaluationSet.of([*reversed(many), Row("one more", True)], [], [])

    assert len(first.corpus_holdout) == len(second.corpus_holdout) == MOST_ROWS
    assert len(set(first.corpus_holdout) ^ set(second.corpus_holdout)) <= 2


def test_without_rows_there_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="no held-out tweets"):
        judge(EvaluationSet([], [], []), candidate=ModelPredictions([], [], [], 0.5, 0), limits=Limits())


def other(found: int, missed: float = 0.1) -> Answers:
    """Of another label, which every second of 400 tweets has: so many are found, the others get the score `missed`."""
    scores = [(0.9 if place < 2 * found else missed) if place % 2 == 0 else 0.1 for place in range(400)]
    return Answers(scores, 0.5)


@pytest.mark.parametrize(
    ("candidate", "fallen"),
    [(other(200), []), (other(197), []), (other(180), ["F1", "PR-AUC"]), (other(150, missed=0.4), ["F1"])],
    ids=["the same", "nearly the same", "worse", "in the same order, with another threshold"],
)
def test_another_label_may_not_fall_either(candidate: Answers, fallen: list[str]) -> None:
    asked = replace(exam(), other_labels={"toxic": [Row(f"tweet {place}", place % 2 == 0) for place in range(400)]})
    champion = replace(model(), other_labels={"toxic": other(200)})

    verdict = judge(
        asked,
        candidate=replace(model(), other_labels={"toxic": candidate}),
        champion=champion,
        baseline=replace(champion, version=6),
        limits=Limits(),
    )

    # Against the champion, and against the baseline.
    assert [reason.split(" of toxic on 400 ")[0] for reason in verdict.reasons] == fallen * 2


def test_a_label_that_few_tweets_have_is_not_judged() -> None:
    asked = replace(exam(), other_labels={"toxic": [Row(f"tweet {place}", place < 29) for place in range(400)]})
    champion = replace(model(), other_labels={"toxic": Answers([0.9] * 29 + [0.1] * 371, 0.5)})
    candidate = replace(model(), other_labels={"toxic": Answers([0.1] * 400, 0.5)})

    assert judge(asked, candidate=candidate, champion=champion, limits=Limits()).reasons == []


def test_a_rare_label_is_not_judged_by_where_its_threshold_fell() -> None:
    """As `severe_toxic` in the starter corpus: the same scores, a threshold a little lower, ten more wrong answers."""
    scores = [0.9] * 40 + [0.5] * 10 + [0.1] * 1950
    asked = replace(exam(), other_labels={"rare": [Row(f"tweet {place}", place < 40) for place in range(2000)]})
    champion = replace(model(), other_labels={"rare": Answers(scores, 0.6)})
    candidate = replace(model(), other_labels={"rare": Answers(scores, 0.4)})

    verdict = judge(asked, candidate=candidate, champion=champion, baseline=champion, limits=Limits())

    change = verdict.figures["vs_champion"]["other_labels"]["rare"]["f1"]
    assert change["difference"] < -0.02
    assert change["high"] < 0
    assert verdict.reasons == []
    assert [note for note in verdict.figures["notes"] if note.startswith("of rare, F1 is not judged: only 40")]


def test_the_ranking_of_a_rare_label_may_not_fall() -> None:
    asked = replace(exam(), other_labels={"rare": [Row(f"tweet {place}", place < 45) for place in range(2000)]})
    champion = replace(model(), other_labels={"rare": Answers([0.9] * 45 + [0.1] * 1955, 0.5)})
    candidate = replace(model(), other_labels={"rare": Answers([0.9] * 25 + [0.1] * 1975, 0.5)})

    [reason] = judge(asked, candidate=candidate, champion=champion, limits=Limits()).reasons

    assert reason.startswith("PR-AUC of rare on 2000 held-out tweets")


def test_a_label_that_only_one_of_them_knows_is_not_compared() -> None:
    asked = replace(exam(), other_labels={"toxic": [Row("tweet", True)]})
    champion = replace(model(), other_labels={"toxic": Answers([0.9], 0.5)})

    assert judge(asked, candidate=model(), champion=champion, limits=Limits()).reasons == []


# Held-out reviews of one source


def reviewed(source: str, number: int) -> list[Row]:
    return [Row(f"{source} {place}", place % 2 == 0, source) for place in range(number)]


def judged_on(reviews: list[Row], wrong: str, taught_by: set[str]) -> Verdict:
    """A candidate that answers the reviews of one source, or of all, the wrong way round."""
    exam = EvaluationSet(rows(200), reviews, [], taught_by=frozenset(taught_by))
    right = [float(row.answer) for row in exam.corpus_holdout]
    before = ModelPredictions(right, [float(row.answer) for row in reviews], [], 0.5, 100, 1)
    turned = [float(row.answer != (wrong in (row.source, "all"))) for row in reviews]
    candidate = replace(before, reviews=turned, version=None)
    return judge(exam, candidate=candidate, champion=before, baseline=before, limits=limits(max_drop_on_reviews=0.1))


def test_one_source_vetoes_nobody_elses_labels() -> None:
    found = judged_on(reviewed("key:1", 41) + reviewed("key:2", 600), wrong="key:2", taught_by={"key:1"})

    assert found.reasons == []
    assert any("key:2" in note and "only held-out reviews of one source" in note for note in found.figures["notes"])


def test_all_sources_together_do() -> None:
    found = judged_on(reviewed("key:1", 41) + reviewed("key:2", 600), wrong="all", taught_by={"key:1"})

    assert any("held-out reviews falls" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("taught_by", "rejected"), [({"key:2"}, True), ({"key:1"}, False), ({"key:1", "key:2"}, False)]
)
def test_a_source_alone_may_speak_against_its_own_labels(taught_by: set[str], rejected: bool) -> None:
    found = judged_on(reviewed("key:2", 60), wrong="key:2", taught_by=taught_by)

    assert bool(found.reasons) == rejected
