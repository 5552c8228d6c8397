"""The one prediction loop: validation rows, test rows, any text."""

import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from .deadline import Deadline
from .progress import progress_bar
from .tokens import Tokens, prediction_batches

# Tokens a batch. On a CPU the intermediate values then stay in its caches: 5 % faster than with 8,192 (MiniLM, two
# cores); a GPU wants more to do at once.
BUDGETS = {"CPU": 2048, "GPU": 8192}


def predict(
    model: tf.keras.Model, tokens: Tokens, *, progress: str | None = None, deadline: Deadline | None = None
) -> np.ndarray:
    """Probabilities, float32 [n_rows, n_labels], in the order of the rows; ``progress`` names a bar.

    Raises TimeLimitReached when ``deadline`` is near.
    """
    forward = forward_function(model)
    probabilities = np.empty((len(tokens), model.output_shape[-1]), np.float32)
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
            probabilities[rows] = forward(tokens.padded(rows)).numpy()
            bar.update(len(rows))
            slowest = max(slowest, time.monotonic() - started)
            if deadline:
                deadline.check(2 * slowest)
    return probabilities


def budgeted_batches(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Rows in batches for ``predict``: many short texts or few long ones, as suits the device."""
    device = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return prediction_batches(lengths, BUDGETS[device])


def forward_function(model: tf.keras.Model):
    """The compiled forward pass of ``model``, made once: inputs -> probabilities, whatever the width."""
    if not hasattr(model, "forward_function"):
        spec = {name: tf.TensorSpec([None, None], tf.int32, name) for name in model.input_names}
        model.forward_function = tf.function(
            lambda inputs: tf.sigmoid(model(inputs, training=False)), input_signature=[spec]
        )
    return model.forward_function
