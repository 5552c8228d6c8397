"""One step of training, compiled: loss over labelled cells, gradients, update; on every replica its share."""

from collections.abc import Callable

import tensorflow as tf

from .distribution import share


def train_step_function(model: tf.keras.Model, optimizer: tf.keras.optimizers.legacy.Optimizer) -> Callable:
    """Compiled step(inputs, labels float32 [batch, n_labels]) -> loss; one trace serves every width.

    Tracing it creates the optimizer's variables, so that a saved state can be put into them at once. Under a
    strategy's scope the batch is the one of all replicas together, a multiple of their number.
    """
    strategy = tf.distribute.get_strategy()
    compute = _gradients(model, optimizer)

    def replica_step(inputs, labels, n_labelled):
        loss, gradients = compute(*share((inputs, labels)), n_labelled)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        model.dropout_step.assign_add(1)
        return loss

    @tf.function(input_signature=_signature(model))
    def train_step(inputs, labels):
        losses = strategy.run(replica_step, (inputs, labels, count_labelled(labels)))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    train_step.get_concrete_function()
    return train_step


def gradients_function(model: tf.keras.Model, optimizer: tf.keras.optimizers.legacy.Optimizer) -> Callable:
    """Compiled (inputs, labels) -> (loss, gradients), without an update: what a step takes apart from the optimizer."""
    compute = _gradients(model, optimizer)
    return tf.function(
        lambda inputs, labels: compute(inputs, labels, count_labelled(labels)),
        input_signature=_signature(model),
    )


def _signature(model: tf.keras.Model) -> list:
    inputs = {name: tf.TensorSpec([None, None], tf.int32, name) for name in model.input_names}
    return [inputs, tf.TensorSpec([None, model.output_shape[-1]], tf.float32, "labels")]


def _gradients(model: tf.keras.Model, optimizer: tf.keras.optimizers.legacy.Optimizer) -> Callable:
    is_scaled = isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)

    @tf.function(jit_compile=model.xla or None)
    def compute(inputs, labels, n_labelled):
        with tf.GradientTape() as tape:
            loss = masked_cross_entropy(labels, model(inputs, training=True), n_labelled)
            objective = optimizer.get_scaled_loss(loss) if is_scaled else loss
        gradients = tape.gradient(objective, model.trainable_variables)
        return loss, optimizer.get_unscaled_gradients(gradients) if is_scaled else gradients

    return compute


def count_labelled(labels: tf.Tensor) -> tf.Tensor:
    """How many cells of float32 ``labels`` are not NaN, float32 scalar."""
    return tf.reduce_sum(tf.cast(tf.logical_not(tf.math.is_nan(labels)), tf.float32))


def masked_cross_entropy(labels: tf.Tensor, logits: tf.Tensor, n_labelled: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy of the labelled cells, float32 scalar: their sum over ``n_labelled``; 0 when there is none.

    labels : float32 [batch, n_labels], 0, 1 or NaN (not labelled).  logits : float32 [batch, n_labels].
    n_labelled : of the whole batch, so that the losses of its shares add up to its mean, however the labelled
    cells fall.
    """
    known = tf.logical_not(tf.math.is_nan(labels))
    cells = tf.nn.sigmoid_cross_entropy_with_logits(tf.where(known, labels, 0.0), logits)
    return tf.reduce_sum(cells * tf.cast(known, tf.float32)) / tf.maximum(n_labelled, 1.0)
