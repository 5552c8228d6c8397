"""The computation of a text classifier as a graph of ONNX Runtime's fused operators.

It computes what ``network.py`` computes in prediction, without TensorFlow. Nothing is converted: the graph is written
from the encoder's config.json, within milliseconds, and the weights stay in their files.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from onnx import TensorProto

from ..benchmarks.targets import Target
from .families import FAMILIES
from .graph import Graph
from .layouts import LAYOUTS, Layout
from .tensor_files import StoredTensor

INPUTS = ("input_ids", "token_type_ids", "attention_mask")
PROBABILITIES, ATTENTION = "probabilities", "attention"  # the outputs
# name in config.json -> the operator, and whether it adds the bias itself
ACTIVATIONS = {"gelu": ("BiasGelu", True), "gelu_new": ("FastGelu", True), "relu": ("Relu", False)}
PARTNERS = {"kernel": "bias", "gamma": "beta"}  # of weights, by the ends of their names: equally many columns


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
