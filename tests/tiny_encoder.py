"""A random encoder of a few kilobytes, so that tests cover what an encoder does without one that knows anything.

`tests/tiny_encoder/` was made by `python -m tests.tiny_encoder` with the package onnx 1.23 and onnxruntime's
`quantize_dynamic`, as the real one. It has two layers: a convolution over three tokens, so that their order counts, and
a dense one. A text's vector is the mean of its tokens'.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

TINY_ENCODER = Path(__file__).parent / "tiny_encoder"

_WIDTH = 16
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789'@_.,!?\"-"
_WORDS = ("the", "a", "i", "you", "they", "are", "is", "not", "never", "all", "of", "to", "and", "day", "love", "hate")


def main() -> None:
    """Make the folder again."""
    TINY_ENCODER.mkdir(exist_ok=True)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *_WORDS, *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]
    names = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    _write_tokenizer(TINY_ENCODER / "tokenizer.json", names)
    _write_model(TINY_ENCODER / "model.onnx", len(names))


def _write_tokenizer(path: Path, names: dict[str, int]) -> None:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece(names, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", names["[SEP]"]), ("[CLS]", names["[CLS]"]))
    tokenizer.decoder = decoders.WordPiece()
    path.write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


def _write_model(path: Path, size: int) -> None:
    from onnx import TensorProto, helper, numpy_helper, save
    from onnxruntime.quantization import QuantType, quantize_dynamic

    chance = np.random.default_rng(0)

    def weights(name: str, *shape: int) -> Any:
        return numpy_helper.from_array(chance.normal(0, shape[-2] ** -0.5, shape).astype(np.float32), name)

    def ints(name: str, *values: int) -> Any:
        return numpy_helper.from_array(np.array(values, np.int64), name)

    nodes = [
        ("Gather", ["table", "input_ids"], ["words"]),
        ("Cast", ["attention_mask"], ["mask"]),
        ("Unsqueeze", ["mask", "last"], ["column"]),
        ("Mul", ["words", "column"], ["masked"]),
        ("Pad", ["masked", "around"], ["padded"]),
        ("Slice", ["padded", "zero", "minus_two", "one"], ["before"]),
        ("Slice", ["padded", "two", "end", "one"], ["after"]),
        ("Concat", ["before", "masked", "after"], ["three"]),
        ("MatMul", ["three", "first"], ["mixed"]),
        ("Tanh", ["mixed"], ["hidden"]),
        ("MatMul", ["hidden", "second"], ["dense"]),
        ("Tanh", ["dense"], ["out"]),
        ("Mul", ["out", "column"], ["counted"]),
        ("ReduceSum", ["counted", "one"], ["sum"]),
        ("ReduceSum", ["column", "one"], ["count"]),
        ("Div", ["sum", "count"], ["embedding"]),
    ]
    options: dict[str, dict[str, Any]] = {
        "Cast": {"to": TensorProto.FLOAT},
        "Concat": {"axis": 2},
        "ReduceSum": {"keepdims": 0},
    }
    graph = helper.make_graph(
        [helper.make_node(kind, given, found, **options.get(kind, {})) for kind, given, found in nodes],
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "t"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", _WIDTH])],
        [
            numpy_helper.from_array(chance.normal(0, 1, (size, _WIDTH)).astype(np.float32), "table"),
            weights("first", 3 * _WIDTH, _WIDTH),
            weights("second", _WIDTH, _WIDTH),
            ints("around", 0, 1, 0, 0, 1, 0),
            ints("last", -1),
            ints("zero", 0),
            ints("one", 1),
            ints("two", 2),
            ints("minus_two", -2),
            ints("end", 1_000_000),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    whole = path.with_suffix(".float32")
    save(model, whole)
    quantize_dynamic(whole, path, per_channel=True, weight_type=QuantType.QInt8)
    whole.unlink()


if __name__ == "__main__":
    main()
