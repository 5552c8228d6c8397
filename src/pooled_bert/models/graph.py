"""The computation of a text classifier as an ONNX graph, made of ONNX Runtime's fused operators.

It computes what ``network.py`` computes in prediction, without TensorFlow. Nothing is converted: the graph is written
from the encoder's config.json, within milliseconds, and the weights stay in their files.

The fused operators: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from ..benchmarks.targets import Target
from .families import FAMILIES
from .tensor_files import StoredTensor

FUSED = "com.microsoft"
OPERATORS = ((17, ""), (1, FUSED))  # versions; ONNX's of 2022
PROBABILITIES, ATTENTION = "probabilities", "attention"  # the outputs
INPUTS = ("input_ids", "token_type_ids", "attention_mask")
IS_FUSED = ("EmbedLayerNormalization", "MultiHeadAttention", "SkipLayerNormalization", "BiasGelu", "FastGelu",
            "DynamicQuantizeMatMul")  # fmt: skip

# name in config.json -> the operator, and whether it adds the bias itself
ACTIVATIONS = {"gelu": ("BiasGelu", True), "gelu_new": ("FastGelu", True), "relu": ("Relu", False)}


PARTNERS = {
    "kernel": "bias",
    "gamma": "beta",
}  # the ends of names of weights -> what has the size of their columns

Weight = np.ndarray | StoredTensor


@dataclass(frozen=True)
class Layout:
    """Names of a family's weights in the file of an encoder, and of its sizes in config.json.

    ``layer`` begins the names of a layer's weights; it is filled in with the number of the layer. ``projection``: from
    the width of the embeddings to that of the layers, where they differ.
    """

    layer: str = "encoder/layer_._{layer}"
    query: str = "attention/self/query"
    key: str = "attention/self/key"
    value: str = "attention/self/value"
    context: str = "attention/output/dense"
    context_norm: str = "attention/output/LayerNorm"
    up: str = "intermediate/dense"
    down: str = "output/dense"
    norm: str = "output/LayerNorm"
    projection: str = "embeddings_project"
    n_layers: str = "num_hidden_layers"
    n_heads: str = "num_attention_heads"
    activation: str = "hidden_act"


BERT = Layout()
LAYOUTS = {  # model_type in config.json -> layout
    "bert": BERT,
    "roberta": BERT,
    "xlm-roberta": BERT,
    "electra": BERT,
    "distilbert": Layout(
        layer="transformer/layer_._{layer}",
        query="attention/q_lin",
        key="attention/k_lin",
        value="attention/v_lin",
        context="attention/out_lin",
        context_norm="sa_layer_norm",
        up="ffn/lin1",
        down="ffn/lin2",
        norm="output_layer_norm",
        n_layers="n_layers",
        n_heads="n_heads",
        activation="activation",
    ),
    "albert": replace(
        BERT,
        layer="encoder/albert_layer_groups_._{group}/albert_layers_._{layer}",
        query="attention/query",
        key="attention/key",
        value="attention/value",
        context="attention/dense",
        context_norm="attention/LayerNorm",
        up="ffn",
        down="ffn_output",
        norm="full_layer_layer_norm",
        projection="encoder/embedding_hidden_mapping_in",
    ),
}


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

    def proto(self, outputs: Mapping[str, list[str | int]]) -> bytes:
        """Return the graph in ONNX's format. ``outputs``: the sizes of each, by name.

        Stored weights are named by their file, which is expected in the folder that ONNX Runtime is told.
        """
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", "length"]) for name in INPUTS
        ]
        results = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in outputs.items()
        ]
        weights = [_described(name, weight) for name, weight in self.weights.items()]
        graph = helper.make_graph(self.nodes, "classifier", inputs, results, weights)
        versions = [helper.make_opsetid(domain, version) for version, domain in OPERATORS]
        return helper.make_model(graph, opset_imports=versions, ir_version=8).SerializeToString()


def quantized(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights as int8 [n_in, n_out], and the scale, float32 [n_out], and zero, int8 [n_out], of each column.

    Each column's largest weight becomes 127. Activations are quantised by ONNX Runtime, per batch.
    """
    scales = np.maximum(np.abs(weights).max(axis=0) / 127, np.finfo(np.float32).tiny).astype(np.float32)
    return np.rint(weights / scales).astype(np.int8), scales, np.zeros(len(scales), np.int8)


WITH_MASK = ("EmbedLayerNormalization",)  # has a second output, which must be named although nothing uses it


