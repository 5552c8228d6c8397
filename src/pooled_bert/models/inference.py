"""The one prediction loop: validation rows, test rows, any text."""

import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from ..base.deadline import Deadline
from ..base.distribution import full, share
from ..base.errors import InputError
from ..base.progress import progress_bar
from ..inputs.batches import prediction_batches, width_multiple
from ..inputs.tokens import Tokens, Windows
from .outputs import probabilities

# Tokens per batch. On a CPU, 2,048 tokens keep the intermediate values in its caches: 5 % faster than 8,192 (MiniLM,
# two cores). A GPU needs larger batches to be busy.
BUDGETS = {"CPU": 2048, "GPU": 8192}


def predict(
    model: tf.keras.Model,
    tokens: Tokens | Windows,
    *,
    progress: str | None = None,
    deadline: Deadline | None = None,
) -> np.ndarray:
    """Return probabilities, float32 [n_texts, n_labels], in the order of the texts.

    ``progress`` is the title of a progress bar; None: no bar.

    Raises TimeLimitReached when ``deadline`` is near.
    """
    if isinstance(tokens, Windows):
        pieces = predict(model, tokens.tokens, progress=progress, deadline=deadline)
        return tokens.pooled(pieces, model.target)
    forward = forward_function(model)
    n_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    predicted = np.empty((len(tokens), model.output_shape[-1]), np.float32)
    with progress_bar(
        total=len(tokens),
        desc=progress,
        unit=" texts",
        leave=False,
        disable=progress is None or len(tokens) == 0,
    ) as bar:
        slowest = 0.0
        for rows in budgeted_batches(tokens.lengths):
            started = time.monotonic()
            inputs = tokens.padded(full(rows, n_replicas), width_multiple(model.xla))
            predicted[rows] = forward(inputs).numpy()[: len(rows)]
            bar.update(len(rows))
            slowest = max(slowest, time.monotonic() - started)
            if deadline:
                deadline.check(2 * slowest)
    return predicted


def attention_weights(model: tf.keras.Model, tokens: Tokens) -> list[np.ndarray]:
    """Return each token's weight in the attention pooling: one float32 [n_tokens] array per text, summing to 1.

    Raises InputError for a model with another pooling.
    """
    if not hasattr(model, "attention"):
        raise InputError("this model has no attention weights; train one with --pooling attention")
    weights = [np.zeros(0, np.float32)] * len(tokens)
    for rows in budgeted_batches(tokens.lengths):
        padded_weights = model.attention(tokens.padded(rows), training=False).numpy()
        for row, row_weights in zip(rows, padded_weights, strict=True):
            weights[row] = row_weights[: tokens.lengths[row]]
    return weights


def budgeted_batches(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Return batches of rows for ``predict``: many short texts or few long texts, as suits the device."""
    device = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return prediction_batches(lengths, BUDGETS[device])


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
