"""Logits -> probabilities and log-odds, by the kind of target: TensorFlow's part of ``benchmarks/targets.py``."""

import tensorflow as tf

from ..benchmarks.targets import Target


def probabilities(logits: tf.Tensor, target: Target) -> tf.Tensor:
    """Return the probability of each label or class, float [..., n_labels], in the shape of ``logits``."""
    return tf.keras.activations.get(target.activation)(logits)


def log_odds(logits: tf.Tensor, target: Target) -> tf.Tensor:
    """Return the log-odds of each label, or of each class against all others; float [..., n_labels].

    For a class k, log(pₖ / (1 − pₖ)) = zₖ − log Σ exp zⱼ over the other classes j.
    """
    if not target.is_exclusive:
        return logits
    n_classes = logits.shape[-1]
    others = logits[..., tf.newaxis, :] - 1e9 * tf.eye(n_classes, dtype=logits.dtype)
    return logits - tf.reduce_logsumexp(others, axis=-1)
