"""`explain`: the words that a model's answer comes from."""

import argparse
import math
from typing import Any

from rich.text import Text

from hate_speech_ai.cli import terminal
from hate_speech_ai.cli.arguments import readable
from hate_speech_ai.cli.model_files import add_model, labels_of, load_model
from hate_speech_ai.explain import Explanation, explain
from hate_speech_ai.labels import HATE_SPEECH


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "explain", help="the words that an answer comes from", description="Show the words that an answer comes from."
    )
    parser.add_argument("tweet", metavar="TWEET")
    add_model(parser)
    parser.add_argument("--label", metavar="LABEL", help=f"of the model ({HATE_SPEECH})")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    model = load_model(options.model, encoder=options.encoder)
    (label,) = labels_of(model, [options.label] if options.label else None, default=[HATE_SPEECH])
    tweet = readable(options.tweet)
    explanation = explain(model.scorer, tweet, label)
    threshold = model.thresholds[label]
    probability = model.scorer.score(tweet, (label,)).probabilities[label]
    if options.json:
        terminal.write_json(_document(explanation, tweet, probability, threshold), indent=2)
    else:
        _show(explanation, tweet, probability, threshold)


def _document(explanation: Explanation, tweet: str, probability: float, threshold: float) -> dict[str, Any]:
    """With the names that POST /predict gives them."""
    return {
        "tweet": tweet,
        "label": explanation.label,
        "decision": probability >= threshold,
        "probability": probability,
        "threshold": threshold,
        "logit": explanation.logit,
        "intercept": explanation.intercept,
        **({} if explanation.encoder is None else {"encoder": explanation.encoder}),
        "tokens": [
            {"word": one.word, "begin": one.begin, "end": one.end, "contribution": one.value, "known": one.known}
            for one in explanation.contributions
        ],
        "counterfactual_tokens": explanation.counterfactual_tokens,
    }


def _show(explanation: Explanation, tweet: str, probability: float, threshold: float) -> None:
    console = terminal.console()
    console.print(terminal.highlighted(tweet, explanation.contributions))
    table = terminal.table("", "in the tweet", "read as", "begin", "end", "contribution", "known")
    for place, one in enumerate(explanation.contributions):
        colour = terminal.FOR if one.value > 0 else terminal.AGAINST
        table.add_row(
            Text(
                terminal.visible(tweet[one.begin : one.end]),
                style="bold" if place in explanation.counterfactual_tokens else "",
            ),
            Text(terminal.visible(one.word)),
            str(one.begin),
            str(one.end),
            Text(f"{one.value:+.4f}", style=colour if one.value else ""),
            "yes" if one.known else "no",
        )
    console.print(table)
    total = math.fsum(one.value for one in explanation.contributions)
    decision, opposite = ("yes", "no") if probability >= threshold else ("no", "yes")
    console.print(f"intercept     {explanation.intercept:+.4f}")
    if explanation.encoder is not None:
        console.print(f"of the words  {total - explanation.encoder:+.4f}")
        console.print(f"of the encoder {explanation.encoder:+.4f}, divided by leaving each word out")
    else:
        console.print(f"words         {total:+.4f}")
    console.print(f"logit         {explanation.logit:+.4f}")
    console.print(f"probability   {probability:.4f}, yes from {threshold:.4f} on")
    console.print(f"{explanation.label}: {decision}", style="bold")
    if explanation.counterfactual_tokens:
        words = [
            tweet[one.begin : one.end]
            for one in map(explanation.contributions.__getitem__, explanation.counterfactual_tokens)
        ]
        console.print(Text(terminal.visible(f"without {', '.join(words)}: {opposite}")))
    else:
        console.print(f"no words were found without which it would be {opposite}")
