"""The precision of matrix products: the one asked for, or the fastest that the hardware supports."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from ..base.processor import BFLOAT16, processor_flags


def set_precision(precision: str) -> str:
    """Set Keras' precision policy and return the precision; ``auto`` picks the fastest that the hardware supports.

    ``auto`` is bfloat16 if the CPU or GPU has instructions for it, float16 on older GPUs with tensor cores, otherwise
    float32 (emulated bfloat16 is no faster).
    """
    if precision == "auto":
        precision = _fast_precision()
    tf.keras.mixed_precision.set_global_policy("float32" if precision == "float32" else f"mixed_{precision}")
    return precision


@contextlib.contextmanager
def precision_set(precision: str) -> Iterator[str]:
    """Set the precision, see ``set_precision``, for the models built inside the block; yield the one that is used."""
    policy = tf.keras.mixed_precision.global_policy()
    try:
        yield set_precision(precision)
    finally:
        tf.keras.mixed_precision.set_global_policy(policy)


def _fast_precision() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capability = min(
            tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) for gpu in gpus
        )
        return "bfloat16" if capability >= (8, 0) else "float16" if capability >= (7, 0) else "float32"
    return "bfloat16" if BFLOAT16 & processor_flags() else "float32"
