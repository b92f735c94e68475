"""hate_speech_ai.evaluation.bias: figures of the tweets that name a group, checked by hand."""

import pytest

from hate_speech_ai.evaluation.bias import MIN_ROWS, Bias, measure_bias, naming
from hate_speech_ai.text import tokenize
from hate_speech_ai.text.identity_terms import GROUPS

N = MIN_ROWS


def bias_of(group: str, rows: list[tuple[str, float, bool]], threshold: float = 0.5) -> Bias:
    """`rows`: tweet, score, answer; each stands for `MIN_ROWS` alike."""
    repeated = [row for row in rows for _ in range(N)]
    figures = measure_bias(
        [tweet for tweet, _, _ in repeated],
        [score for _, score, _ in repeated],
        [answer for _, _, answer in repeated],
        threshold,
    )
    return {bias.group: bias for bias in figures}[group]


def test_it_works() -> None:
    bias = bias_of(
        "Muslim",
        [
            ("muslims are vermin", 0.9, True),
            ("my muslim neighbour", 0.7, False),
            ("what vermin they are", 0.6, True),
            ("a lovely day", 0.1, False),
        ],
    )

    assert (bias.rows, bias.positives) == (2 * N, N)
    assert bias.subgroup_auc == 1.0  # 0.9 above 0.7
    assert bias.bpsn_auc == 0.0  # 0.6, a yes without the word, is below 0.7, a no with it: the word counts against it
    assert bias.bnsp_auc == 1.0  # 0.9 above 0.1
    assert (bias.false_positive_rate, bias.false_positive_rate_of_rest) == (1.0, 0.0)


def test_equal_scores_count_half() -> None:
    bias = bias_of("gay", [("gay and proud", 0.5, False), ("those gays", 0.5, True)])

    assert bias.subgroup_auc == 0.5


def test_too_few_tweets_of_a_class_give_no_figure() -> None:
    rows = [("women are vermin", 0.9, True)] * N + [("two women", 0.2, False)] * (N - 1)
    tweets, scores, truth = (list(column) for column in zip(*rows, strict=True))

    women = next(bias for bias in measure_bias(tweets, scores, truth, 0.5) if bias.group == "women")

    assert (women.rows, women.positives) == (2 * N - 1, N)
    assert (women.subgroup_auc, women.bpsn_auc, women.bnsp_auc) == (None, None, None)
    assert women.false_positive_rate is None


def test_every_group_is_listed_also_where_nobody_names_it() -> None:
    assert [bias.group for bias in measure_bias(["hello"], [0.1], [False], 0.5)] == list(GROUPS)


def test_tweets_scores_and_answers_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="2 tweets, 1 scores"):
        measure_bias(["a", "b"], [0.1], [True], 0.5)


@pytest.mark.parametrize(
    ("tweet", "groups"),
    [
        ("The manager drove to Manchester", set()),
        ("Jewish women", {"Jewish", "women"}),
        ("those m u s l i m s", {"Muslim"}),
        ("#BlackLivesMatter", {"Black"}),
        ("trans rights are human rights", {"trans"}),
    ],
)
def test_whom_a_tweet_names(tweet: str, groups: set[str]) -> None:
    assert naming(tweet) == groups


@pytest.mark.parametrize("group", GROUPS)
def test_every_word_is_found_as_it_is_read(group: str) -> None:
    assert [word for word in GROUPS[group] if tokenize(word) != [word]] == []
