"""`finetune`: the encoder's weights, from the corpora that the base model learns from."""

import argparse
from pathlib import Path
from typing import Any

from hate_speech_ai.cli import terminal
from hate_speech_ai.cli.arguments import DATA, UsageError, at_least
from hate_speech_ai.cli.base import load_base_corpora

_NEEDS = ("torch", "transformers", "tokenizers", "onnx", "onnxruntime")


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "finetune",
        help="fine-tune the encoder again",
        description="Fine-tune the encoder on the starter corpus and the corpora of the base model, and write it as "
        "int8 ONNX. It can be stopped, and goes on from its last checkpoint. Needs requirements-finetune.txt.",
    )
    parser.add_argument("folder", type=Path, help="has a folder for each corpus, by its name in docs/corpora.md")
    parser.add_argument(
        "--from", dest="base", type=Path, required=True, metavar="FOLDER", help="the model to begin with: a BERT"
    )
    parser.add_argument("--output", type=Path, default=DATA / "encoder", metavar="FOLDER", help="(data/encoder)")
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("encoder.checkpoint"), metavar="FILE", help="where work is kept"
    )
    parser.add_argument("--epochs", type=at_least(1), default=1, metavar="N", help="how often each text is read (1)")
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="N")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    try:
        from tokenizers import Tokenizer

        from hate_speech_ai.encoder.finetuning.export import export
        from hate_speech_ai.encoder.finetuning.loop import OtherRun, finetune
        from hate_speech_ai.encoder.finetuning.network import Encoder
        from hate_speech_ai.encoder.finetuning.recipe import Recipe
        from hate_speech_ai.encoder.finetuning.rows import encode
    except ImportError as error:
        raise UsageError(
            f"{error.name} is missing: fine-tuning needs pip install -r requirements-finetune.txt"
        ) from error
    from hate_speech_ai.corpora.dataset import data_fingerprint

    tokenizer_file = options.base / "tokenizer.json"
    if missing := [
        name for name in ("config.json", "model.safetensors", "tokenizer.json") if not (options.base / name).is_file()
    ]:
        raise UsageError(f"--from: there is no {', '.join(missing)} in {options.base}")
    recipe = Recipe(epochs=options.epochs, seed=options.seed)
    with terminal.progress() as tell:
        examples = load_base_corpora(options.folder, tell).training
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
        tokenizer.no_padding()
        tokenizer.no_truncation()  # the recipe says how much of a text is read
        corpora = sorted({example.source for example in examples})
        tell("cutting the texts into word pieces", None)
        texts = encode(examples, tokenizer, recipe, corpora)
        try:
            classifier = finetune(
                Encoder.from_folder(options.base),
                texts,
                recipe,
                corpora=len(corpora),
                checkpoint=options.checkpoint,
                rows_sha256=data_fingerprint(examples),
                report=lambda done, steps, loss: tell(f"step {done:,} of {steps:,}, loss {loss:.3f}", done / steps),
            )
        except OtherRun as error:
            raise UsageError(f"--checkpoint: {error}") from error
    size = export(classifier.encoder, tokenizer, options.output)
    terminal.write_line(f"{options.output}: {size:,} bytes, fine-tuned on {len(texts):,} texts")
