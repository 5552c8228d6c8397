"""Integrated gradients of a text's tokens, in TensorFlow."""

import numpy as np
import tensorflow as tf

from ..inputs.tokens import Reading, TextReader
from ..models.outputs import log_odds

STEPS = 16  # of the sum that approximates the integral


def window_gradients(
    network: tf.keras.Model, reader: TextReader, reading: Reading, window: int
) -> np.ndarray:
    """Return integrated gradients for the tokens of one window, float64 [length, n_labels]."""
    ids = reading.row_ids(window)
    masks = np.where(reading.word_of[window] >= 0, reader.mask_id, ids)
    embedded = network.embed(reading.variants([window, window], [ids, masks]).padded(np.arange(2)))
    return shares_function(network)(embedded).numpy().astype(np.float64)


def shares_function(network: tf.keras.Model):
    """Return the compiled function from a text and its masks to integrated gradients, built once.

    It takes what ``network.embed`` returns for two rows of the same length, the text and its masks, and returns each
    token's part in the difference of their log-odds, float32 [length, n_labels]. All labels share one forward pass,
    and the backward passes, one per label, are computed at the same time.
    """
    if not hasattr(network, "shares_function"):
        inputs = network.classify.input
        specs = {
            name: tf.TensorSpec([2, *value.shape[1:]], value.dtype, name) for name, value in inputs.items()
        }

        @tf.function(input_signature=[specs], autograph=False)
        def shares(embedded):
            real, masked = tf.unstack(tf.cast(embedded["inputs_embeds"], tf.float32), num=2)
            path = (tf.range(STEPS, dtype=tf.float32) + 0.5) / STEPS  # the middle of each step, from 0 to 1
            words = masked + path[:, tf.newaxis, tf.newaxis] * (real - masked)
            others = {name: tf.repeat(value[:1], STEPS, axis=0) for name, value in embedded.items()}
            with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                tape.watch(words)
                logits = network.classify({**others, "inputs_embeds": words}, training=False)
                columns = tf.unstack(log_odds(logits, network.target), axis=1)
            slopes = [tf.reduce_mean(tape.gradient(column, words), axis=0) for column in columns]
            return tf.stack([tf.reduce_sum(slope * (real - masked), axis=1) for slope in slopes], axis=1)

        network.shares_function = shares
    return network.shares_function
