"""Where the families that the engine knows keep their weights, and what their sizes are called in config.json."""

from dataclasses import dataclass, replace
from typing import Annotated, NotRequired, TypedDict

from ..base.rules import Number

COUNT = Annotated[int, Number(int, 1, 1000)]


class EncoderConfig(TypedDict):
    """What an encoder's config.json holds, as far as the engine reads it; families name some things differently."""

    model_type: NotRequired[str]
    num_hidden_layers: NotRequired[COUNT]
    n_layers: NotRequired[COUNT]
    num_attention_heads: NotRequired[COUNT]
    n_heads: NotRequired[COUNT]
    num_hidden_groups: NotRequired[COUNT]
    inner_group_num: NotRequired[COUNT]
    hidden_act: NotRequired[str]
    activation: NotRequired[str]
    layer_norm_eps: NotRequired[Annotated[float, Number(float, 0, 1)]]


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
