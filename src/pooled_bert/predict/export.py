"""A fold's model for other programs: a Hugging Face folder, a TensorFlow SavedModel or an ONNX file; each is checked.

Exports compute in float32, whatever precision the fold was trained in.
"""

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf

from ..base.errors import InputError
from ..base.files import atomic_path, write_json
from ..inputs.pair_tokens import PairTokens
from ..inputs.tokens import SIGNATURE
from ..models.classifier import Classifier, load_classifier
from ..models.encoders import clear_when_full
from ..models.inference import forward_function
from ..models.outputs import probabilities
from ..models.precision import set_precision

INPUTS = tuple(SIGNATURE)
OUTPUT = "probabilities"
CARD = "README.md"
RECORD = "export.json"  # marks a folder as an export
OPSET = 17  # version of ONNX's operators, from 2022; it has all operators that the models need
TOLERANCE = 1e-4  # largest difference of a probability that is accepted
CONVERTER = "tf2onnx==1.17.0"  # needed for ONNX alone

# the three inputs, int32 [batch, length] each -> probabilities, float32 [batch, n_labels]
Function = Callable[[dict[str, np.ndarray]], np.ndarray]


def load_float32(folder: Path) -> Classifier:
    """Load the model of a finished fold (its folder ``model``) to compute in float32; raises InputError."""
    set_precision("float32")
    return load_classifier(folder)


def export(classifier: Classifier, output: Path, form: str, origin: dict, card: str | None = None) -> float:
    """Write the model as ``form`` (a name in FORMS); return the largest difference of a probability from the fold's.

    ``origin`` names the fold. It is written, together with the classifier's ``head``, into ``export.json`` of a folder
    or into the metadata of an ONNX file. ``card`` becomes README.md of a folder. The export is then read and compared
    with the model on made-up batches. Raises InputError, and writes nothing, if a probability differs by more than
    ``TOLERANCE``.
    """
    write, read = FORMS[form]
    with atomic_path(output) as temporary:
        write(classifier, temporary, {**origin, **classifier.head})
        if card is not None and temporary.is_dir():
            (temporary / CARD).write_text(card, encoding="utf-8")
        difference = largest_difference(classifier, read(temporary))
        if not difference <= TOLERANCE:  # true for NaN too
            raise InputError(
                f"{output}: is not written, because its probabilities would differ from the fold's by"
                f" {difference:.1e}; try another --format"
            )
    return difference


def largest_difference(classifier: Classifier, other: Function) -> float:
    """Return the largest difference of a probability between model and export, over made-up batches of three shapes."""
    longest = classifier.text_reader.max_length
    forward = forward_function(classifier.model)
    batches = (made_up(classifier, *shape) for shape in ((1, 3), (5, longest // 2 + 1), (8, longest)))
    return float(max(np.abs(forward(batch).numpy() - other(batch)).max() for batch in batches))


def made_up(classifier: Classifier, n_rows: int, width: int) -> dict[str, np.ndarray]:
    """Make a batch of random tokens, int32 [n_rows, width] per input: one row is full, the others are padded.

    The token types are random too, as pairs of texts have both.
    """
    random = np.random.default_rng([n_rows, width])
    lengths = np.array([width, *random.integers(2, width + 1, n_rows - 1)])
    flat = random.integers(len(classifier.text_reader.tokenizer), size=lengths.sum(), dtype=np.int32)
    types = random.integers(2, size=len(flat), dtype=np.int32)
    tokens = PairTokens(np.stack([flat, types], axis=1), np.cumsum([0, *lengths]))
    return tokens.padded(np.arange(n_rows))


def onnx_session(path: Path, threads: int = 0):
    """Return an ``onnxruntime.InferenceSession`` on the CPU; 0 threads: ONNX Runtime picks the number."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "1")  # frees the cores between calls
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_onnx(session, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Return probabilities, float32 [batch, n_labels]; ``inputs``: the three inputs, int32 [batch, length] each."""
    return session.run([OUTPUT], inputs)[0]


def _write_huggingface(classifier: Classifier, folder: Path, record: dict) -> None:
    if classifier.head["architecture"] != "bert":
        raise InputError(
            "--format huggingface: Hugging Face has no model class for a blstm; export it as savedmodel or onnx"
        )
    folder.mkdir()
    classifier.save(folder)
    write_json(folder / RECORD, record)


def _read_huggingface(folder: Path) -> Function:
    forward = forward_function(load_classifier(folder).model)
    return lambda inputs: forward(inputs).numpy()


class _Variables(tf.Module):
    """A module of variables alone: TensorFlow saves them with a SavedModel."""

    def __init__(self, variables: Sequence[tf.Variable]):
        super().__init__()
        self.weights = variables


def _write_savedmodel(classifier: Classifier, folder: Path, record: dict) -> None:
    """Write only the model's variables and its serving function, so that loading it does not need Keras."""
    module = _Variables(classifier.model.variables)
    with clear_when_full():
        tf.saved_model.save(module, str(folder), {"serving_default": _serving_function(classifier.model)})
        classifier.text_reader.tokenizer.save_pretrained(folder)
    write_json(folder / RECORD, record)


def _read_savedmodel(folder: Path) -> Function:
    module = tf.saved_model.load(str(folder))
    serve = module.signatures["serving_default"]

    def function(inputs: dict[str, np.ndarray]) -> np.ndarray:
        return serve(**{name: tf.constant(value) for name, value in inputs.items()})[OUTPUT].numpy()

    function.module = module  # keeps the module alive; its signatures do not
    return function


def _write_onnx(classifier: Classifier, path: Path, record: dict) -> None:
    try:
        import tf2onnx
    except ImportError as error:
        raise InputError(f"--format onnx: {error}; pip install {CONVERTER}") from error
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    proto, _ = tf2onnx.convert.from_function(_serving_function(classifier.model), _signature(), opset=OPSET)
    for value in (*proto.graph.input, *proto.graph.output):
        for axis, name in zip(value.type.tensor_type.shape.dim, ("batch", "length"), strict=True):
            if not axis.dim_value:
                axis.dim_param = name
    onnx.helper.set_model_props(proto, {"export": json.dumps(record)})
    path.write_bytes(proto.SerializeToString())


def _read_onnx(path: Path) -> Function:
    session = onnx_session(path)
    return lambda inputs: run_onnx(session, inputs)


FORMS = {
    "huggingface": (_write_huggingface, _read_huggingface),
    "savedmodel": (_write_savedmodel, _read_savedmodel),
    "onnx": (_write_onnx, _read_onnx),
}


def _serving_function(model: tf.keras.Model):
    """Return the compiled function from token ids to named probabilities, for any number of rows of any length."""

    @tf.function(input_signature=_signature(), autograph=False)
    def serve(input_ids, token_type_ids, attention_mask):
        inputs = dict(zip(INPUTS, (input_ids, token_type_ids, attention_mask), strict=True))
        return {OUTPUT: probabilities(model(inputs, training=False), model.target)}

    return serve


def _signature() -> list[tf.TensorSpec]:
    return [tf.TensorSpec([None, None], tf.int32, name) for name in INPUTS]
