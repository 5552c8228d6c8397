"""The losses, one per kind of target; cells or rows that are not labelled do not count."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ..benchmarks.targets import ONE_CLASS, SEVERAL_LABELS


@dataclass(frozen=True)
class Loss:
    """A sum over labelled cells or rows, divided by their number in the whole batch.

    count : labels float32 [batch, n_labels] -> how many cells or rows are labelled, float32 scalar.
    value : (labels, logits float32 [batch, n_labels], count, positive weights float [n_labels] or 1) -> float32 scalar.
    """

    count: Callable[[tf.Tensor], tf.Tensor]
    value: Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Variable | np.ndarray | float], tf.Tensor]


def count_labelled(labels: tf.Tensor) -> tf.Tensor:
    """Return how many cells of float32 ``labels`` are not NaN, float32 scalar."""
    return tf.reduce_sum(tf.cast(tf.logical_not(tf.math.is_nan(labels)), tf.float32))


def masked_cross_entropy(
    labels: tf.Tensor,
    logits: tf.Tensor,
    n_labelled: tf.Tensor,
    positive_weights: tf.Variable | np.ndarray | float = 1.0,
) -> tf.Tensor:
    """Return the binary cross-entropy of the labelled cells, float32 scalar; 0 if no cell is labelled.

    labels : float32 [batch, n_labels], from 0 to 1, or NaN (not labelled).  logits : float32 [batch, n_labels].
    n_labelled : number of labelled cells in the whole batch; the losses of the replicas' shares then add up to the mean
    of the batch, even if labelled cells are spread unevenly.  positive_weights : float [n_labels] or 1, weight of the
    positives' part of the loss.
    """
    known = tf.logical_not(tf.math.is_nan(labels))
    cells = tf.nn.weighted_cross_entropy_with_logits(
        tf.where(known, labels, 0.0), logits, tf.cast(positive_weights, tf.float32)
    )
    return tf.reduce_sum(cells * tf.cast(known, tf.float32)) / tf.maximum(n_labelled, 1.0)


def count_labelled_rows(labels: tf.Tensor) -> tf.Tensor:
    """Return how many rows of float32 ``labels`` hold no NaN, float32 scalar."""
    return tf.reduce_sum(tf.cast(_known_rows(labels), tf.float32))


def categorical_cross_entropy(
    labels: tf.Tensor,
    logits: tf.Tensor,
    n_labelled: tf.Tensor,
    positive_weights: tf.Variable | np.ndarray | float = 1.0,
) -> tf.Tensor:
    """Return the cross-entropy of the labelled rows' classes, float32 scalar; 0 if no row is labelled.

    labels : float32 [batch, n_classes], probabilities that add up to 1, or NaN (not labelled).  logits : float32
    [batch, n_classes].  n_labelled : number of labelled rows in the whole batch.  positive_weights : float [n_classes]
    or 1, weight of each class's part of the loss.
    """
    known = _known_rows(labels)
    true = tf.where(known[:, tf.newaxis], labels, 0.0) * tf.cast(positive_weights, tf.float32)
    return -tf.reduce_sum(true * tf.nn.log_softmax(logits)) / tf.maximum(n_labelled, 1.0)


def _known_rows(labels: tf.Tensor) -> tf.Tensor:
    return tf.logical_not(tf.reduce_any(tf.math.is_nan(labels), axis=1))


LOSSES = {
    SEVERAL_LABELS.name: Loss(count_labelled, masked_cross_entropy),
    ONE_CLASS.name: Loss(count_labelled_rows, categorical_cross_entropy),
}
