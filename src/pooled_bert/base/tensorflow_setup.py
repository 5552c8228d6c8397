"""TensorFlow's process-wide settings for speed, repeatability and quiet logs, best made before its import."""

import logging
import os
import warnings

from .errors import InputError


def start_tensorflow(*, is_tuned: bool = True, is_guest: bool = False) -> None:
    """Set up this process for TensorFlow; call it before anything imports TensorFlow.

    Settings that come too late, because TensorFlow was imported before, change speed, rounding and logs only. Raises
    InputError if TensorFlow is not 2.15, or cannot find its Keras.

    - oneDNN's kernels (and its buffer pool) are used on every x86 processor; by default, TensorFlow uses them only
      on processors with AVX-512. ``is_tuned=False`` keeps TensorFlow's default, for comparison.
    - Operations are deterministic, so a run can be repeated byte for byte on one machine. Scatters are an exception:
      a deterministic scatter on a GPU copies the whole table to the CPU and back (TensorFlow's
      resource_variable_ops.cc). The only scatters here, in the optimizer, write each row once, so their order does
      not matter. ``is_guest=True``: the process belongs to another program, whose random operations would be
      refused then until it sets a seed; so nothing is made deterministic.
    - Start-up messages of other libraries are silenced here and nowhere else: TensorFlow's C++ log (real errors are
      raised as exceptions too), tensorflow-addons' end-of-life notice, transformers' notes on unused weights, and
      the hub client's note on each retry.
    """
    if is_tuned:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_DISABLE_SCATTER_OP_DETERMINISM", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("USE_TORCH", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    warnings.filterwarnings("ignore", module=r"tensorflow_addons.*")
    warnings.filterwarnings("ignore", module=r"tf_keras.*|keras.*")
    # TensorFlow 2.15 includes Keras 2. transformers sets this variable, which is meant for later versions, in its
    # process and so in every child process; TensorFlow would then look for a package that is not installed.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    import tensorflow as tf

    _load_keras(tf)  # before transformers sets the variable
    import huggingface_hub
    import transformers

    tf.get_logger().setLevel(logging.ERROR)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    huggingface_hub.logging.set_verbosity_error()
    if not is_guest:
        tf.config.experimental.enable_op_determinism()


def _load_keras(tf) -> None:
    """Load Keras; raises InputError if it is not the Keras 2 of TensorFlow 2.15."""
    if not tf.__version__.startswith("2.15."):
        raise InputError(
            f"TensorFlow {tf.__version__} is installed, expected 2.15: pip install -r requirements.txt"
        )
    try:
        tf.keras.backend.floatx()
    except (ImportError, AttributeError, RecursionError) as error:
        raise InputError(
            "TensorFlow was asked for Keras while TF_USE_LEGACY_KERAS was set, and did not find it: unset this variable"
            " and restart Python (in a notebook: the kernel)"
        ) from error