def _described(name: str, weight: Weight) -> TensorProto:
    if isinstance(weight, np.ndarray):
        return numpy_helper.from_array(weight, name)
    kind, shape, size = TensorProto.FLOAT, weight.values.shape, weight.values.nbytes
    tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", weight.path.name), ("offset", weight.start), ("length", size)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def can_write(config: Mapping, head: Mapping) -> bool:
    """Return whether the graph of this encoder, its config.json, and head is known here."""
    layout = LAYOUTS.get(config.get("model_type", "bert"))
    return (
        head["architecture"] == "bert" and layout is not None and config.get(layout.activation) in ACTIVATIONS
    )


def write_graph(
    config: Mapping,
    head: Mapping,
    target: Target,
    encoder: Mapping[str, StoredTensor],
    top: Mapping[str, StoredTensor],
    *,
    int8: bool = False,
) -> Graph:
    """Return the graph from INPUTS, int32 [batch, length] each, to probabilities, float32 [batch, n_labels].

    With ``--pooling attention``, the weights of the attention are an output too, float32 [batch, length].  encoder,
    top : weights of the encoder, by their names in its file, and of what is above it, by those in head.safetensors.
    int8 : see Graph. Raises KeyError if there is no weight of a name.
    """
    tensors = {name.partition("/")[2].removesuffix(":0"): values for name, values in encoder.items()}
    _check_sizes(tensors)
    _check_sizes({"kernel": top["kernel"], "bias": top["bias"]})
    if "pooling_3" in top:
        _check_sizes({"kernel": top["pooling_2"], "bias": top["pooling_3"]})
    if len(top["bias"].values) != len(head["labels"]):
        raise ValueError(f"{len(top['bias'].values)} outputs, but {len(head['labels'])} labels")
    graph = Graph(int8)
    hidden = _encoder(graph, config, tensors)
    pooled = POOLINGS[head["pooling"]](graph, hidden, top)
    logits = graph.add("Gemm", pooled, top["kernel"], top["bias"])
    if target.is_exclusive:
        graph.add("Softmax", logits, name=PROBABILITIES, axis=-1)
    else:
        graph.add("Sigmoid", logits, name=PROBABILITIES)
    return graph


def _check_sizes(tensors: Mapping[str, StoredTensor]) -> None:
    """Raise ValueError if a layer's bias has another size than its outputs, or a norm's beta than its gamma.

    Operators would repeat a smaller one; whatever else does not fit is an error of theirs.
    """
    for name, tensor in tensors.items():
        kind = name.rpartition("/")[2]
        other = tensors.get(name.removesuffix(kind) + PARTNERS.get(kind, ""))
        if kind in PARTNERS and other and other.values.shape != tensor.values.shape[-1:]:
            raise ValueError(
                f"{name} has the shape {tensor.values.shape}, its {PARTNERS[kind]} {other.values.shape}"
            )


def _encoder(graph: Graph, config: Mapping, tensors: Mapping[str, StoredTensor]) -> str:
    """Add embeddings and layers; returns the name of the hidden states [batch, length, width]."""
    family, layout = config.get("model_type", "bert"), LAYOUTS[config.get("model_type", "bert")]
    epsilon = config.get("layer_norm_eps", 1e-12)
    x = _embeddings(graph, tensors, FAMILIES[family].first_position, epsilon)
    if f"{layout.projection}/kernel" in tensors:
        x = _dense(graph, x, tensors, layout.projection)
    operator, adds_bias = ACTIVATIONS[config[layout.activation]]
    n_heads = config[layout.n_heads]
    for prefix in _layers(layout, config):
        layer = {
            name.removeprefix(f"{prefix}/"): values
            for name, values in tensors.items()
            if name.startswith(f"{prefix}/")
        }
        parts = (layout.query, layout.key, layout.value)
        projected = [graph.product(x, layer[f"{part}/kernel"]) for part in parts]
        bias = np.concatenate([layer[f"{part}/bias"].values for part in parts])
        if len(bias) // 3 % n_heads:
            raise ValueError(f"{n_heads} heads do not divide {len(bias) // 3}")
        context = graph.add("MultiHeadAttention", *projected, bias, "attention_mask", num_heads=n_heads)
        x = _added_and_normed(graph, context, x, layer, layout.context, layout.context_norm, epsilon)
        if adds_bias:
            up = graph.product(x, layer[f"{layout.up}/kernel"])
            active = graph.add(operator, up, layer[f"{layout.up}/bias"])
        else:
            active = graph.add(operator, _dense(graph, x, layer, layout.up))
        x = _added_and_normed(graph, active, x, layer, layout.down, layout.norm, epsilon)
    return x


