"""RectifiedAdam, its learning-rate schedule, and the precision that a device computes fast."""

from pathlib import Path

import tensorflow as tf
import tensorflow_addons as tfa


class WarmupDecay(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up over the first ``warmup`` share of the steps, then constant or linear decay to zero.

    (Devlin et al. 2019 fine-tune BERT with linear warm-up and linear decay; the article with a constant rate.)
    """

    def __init__(self, peak: float, *, total_steps: int, warmup: float, decay: str):
        self.peak, self.total_steps, self.warmup, self.decay = peak, total_steps, warmup, decay

    def __call__(self, step):
        """The learning rate, float32 scalar, of the update number ``step`` (from 0)."""
        done = tf.cast(step, tf.float32) + 1.0
        warmup_steps = tf.constant(self.warmup * self.total_steps, tf.float32)
        rising = done / tf.maximum(warmup_steps, 1.0)
        falling = 1.0
        if self.decay == "linear":
            falling = (self.total_steps + 1.0 - done) / tf.maximum(self.total_steps + 1.0 - warmup_steps, 1.0)
        return self.peak * tf.where(done < warmup_steps, rising, tf.clip_by_value(falling, 0.0, 1.0))

    def get_config(self) -> dict:
        """The constructor's arguments, as Keras wants them."""
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup": self.warmup,
            "decay": self.decay,
        }


def make_optimizer(learning_rate: float, *, total_steps: int, warmup: float, decay: str):
    """``tfa.optimizers.RectifiedAdam`` (Liu et al. 2020), scaling the loss where float16 needs it."""
    schedule = WarmupDecay(learning_rate, total_steps=total_steps, warmup=warmup, decay=decay)
    optimizer = tfa.optimizers.RectifiedAdam(schedule)
    if tf.keras.mixed_precision.global_policy().compute_dtype == "float16":
        return tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer


def optimizer_variables(optimizer: tf.keras.optimizers.legacy.Optimizer) -> list[tf.Variable]:
    """All that the optimizer remembers, the scale of the loss included, in an order that does not change."""
    nodes = tf.train.TrackableView(optimizer).descendants()
    found = [*optimizer.variables(), *(node for node in nodes if isinstance(node, tf.Variable))]
    return list({id(variable): variable for variable in found}.values())


def set_precision(precision: str) -> str:
    """Make ``precision`` Keras' policy and return the one chosen: ``auto`` asks the device.

    bfloat16 where the CPU or GPU has instructions for it, float16 on older GPUs with tensor cores,
    float32 elsewhere (bfloat16 emulated on a plain CPU is no faster).
    """
    chosen = _fast_precision() if precision == "auto" else precision
    tf.keras.mixed_precision.set_global_policy("float32" if chosen == "float32" else f"mixed_{chosen}")
    return chosen


def _fast_precision() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capability = min(
            tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) for gpu in gpus
        )
        return "bfloat16" if capability >= (8, 0) else "float16" if capability >= (7, 0) else "float32"
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as stream:
            flags = next((line for line in stream if line.startswith("flags")), "")
    except OSError:
        return "float32"
    return "bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags.split()) else "float32"
