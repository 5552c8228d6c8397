"""The forward pass of a model in TensorFlow."""

import numpy as np
import tensorflow as tf

from ..base.deadline import Deadline
from ..base.distribution import full, share
from ..base.errors import InputError
from ..inputs.batches import Inputs, prediction_batches, width_multiple
from ..inputs.tokens import Windows
from .outputs import probabilities
from .prediction import Device, Forward, attention_of, predict_all

# Tokens per batch. On a CPU, 2,048 tokens keep the intermediate values in its caches: 5 % faster than 8,192 (MiniLM,
# two cores). A GPU needs larger batches to be busy.
BUDGETS = {"CPU": 2048, "GPU": 8192}


def predict(
    model: tf.keras.Model,
    inputs: Inputs | Windows,
    *,
    progress: str | None = None,
    deadline: Deadline | None = None,
) -> np.ndarray:
    """Return probabilities, float32 [n_items, n_labels], in the order of the items; see ``predict_all``."""
    n_labels = model.output_shape[-1]
    forwards = [tensorflow_forward(model)]
    return predict_all(
        forwards, inputs, model.target, n_labels, device(), progress=progress, deadline=deadline
    )[0]


def tensorflow_forward(model: tf.keras.Model) -> Forward:
    """Return the model's forward pass over some rows of inputs."""
    forward = forward_function(model)

    def compute(inputs: Inputs, rows: np.ndarray) -> np.ndarray:
        n_replicas = tf.distribute.get_strategy().num_replicas_in_sync
        batch = inputs.padded(full(rows, n_replicas), width_multiple(model.xla))
        return forward(batch).numpy()[: len(rows)]

    return compute


def attention_weights(model: tf.keras.Model, inputs: Inputs) -> list[np.ndarray]:
    """Return each step's weight in the attention pooling, see ``attention_of``.

    Raises InputError for a model with another pooling.
    """
    if not hasattr(model, "attention"):
        raise InputError("this model has no attention weights; train one with --pooling attention")
    return attention_of(tensorflow_attention(model), inputs, device())


def tensorflow_attention(model: tf.keras.Model) -> Forward:
    """Return the function from some rows of inputs to their attention weights."""
    return lambda inputs, rows: model.attention(inputs.padded(rows), training=False).numpy()


def device() -> Device:
    """Return how batches suit the device that TensorFlow computes on."""
    return Device(BUDGETS["GPU" if tf.config.list_logical_devices("GPU") else "CPU"])


def budgeted_batches(lengths: np.ndarray):
    """Return an iterator over the batches of rows that ``predict`` computes."""
    return prediction_batches(lengths, device().tokens)


def forward_function(model: tf.keras.Model):
    """Return the compiled forward pass of ``model``, built once: inputs of any width -> probabilities.

    Under a strategy's scope, each replica computes its share of the rows and every process gets all probabilities.
    """
    if not hasattr(model, "forward_function"):
        strategy = tf.distribute.get_strategy()

        @tf.function(jit_compile=model.xla or None, autograph=False)
        def compute(inputs):
            return probabilities(model(inputs, training=False), model.target)

        @tf.function(input_signature=[dict(model.signature)], autograph=False)
        def forward(inputs):
            return strategy.gather(strategy.run(lambda inputs: compute(share(inputs)), (inputs,)), axis=0)

        model.forward_function = forward
    return model.forward_function
