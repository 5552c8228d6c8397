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
    real, masked = (tf.cast(part, tf.float32) for part in embedded["inputs_embeds"])
    path = (tf.range(STEPS, dtype=tf.float32) + 0.5) / STEPS  # the middle of each step, from 0 to 1
    words = masked + path[:, tf.newaxis, tf.newaxis] * (real - masked)
    others = {name: tf.repeat(value[:1], STEPS, axis=0) for name, value in embedded.items()}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(words)
        logits = network.classify({**others, "inputs_embeds": words}, training=False)
        columns = tf.unstack(log_odds(logits, network.target), axis=1)
    slopes = [tf.reduce_mean(tape.gradient(column, words), axis=0) for column in columns]
    shares = tf.stack([tf.reduce_sum(slope * (real - masked), axis=1) for slope in slopes], axis=1)
    return shares.numpy().astype(np.float64)
