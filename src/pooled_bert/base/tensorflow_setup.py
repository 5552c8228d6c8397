"""TensorFlow's process-wide settings, made once, before it is imported: speed, repeatability, quiet."""

import logging
import os
import warnings


def start_tensorflow(*, is_tuned: bool = True) -> None:
    """Set up this process for TensorFlow; call it before anything imports TensorFlow.

    - oneDNN's kernels (and its pool of buffers) are used on every x86 processor; TensorFlow itself does so on
      those with AVX-512 only. ``is_tuned=False`` leaves that choice to it, for comparison.
    - Operations are deterministic, so a run can be repeated byte for byte on one machine. Scatters are left out:
      to be so on a GPU they would copy the whole table to the CPU and back (TensorFlow's resource_variable_ops.cc),
      and the only ones here, in the optimizer, write each row once, in whatever order.
    - Third parties' start-up chatter is silenced here and nowhere else: TensorFlow's C++ log (real
      errors come as exceptions too), tensorflow-addons' end-of-life notice, transformers' notes on unused weights,
      the hub client's on each retry.
    """
    if is_tuned:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_DISABLE_SCATTER_OP_DETERMINISM", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("USE_TORCH", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    warnings.filterwarnings("ignore", module=r"tensorflow_addons.*")
    warnings.filterwarnings("ignore", module=r"tf_keras.*|keras.*")
    # TensorFlow 2.15 comes with Keras 2 itself. transformers sets this variable, meant for later versions, in its
    # own process and so in every child; TensorFlow would then look for a package that is not there.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    import tensorflow as tf

    tf.keras.backend.clear_session()  # loads Keras now, before transformers sets the variable
    import huggingface_hub
    import transformers

    tf.get_logger().setLevel(logging.ERROR)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    huggingface_hub.logging.set_verbosity_error()
    tf.config.experimental.enable_op_determinism()
