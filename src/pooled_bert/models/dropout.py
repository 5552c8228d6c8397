"""Dropout that a resumed training repeats exactly."""

from collections.abc import Callable

import tensorflow as tf


def dropout_seed(seed: int = 0) -> tf.Variable:
    """Return what decides the next mask of every dropout of a model: int64 [2], a training's seed and its step."""
    first = tf.VariableAggregation.ONLY_FIRST_REPLICA  # every replica counts the same steps
    return tf.Variable(
        first_seed(seed), dtype=tf.int64, trainable=False, name="dropout_seed", aggregation=first
    )


def first_seed(seed: int) -> list[int]:
    """Return the value of ``dropout_seed`` before the first step: up to 1,000 dropouts have seeds of their own."""
    return [seed * 1000, 0]


def count_step(seed: tf.Variable) -> None:
    """Go on to the masks of the next step."""
    seed.assign_add(tf.constant([0, 1], tf.int64))


class SeededDropout(tf.keras.layers.Layer):
    """Dropout whose mask depends only on ``seed()``, see ``dropout_seed``, its own number, and that of the replica.

    Keras' dropout draws from hidden state, which no checkpoint holds: a resumed training would give another result.
    Keras also draws 32 bits per value; 8 bits are enough, take less than half the time, and make the rate a multiple
    of 1/256.
    """

    def __init__(self, rate: float, number: int, seed: Callable[[], tf.Tensor], **options):
        super().__init__(**options)
        self.dropped, self.number, self.seed = (
            min(round(256 * rate), 255),
            number,
            seed,
        )  # dropped: out of 256

    def call(self, inputs, training=None):
        """Apply dropout when training; ``inputs`` may have any shape."""
        if not training or self.dropped == 0:
            return inputs
        replica = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int64)
        seed = self.seed() + tf.stack([self.number + replica * 2**40, 0])
        size = tf.size(inputs)
        words = tf.random.stateless_uniform(
            [(size + 3) // 4], seed, minval=None, maxval=None, dtype=tf.int32, alg="philox"
        )
        draws = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size], tf.shape(inputs))
        keep = tf.cast(draws >= tf.constant(self.dropped, tf.uint8), inputs.dtype)
        return inputs * (keep * (256 / (256 - self.dropped)))


def replace_dropout(encoder: tf.keras.layers.Layer | tf.keras.Model, seed: Callable[[], tf.Tensor]) -> int:
    """Replace each dropout layer in the encoder by seeded dropout; returns the number of layers replaced."""
    holders = [
        module for module in (encoder, *encoder.submodules) if isinstance(module, tf.keras.layers.Layer)
    ]
    dropout_layers = [
        (holder, name, layer)
        for holder in holders
        for name, layer in vars(holder).items()
        if isinstance(layer, tf.keras.layers.Dropout)
        or type(layer).__name__.endswith("StableDropout")  # DeBERTa's
    ]
    for number, (holder, name, layer) in enumerate(dropout_layers):
        rate = layer.rate if isinstance(layer, tf.keras.layers.Dropout) else layer.drop_prob
        setattr(holder, name, SeededDropout(rate, number, seed, name=layer.name))
    return len(dropout_layers)
