"""Fine-tuning, on an encoder so small that it learns in seconds. What it needs is not among the test requirements."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="fine-tuning needs requirements-finetune.txt")
transformers = pytest.importorskip("transformers", reason="fine-tuning needs requirements-finetune.txt")

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from tokenizers.models import WordLevel  # noqa: E402
from tokenizers.pre_tokenizers import Whitespace  # noqa: E402
from tokenizers.processors import TemplateProcessing  # noqa: E402

from hate_speech_ai.encoder.finetuning.export import export, write_float32  # noqa: E402
from hate_speech_ai.encoder.finetuning.loop import OtherRun, finetune  # noqa: E402
from hate_speech_ai.encoder.finetuning.network import Classifier, Encoder, padded  # noqa: E402
from hate_speech_ai.encoder.finetuning.recipe import Recipe  # noqa: E402
from hate_speech_ai.encoder.finetuning.rows import EncodedText, encode  # noqa: E402
from hate_speech_ai.encoder.unseen import is_unseen  # noqa: E402
from hate_speech_ai.text import fingerprint  # noqa: E402
from hate_speech_ai.training.examples import Example  # noqa: E402

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "vermin", "friends", "those", "people", "are", "all", "here", "now"]
RECIPE = Recipe(batch=8, rate=3e-3, head_rate=3e-2, warm_up=5, misspelt=0.0, epochs=6)


class Stopped(Exception):
    """What a run is interrupted with."""


def tokenizer() -> Tokenizer:
    made = Tokenizer(WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return made


def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder.random(
        transformers.BertConfig(
            vocab_size=len(WORDS),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
        )
    )


def examples() -> list[Example]:
    found = []
    for count in range(1, 41):
        filler = " ".join(["here now all"[: 4 + count % 3 * 4].strip()] * (count // 8 + 1))
        for word in ("vermin", "friends"):
            tweet = f"those people are {word} {filler} {'now ' * (count % 8)}"
            found.append(Example(tweet, {"hate_speech": word == "vermin"}, source="starter"))
    return found


def texts() -> list[EncodedText]:
    return encode(examples(), tokenizer(), RECIPE, ["starter"])


def logits(classifier: Classifier, rows: list[EncodedText]) -> list[float]:
    with torch.no_grad():
        return [float(value) for value in classifier.head(classifier.encoder(*padded(rows, torch.device("cpu"))))[:, 0]]


def test_it_learns_what_the_examples_say(tmp_path: Path) -> None:
    rows = texts()
    classifier = finetune(encoder(), rows, RECIPE, corpora=1, checkpoint=tmp_path / "run.pt")

    said = logits(classifier, rows)

    assert all((value > 0) == (row.answers[0] == 1) for value, row in zip(said, rows, strict=True))


def test_texts_kept_for_calibration_are_not_learned_from() -> None:
    rows = examples()
    unseen = sum(is_unseen(fingerprint(one.tweet)) for one in rows)

    assert 0 < unseen < len(rows)
    assert len(texts()) == len(rows) - unseen


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    def stop(done: int, steps: int, loss: float) -> None:
        if done == 20:
            raise Stopped

    rows, run = texts(), tmp_path / "run.pt"
    whole = finetune(encoder(), rows, RECIPE, corpora=1, checkpoint=tmp_path / "whole.pt")
    with pytest.raises(Stopped):
        finetune(encoder(), rows, RECIPE, corpora=1, checkpoint=run, every=10, report=stop)

    taken_up = finetune(encoder(), rows, RECIPE, corpora=1, checkpoint=run, every=10)

    assert logits(taken_up, rows) == pytest.approx(logits(whole, rows), abs=1e-5)


def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    rows = texts()
    finetune(encoder(), rows[:8], RECIPE, corpora=1, checkpoint=tmp_path / "run.pt")

    with pytest.raises(OtherRun, match="texts"):
        finetune(encoder(), rows, RECIPE, corpora=1, checkpoint=tmp_path / "run.pt")
    other = dataclasses.replace(RECIPE, rate=1e-3)
    with pytest.raises(OtherRun, match="recipe"):
        finetune(encoder(), rows[:8], other, corpora=1, checkpoint=tmp_path / "run.pt")


def test_the_export_says_what_the_encoder_says(tmp_path: Path) -> None:
    made, rows = encoder().eval(), texts()[:5]
    ids, mask = padded(rows, torch.device("cpu"))
    with torch.no_grad():
        expected = made(ids, mask).numpy()

    write_float32(made, tmp_path / "full.onnx")
    size = export(made, tokenizer(), tmp_path / "encoder")

    def said(path: Path, **given: Any) -> np.ndarray:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        [embeddings] = session.run(["embedding"], {name: value.numpy() for name, value in given.items()})
        return np.asarray(embeddings)

    small = tmp_path / "encoder" / "model.onnx"
    assert said(tmp_path / "full.onnx", input_ids=ids, attention_mask=mask) == pytest.approx(expected, abs=1e-4)
    for row, one in enumerate(rows):
        alone = said(small, input_ids=torch.tensor([one.ids]))
        assert alone == pytest.approx(expected[row : row + 1], abs=0.1)
    assert size == small.stat().st_size
