"""An ONNX graph under construction, for ONNX Runtime: nodes, and the weights that they use.

The fused operators: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .tensor_files import StoredTensor

FUSED = "com.microsoft"
OPERATORS = ((17, ""), (1, FUSED))  # versions; ONNX's of 2022
IS_FUSED = ("EmbedLayerNormalization", "MultiHeadAttention", "SkipLayerNormalization", "BiasGelu", "FastGelu",
            "DynamicQuantizeMatMul")  # fmt: skip
WITH_MASK = ("EmbedLayerNormalization",)  # has a second output, which must be named although nothing uses it

Weight = np.ndarray | StoredTensor


@dataclass
class Graph:
    """A graph under construction: its nodes, and the weights that they use, by name.

    ``int8``: the products of the layers are computed with 8-bit integers, see ``quantized``.
    """

    int8: bool = False
    nodes: list = field(default_factory=list)
    weights: dict[str, Weight] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)  # of the weights, by their id

    def add(self, operator: str, *inputs: str | Weight, name: str | None = None, **attributes) -> str:
        """Add a node, and return the name of its first output. An input is an output's name, or a weight itself."""
        output = name or f"{operator}_{len(self.nodes)}"
        names = [each if isinstance(each, str) else self._weight(each) for each in inputs]
        outputs = [output, f"{output}_mask"] if operator in WITH_MASK else [output]
        domain = FUSED if operator in IS_FUSED else ""
        self.nodes.append(helper.make_node(operator, names, outputs, output, domain=domain, **attributes))
        return output

    def product(self, x: str, weight: StoredTensor) -> str:
        """Add the product with a dense layer's weights."""
        if self.int8:
            return self.add("DynamicQuantizeMatMul", x, *quantized(weight.values))
        return self.add("MatMul", x, weight)

    def _weight(self, weight: Weight) -> str:
        """Return the name of a weight; the same one gets one name, however often it is used."""
        name = self.names.setdefault(id(weight), f"weight_{len(self.names)}")
        self.weights[name] = weight
        return name

    def proto(self, inputs: Sequence[str], outputs: Mapping[str, list[str | int]]) -> bytes:
        """Return the graph in ONNX's format. ``inputs``: int32 [batch, length] each.  outputs : the sizes of each.

        Stored weights are named by their file, which is expected in the folder given to ONNX Runtime.
        """
        given = [
            helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", "length"]) for name in inputs
        ]
        results = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in outputs.items()
        ]
        weights = [_described(name, weight) for name, weight in self.weights.items()]
        graph = helper.make_graph(self.nodes, "classifier", given, results, weights)
        versions = [helper.make_opsetid(domain, version) for version, domain in OPERATORS]
        return helper.make_model(graph, opset_imports=versions, ir_version=8).SerializeToString()


def quantized(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights as int8 [n_in, n_out], and the scale, float32 [n_out], and zero, int8 [n_out], of each column.

    Each column's largest weight becomes 127. Activations are quantised by ONNX Runtime, per batch.
    """
    scales = np.maximum(np.abs(weights).max(axis=0) / 127, np.finfo(np.float32).tiny).astype(np.float32)
    return np.rint(weights / scales).astype(np.int8), scales, np.zeros(len(scales), np.int8)


def _described(name: str, weight: Weight) -> TensorProto:
    if isinstance(weight, np.ndarray):
        return numpy_helper.from_array(weight, name)
    kind, shape, size = TensorProto.FLOAT, weight.values.shape, weight.values.nbytes
    tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", weight.path.name), ("offset", weight.start), ("length", size)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
