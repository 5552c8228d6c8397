"""One compiled step of training: loss over labelled cells, gradients, update; each replica computes its share."""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from ..base.distribution import share
from ..models.dropout import count_step
from .losses import LOSSES
from .optimizer import create_variables
from .weight_average import WeightAverage


@dataclass(frozen=True)
class Objective:
    """Options of the loss that a step minimises.

    positive_weights : float [n_labels] or 1: weight of a positive cell of each label; a variable may change later.
    adversarial : size of the perturbation of the Fast Gradient Method, or None for no perturbation.
    """

    positive_weights: tf.Variable | float = 1.0
    adversarial: float | None = None


def train_step_function(
    model: tf.keras.Model,
    optimizer: tf.keras.optimizers.legacy.Optimizer,
    objective: Objective = Objective(),
    average: WeightAverage | None = None,
) -> Callable:
    """Return the compiled step(inputs, labels float32 [batch, n_labels]) -> loss; one trace serves every width.

    The optimizer's variables are created here, so a saved state can be restored at once. Under a strategy's scope, the
    batch is that of all replicas together, and its size is a multiple of their number.
    """
    create_variables(optimizer, model.trainable_variables)
    strategy = tf.distribute.get_strategy()
    compute, count = _gradients(model, optimizer, objective), LOSSES[model.target.name].count

    def replica_step(inputs, labels, n_labelled):
        loss, gradients = compute(*share((inputs, labels)), n_labelled)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        if average:
            average.update(model.dropout_seed[1])
        count_step(model.dropout_seed)
        return loss

    @tf.function(input_signature=_signature(model), autograph=False)
    def train_step(inputs, labels):
        losses = strategy.run(replica_step, (inputs, labels, count(labels)))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    train_step.get_concrete_function()
    return train_step


def gradients_function(model: tf.keras.Model, optimizer: tf.keras.optimizers.legacy.Optimizer) -> Callable:
    """Return the compiled (inputs, labels) -> (loss, gradients): a step without the optimizer, to be timed."""
    compute, count = _gradients(model, optimizer, Objective()), LOSSES[model.target.name].count
    return tf.function(
        lambda inputs, labels: compute(inputs, labels, count(labels)),
        input_signature=_signature(model),
        autograph=False,
    )


def _signature(model: tf.keras.Model) -> list:
    return [dict(model.signature), tf.TensorSpec([None, model.output_shape[-1]], tf.float32, "labels")]


def _gradients(
    model: tf.keras.Model, optimizer: tf.keras.optimizers.legacy.Optimizer, objective: Objective
) -> Callable:
    loss_value = LOSSES[model.target.name].value
    is_scaled = isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)

    def gradients_at(inputs, labels, n_labelled, perturbation):
        """Return the loss and its gradients, first by the embeddings of the batch's words, then by each weight.

        ``perturbation`` is added to these embeddings before the loss is computed.
        """
        with tf.GradientTape() as tape:
            embedded = model.embed(inputs)
            words = embedded["inputs_embeds"]
            words += tf.cast(perturbation, words.dtype)
            logits = model.classify({**embedded, "inputs_embeds": words}, training=True)
            loss = loss_value(labels, logits, n_labelled, objective.positive_weights)
            scaled = optimizer.get_scaled_loss(loss) if is_scaled else loss
        word_gradient, *gradients = tape.gradient(scaled, [words, *model.trainable_variables])
        return loss, word_gradient, optimizer.get_unscaled_gradients(gradients) if is_scaled else gradients

    @tf.function(jit_compile=model.xla or None, autograph=False)
    def compute(inputs, labels, n_labelled):
        loss, word_gradient, gradients = gradients_at(inputs, labels, n_labelled, 0.0)
        if objective.adversarial:
            perturbation = fast_gradient(word_gradient, objective.adversarial)
            _, _, perturbed_gradients = gradients_at(inputs, labels, n_labelled, perturbation)
            gradients = [_sum(*pair) for pair in zip(gradients, perturbed_gradients, strict=True)]
        return loss, gradients

    return compute


def fast_gradient(gradient: tf.Tensor, size: float) -> tf.Tensor:
    """Return the change of length ``size`` to a text's embeddings that raises its loss most, to first order.

    r = ε g / ‖g‖₂, per text (Miyato et al. 2017, "Adversarial Training Methods for Semi-Supervised Text
    Classification", equation 5). gradient : float [batch, length, width].
    """
    gradient = tf.cast(gradient, tf.float32)
    norms = tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=[1, 2], keepdims=True))
    return tf.math.divide_no_nan(size * gradient, norms)


def _sum(left, right):
    """Return the sum of two gradients; those of an embedding table are sparse (IndexedSlices: some of its rows)."""
    if isinstance(left, tf.IndexedSlices):
        values, indices = (
            tf.concat(pair, axis=0) for pair in ((left.values, right.values), (left.indices, right.indices))
        )
        return tf.IndexedSlices(values, indices, left.dense_shape)
    return left + right
