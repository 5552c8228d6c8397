"""One step of training, compiled: loss over labelled cells, gradients, update."""

from collections.abc import Callable

import tensorflow as tf


def train_step_function(model: tf.keras.Model, optimizer: tf.keras.optimizers.legacy.Optimizer) -> Callable:
    """Compiled step(inputs, labels float32 [batch, n_labels]) -> loss; one trace serves every width.

    Tracing it creates the optimizer's variables, so that a saved state can be put into them at once.
    """
    compute = _gradients(model, optimizer)

    @tf.function(input_signature=_signature(model))
    def train_step(inputs, labels):
        loss, gradients = compute(inputs, labels)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        model.dropout_step.assign_add(1)
        return loss

    train_step.get_concrete_function()
    return train_step


def gradients_function(model: tf.keras.Model, optimizer: tf.keras.optimizers.legacy.Optimizer) -> Callable:
    """Compiled (inputs, labels) -> (loss, gradients), without an update: what a step takes apart from the optimizer."""
    return tf.function(_gradients(model, optimizer), input_signature=_signature(model))


def _signature(model: tf.keras.Model) -> list:
    inputs = {name: tf.TensorSpec([None, None], tf.int32, name) for name in model.input_names}
    return [inputs, tf.TensorSpec([None, model.output_shape[-1]], tf.float32, "labels")]


def _gradients(model: tf.keras.Model, optimizer: tf.keras.optimizers.legacy.Optimizer) -> Callable:
    is_scaled = isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)

    def compute(inputs, labels):
        with tf.GradientTape() as tape:
            loss = masked_cross_entropy(labels, model(inputs, training=True))
            objective = optimizer.get_scaled_loss(loss) if is_scaled else loss
        gradients = tape.gradient(objective, model.trainable_variables)
        return loss, optimizer.get_unscaled_gradients(gradients) if is_scaled else gradients

    return compute


def masked_cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean binary cross-entropy, float32 scalar, over labelled cells; 0 when a batch has none.

    labels : float32 [batch, n_labels], 0, 1 or NaN (not labelled).  logits : float32 [batch, n_labels].
    """
    known = tf.logical_not(tf.math.is_nan(labels))
    cells = tf.nn.sigmoid_cross_entropy_with_logits(tf.where(known, labels, 0.0), logits)
    mask = tf.cast(known, tf.float32)
    return tf.reduce_sum(cells * mask) / tf.maximum(tf.reduce_sum(mask), 1.0)