def _layers(layout: Layout, config: Mapping) -> Iterator[str]:
    """Yield where the weights of each layer begin; ALBERT's layers share theirs in groups."""
    n_layers = config[layout.n_layers]
    n_groups, inner = config.get("num_hidden_groups", 1), config.get("inner_group_num", 1)
    for number in range(n_layers):
        if "{group}" in layout.layer:
            for part in range(inner):
                yield layout.layer.format(group=number * n_groups // n_layers, layer=part)
        else:
            yield layout.layer.format(layer=number)


def _embeddings(
    graph: Graph, tensors: Mapping[str, StoredTensor], first_position: int, epsilon: float
) -> str:
    """Add the sum of the three embeddings, normed. One token type is the same for all tokens, as is no token type."""
    words = tensors["embeddings/word_embeddings/weight"]
    positions = tensors["embeddings/position_embeddings/embeddings"]
    types = tensors.get("embeddings/token_type_embeddings/embeddings")
    gamma, beta = (tensors[f"embeddings/LayerNorm/{name}"] for name in ("gamma", "beta"))
    has_types = types is not None and len(types.values) > 1
    if first_position or not has_types:
        constant = 0.0 if types is None or has_types else types.values
        positions = positions.values[first_position:] + constant
    table, segments = (types, "token_type_ids") if has_types else ("", "")
    return graph.add(
        "EmbedLayerNormalization",
        "input_ids",
        segments,
        words,
        positions,
        table,
        gamma,
        beta,
        epsilon=epsilon,
    )


def _dense(graph: Graph, x: str, weights: Mapping[str, StoredTensor], name: str) -> str:
    """Add a dense layer without activation."""
    return graph.add("Add", graph.product(x, weights[f"{name}/kernel"]), weights[f"{name}/bias"])


def _added_and_normed(
    graph: Graph,
    x: str,
    skipped: str,
    layer: Mapping[str, StoredTensor],
    dense: str,
    norm: str,
    epsilon: float,
) -> str:
    """Add a dense layer, the connection that skips it, and the norm of their sum."""
    product = graph.product(x, layer[f"{dense}/kernel"])
    gamma, beta, bias = layer[f"{norm}/gamma"], layer[f"{norm}/beta"], layer[f"{dense}/bias"]
    return graph.add("SkipLayerNormalization", product, skipped, gamma, beta, bias, epsilon=epsilon)


def _mask(graph: Graph) -> str:
    """Add the mask as float32 [batch, length, 1]."""
    return graph.add("Unsqueeze", graph.add("Cast", "attention_mask", to=TensorProto.FLOAT), np.array([2]))


def _first(graph: Graph, hidden: str, _: Mapping) -> str:
    return graph.add("Gather", hidden, np.array(0), axis=1)


def _mean(graph: Graph, hidden: str, _: Mapping) -> str:
    mask = _mask(graph)
    total = graph.add("ReduceSum", graph.add("Mul", hidden, mask), np.array([1]), keepdims=0)
    return graph.add("Div", total, graph.add("ReduceSum", mask, np.array([1]), keepdims=0))


def _largest(graph: Graph, hidden: str, _: Mapping) -> str:
    padding = graph.add("Sub", _mask(graph), np.array(1, np.float32))
    kept = graph.add("Add", hidden, graph.add("Mul", padding, np.array(1e9, np.float32)))
    return graph.add("ReduceMax", kept, axes=[1], keepdims=0)


def _mean_and_largest(graph: Graph, hidden: str, top: Mapping) -> str:
    return graph.add("Concat", _mean(graph, hidden, top), _largest(graph, hidden, top), axis=1)


def _attention(graph: Graph, hidden: str, top: Mapping[str, StoredTensor]) -> str:
    """Add ``AttentionPooling``, see pooling.py, and its weights as an output."""
    direction, scale, kernel, bias = (top[f"pooling_{number}"] for number in range(4))
    vector = scale.values * direction.values / np.linalg.norm(direction.values)
    projected = graph.add("Tanh", graph.add("Add", graph.add("MatMul", hidden, kernel), bias))
    energies = graph.add("MatMul", projected, vector[:, np.newaxis])
    padding = graph.add("Sub", np.array(1, np.float32), _mask(graph))
    kept = graph.add("Sub", energies, graph.add("Mul", padding, np.array(1e9, np.float32)))
    weights = graph.add("Softmax", kept, axis=1)
    graph.add("Squeeze", weights, np.array([2]), name=ATTENTION)
    context = graph.add("ReduceSum", graph.add("Mul", hidden, weights), np.array([1]), keepdims=0)
    return graph.add("Concat", _first(graph, hidden, top), context, axis=1)


POOLINGS = {
    "mean": _mean,
    "max": _largest,
    "mean_max": _mean_and_largest,
    "cls": _first,
    "attention": _attention,
}
