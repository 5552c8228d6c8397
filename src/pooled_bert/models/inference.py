"""The one prediction loop: validation rows, test rows, any text."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import numpy as np
import tensorflow as tf

from ..base.deadline import Deadline
from ..base.distribution import full, share
from ..base.errors import InputError
from ..base.progress import progress_bar
from ..inputs.batches import Inputs, prediction_batches, width_multiple
from ..inputs.tokens import Windows
from .outputs import probabilities

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
    """Return probabilities, float32 [n_items, n_labels], in the order of the items.

    ``progress`` is the title of a progress bar; None: no bar.

    Raises TimeLimitReached when ``deadline`` is near.
    """
    if isinstance(inputs, Windows):
        pieces = predict(model, inputs.tokens, progress=progress, deadline=deadline)
        return inputs.pooled(pieces, model.target)
    forward = forward_function(model)
    n_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    predicted = np.empty((len(inputs), model.output_shape[-1]), np.float32)
    with progress_bar(
        total=len(inputs),
        desc=progress,
        unit=" rows",
        leave=False,
        disable=progress is None or len(inputs) == 0,
    ) as bar:
        slowest = 0.0
        for rows in budgeted_batches(inputs.lengths):
            started = time.monotonic()
            batch = inputs.padded(full(rows, n_replicas), width_multiple(model.xla))
            predicted[rows] = forward(batch).numpy()[: len(rows)]
            bar.update(len(rows))
            slowest = max(slowest, time.monotonic() - started)
            if deadline:
                deadline.check(2 * slowest)
    return predicted


def attention_weights(model: tf.keras.Model, inputs: Inputs) -> list[np.ndarray]:
    """Return each step's weight in the attention pooling: one float32 [length] array per row, summing to 1.

    Raises InputError for a model with another pooling.
    """
    if not hasattr(model, "attention"):
        raise InputError("this model has no attention weights; train one with --pooling attention")
    weights = [np.zeros(0, np.float32)] * len(inputs)
    for rows in budgeted_batches(inputs.lengths):
        padded_weights = model.attention(inputs.padded(rows), training=False).numpy()
        for row, row_weights in zip(rows, padded_weights, strict=True):
            weights[row] = row_weights[: inputs.lengths[row]]
    return weights


def budgeted_batches(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Yield batches of rows for ``predict``: many short texts or few long texts, as suits the device.

    Raises NotWanted before a batch if the results are not wanted any more.
    """
    device = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    for rows in prediction_batches(lengths, BUDGETS[device]):
        if not _is_wanted.get()():
            raise NotWanted
        yield rows


class NotWanted(Exception):
    """Nobody waits for the results any more."""


_is_wanted: ContextVar[Callable[[], bool]] = ContextVar("is_wanted", default=lambda: True)


@contextlib.contextmanager
def while_wanted(is_wanted: Callable[[], bool]) -> Iterator[None]:
    """Raise NotWanted in the block, before the next batch is computed, once ``is_wanted`` answers no."""
    token = _is_wanted.set(is_wanted)
    try:
        yield
    finally:
        _is_wanted.reset(token)


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
