"""Pooling layers: the hidden states of a text's real tokens (not of padding) -> one vector."""

import tensorflow as tf


class MaskedPooling(tf.keras.layers.Layer):
    """Mean or maximum of the hidden states, both concatenated (``mean_max``), or the summary (``cls``, ``last``).

    call((hidden_states float [batch, length, width], attention_mask int [batch, length], summary [batch, any])) returns
    float32 [batch, width], or [batch, 2 · width] for ``mean_max``. The summary is the encoder's own vector for the
    text: BERT's state of [CLS], a BLSTM's last states. Padding is ignored, so a prediction does not depend on the
    padding of its batch. Sums are computed in float32, whatever the precision of the encoder.
    """

    def __init__(self, pooling: str, **options):
        super().__init__(dtype=tf.float32, **options)
        self.pooling = pooling

    def call(self, inputs):
        """Pool; see the class."""
        hidden, attention_mask, summary = inputs
        if self.pooling in ("cls", "last"):
            return tf.cast(summary, tf.float32)
        hidden = tf.cast(hidden, tf.float32)
        mask = tf.cast(attention_mask, tf.float32)[:, :, tf.newaxis]
        mean = tf.reduce_sum(hidden * mask, axis=1) / tf.reduce_sum(mask, axis=1)
        largest = tf.reduce_max(hidden + (mask - 1.0) * 1e9, axis=1)
        return {"mean": mean, "max": largest, "mean_max": tf.concat([mean, largest], axis=1)}[self.pooling]


class AttentionPooling(tf.keras.layers.Layer):
    """Global soft attention (Bahdanau et al. 2015, without a query), concatenated with the summary.

    Energies e_j = g · v̂ᵀ tanh(U h_j + b), with v̂ of length 1; weights α = softmax of e over the real tokens; context
    Σ α_j h_j. The scale g is learnt and starts at √(1/width), so that attention starts near the mean (as in the
    normalised form of Luong's tutorial). call((hidden_states [batch, length, width], attention_mask [batch, length],
    summary [batch, any])) returns float32 [batch, any + width], and α [batch, length].

    The article concatenates the last state and the context. For BERT the state of [CLS] is used instead, because it
    was pre-trained to represent the text, while BERT's last token is [SEP].
    """

    def __init__(self, **options):
        super().__init__(dtype=tf.float32, **options)

    def build(self, input_shape):
        """Create the weights U, b, v and g."""
        width = input_shape[0][-1]
        self.project = tf.keras.layers.Dense(width, activation="tanh", dtype=tf.float32, name="project")
        self.project.build([None, width])
        self.direction = self.add_weight("direction", [width], initializer="glorot_uniform")
        self.scale = self.add_weight("scale", [1], initializer=tf.keras.initializers.Constant(width**-0.5))
        super().build(input_shape)

    def call(self, inputs):
        """Pool; see the class."""
        hidden, attention_mask, summary = inputs
        hidden = tf.cast(hidden, tf.float32)
        direction = self.scale * self.direction / tf.norm(self.direction)
        energies = tf.linalg.matvec(self.project(hidden), direction)
        padding = 1.0 - tf.cast(attention_mask, tf.float32)
        weights = tf.nn.softmax(energies - 1e9 * padding)
        context = tf.linalg.matvec(hidden, weights, transpose_a=True)
        return tf.concat([tf.cast(summary, tf.float32), context], axis=1), weights
