"""An exponential moving average of a model's weights, used for prediction."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf


class WeightAverage:
    """The average ā ← d·ā + (1 − d)·w after each step t, where d = min(``decay``, (1 + t) / (10 + t)).

    It covers about the last 1 / (1 − decay) steps (Polyak & Juditsky 1992; the smaller d in early steps is that of
    ``tf.train.ExponentialMovingAverage``).
    """

    def __init__(self, weights: list[tf.Variable], decay: float):
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA  # all replicas compute the same average
        self.weights, self.decay = weights, decay
        self.averages = [tf.Variable(weight, trainable=False, aggregation=first) for weight in weights]

    def update(self, step: tf.Tensor) -> None:
        """Add the current weights to the average, after step number ``step`` (from 0)."""
        steps = tf.cast(step, tf.float32)
        decay = tf.minimum(self.decay, (1.0 + steps) / (10.0 + steps))
        for average, weight in zip(self.averages, self.weights, strict=True):
            average.assign_add((1.0 - decay) * (weight - average))

    def swap(self) -> None:
        """Exchange the model's weights and the averages; a second call undoes the first."""
        for average, weight in zip(self.averages, self.weights, strict=True):
            trained_weight = weight.numpy()
            weight.assign(average)
            average.assign(trained_weight)

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Use the averages as the model's weights during the block."""
        self.swap()
        try:
            yield
        finally:
            self.swap()
