"""A fold's model in ONNX Runtime: on the CPU, ready in a fraction of a second, without TensorFlow.

Several batches are computed at the same time, one per core, each by one thread: cores that share one batch would wait
for each other.
"""

from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

from ..base.errors import InputError
from ..base.files import read_json
from ..inputs.batches import Inputs
from .layouts import EncoderConfig
from .saved_model import ENCODER_CONFIG, ENCODER_WEIGHTS, HEAD_WEIGHTS, REMEDY, Described
from .tensor_files import stored_tensors
from .text_graph import ATTENTION, INPUTS, PROBABILITIES, can_write, write_graph

ERRORS = tuple(
    error
    for error in vars(onnxruntime_pybind11_state).values()
    if isinstance(error, type) and issubclass(error, Exception)
)
WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"


class Engine:
    """The model in ``folder``, opened; raises InputError if its files do not belong together.

    precision : ``float32``, or ``int8`` for the products of the encoder's layers.

    Its weights are mapped from the files. ONNX Runtime copies those of matrix products into the order that suits the
    processor.
    """

    def __init__(self, folder: Path, description: Described, precision: str):
        self.precision, self._folder = precision, folder
        head, config = description.head, _config(folder)
        encoder, top = (stored_tensors(folder / name) for name in (ENCODER_WEIGHTS, HEAD_WEIGHTS))
        n_labels = len(head["labels"])
        outputs = {PROBABILITIES: ["batch", n_labels]}
        if head["pooling"] == "attention":
            outputs[ATTENTION] = ["batch", "length"]
        try:
            int8 = precision == "int8"
            graph = write_graph(config, head, description.target, encoder, top, int8=int8)
            self._session = _open(graph.proto(INPUTS, outputs), folder)
        except (KeyError, ValueError, *ERRORS) as error:
            raise self._unfit(error) from error

    def probabilities(self, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
        """Return the probabilities of some rows, float32 [n_rows, n_labels]."""
        return self._run(PROBABILITIES, inputs, rows)

    def attention(self, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
        """Return the weights of the attention pooling, float32 [n_rows, width]."""
        return self._run(ATTENTION, inputs, rows)

    def _run(self, output: str, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
        """Compute an output; raises InputError if the weights do not fit each other, or the tokens."""
        try:
            return np.asarray(self._session.run([output], inputs.padded(rows))[0])
        except ERRORS as error:
            raise self._unfit(error) from error

    def _unfit(self, error: Exception) -> InputError:
        return InputError(
            f"{self._folder}: its weights are not those that {ENCODER_CONFIG} and head.json ask for"
            f" ({' '.join(str(error).split())}); {REMEDY}"
        )


def has_engine(folder: Path, description: Described) -> bool:
    """Return whether the model in ``folder`` can be an Engine."""
    if description.medium != "text":
        return False
    return can_write(_config(folder), description.head)


def _config(folder: Path) -> dict:
    return read_json(folder / ENCODER_CONFIG, EncoderConfig, remedy=REMEDY)


def _open(proto: bytes, folder: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors alone
    options.add_session_config_entry(WEIGHTS_FOLDER, str(folder))
    return onnxruntime.InferenceSession(proto, options, providers=["CPUExecutionProvider"])
