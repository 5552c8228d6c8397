"""Dropout that a resumed training repeats exactly."""

from collections.abc import Callable

import tensorflow as tf


class SeededDropout(tf.keras.layers.Layer):
    """Dropout whose mask depends only on ``seed``, ``step()`` (both int64) and the number of the replica.

    Keras' dropout draws from hidden state, which no checkpoint holds: a resumed training would give another result.
    Keras also draws 32 bits per value; 8 bits are enough, take less than half the time, and make the rate a multiple
    of 1/256.
    """

    def __init__(self, rate: float, seed: int, step: Callable[[], tf.Tensor], **options):
        super().__init__(**options)
        self.dropped, self.seed, self.step = min(round(256 * rate), 255), seed, step  # dropped: out of 256

    def call(self, inputs, training=None):
        """Apply dropout when training; ``inputs`` may have any shape."""
        if not training or self.dropped == 0:
            return inputs
        replica = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int64)
        seed = tf.stack([self.seed + replica * 2**40, self.step()])
        size = tf.size(inputs)
        words = tf.random.stateless_uniform(
            [(size + 3) // 4], seed, minval=None, maxval=None, dtype=tf.int32, alg="philox"
        )
        draws = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size], tf.shape(inputs))
        keep = tf.cast(draws >= tf.constant(self.dropped, tf.uint8), inputs.dtype)
        return inputs * (keep * (256 / (256 - self.dropped)))


def replace_dropout(
    encoder: tf.keras.layers.Layer | tf.keras.Model, first_seed: int, step: Callable[[], tf.Tensor]
) -> int:
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
    for index, (holder, name, layer) in enumerate(dropout_layers):
        rate = layer.rate if isinstance(layer, tf.keras.layers.Dropout) else layer.drop_prob
        setattr(holder, name, SeededDropout(rate, first_seed + index, step, name=layer.name))
    return len(dropout_layers)
