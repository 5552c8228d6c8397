"""Encoder -> pooling over real positions -> one logit per label, as a Keras model."""

from collections.abc import Callable

import tensorflow as tf
from transformers import TFPreTrainedModel

from ..benchmarks.targets import Target
from ..inputs.batches import Signature
from .blstm import Blstm
from .dropout import SeededDropout, dropout_seed, replace_dropout
from .encoders import embedded
from .pooling import AttentionPooling, MaskedPooling


@tf.autograph.experimental.do_not_convert  # nothing here needs it, and it takes 5 of the 7 s of building a MiniLM
def build_model(
    encoder: TFPreTrainedModel | Blstm,
    signature: Signature,
    *,
    target: Target,
    n_labels: int,
    pooling: str,
    dropout: float,
    xla: bool = False,
    replace_dropout: Callable = replace_dropout,
) -> tf.keras.Model:
    """Return a Keras model from the inputs of ``signature`` to logits, float32 [batch, n_labels].

    The article's sigmoid is in the loss and in ``outputs.py``, where it costs no precision. The model's
    variable ``dropout_seed``, whose step the training counts up, decides what dropout drops. ``replace_dropout`` puts
    repeatable dropout into the encoder; measurements pass another function. The model keeps ``target``, its
    ``signature`` as tensor specs, and ``xla``, for the callers that compile its passes.

    The model consists of two models. ``model.embed`` returns the inputs with embeddings [batch, length, width] under
    ``inputs_embeds`` in place of ``input_ids``. ``model.classify`` computes logits from these, for callers that read or
    change the embeddings. With ``pooling="attention"``, ``model.attention`` returns the attention weights, float32
    [batch, length].
    """
    seed = dropout_seed()
    inputs = {
        name: tf.keras.Input(shape[1:], dtype=tf.as_dtype(dtype), name=name)
        for name, (shape, dtype) in signature.items()
    }
    embed = tf.keras.Model(inputs, embedded(encoder, inputs), name="embed")
    states = {
        name: tf.keras.Input(value.shape[1:], dtype=value.dtype, name=name)
        for name, value in embed.output.items()
    }
    n_replaced = replace_dropout(encoder, lambda: seed)
    output = encoder(states)
    hidden, summary = output.last_hidden_state, output.get("pooler_output")
    if summary is None:
        summary = hidden[:, 0]
    attention = None
    if pooling == "attention":
        pooled, attention = AttentionPooling(name="pooling")([hidden, states["attention_mask"], summary])
    else:
        pooled = MaskedPooling(pooling, name="pooling")([hidden, states["attention_mask"], summary])
    last_dropout = SeededDropout(dropout, n_replaced, lambda: seed, dtype=tf.float32, name="dropout")
    logits = tf.keras.layers.Dense(n_labels, dtype=tf.float32, name="logits")(last_dropout(pooled))
    classify = tf.keras.Model(states, logits, name="classify")
    model = tf.keras.Model(inputs, classify(embed(inputs)))
    model.embed, model.classify, model.dropout_seed = embed, classify, seed
    model.xla, model.target = xla, target
    model.signature = {
        name: tf.TensorSpec(shape, tf.as_dtype(dtype), name) for name, (shape, dtype) in signature.items()
    }
    if attention is not None:
        model.attention = tf.keras.Model(inputs, tf.keras.Model(states, attention)(embed(inputs)))
    return model
