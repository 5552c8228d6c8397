"""The losses, one per kind of target, over what is labelled."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ..benchmarks.targets import ONE_CLASS, SEVERAL_LABELS


@dataclass(frozen=True)
class Loss:
    """A loss that is a sum over labelled units, divided by their number in the whole batch.

    count : labels float32 [batch, n_labels] -> how many units are labelled, float32 scalar.
    value : (labels, logits float32 [batch, n_labels], count, positive weights float [n_labels] or 1) -> float32 scalar.
    """

    count: Callable[[tf.Tensor], tf.Tensor]
    value: Callable[[tf.Tensor, tf.Tensor, tf.Tensor, np.ndarray | float], tf.Tensor]


def count_labelled(labels: tf.Tensor) -> tf.Tensor:
    """Return how many cells of float32 ``labels`` are not NaN, float32 scalar."""
    return tf.reduce_sum(tf.cast(tf.logical_not(tf.math.is_nan(labels)), tf.float32))


def masked_cross_entropy(
    labels: tf.Tensor, logits: tf.Tensor, n_labelled: tf.Tensor, positive_weights: np.ndarray | float = 1.0
) -> tf.Tensor:
    """Return the binary cross-entropy of the labelled cells, float32 scalar; 0 when no cell is labelled.

    labels : float32 [batch, n_labels], from 0 to 1, or NaN (not labelled).  logits : float32 [batch, n_labels].
    n_labelled : of the whole batch, so that the losses of its shares add up to its mean, however the labelled
    cells fall.  positive_weights : float [n_labels] or 1, of the positives' part of the loss.
    """
    known = tf.logical_not(tf.math.is_nan(labels))
    cells = tf.nn.weighted_cross_entropy_with_logits(
        tf.where(known, labels, 0.0), logits, tf.constant(positive_weights, tf.float32)
    )
    return tf.reduce_sum(cells * tf.cast(known, tf.float32)) / tf.maximum(n_labelled, 1.0)


def count_labelled_rows(labels: tf.Tensor) -> tf.Tensor:
    """Return how many rows of float32 ``labels`` hold no NaN, float32 scalar."""
    return tf.reduce_sum(tf.cast(_known_rows(labels), tf.float32))


def categorical_cross_entropy(
    labels: tf.Tensor, logits: tf.Tensor, n_labelled: tf.Tensor, positive_weights: np.ndarray | float = 1.0
) -> tf.Tensor:
    """Return the cross-entropy of the labelled rows' classes, float32 scalar; 0 when no row is labelled.

    labels : float32 [batch, n_classes], probabilities that add up to 1, or NaN (not labelled).  logits : float32
    [batch, n_classes].  n_labelled : rows of the whole batch.  positive_weights : float [n_classes] or 1, of each
    class's part of the loss.
    """
    known = _known_rows(labels)
    true = tf.where(known[:, tf.newaxis], labels, 0.0) * tf.constant(positive_weights, tf.float32)
    return -tf.reduce_sum(true * tf.nn.log_softmax(logits)) / tf.maximum(n_labelled, 1.0)


def _known_rows(labels: tf.Tensor) -> tf.Tensor:
    return tf.logical_not(tf.reduce_any(tf.math.is_nan(labels), axis=1))


LOSSES = {
    SEVERAL_LABELS.name: Loss(count_labelled, masked_cross_entropy),
    ONE_CLASS.name: Loss(count_labelled_rows, categorical_cross_entropy),
}
