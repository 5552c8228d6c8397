"""An exponential moving average of a model's weights, to predict by."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf


class WeightAverage:
    """ā ← d·ā + (1 − d)·w after each step, d at most ``decay`` and (1 + t) / (10 + t) in the early steps t.

    The average of the last 1 / (1 − decay) steps or so (Polyak & Juditsky 1992; the early steps as in
    ``tf.train.ExponentialMovingAverage``).
    """

    def __init__(self, weights: list[tf.Variable], decay: float):
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA  # each computes the same
        self.weights, self.decay = weights, decay
        self.averages = [tf.Variable(weight, trainable=False, aggregation=first) for weight in weights]

    def update(self, step: tf.Variable) -> None:
        """Take in the weights of now, after ``step`` (from 0)."""
        steps = tf.cast(step, tf.float32)
        decay = tf.minimum(self.decay, (1.0 + steps) / (10.0 + steps))
        for average, weight in zip(self.averages, self.weights, strict=True):
            average.assign_add((1.0 - decay) * (weight - average))

    def swap(self) -> None:
        """Give the model the averages, and keep its weights in their place; or back again."""
        for average, weight in zip(self.averages, self.weights, strict=True):
            kept = weight.numpy()
            weight.assign(average)
            average.assign(kept)

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """The model has the averages within the block."""
        self.swap()
        try:
            yield
        finally:
            self.swap()
