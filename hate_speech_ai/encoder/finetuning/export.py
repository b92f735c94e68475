"""From a fine-tuned encoder to the folder that is served."""

import tempfile
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

from hate_speech_ai.encoder.finetuning.network import Encoder
from hate_speech_ai.encoder.finetuning.single_text import for_one_text

_OPSET = 17
MODEL, TOKENIZER = "model.onnx", "tokenizer.json"


def export(encoder: Encoder, tokenizer: Tokenizer, folder: Path) -> int:
    """Write `model.onnx`, with int8 weights, and `tokenizer.json` into a folder.

    Returns:
        The size of the model in bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        full, small = Path(scratch, "full.onnx"), Path(scratch, MODEL)
        write_float32(encoder, full)
        quantize_dynamic(full, small, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
        model = onnx.load(small)
        for_one_text(model, heads=encoder.bert.config.num_attention_heads)
        onnx.save(model, folder / MODEL)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / TOKENIZER), pretty=False)
    return (folder / MODEL).stat().st_size


def write_float32(encoder: Encoder, path: Path) -> None:
    """Write the encoder as it is: what the small one is compared with."""
    encoder.bert.set_attn_implementation("eager")  # plain operations, which quantize well
    example = torch.tensor([[2, 1, 3]]), torch.ones((1, 3), dtype=torch.int64)
    torch.onnx.export(
        encoder.cpu().eval(),
        example,
        str(path),
        opset_version=_OPSET,
        input_names=["input_ids", "attention_mask"],
        output_names=["embedding"],
        dynamic_axes={
            "input_ids": {0: "texts", 1: "pieces"},
            "attention_mask": {0: "texts", 1: "pieces"},
            "embedding": {0: "texts"},
        },
        dynamo=False,
    )
