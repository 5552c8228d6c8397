"""A classifier: a model and the reader that makes its inputs, saved and loaded as one folder."""

import json
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from safetensors import SafetensorError
from safetensors.tensorflow import load_file, save_file
from transformers import PreTrainedTokenizerFast, TFBertModel

from ..base.errors import InputError
from ..base.files import read_json
from ..benchmarks.targets import SEVERAL_LABELS, TARGETS, Target
from ..inputs.tokens import SIGNATURE, TextReader
from .blstm import Blstm, load_blstm
from .encoders import clear_when_full, load_encoder, load_tokenizer
from .network import build_model

HEAD_CONFIG, HEAD_WEIGHTS = "head.json", "head.safetensors"
LOADERS = {"bert": load_encoder, "blstm": load_blstm}  # architecture -> how its encoder is read from a folder


@dataclass(frozen=True)
class Classifier:
    """A model, and the reader that makes its inputs.

    head : what ``head.json`` holds: architecture, target, labels, pooling, dropout, and the reader's settings.
    """

    model: tf.keras.Model
    encoder: TFBertModel | Blstm
    reader: TextReader
    head: dict

    @property
    def target(self) -> Target:
        """The kind of target."""
        return self.model.target

    def save(self, folder: Path) -> None:
        """Write encoder and tokenizer in Hugging Face's format (``--encoder`` reads it), and the head beside them."""
        (folder / HEAD_CONFIG).write_text(json.dumps(self.head, indent=2) + "\n", encoding="utf-8")
        with clear_when_full():
            self.encoder.save_pretrained(folder, safe_serialization=True)
            self.reader.tokenizer.save_pretrained(folder)
            head = _head_weights(self.model)
            tensors = {name: tf.convert_to_tensor(weight) for name, weight in head.items()}
            save_file(tensors, folder / HEAD_WEIGHTS)


def load_classifier(folder: Path) -> Classifier:
    """Load a classifier that ``Classifier.save`` wrote, e.g. a finished fold's folder ``model``; raises InputError."""
    head = read_json(folder / HEAD_CONFIG)
    architecture = str(head.get("architecture"))
    target = str(head.get("target", SEVERAL_LABELS.name))  # earlier revisions wrote no target
    if architecture not in LOADERS or target not in TARGETS:
        raise InputError(
            f"{folder / HEAD_CONFIG}: the architecture {architecture!r} or the target {target!r} is unknown; train the"
            " fold again"
        )
    tokenizer = load_tokenizer(str(folder), [])
    encoder = LOADERS[architecture](str(folder), tokenizer)
    model = build_model(
        encoder,
        SIGNATURE,
        target=TARGETS[target],
        n_labels=len(head["labels"]),
        pooling=head["pooling"],
        dropout=head["dropout"],
    )
    try:
        weights = load_file(folder / HEAD_WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(
            f"{folder / HEAD_WEIGHTS}: cannot be read ({error}); train the fold again"
        ) from error
    variables = _head_weights(model)
    if weights.keys() != variables.keys():
        raise InputError(
            f"{folder / HEAD_WEIGHTS}: does not hold the weights that {HEAD_CONFIG} asks for; train the fold again"
        )
    for name, variable in variables.items():
        variable.assign(weights[name])
    return Classifier(model, encoder, text_reader(tokenizer, head), head)


def text_reader(tokenizer: PreTrainedTokenizerFast, head: dict) -> TextReader:
    """Return the reader with the settings in a classifier's ``head``."""
    return TextReader(tokenizer, head["max_length"], head["truncation"], head["windows"])


def _head_weights(model: tf.keras.Model) -> dict[str, tf.Variable]:
    """Return the weights above the encoder, by name."""
    kernel, bias = model.classify.get_layer("logits").weights
    pooling = enumerate(model.classify.get_layer("pooling").weights)
    return {"kernel": kernel, "bias": bias, **{f"pooling_{index}": weight for index, weight in pooling}}
