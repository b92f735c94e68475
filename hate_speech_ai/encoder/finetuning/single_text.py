"""A graph for one text a run, without what only several texts of different lengths need."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

_MASK = "attention_mask"
#: onnxruntime's own operators.
_DOMAIN = "com.microsoft"


class OtherGraph(ValueError):
    """The exporter writes a graph that is not known here."""


def for_one_text(model: onnx.ModelProto, heads: int) -> None:
    """Take the mask, and all that counts texts, out of a BERT as `torch.onnx.export` writes it.

    A run reads one text, so nothing is padded: the mask adds zero, the mean is over all pieces, and the attention of a
    layer is one operator, which moves no numbers about between its steps.

    Args:
        heads: of the attention in a layer.

    Raises:
        OtherGraph: something of it is left.
    """
    graph = _Graph(model.graph)
    for node in list(model.graph.node):
        if node.op_type == "Softmax":
            graph.join_attention(node, heads)
        elif node.op_type == "Gather" and "token_type" in node.input[0]:
            first = numpy_helper.from_array(np.zeros((1, 1), np.int64), f"{node.output[0]}_first")
            model.graph.initializer.append(first)
            node.input[1] = first.name
        elif node.op_type == "Div" and node.output[0] == model.graph.output[0].name:
            graph.take_mean(node)
    graph.prune()
    model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
    if any(one.name == _MASK for one in model.graph.input):
        raise OtherGraph("the exported graph needs its mask: for_one_text does not know it")


class _Graph:
    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.made_by = {name: node for node in graph.node for name in node.output}
        self.users = {name: node for node in graph.node for name in node.input}

    def join_attention(self, softmax: onnx.NodeProto, heads: int) -> None:
        """Make one operator of a layer's attention: all from its queries, keys and values to what is said of them."""
        masked = self._maker(softmax.input[0], "Add")
        [scaled] = [self.made_by[name] for name in masked.input if self._is_made_by(name, "Mul")]
        scores = self._maker(scaled.input[0], "MatMul")
        said = self.users[softmax.output[0]]
        result = self.users[self.users[said.output[0]].output[0]]
        given = [self._undivided(name) for name in (*scores.input, said.input[1])]
        result.CopyFrom(
            helper.make_node(
                "MultiHeadAttention", given, [*result.output], name=result.name, domain=_DOMAIN, num_heads=heads
            )
        )

    def take_mean(self, node: onnx.NodeProto) -> None:
        """Take the mean of all pieces in the place of the masked sum over the sum of the mask."""
        masked = self._maker(self._maker(node.input[0], "ReduceSum").input[0], "Mul")
        node.CopyFrom(helper.make_node("ReduceMean", [masked.input[0]], [*node.output], axes=[1], keepdims=0))

    def prune(self) -> None:
        """Drop what no output needs."""
        needed = {one.name for one in self.graph.output}
        kept = []
        for node in reversed(self.graph.node):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        _keep(self.graph.node, kept[::-1])
        for entries in (self.graph.initializer, self.graph.input):
            _keep(entries, [one for one in entries if one.name in needed])

    def _undivided(self, name: str) -> str:
        """Return what was divided among the heads."""
        return str(self._maker(self._maker(name, "Transpose").input[0], "Reshape").input[0])

    def _maker(self, name: str, kind: str) -> onnx.NodeProto:
        if not self._is_made_by(name, kind):
            raise OtherGraph(f"the exported graph has no {kind} where it makes {name}: for_one_text does not know it")
        return self.made_by[name]

    def _is_made_by(self, name: str, kind: str) -> bool:
        return name in self.made_by and self.made_by[name].op_type == kind


def _keep(entries: Any, kept: Sequence[Any]) -> None:
    copies = [type(one).FromString(one.SerializeToString()) for one in kept]
    del entries[:]
    entries.extend(copies)
